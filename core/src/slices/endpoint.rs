//! One pod as one Service's endpoint.

use core::net::IpAddr;
use std_alloc::{sync::Arc, vec::Vec};

use super::hints::is_auto;
use crate::model::{
    Conditions, Endpoint, Family, Node, Pod, Port, Service, SlicePort, TargetPort,
    TrafficDistribution,
};

/// The pod's endpoint of this family; `None` when it has no address of it.
pub(super) fn endpoint(
    service: &Service,
    pod: &Pod,
    node: Option<&Node>,
    family: Family,
) -> Option<Endpoint> {
    let of_family = |addr: &IpAddr| Family::of(*addr) == family;
    let addresses = match pod.addresses.as_slice() {
        // Most pods have one; a list made by filtering would take room for four.
        [one] => of_family(one).then(|| Vec::from([*one]))?,
        all => {
            let mut of: Vec<IpAddr> = all.iter().copied().filter(of_family).collect();
            of.shrink_to_fit();
            of
        }
    };
    if addresses.is_empty() {
        return None;
    }
    let serving = pod.ready;
    let ready = service.publish_not_ready || (serving && !pod.terminating);
    let named = pod.subdomain.as_ref() == Some(&service.key.name);
    let zone = node.and_then(|node| node.zone.clone());
    let (zone_hints, node_hints) = hints(service, ready, zone.as_ref(), pod.node.as_ref());
    Some(Endpoint {
        addresses,
        conditions: Conditions { ready, serving, terminating: pod.terminating },
        hostname: pod.hostname.clone().filter(|_| named),
        node: pod.node.clone(),
        zone,
        zone_hints,
        node_hints,
        pod: Some(pod.key.clone()),
    })
}

/// For whom the endpoint is meant (KEP-4444, KEP-3015); only ready ones are hinted, and topology mode Auto has hints
/// of its own.
fn hints(
    service: &Service,
    ready: bool,
    zone: Option<&Arc<str>>,
    node: Option<&Arc<str>>,
) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
    let list = |name: Option<&Arc<str>>| name.cloned().into_iter().collect();
    match service.traffic_distribution.filter(|_| ready && !is_auto(service)) {
        None => (Vec::new(), Vec::new()),
        Some(TrafficDistribution::PreferSameZone) => (list(zone), Vec::new()),
        Some(TrafficDistribution::PreferSameNode) => (list(zone), list(node)),
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
