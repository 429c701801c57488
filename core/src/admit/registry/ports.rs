//! Which ports of a Service share a node port.
//!
//! TCP and UDP on one port number have one node port, as Kubernetes does when it creates a Service. Here it holds on
//! update too, and a number that is free for one protocol only is not forced on the other.

use super::{Allocation, claim};
use crate::{
    admit::service::needs_node_ports,
    alloc::Protocols,
    api::ServiceSpec,
    model::{Port, Protocol},
};
use std_alloc::vec::Vec;

/// Fills ports without a node port with what the Service held, unless the object says that number already.
pub(super) fn recall(spec: &mut ServiceSpec, held: &Allocation) {
    if held.node_ports.is_empty() || !needs_node_ports(spec) {
        return;
    }
    let mut said: Vec<_> = spec.ports.iter().filter_map(claim::node_port).collect();
    for port in spec.ports.iter_mut().filter(|port| port.node_port == 0) {
        let Some(protocol) = Protocol::parse(&port.protocol) else { continue };
        let Some(number) = held.node_port(&port.name, &port.protocol) else { continue };
        if !said.contains(&(number, protocol)) {
            said.push((number, protocol));
            port.node_port = number.get().into();
        }
    }
}

/// The groups of ports that need a number, by position. A port whose number can be that of another port of the same
/// Service, `free` for its protocol, gets it at once.
pub(super) fn open(
    spec: &mut ServiceSpec,
    free: impl Fn(Port, Protocol) -> bool,
) -> Vec<(Vec<usize>, Protocols)> {
    if !needs_node_ports(spec) {
        return Vec::new();
    }
    let mut said: Vec<_> = spec
        .ports
        .iter()
        .filter_map(|port| claim::node_port(port).map(|number| (port.port, number)))
        .collect();
    let mut groups: Vec<(i32, Vec<usize>, Protocols)> = Vec::new();
    for (i, port) in spec.ports.iter_mut().enumerate().filter(|(_, port)| port.node_port == 0) {
        let Some(protocol) = Protocol::parse(&port.protocol) else { continue };
        let used = |number| said.iter().any(|(_, other)| *other == (number, protocol));
        let sibling = said.iter().find(|(sibling, (number, _))| {
            *sibling == port.port && !used(*number) && free(*number, protocol)
        });
        if let Some((_, (number, _))) = sibling.copied() {
            port.node_port = number.get().into();
            said.push((port.port, (number, protocol)));
            continue;
        }
        match groups
            .iter_mut()
            .find(|(number, _, protocols)| *number == port.port && !protocols.contains(protocol))
        {
            Some((_, members, protocols)) => {
                members.push(i);
                *protocols = *protocols | protocol.into();
            }
            None => groups.push((port.port, Vec::from([i]), protocol.into())),
        }
    }
    groups.into_iter().map(|(_, members, protocols)| (members, protocols)).collect()
}
