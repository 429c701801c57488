//! Rules on addresses and families.

use super::{NONE, PREFER_DUAL_STACK, REQUIRE_DUAL_STACK, SINGLE_STACK, is_headless};
use crate::{
    admit::{
        Gates,
        field::{Field, Notes, SPEC},
        syntax::{self, Level},
    },
    api::ServiceSpec,
    model::Family,
};
use std_alloc::{
    format,
    string::{String, ToString},
};

/// Rules on cluster IPs, families and their policy; not for ExternalName. Also the gate of
/// [`super::fill_families`].
pub(super) fn rules(
    spec: &ServiceSpec,
    old: Option<&ServiceSpec>,
    gates: &Gates,
    notes: &mut Notes,
) {
    primary(spec, notes);
    families(spec, notes);
    let before = old.map_or(&[][..], |old| &old.cluster_ips);
    let readable = texts(spec, before, gates, notes);
    let list = SPEC.child("clusterIPs");
    if spec.cluster_ips.len() > 2 {
        notes.invalid(list, spec.cluster_ips.join(","), "must hold at most two addresses");
    }
    if !readable {
        return;
    }
    let has = |family| spec.cluster_ips.iter().any(|text| family_of(text) == Some(family));
    if spec.cluster_ips.len() > 1 && !(has(Family::V4) && has(Family::V6)) {
        notes.invalid(list, spec.cluster_ips.join(","), "must hold one address of each family");
    }
    if is_headless(spec) {
        return;
    }
    for (i, (text, family)) in spec.cluster_ips.iter().zip(&spec.ip_families).enumerate() {
        let wanted = Family::parse(family);
        if wanted.is_some_and(|wanted| family_of(text) == Some(wanted.other())) {
            let message = format!("must be an {family} address, as spec.ipFamilies[{i}] says");
            notes.invalid(list.index(i), text, &message);
        }
    }
}

/// `clusterIP` is the first of `clusterIPs`.
fn primary(spec: &ServiceSpec, notes: &mut Notes) {
    let list = SPEC.child("clusterIPs");
    match (spec.cluster_ip.as_str(), spec.cluster_ips.first()) {
        ("", Some(first)) => notes.invalid(list, first, "must be empty when clusterIP is"),
        ("", None) => {}
        (_, None) => notes.required(list, "must hold what clusterIP says"),
        (single, Some(first)) if single != first => {
            notes.invalid(list, first, "the first one must be what clusterIP says");
        }
        _ => {}
    }
}

fn families(spec: &ServiceSpec, notes: &mut Notes) {
    let list = SPEC.child("ipFamilies");
    for (i, family) in spec.ip_families.iter().enumerate() {
        if Family::parse(family).is_none() {
            notes.not_supported(list.index(i), family, &["IPv4", "IPv6"]);
        }
        if spec.ip_families.iter().take(i).any(|earlier| earlier == family) {
            notes.duplicate(list.index(i), family, "families must be distinct");
        }
    }
    if let Some(policy) = &spec.ip_family_policy {
        let policies = [SINGLE_STACK, PREFER_DUAL_STACK, REQUIRE_DUAL_STACK];
        if !policies.contains(&policy.as_str()) {
            notes.not_supported(SPEC.child("ipFamilyPolicy"), policy, &policies);
        }
    }
}

/// Whether all cluster IPs can be read, so that further rules make sense.
fn texts(spec: &ServiceSpec, before: &[String], gates: &Gates, notes: &mut Notes) -> bool {
    let list = SPEC.child("clusterIPs");
    let mut readable = true;
    for (i, text) in spec.cluster_ips.iter().enumerate() {
        if i == 0 && text == NONE {
            if spec.cluster_ips.len() > 1 {
                readable = false;
                notes.invalid(list, spec.cluster_ips.join(","), "'None' must stand alone");
            }
            continue;
        }
        readable &= legacy_ip(text, before, gates, list.index(i), notes);
    }
    readable
}

/// Addresses that somebody else routes: readable, and no special ones.
pub(super) fn external(
    spec: &ServiceSpec,
    old: Option<&ServiceSpec>,
    gates: &Gates,
    notes: &mut Notes,
) {
    let list = SPEC.child("externalIPs");
    let before = old.map_or(&[][..], |old| &old.external_ips);
    for (i, text) in spec.external_ips.iter().enumerate() {
        let at = list.index(i);
        if legacy_ip(text, before, gates, at, notes)
            && let Ok(addr) = syntax::ip(text, Level::Lenient)
        {
            notes.problems(at, text, syntax::endpoint_address(addr));
        }
    }
}

/// An address in an older field: at the level of the gate, unless it stood there `before`.
pub(in crate::admit) fn legacy_ip(
    text: &str,
    before: &[String],
    gates: &Gates,
    at: Field<'_>,
    notes: &mut Notes,
) -> bool {
    if before.iter().any(|old| old == text) {
        return true;
    }
    match syntax::ip(text, level(gates)) {
        Ok(_) => true,
        Err(problem) => {
            notes.invalid(at, text, &problem.to_string());
            false
        }
    }
}

/// How strictly older fields are read.
pub(in crate::admit) fn level(gates: &Gates) -> Level {
    if gates.strict_ip_cidr_validation { Level::Strict } else { Level::Lenient }
}

pub(super) fn family_of(text: &str) -> Option<Family> {
    syntax::ip(text, Level::Lenient).ok().map(Family::of)
}
