//! Which endpoints a node may use for a service port.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use serde::Deserialize;
use serde_json::Value;
use svckit::{
    forward::{Candidate, Categorised, Viewpoint, Wanted, categorise},
    model::{Conditions, TrafficPolicy},
};

use super::Case;

#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    node_hints_enabled: bool,
    #[serde(default)]
    node_name: String,
    node_zone: Option<String>,
    service: Service,
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Service {
    internal_policy: String,
    external_policy: String,
    externally_accessible: bool,
}

#[derive(Deserialize)]
struct Endpoint {
    addr: SocketAddr,
    local: bool,
    ready: bool,
    serving: bool,
    terminating: bool,
    #[serde(default)]
    zone_hints: Vec<Arc<str>>,
    #[serde(default)]
    node_hints: Vec<Arc<str>>,
}

#[derive(Deserialize)]
struct Expect {
    cluster: Option<BTreeSet<SocketAddr>>,
    local: Option<BTreeSet<SocketAddr>>,
    all_reachable: BTreeSet<SocketAddr>,
    has_any_endpoints: bool,
    hint_mode: String,
}

/// Runs both sections of the file.
pub(super) fn run(document: &Value) -> Vec<Case> {
    let sections =
        ["cases", "derived"].into_iter().filter_map(|name| document.get(name)?.as_array());
    sections.flatten().map(case).collect()
}

fn case(case: &Value) -> Case {
    let id = case["id"].as_str().unwrap_or("?");
    match check(case) {
        Ok(()) => Case { id: id.into(), outcome: Ok(()) },
        Err(reason) => Case::failed(id, reason),
    }
}

fn check(case: &Value) -> Result<(), String> {
    let read = |error: serde_json::Error| format!("unreadable: {error}");
    let input = Input::deserialize(&case["input"]).map_err(read)?;
    let expect = Expect::deserialize(&case["expect"]).map_err(read)?;
    let sets = categorised(&input)?;
    let set = |list: &[SocketAddr]| list.iter().copied().collect::<BTreeSet<_>>();
    let came = (
        set(&sets.cluster),
        set(&sets.local),
        sets.reachable().collect::<BTreeSet<_>>(),
        sets.has_any,
        sets.hints.mode(),
    );
    let expected = (
        expect.cluster.unwrap_or_default(),
        expect.local.unwrap_or_default(),
        expect.all_reachable,
        expect.has_any_endpoints,
        expect.hint_mode.as_str(),
    );
    if came == expected { Ok(()) } else { Err(format!("expected {expected:?}, came {came:?}")) }
}

fn categorised(input: &Input) -> Result<Categorised, String> {
    let candidates: Vec<_> = input
        .endpoints
        .iter()
        .map(|e| Candidate {
            addr: e.addr,
            local: e.local,
            conditions: Conditions {
                ready: e.ready,
                serving: e.serving,
                terminating: e.terminating,
            },
            zone_hints: &e.zone_hints,
            node_hints: &e.node_hints,
        })
        .collect();
    let service = &input.service;
    let wanted = Wanted::of(
        policy(&service.internal_policy)?,
        policy(&service.external_policy)?,
        service.externally_accessible,
    );
    let zone = input.node_zone.as_deref().unwrap_or_default();
    let node_hints = input.node_hints_enabled;
    Ok(categorise(&candidates, wanted, Viewpoint { node: &input.node_name, zone, node_hints }))
}

/// Reads a traffic policy.
pub(super) fn policy(text: &str) -> Result<TrafficPolicy, String> {
    match text {
        "Cluster" => Ok(TrafficPolicy::Cluster),
        "Local" => Ok(TrafficPolicy::Local),
        _ => Err(format!("unknown policy {text:?}")),
    }
}
