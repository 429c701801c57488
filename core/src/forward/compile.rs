//! From a Service and its slices to its frontends on one node.

use core::{
    fmt::Write,
    net::{IpAddr, SocketAddr},
};
use ipnet::IpNet;
use std_alloc::{string::String, sync::Arc, vec::Vec};

use super::{
    Claim, Destination, Endpoints, Frontend, FrontendKey, NodeConfig, Role, Viewpoint, Wanted,
    categorise,
    claims::Claims,
    merge::{candidates, settle},
};
use crate::model::{
    ANNOTATION_PREFIX, Endpoint, EndpointSlice, Exposure, Family, LoadBalancer, Service,
    ServicePort, ServicePortName, TrafficPolicy,
};

/// The families in which a node forwards a Service: none for another proxy's, and for one without addresses.
fn families<'a>(
    service: &'a Service,
    node: &'a NodeConfig,
) -> impl Iterator<Item = (Family, IpAddr)> + 'a {
    let ours = service.proxy_name.is_none();
    let ips = service.cluster_ips().filter(|_| ours);
    node.families.iter().filter_map(move |family| Some((*family, ips?.of(*family)?)))
}

fn key(service: &Service, port: &ServicePort, family: Family) -> Arc<FrontendKey> {
    let name = ServicePortName {
        service: service.key.clone(),
        port: port.name.clone(),
        protocol: port.protocol,
    };
    Arc::new(FrontendKey { name, family })
}

/// The external addresses of one family: what is also a cluster IP or a load balancer's counts as that.
fn external(service: &Service, family: Family, cluster_ip: IpAddr) -> (Vec<IpAddr>, Vec<IpAddr>) {
    let other = |addr: &&IpAddr| Family::of(**addr) == family && **addr != cluster_ip;
    let balancer = service.load_balancer().map_or(&[][..], |balancer| &balancer.vips);
    let vips = once_each(balancer.iter().filter(other));
    let ips = service.external_ips.iter().filter(other).filter(|addr| !vips.contains(addr));
    let ips = once_each(ips);
    (vips, ips)
}

fn once_each<'a>(addrs: impl Iterator<Item = &'a IpAddr>) -> Vec<IpAddr> {
    let mut list = Vec::new();
    for addr in addrs {
        if !list.contains(addr) {
            list.push(*addr);
        }
    }
    list
}

/// Every destination a Service asks for.
pub(super) fn wishes(service: &Service, node: &NodeConfig) -> Vec<(Destination, Claim)> {
    let mut wishes = Vec::with_capacity(service.ports.len());
    for (family, cluster_ip) in families(service, node) {
        let (vips, external_ips) = external(service, family, cluster_ip);
        for port in &service.ports {
            let key = key(service, port, family);
            let mut wish = |destination, role| {
                wishes.push((destination, Claim { role, key: key.clone() }));
            };
            let at = |addr| Destination::Address(addr, port.protocol, port.port);
            wish(at(cluster_ip), Role::ClusterIp);
            vips.iter().for_each(|addr| wish(at(*addr), Role::Vip));
            external_ips.iter().for_each(|addr| wish(at(*addr), Role::ExternalIp));
            if let Some(node_port) = port.node_port {
                wish(Destination::NodePort(family, port.protocol, node_port), Role::NodePort);
            }
        }
    }
    wishes
}

/// A Service's frontends, in the order of families and ports. `before` are those of last time.
pub(super) fn frontends(
    (service, wishes): (&Service, &[(Destination, Claim)]),
    slices: &[Arc<EndpointSlice>],
    node: &NodeConfig,
    claims: &Claims,
    before: &[Arc<Frontend>],
) -> Vec<Arc<Frontend>> {
    let mut frontends = Vec::with_capacity(service.ports.len());
    // Every service port begins its wishes with its cluster IP.
    let mut keys = wishes.iter().filter(|(_, claim)| claim.role == Role::ClusterIp);
    let annotations = balancing(service, slices);
    for (family, cluster_ip) in families(service, node) {
        for port in &service.ports {
            let known = keys.next().map(|(_, claim)| claim.key.clone());
            let key = known.unwrap_or_else(|| key(service, port, family));
            let mut frontend = addresses((service, port), key, cluster_ip, claims);
            frontend.annotations = annotations.clone();
            let old = before.iter().find(|old| old.key == frontend.key);
            frontend.endpoints =
                endpoints(&frontend, slices, node, old.map(|frontend| &frontend.endpoints));
            match old {
                Some(old) if **old == frontend => frontends.push(old.clone()),
                _ => frontends.push(Arc::new(frontend)),
            }
        }
    }
    frontends
}

/// A frontend without endpoints and annotations: what it accepts.
fn addresses(
    (service, port): (&Service, &ServicePort),
    key: Arc<FrontendKey>,
    cluster_ip: IpAddr,
    claims: &Claims,
) -> Frontend {
    let family = key.family;
    let at = |addr| Destination::Address(addr, port.protocol, port.port);
    let (mut vips, mut external_ips) = external(service, family, cluster_ip);
    vips.retain(|addr| claims.holds(at(*addr), &key));
    external_ips.retain(|addr| claims.holds(at(*addr), &key));
    let node_port = port.node_port.filter(|node_port| {
        claims.holds(Destination::NodePort(family, port.protocol, *node_port), &key)
    });
    Frontend {
        port: port.port,
        cluster_ip: Some(cluster_ip).filter(|addr| claims.holds(at(*addr), &key)),
        external: external_policy(service),
        internal: service.internal_traffic,
        source_ranges: source_ranges(service.load_balancer(), family),
        affinity: service.affinity.map(|affinity| affinity.timeout),
        vips,
        external_ips,
        node_port,
        annotations: Arc::default(),
        endpoints: Endpoints::default(),
        key,
    }
}

/// The annotations that say how connections are balanced. Data planes know no pods, so pods that have weights become
/// addresses.
fn balancing(service: &Service, slices: &[Arc<EndpointSlice>]) -> Arc<[(Arc<str>, Arc<str>)]> {
    let ours = |(key, _): &&(Arc<str>, Arc<str>)| key.starts_with(ANNOTATION_PREFIX);
    if !service.annotations.iter().any(|one| ours(&one)) {
        // Nothing of its own to allocate.
        return Arc::default();
    }
    let known = |(key, value): &(Arc<str>, Arc<str>)| match key.strip_prefix(ANNOTATION_PREFIX) {
        Some("weights") => (key.clone(), by_address(value, slices)),
        _ => (key.clone(), value.clone()),
    };
    service.annotations.iter().filter(ours).map(known).collect()
}

/// Weights in which the addresses of a pod stand before its name.
fn by_address(weights: &str, slices: &[Arc<EndpointSlice>]) -> Arc<str> {
    let mut text = String::with_capacity(weights.len());
    for part in weights.split(',') {
        if let Some((name, weight)) = part.split_once('=') {
            let endpoints = slices.iter().flat_map(|slice| &slice.endpoints);
            let is_it = |endpoint: &&Endpoint| {
                endpoint.pod.as_ref().is_some_and(|pod| *pod.name == *name.trim())
            };
            for addr in endpoints.filter(is_it).flat_map(|endpoint| &endpoint.addresses) {
                // Writing to a String can't fail.
                let _ = write!(text, "{addr}={weight},");
            }
        }
        text.push_str(part);
        text.push(',');
    }
    text.into()
}

/// External policy counts for Services that are meant for the outside.
fn external_policy(service: &Service) -> TrafficPolicy {
    match service.exposure {
        Exposure::ClusterIp(_) if service.external_ips.is_empty() => TrafficPolicy::Cluster,
        _ => service.external_traffic,
    }
}

/// The ranges of one family without overlaps; none when one of them is everything.
fn source_ranges(balancer: Option<&LoadBalancer>, family: Family) -> Vec<IpNet> {
    let ranges = balancer.map_or(&[][..], |balancer| &balancer.source_ranges);
    let ranges: Vec<_> = ranges
        .iter()
        .filter(|range| Family::of(range.addr()) == family)
        .map(IpNet::trunc)
        .collect();
    if ranges.iter().any(|range| range.prefix_len() == 0) {
        return Vec::new();
    }
    IpNet::aggregate(&ranges)
}

/// What the frontend forwards to; who was there before keeps its place.
fn endpoints(
    frontend: &Frontend,
    slices: &[Arc<EndpointSlice>],
    node: &NodeConfig,
    before: Option<&Endpoints>,
) -> Endpoints {
    let FrontendKey { name, family } = &*frontend.key;
    let found = candidates(slices, &name.port, name.protocol, *family, &node.name);
    let zone = node.zone.as_deref().unwrap_or_default();
    let from = Viewpoint { node: &node.name, zone, node_hints: node.node_hints };
    let outside = frontend.node_port.is_some() || frontend.external_addresses().next().is_some();
    let sets = categorise(&found, Wanted::of(frontend.internal, frontend.external, outside), from);
    // Candidates are sorted, and both sets keep their order.
    let used = |addr: &SocketAddr| {
        sets.cluster.binary_search(addr).is_ok() || sets.local.binary_search(addr).is_ok()
    };
    let mut here: Vec<IpAddr> =
        found.iter().filter(|e| e.local && used(&e.addr)).map(|e| e.addr.ip()).collect();
    here.dedup();
    Endpoints {
        cluster: settle(before.map_or(&[], |before| &before.cluster), &sets.cluster),
        local: settle(before.map_or(&[], |before| &before.local), &sets.local),
        here: shared(&here),
        has_any: sets.has_any,
        hints: sets.hints,
    }
}

/// A list to share; an empty one needs no memory.
pub(super) fn shared<T: Copy>(list: &[T]) -> Arc<[T]> {
    if list.is_empty() { Arc::default() } else { list.into() }
}
