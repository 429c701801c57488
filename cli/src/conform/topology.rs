//! Kind `topology`: which endpoints of a service port a node may use.

use serde_json::{Value, json};
use std::sync::Arc;
use svckit::{
    forward::{Endpoint, HintMode, Policies, Viewpoint, categorise},
    model::{Conditions, TrafficPolicy},
};

use super::Case;

pub(crate) fn run(document: &Value) -> Vec<Case> {
    let section = |name| document.get(name).and_then(Value::as_array).into_iter().flatten();
    section("cases").chain(section("derived")).map(case).collect()
}

fn case(case: &Value) -> Case {
    let id = case.get("id").and_then(Value::as_str).unwrap_or("a case without an id");
    match came(&case["input"]) {
        None => Case::failed(id, "the input can't be read"),
        Some(came) => {
            // The upstream table's own marker; it has no counterpart in the result.
            let mut expected = case["expect"].clone();
            if let Some(fields) = expected.as_object_mut() {
                fields.remove("only_remote");
                for set in ["cluster", "local", "all_reachable"] {
                    fields.get_mut(set).map(sort);
                }
            }
            Case::equal(id, &expected, &came)
        }
    }
}

/// Sets are compared whatever their order; of an absent set and an empty one the file keeps the difference.
fn sort(set: &mut Value) {
    if let Some(items) = set.as_array_mut() {
        items.sort_by_key(Value::to_string);
    }
}

fn came(input: &Value) -> Option<Value> {
    let endpoints: Vec<Endpoint> =
        input["endpoints"].as_array()?.iter().map(endpoint).collect::<Option<_>>()?;
    let service = &input["service"];
    let policies = Policies {
        internal: policy(&service["internal_policy"])?,
        external: policy(&service["external_policy"])?,
        externally_accessible: service["externally_accessible"].as_bool()?,
    };
    let from = Viewpoint {
        node: input["node_name"].as_str()?,
        zone: input["node_zone"].as_str(),
        node_hints: input["node_hints_enabled"].as_bool()?,
    };
    let found = categorise(&endpoints, policies, from);
    let names = |set: &[usize]| {
        let names =
            set.iter().filter_map(|n| endpoints.get(*n)).map(|endpoint| json!(endpoint.addr));
        let mut names = Value::Array(names.collect());
        sort(&mut names);
        names
    };
    Some(json!({
        "cluster": found.cluster.as_deref().map(names),
        "local": found.local.as_deref().map(names),
        "all_reachable": names(&found.reachable),
        "has_any_endpoints": found.has_any,
        "hint_mode": match found.hint_mode {
            HintMode::Node => "node",
            HintMode::Zone => "zone",
            _ => "none",
        },
    }))
}

fn policy(value: &Value) -> Option<TrafficPolicy> {
    match value.as_str()? {
        "Cluster" => Some(TrafficPolicy::Cluster),
        "Local" => Some(TrafficPolicy::Local),
        _ => None,
    }
}

fn endpoint(value: &Value) -> Option<Endpoint> {
    let flag = |name: &str| value[name].as_bool();
    let names = |name: &str| -> Option<Vec<Arc<str>>> {
        value[name].as_array()?.iter().map(|name| name.as_str().map(Arc::from)).collect()
    };
    Some(Endpoint {
        addr: value["addr"].as_str()?.parse().ok()?,
        conditions: Conditions {
            ready: flag("ready")?,
            serving: flag("serving")?,
            terminating: flag("terminating")?,
        },
        local: flag("local")?,
        zone_hints: names("zone_hints")?,
        node_hints: names("node_hints")?,
    })
}
