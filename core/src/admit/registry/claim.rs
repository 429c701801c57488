//! Single things that only one Service can have.

use super::allocation::{AllocatedPort, Allocation};
use crate::{
    admit::{
        service::{LOAD_BALANCER, NODE_PORT, needs_cluster_ip, needs_health_check},
        syntax::{self, Level},
    },
    api::{ServicePort, ServiceSpec},
    model::{Port, Protocol},
};
use core::{fmt, net::IpAddr};
use std_alloc::vec::Vec;

/// Something that only one Service can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Claim {
    /// A cluster IP.
    Address(IpAddr),
    /// A port of every node. Health check ports are TCP.
    Port(Port, Protocol),
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(addr) => addr.fmt(f),
            Self::Port(port, protocol) => write!(f, "node port {port}/{protocol}"),
        }
    }
}

/// The addresses of a spec; texts that can't be read and `None` have none.
pub(super) fn addresses(spec: &ServiceSpec) -> impl Iterator<Item = IpAddr> {
    let texts = if needs_cluster_ip(spec) { spec.cluster_ips.as_slice() } else { &[] };
    texts.iter().filter_map(|text| syntax::ip(text, Level::Lenient).ok())
}

/// The node port of a Service port, if it has one.
pub(super) fn node_port(port: &ServicePort) -> Option<(Port, Protocol)> {
    Some((Port::try_from(port.node_port).ok()?, Protocol::parse(&port.protocol)?))
}

/// Whether ports of this type can have node ports.
pub(super) fn has_node_ports(spec: &ServiceSpec) -> bool {
    matches!(spec.r#type.as_str(), NODE_PORT | LOAD_BALANCER)
}

/// The health check port, where one is needed.
pub(super) fn health_port(spec: &ServiceSpec) -> Option<Port> {
    needs_health_check(spec).then(|| Port::try_from(spec.health_check_node_port).ok()).flatten()
}

/// What a spec says it holds.
pub(super) fn allocation(spec: &ServiceSpec) -> Allocation {
    let ports = if has_node_ports(spec) { spec.ports.as_slice() } else { &[] };
    let allocated = |port: &ServicePort| {
        let (number, protocol) = node_port(port)?;
        Some(AllocatedPort { name: port.name.as_str().into(), protocol, port: number })
    };
    Allocation {
        cluster_ips: addresses(spec).collect(),
        node_ports: ports.iter().filter_map(allocated).collect(),
        health_check_port: health_port(spec),
    }
}

/// The claims of an allocation, sorted, each once.
pub(super) fn claims(allocation: &Allocation) -> Vec<Claim> {
    let addresses = allocation.cluster_ips.iter().map(|addr| Claim::Address(*addr));
    let ports = allocation.node_ports.iter().map(|port| Claim::Port(port.port, port.protocol));
    let health = allocation.health_check_port.map(|port| Claim::Port(port, Protocol::Tcp));
    let mut claims: Vec<Claim> = addresses.chain(ports).chain(health).collect();
    claims.sort_unstable();
    claims.dedup();
    claims
}

/// A health check port is asked over HTTP.
pub(super) const fn health_claim(port: Port) -> Claim {
    Claim::Port(port, Protocol::Tcp)
}
