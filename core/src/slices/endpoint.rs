//! One pod as one Service's endpoint.

use core::net::IpAddr;
use std_alloc::{boxed::Box, sync::Arc, vec::Vec};

use super::hints::is_auto;
use crate::model::{
    Addresses, Conditions, Endpoint, Family, Hints, NamespacedName, Node, Pod, Port, Service,
    SlicePort, TargetPort, TrafficDistribution,
};

/// The pod's endpoint of this family; `None` when it has no address of it.
pub(super) fn endpoint(
    service: &Service,
    pod: &Pod,
    node: Option<&Node>,
    family: Family,
) -> Option<Endpoint> {
    let of_family = |addr: &IpAddr| Family::of(*addr) == family;
    let addresses: Addresses = match pod.addresses.as_slice() {
        // Most pods have one, which needn't be collected.
        [one] if of_family(one) => [*one].into(),
        all => all.iter().copied().filter(of_family).collect(),
    };
    if addresses.is_empty() {
        return None;
    }
    let serving = pod.ready;
    let ready = service.publish_not_ready || (serving && !pod.terminating);
    let named = pod.subdomain.as_ref() == Some(&service.key.name);
    let zone = node.and_then(|node| node.zone.clone());
    let hints = hints(service, ready, zone.as_ref(), pod.node.as_ref());
    Some(Endpoint {
        addresses,
        conditions: Conditions { ready, serving, terminating: pod.terminating },
        hostname: pod.hostname.clone().filter(|_| named),
        node: pod.node.clone(),
        zone,
        hints,
        // The namespace is the Service's: its name is at hand, and the pod's own copy needn't be looked for.
        pod: Some(NamespacedName {
            namespace: service.key.namespace.clone(),
            name: pod.key.name.clone(),
        }),
    })
}

/// For whom the endpoint is meant (KEP-4444, KEP-3015); only ready ones are hinted, and topology mode Auto has hints
/// of its own.
fn hints(
    service: &Service,
    ready: bool,
    zone: Option<&Arc<str>>,
    node: Option<&Arc<str>>,
) -> Option<Box<Hints>> {
    let list = |name: Option<&Arc<str>>| name.cloned().into_iter().collect();
    match service.traffic_distribution.filter(|_| ready && !is_auto(service)) {
        None => None,
        Some(TrafficDistribution::PreferSameZone) => Hints::new(list(zone), Vec::new()),
        Some(TrafficDistribution::PreferSameNode) => Hints::new(list(zone), list(node)),
    }
}

/// The Service's ports as this pod has them, sorted; a name that the pod doesn't have leaves its port out.
pub(super) fn ports(service: &Service, pod: &Pod) -> Vec<SlicePort> {
    let target = |target: &TargetPort, protocol| -> Option<Port> {
        match target {
            TargetPort::Number(port) => Some(*port),
            TargetPort::Name(name) => {
                let named = |port: &&crate::model::ContainerPort| {
                    port.name == *name && port.protocol == protocol
                };
                pod.ports.iter().find(named).map(|port| port.port)
            }
        }
    };
    let resolved = service.ports.iter().filter_map(|port| {
        Some(SlicePort {
            name: port.name.clone(),
            protocol: port.protocol,
            port: Some(target(&port.target, port.protocol)?),
            app_protocol: port.app_protocol.clone(),
        })
    });
    let mut ports: Vec<SlicePort> = resolved.collect();
    ports.sort();
    ports
}
