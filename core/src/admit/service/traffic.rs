//! Rules on traffic policies and distribution.

use super::{is_externally_reachable, needs_cluster_ip, needs_health_check, ports};
use crate::{
    admit::{
        Gates,
        field::{Notes, SPEC},
    },
    api::ServiceSpec,
};

const POLICIES: [&str; 2] = ["Cluster", "Local"];

pub(super) fn rules(spec: &ServiceSpec, gates: &Gates, notes: &mut Notes) {
    external(spec, notes);
    health_check(spec, notes);
    internal(spec, notes);
    distribution(spec, gates, notes);
}

fn external(spec: &ServiceSpec, notes: &mut Notes) {
    let at = SPEC.child("externalTrafficPolicy");
    let policy = spec.external_traffic_policy.as_str();
    if is_externally_reachable(spec) {
        notes.one_of(at, policy, &POLICIES);
    } else if !policy.is_empty() {
        notes.invalid(at, policy, "may only be set for Services that can be reached from outside");
    }
}

fn health_check(spec: &ServiceSpec, notes: &mut Notes) {
    let at = SPEC.child("healthCheckNodePort");
    match (needs_health_check(spec), spec.health_check_node_port) {
        (false, 0) => {}
        (false, port) => notes.invalid(
            at,
            port,
            "may only be set for type LoadBalancer with externalTrafficPolicy Local",
        ),
        (true, 0) => {
            notes.required(at, "type LoadBalancer with externalTrafficPolicy Local needs one");
        }
        (true, port) => ports::number(port, at, notes),
    }
}

fn internal(spec: &ServiceSpec, notes: &mut Notes) {
    let at = SPEC.child("internalTrafficPolicy");
    match spec.internal_traffic_policy.as_deref() {
        None if needs_cluster_ip(spec) => notes.required(at, "must be one of Cluster, Local"),
        Some(policy) if !POLICIES.contains(&policy) => notes.not_supported(at, policy, &POLICIES),
        _ => {}
    }
}

fn distribution(spec: &ServiceSpec, gates: &Gates, notes: &mut Notes) {
    let all = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    let known = if gates.prefer_same_traffic_distribution { &all[..] } else { &["PreferClose"] };
    if let Some(wish) = spec.traffic_distribution.as_deref()
        && !known.contains(&wish)
    {
        notes.not_supported(SPEC.child("trafficDistribution"), wish, known);
    }
}
