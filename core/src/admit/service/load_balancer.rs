//! Rules on what only load balancers have.

use super::{ANNOTATION_SOURCE_RANGES, LOAD_BALANCER, cluster_ips::level};
use crate::{
    admit::{
        Gates,
        field::{Field, METADATA, Notes, SPEC},
        syntax,
    },
    api::{Service, ServiceSpec},
};
use std_alloc::string::ToString;

const ONLY: &str = "may only be set for type LoadBalancer";

pub(super) fn rules(service: &Service, old: Option<&Service>, gates: &Gates, notes: &mut Notes) {
    let spec = &service.spec;
    if spec.load_balancer_source_ranges.is_empty() {
        annotation(service, old, gates, notes);
    } else {
        ranges(spec, old.map(|old| &old.spec), gates, notes);
    }
    let is_balancer = spec.r#type == LOAD_BALANCER;
    match (is_balancer, spec.allocate_load_balancer_node_ports) {
        (false, Some(_)) => notes.forbidden(SPEC.child("allocateLoadBalancerNodePorts"), ONLY),
        // Kubernetes leaves `spec.` out here.
        (true, None) => notes.required(
            Field::root("allocateLoadBalancerNodePorts"),
            "type LoadBalancer needs to know whether to allocate node ports",
        ),
        _ => {}
    }
    class(spec, notes);
}

/// Called twice on update, as Kubernetes does.
pub(super) fn class(spec: &ServiceSpec, notes: &mut Notes) {
    let at = SPEC.child("loadBalancerClass");
    match &spec.load_balancer_class {
        Some(_) if spec.r#type != LOAD_BALANCER => notes.forbidden(at, ONLY),
        Some(class) => notes.problems(at, class, syntax::qualified_name(class)),
        None => {}
    }
}

/// Blanks around a range are tolerated, in the older object as well.
fn ranges(spec: &ServiceSpec, old: Option<&ServiceSpec>, gates: &Gates, notes: &mut Notes) {
    // Kubernetes writes the field's name with a capital L here.
    let list = SPEC.child("LoadBalancerSourceRanges");
    if spec.r#type != LOAD_BALANCER {
        notes.forbidden(list, ONLY);
    }
    for (i, text) in spec.load_balancer_source_ranges.iter().enumerate() {
        let text = text.trim();
        let stood_there = old.is_some_and(|old| {
            old.load_balancer_source_ranges.iter().any(|old| old.trim() == text)
        });
        if !stood_there {
            range(text, gates, list.index(i), notes);
        }
    }
}

/// The older annotation, which counts when the field is empty.
fn annotation(service: &Service, old: Option<&Service>, gates: &Gates, notes: &mut Notes) {
    let annotations = METADATA.child("annotations");
    let at = annotations.key(ANNOTATION_SOURCE_RANGES);
    let Some(text) = service.metadata.annotations.get(ANNOTATION_SOURCE_RANGES) else { return };
    if service.spec.r#type != LOAD_BALANCER {
        notes.forbidden(at, ONLY);
    }
    let before = old.and_then(|old| old.metadata.annotations.get(ANNOTATION_SOURCE_RANGES));
    if before == Some(text) || text.trim().is_empty() {
        return;
    }
    for part in text.split(',') {
        range(part.trim(), gates, at, notes);
    }
}

fn range(text: &str, gates: &Gates, at: Field<'_>, notes: &mut Notes) {
    if let Err(problem) = syntax::cidr(text, level(gates)) {
        notes.invalid(at, text, &problem.to_string());
    }
}
