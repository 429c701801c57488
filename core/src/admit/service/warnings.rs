//! What works, though perhaps not as its author thinks.

use super::{
    ANNOTATION_SOURCE_RANGES, ANNOTATION_TOPOLOGY_HINTS, EXTERNAL_NAME, LOAD_BALANCER, NONE,
};
use crate::{
    admit::{
        field::{Field, METADATA, Notes, SPEC},
        syntax,
    },
    api::{Service, ServiceSpec},
    balance::{NAMES, Policy},
    finding::{Finding, Kind},
    model::ANNOTATION_PREFIX,
};
use std_alloc::{format, vec::Vec};

/// What should be told to the author of a Service that is accepted.
///
/// Takes the object as it was written, before defaults: so a headless Service is warned about its session affinity
/// only if somebody asked for one, where Kubernetes warns always.
///
/// ```
/// use svckit::{admit::service, api::Service};
///
/// let mut cart = Service::default();
/// cart.spec.external_ips = vec!["010.0.0.1".into()];
/// assert_eq!(service::warnings(&cart)[0].path, "spec.externalIPs[0]");
/// ```
#[must_use]
pub fn warnings(service: &Service) -> Vec<Finding> {
    let mut notes = Notes::default();
    let spec = &service.spec;
    if service.metadata.annotations.contains_key(ANNOTATION_TOPOLOGY_HINTS) {
        notes.warn(
            Kind::Invalid,
            METADATA.child("annotations").key(ANNOTATION_TOPOLOGY_HINTS),
            "",
            "deprecated; use service.kubernetes.io/topology-mode",
        );
    }
    balancing(service, &mut notes);
    addresses(service, &mut notes);
    if spec.cluster_ip == NONE || spec.cluster_ips.first().is_some_and(|ip| ip == NONE) {
        headless(spec, &mut notes);
    }
    external_name(spec, &mut notes);
    notes.0
}

/// Annotations that say how connections are balanced, and don't.
fn balancing(service: &Service, notes: &mut Notes) {
    let at = METADATA.child("annotations");
    let annotations = service.metadata.annotations.iter();
    let given = annotations.map(|(key, value)| (key.as_str(), value.as_str()));
    let ours =
        given.filter_map(|(key, value)| Some((key, key.strip_prefix(ANNOTATION_PREFIX)?, value)));
    for (key, name, value) in ours {
        if !NAMES.contains(&name) {
            let message =
                format!("svckit has no such annotation of a Service, only {}", NAMES.join(", "));
            notes.warn(Kind::Unknown, at.key(key), value, &message);
        }
        for bad in Policy::from_annotations([(key, value)]).1 {
            notes.warn(Kind::Invalid, at.key(key), value, &format!("must be {}", bad.wanted));
        }
    }
}

/// Odd spellings of addresses and ranges.
fn addresses(service: &Service, notes: &mut Notes) {
    let spec = &service.spec;
    let mut ip = |at: Field<'_>, text: &str| {
        if let Some(odd) = syntax::ip_warning(text) {
            notes.warn(Kind::Invalid, at, text, odd);
        }
    };
    for (list, texts) in [("clusterIPs", &spec.cluster_ips), ("externalIPs", &spec.external_ips)] {
        let list = SPEC.child(list);
        for (i, text) in texts.iter().enumerate() {
            ip(list.index(i), text);
        }
    }
    if spec.cluster_ips.is_empty() {
        ip(SPEC.child("clusterIP"), &spec.cluster_ip);
    }
    let wish = SPEC.child("loadBalancerIP");
    ip(wish, &spec.load_balancer_ip);
    let readable = syntax::ip(&spec.load_balancer_ip, syntax::Level::Lenient).is_ok();
    if !spec.load_balancer_ip.is_empty() && !readable {
        notes.warn(Kind::Invalid, wish, &spec.load_balancer_ip, "not an address; ignored");
    } else if readable && spec.r#type != LOAD_BALANCER {
        let ignored = "ignored unless the type is LoadBalancer";
        notes.warn(Kind::Invalid, wish, &spec.load_balancer_ip, ignored);
    }
    let list = SPEC.child("loadBalancerSourceRanges");
    for (i, text) in spec.load_balancer_source_ranges.iter().enumerate() {
        range(list.index(i), text, notes);
    }
    let annotation = service.metadata.annotations.get(ANNOTATION_SOURCE_RANGES);
    if let (Some(text), true) = (annotation, spec.load_balancer_source_ranges.is_empty()) {
        let annotations = METADATA.child("annotations");
        for part in text.split(',') {
            range(annotations.key(ANNOTATION_SOURCE_RANGES), part, notes);
        }
    }
}

fn range(at: Field<'_>, text: &str, notes: &mut Notes) {
    if let Some(odd) = syntax::cidr_warning(text.trim()) {
        notes.warn(Kind::Invalid, at, text, odd);
    }
}

/// A headless Service has no address that any of this could apply to.
fn headless(spec: &ServiceSpec, notes: &mut Notes) {
    let ignored = "ignored on a headless Service";
    if !spec.load_balancer_ip.is_empty() {
        notes.warn(Kind::Invalid, SPEC.child("loadBalancerIP"), &spec.load_balancer_ip, ignored);
    }
    if let Some(first) = spec.external_ips.first() {
        notes.warn(Kind::Invalid, SPEC.child("externalIPs"), first, ignored);
    }
    if !matches!(spec.session_affinity.as_str(), "" | NONE) {
        notes.warn(Kind::Invalid, SPEC.child("sessionAffinity"), &spec.session_affinity, ignored);
    }
}

fn external_name(spec: &ServiceSpec, notes: &mut Notes) {
    if spec.r#type != EXTERNAL_NAME {
        if !spec.external_name.is_empty() {
            let ignored = "ignored unless the type is ExternalName";
            notes.warn(Kind::Invalid, SPEC.child("externalName"), &spec.external_name, ignored);
        }
        return;
    }
    let ignored = "ignored on type ExternalName, which is only a DNS alias";
    if let Some(first) = spec.external_ips.first() {
        notes.warn(Kind::Invalid, SPEC.child("externalIPs"), first, ignored);
    }
    let ports = SPEC.child("ports");
    for (i, port) in spec.ports.iter().enumerate().filter(|(_, port)| port.node_port != 0) {
        let number = format!("{}", port.node_port);
        notes.warn(Kind::Invalid, ports.index(i).child("nodePort"), &number, ignored);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn paths(change: impl FnOnce(&mut Service)) -> Vec<String> {
        let mut service = Service::default();
        service.spec.r#type = "ClusterIP".into();
        change(&mut service);
        warnings(&service).into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn only_what_somebody_wrote_is_warned_about() {
        assert!(paths(|_| {}).is_empty());
        assert!(paths(|s| s.spec.cluster_ip = "None".into()).is_empty());
        let sticky = paths(|s| {
            s.spec.cluster_ip = "None".into();
            s.spec.session_affinity = "ClientIP".into();
        });
        assert_eq!(sticky, ["spec.sessionAffinity"]);
    }

    #[test]
    fn annotations_that_say_nothing_are_told() {
        let of = |key: &str, value: &str| {
            paths(|s| drop(s.metadata.annotations.insert(key.into(), value.into())))
        };
        assert!(of("svckit.io/balance", "maglev").is_empty());
        assert!(of("other.io/balance", "fair").is_empty());
        assert_eq!(of("svckit.io/balance", "fair"), ["metadata.annotations[svckit.io/balance]"]);
        assert_eq!(of("svckit.io/weigths", "a=1"), ["metadata.annotations[svckit.io/weigths]"]);
    }

    #[test]
    fn odd_and_useless_fields_are_told() {
        let alias = paths(|s| s.spec.external_name = "example.com".into());
        assert_eq!(alias, ["spec.externalName"]);
        let wish = paths(|s| s.spec.load_balancer_ip = "soon".into());
        assert_eq!(wish, ["spec.loadBalancerIP"]);
        let ranges =
            paths(|s| s.spec.load_balancer_source_ranges = Vec::from(["10.0.0.1/8".into()]));
        assert_eq!(ranges, ["spec.loadBalancerSourceRanges[0]"]);
    }
}
