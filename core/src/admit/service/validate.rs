//! All rules, in one call.

use super::{
    ANNOTATION_TOPOLOGY_HINTS, ANNOTATION_TOPOLOGY_MODE, CLUSTER_IP, EXTERNAL_NAME, LOAD_BALANCER,
    NODE_PORT, affinity, cluster_ips, is_headless, load_balancer, ports, traffic, transition,
};
use crate::{
    admit::{
        Gates,
        field::{METADATA, Notes, SPEC},
        metadata::{self, Naming},
        syntax,
    },
    api::Service,
    finding::Finding,
};
use std_alloc::vec::Vec;

/// Everything that refuses a new Service; empty when it is right.
///
/// The object must have its defaults. Costs O(size of the object), and allocates only for findings.
///
/// ```
/// use svckit::{admit::{Gates, service}, api::Service};
///
/// let mut cart = Service::default();
/// cart.metadata.name = "cart".into();
/// cart.metadata.namespace = "shop".into();
/// service::default(&mut cart);
/// let findings = service::validate(&cart, &Gates::default());
/// assert_eq!(findings[0].path, "spec.ports");
/// ```
#[must_use]
pub fn validate(service: &Service, gates: &Gates) -> Vec<Finding> {
    let mut notes = Notes::default();
    let name = if gates.relaxed_service_name_validation {
        syntax::rfc1123_label
    } else {
        syntax::rfc1035_label
    };
    metadata::create(&service.metadata, Naming { name, namespaced: true }, &mut notes);
    both(service, None, gates, &mut notes);
    notes.0
}

/// Everything that refuses `new` in place of `old`.
///
/// What an older rule let in stays: texts of addresses that stand in `old` are not looked at again, nor is the name.
#[must_use]
pub fn validate_update(new: &Service, old: &Service, gates: &Gates) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::update(&new.metadata, &old.metadata, &mut notes);
    transition::rules(new, old, &mut notes);
    both(new, Some(old), gates, &mut notes);
    notes.0
}

/// Rules for creation and update alike.
fn both(service: &Service, old: Option<&Service>, gates: &Gates, notes: &mut Notes) {
    topology(service, notes);
    of_type(service, notes);
    ports::rules(service, notes);
    if let Some(selector) = &service.spec.selector {
        metadata::labels(selector, SPEC.child("selector"), notes);
    }
    affinity::rules(&service.spec, notes);
    if service.spec.r#type != EXTERNAL_NAME {
        cluster_ips::rules(&service.spec, old.map(|old| &old.spec), gates, notes);
    }
    cluster_ips::external(&service.spec, old.map(|old| &old.spec), gates, notes);
    load_balancer::rules(service, old, gates, notes);
    traffic::rules(&service.spec, gates, notes);
}

/// Two names of one annotation must agree.
fn topology(service: &Service, notes: &mut Notes) {
    let annotation = |key| service.metadata.annotations.get(key);
    if let (Some(mode), Some(hints)) =
        (annotation(ANNOTATION_TOPOLOGY_MODE), annotation(ANNOTATION_TOPOLOGY_HINTS))
        && mode != hints
    {
        notes.invalid(
            METADATA.child("annotations").key(ANNOTATION_TOPOLOGY_MODE),
            mode,
            "must match the annotation service.kubernetes.io/topology-aware-hints when both are there",
        );
    }
}

/// What each type must and must not have.
fn of_type(service: &Service, notes: &mut Notes) {
    let spec = &service.spec;
    let types = [CLUSTER_IP, NODE_PORT, LOAD_BALANCER, EXTERNAL_NAME];
    notes.one_of(SPEC.child("type"), &spec.r#type, &types);
    let headless = is_headless(spec);
    if spec.ports.is_empty() && !headless && spec.r#type != EXTERNAL_NAME {
        notes.required(
            SPEC.child("ports"),
            "only headless and ExternalName Services can do without",
        );
    }
    match spec.r#type.as_str() {
        LOAD_BALANCER | NODE_PORT if headless => {
            let first = SPEC.child("clusterIPs");
            notes.invalid(first.index(0), "None", "a Service of this type can't be headless");
        }
        EXTERNAL_NAME => external_name(service, notes),
        _ => {}
    }
}

fn external_name(service: &Service, notes: &mut Notes) {
    let spec = &service.spec;
    let unwanted = [
        ("clusterIPs", !spec.cluster_ips.is_empty()),
        ("ipFamilies", !spec.ip_families.is_empty()),
        ("ipFamilyPolicy", spec.ip_family_policy.is_some()),
    ];
    for (field, _) in unwanted.into_iter().filter(|(_, set)| *set) {
        notes.forbidden(SPEC.child(field), "must not be set for type ExternalName");
    }
    let name = spec.external_name.strip_suffix('.').unwrap_or(&spec.external_name);
    let at = SPEC.child("externalName");
    if name.is_empty() {
        notes.required(at, "type ExternalName needs the name it stands for");
    } else {
        notes.problems(at, &spec.external_name, syntax::rfc1123_subdomain(name));
    }
}
