//! Which address families a Service gets.

use super::{
    EXTERNAL_NAME, PREFER_DUAL_STACK, REQUIRE_DUAL_STACK, SINGLE_STACK,
    cluster_ips::{self, family_of},
    is_headless,
};
use crate::{
    admit::{
        Gates,
        field::{Notes, SPEC},
    },
    api::{Service, ServiceSpec},
    finding::Finding,
    model::Family,
};
use std_alloc::{format, string::String, vec::Vec};

/// Fills in `ipFamilyPolicy` and `ipFamilies`, or says why they can't be had.
///
/// `cluster` are the families of the cluster, the default one first; `old` is the stored object on update. The object
/// must have its defaults and have been normalised. On findings it may be half filled in and should be dropped.
///
/// ```
/// use svckit::{admit::{Gates, service}, api::Service, model::Family};
///
/// let mut cart = Service::default();
/// cart.spec.ip_family_policy = Some("PreferDualStack".into());
/// let findings = service::fill_families(&mut cart, None, &[Family::V6, Family::V4], &Gates::default());
/// assert!(findings.is_empty());
/// assert_eq!(cart.spec.ip_families, ["IPv6", "IPv4"]);
/// ```
pub fn fill_families(
    service: &mut Service,
    old: Option<&Service>,
    cluster: &[Family],
    gates: &Gates,
) -> Vec<Finding> {
    let old = old.map(|old| &old.spec);
    let spec = &mut service.spec;
    if spec.r#type == EXTERNAL_NAME || old.is_some_and(|old| is_settled(spec, old)) {
        return Vec::new();
    }
    if spec.ip_family_policy.is_none() {
        let before = old.and_then(|old| old.ip_family_policy.clone());
        let by_kind =
            if is_selectorless_headless(spec) { REQUIRE_DUAL_STACK } else { SINGLE_STACK };
        spec.ip_family_policy = Some(before.unwrap_or_else(|| by_kind.into()));
    }
    let mut notes = Notes::default();
    cluster_ips::rules(spec, old, gates, &mut notes);
    if notes.0.is_empty() {
        reconcile(spec, old, cluster, &mut notes);
    }
    notes.0
}

/// A Service that prefers two families and leaves addresses and families alone keeps what it has: a cluster that
/// gains or loses a family converts nobody.
fn is_settled(new: &ServiceSpec, old: &ServiceSpec) -> bool {
    let prefers = |spec: &ServiceSpec| spec.ip_family_policy.as_deref() == Some(PREFER_DUAL_STACK);
    new.r#type == old.r#type
        && prefers(new)
        && prefers(old)
        && new.cluster_ips == old.cluster_ips
        && new.ip_families == old.ip_families
}

fn is_selectorless_headless(spec: &ServiceSpec) -> bool {
    is_headless(spec) && spec.selector.as_ref().is_none_or(|selector| selector.is_empty())
}

fn is_single(spec: &ServiceSpec) -> bool {
    spec.ip_family_policy.as_deref() == Some(SINGLE_STACK)
}

/// The steps that need the cluster.
fn reconcile(
    spec: &mut ServiceSpec,
    old: Option<&ServiceSpec>,
    cluster: &[Family],
    notes: &mut Notes,
) {
    if let Some(old) = old {
        shrink(spec, old, notes);
    }
    fits_policy(spec, notes);
    add_families_of_addresses(spec, cluster, notes);
    if !notes.0.is_empty() {
        return;
    }
    let Some(default) = cluster.first() else { return };
    if is_selectorless_headless(spec) {
        // Whoever writes the endpoints may have both families, whatever the cluster has.
        fill(spec, *default, true);
        return;
    }
    exists_in(spec, cluster, notes);
    if notes.0.is_empty() {
        fill(spec, *default, cluster.len() > 1);
    }
}

/// An update may give up the second of two, by its policy or by its lists.
fn shrink(spec: &mut ServiceSpec, old: &ServiceSpec, notes: &mut Notes) {
    if is_single(spec) {
        for (list, before) in
            [(&mut spec.cluster_ips, &old.cluster_ips), (&mut spec.ip_families, &old.ip_families)]
        {
            if list.len() == 2 && list == before {
                list.truncate(1);
            }
        }
        return;
    }
    let shorter = [
        (spec.cluster_ips.len() < old.cluster_ips.len(), "cluster IP"),
        (spec.ip_families.len() < old.ip_families.len(), "family"),
    ];
    for (_, what) in shorter.into_iter().filter(|(shorter, _)| *shorter) {
        let message = format!("must be SingleStack to release the second {what}");
        note_policy(spec, &message, notes);
    }
}

fn note_policy(spec: &ServiceSpec, message: &str, notes: &mut Notes) {
    let policy = spec.ip_family_policy.as_deref().unwrap_or_default();
    notes.invalid(SPEC.child("ipFamilyPolicy"), policy, message);
}

/// One family means one address.
fn fits_policy(spec: &ServiceSpec, notes: &mut Notes) {
    if !is_single(spec) {
        return;
    }
    for (_, what) in [(spec.cluster_ips.len(), "cluster IPs"), (spec.ip_families.len(), "families")]
        .into_iter()
        .filter(|(count, _)| *count > 1)
    {
        let message = format!("must be RequireDualStack or PreferDualStack for two {what}");
        note_policy(spec, &message, notes);
    }
}

/// A given address says its family.
fn add_families_of_addresses(spec: &mut ServiceSpec, cluster: &[Family], notes: &mut Notes) {
    if is_headless(spec) {
        return;
    }
    let list = SPEC.child("clusterIPs");
    for (i, text) in spec.cluster_ips.iter().enumerate().skip(spec.ip_families.len()) {
        let Some(family) = family_of(text) else { continue };
        if !cluster.contains(&family) {
            let message = format!("the cluster has no {family} addresses for Services");
            notes.invalid(list.index(i), text, &message);
        }
        spec.ip_families.push(family.as_str().into());
    }
}

/// The cluster has what is asked for.
fn exists_in(spec: &ServiceSpec, cluster: &[Family], notes: &mut Notes) {
    if spec.ip_family_policy.as_deref() == Some(REQUIRE_DUAL_STACK) && cluster.len() < 2 {
        note_policy(spec, "the cluster has addresses of one family only", notes);
    }
    let list = SPEC.child("ipFamilies");
    for (i, family) in spec.ip_families.iter().enumerate() {
        if !Family::parse(family).is_some_and(|family| cluster.contains(&family)) {
            notes.invalid(list.index(i), family, "the cluster has no addresses of this family");
        }
    }
}

/// The default family if there is none yet, and the other one where two are wanted and `can_be_dual`.
fn fill(spec: &mut ServiceSpec, default: Family, can_be_dual: bool) {
    let text = |family: Family| String::from(family.as_str());
    if spec.ip_families.is_empty() {
        spec.ip_families.push(text(default));
    }
    if let [only] = spec.ip_families.as_slice()
        && !is_single(spec)
        && can_be_dual
        && let Some(family) = Family::parse(only)
    {
        spec.ip_families.push(text(family.other()));
    }
}
