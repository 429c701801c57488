//! Questions about Services, endpoints and paths.

use super::{errors, read, written};
use crate::svckit_status;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc};
use svckit::{
    admit::{Gates, service},
    api,
    forward::{Candidate, Viewpoint, Wanted, categorise},
    model::{Conditions, Family, TrafficPolicy},
    render::nginx::normalised_uri,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Families {
    families: Vec<String>,
    service: Box<api::Service>,
}

/// What an API server fills in.
pub(super) fn service_families(input: &[u8]) -> Result<Value, svckit_status> {
    let Families { families, mut service } = read(input)?;
    let families: Option<Vec<Family>> = families.iter().map(|text| Family::parse(text)).collect();
    let families = families.ok_or(svckit_status::InvalidArgument)?;
    service::default(&mut service);
    service::normalize(&mut service, None);
    let findings = service::fill_families(&mut service, None, &families, &Gates::default());
    Ok(json!({ "service": written(&service)?, "errors": errors(&findings) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Topology {
    #[serde(default)]
    node: String,
    #[serde(default)]
    zone: String,
    #[serde(default)]
    node_hints: bool,
    internal: String,
    external: String,
    exposed: bool,
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Endpoint {
    addr: SocketAddr,
    #[serde(default)]
    local: bool,
    ready: bool,
    serving: bool,
    terminating: bool,
    #[serde(default)]
    zone_hints: Vec<String>,
    #[serde(default)]
    node_hints: Vec<String>,
}

/// Which endpoints a node may use for a service port.
pub(super) fn topology(input: &[u8]) -> Result<Value, svckit_status> {
    let asked: Topology = read(input)?;
    let arcs = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect();
    let hints: Vec<[Vec<Arc<str>>; 2]> = asked
        .endpoints
        .iter()
        .map(|endpoint| [arcs(&endpoint.zone_hints), arcs(&endpoint.node_hints)])
        .collect();
    let candidates: Vec<_> = asked
        .endpoints
        .iter()
        .zip(&hints)
        .map(|(endpoint, [zone_hints, node_hints])| {
            let Endpoint { addr, local, ready, serving, terminating, .. } = *endpoint;
            let conditions = Conditions { ready, serving, terminating };
            Candidate { addr, local, conditions, zone_hints, node_hints }
        })
        .collect();
    let policy = |text: &str| match text {
        "Cluster" => Ok(TrafficPolicy::Cluster),
        "Local" => Ok(TrafficPolicy::Local),
        _ => Err(svckit_status::InvalidArgument),
    };
    let wanted = Wanted::of(policy(&asked.internal)?, policy(&asked.external)?, asked.exposed);
    let from = Viewpoint { node: &asked.node, zone: &asked.zone, node_hints: asked.node_hints };
    let sets = categorise(&candidates, wanted, from);
    let reachable: Vec<_> = sets.reachable().collect();
    Ok(json!({
        "cluster": sets.cluster,
        "local": sets.local,
        "reachable": reachable,
        "hasAny": sets.has_any,
        "hints": sets.hints.mode(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Uri {
    target: String,
}

/// What nginx matches.
pub(super) fn nginx_uri(input: &[u8]) -> Result<Value, svckit_status> {
    let Uri { target } = read(input)?;
    let uri = normalised_uri(target.as_bytes()).ok();
    Ok(json!({ "uri": uri.map(|uri| String::from_utf8_lossy(&uri).into_owned()) }))
}
