//! Hand-written Endpoints, as the slices that a cluster's mirroring controller makes of them.

use super::read;
use crate::{
    admit::field::{Field, Notes},
    api::{self, EndpointAddress, EndpointSubset},
    finding::Finding,
    model::{Conditions, Endpoint, EndpointSlice, Family, NamespacedName, SlicePort},
    name::word,
};
use core::net::IpAddr;
use std_alloc::{collections::BTreeMap, format, sync::Arc, vec::Vec};

/// The label that keeps Endpoints from being mirrored.
const SKIP_MIRROR: &str = "endpointslice.kubernetes.io/skip-mirror";
/// The annotation of Endpoints that only elect a leader.
const LEADER: &str = "control-plane.alpha.kubernetes.io/leader";

/// At most this many addresses of one group of ports are mirrored; the rest is left out.
pub const MAX_MIRRORED: usize = 1_000;

/// One slice for each family and list of ports; none for Endpoints that say they are not to be mirrored.
///
/// Subsets are packed anew first: an address is under all ports that any subset gives it, and where one subset says
/// that it is not ready, it isn't. A group has at most [`MAX_MIRRORED`] addresses.
///
/// # Errors
///
/// What can't be read.
pub fn endpoints(object: &api::Endpoints) -> Result<Vec<EndpointSlice>, Vec<Finding>> {
    let metadata = &object.metadata;
    let skip = metadata.labels.get(SKIP_MIRROR).is_some_and(|value| value == "true");
    if skip || metadata.annotations.contains_key(LEADER) {
        return Ok(Vec::new());
    }
    let mut notes = Notes::default();
    let mut packed = Packed::default();
    let list = Field::root("subsets");
    for (i, subset) in object.subsets.iter().enumerate() {
        let at = list.index(i);
        let ports = ports(subset, at, &mut notes);
        for endpoint in all(subset, at, &mut notes) {
            packed.add(&ports, endpoint);
        }
    }
    let service = read::key(metadata);
    let slice = |(n, (family, ports, endpoints)): (usize, (Family, _, _))| {
        let ending = word(&[&service.name, family.as_str(), &format!("{n}")], 5);
        let name = format!("{}-{ending}", service.name);
        let key = NamespacedName::new(service.namespace.clone(), name);
        EndpointSlice { key, service: service.clone(), family, ports, endpoints }
    };
    notes.or(packed.groups().into_iter().enumerate().map(slice).collect())
}

/// Addresses by port, whatever subsets they came in.
#[derive(Default)]
struct Packed {
    endpoints: Vec<Endpoint>,
    /// Where an address and pod stands in `endpoints`.
    known: BTreeMap<(IpAddr, Option<NamespacedName>), usize>,
    /// Which endpoints have a port, and whether they are ready there; `None` is for those without ports.
    by_port: BTreeMap<Option<SlicePort>, BTreeMap<usize, bool>>,
}

impl Packed {
    fn add(&mut self, ports: &[SlicePort], endpoint: Endpoint) {
        let Some(addr) = endpoint.addresses.first().copied() else { return };
        let ready = endpoint.conditions.ready;
        let key = (addr, endpoint.pod.clone());
        let at = *self.known.entry(key).or_insert(self.endpoints.len());
        if at == self.endpoints.len() {
            self.endpoints.push(endpoint);
        }
        let none = ports.is_empty().then_some(None);
        for port in ports.iter().cloned().map(Some).chain(none) {
            let is_ready = self.by_port.entry(port).or_default().entry(at).or_insert(ready);
            *is_ready &= ready;
        }
    }

    /// Ports that have the same addresses, and those addresses, each family by itself.
    fn groups(self) -> Vec<(Family, Vec<SlicePort>, Vec<Endpoint>)> {
        let Self { endpoints, by_port, .. } = self;
        let mut ports_of: BTreeMap<BTreeMap<usize, bool>, Vec<SlicePort>> = BTreeMap::new();
        for (port, members) in by_port {
            ports_of.entry(members).or_default().extend(port);
        }
        let mut groups = Vec::new();
        for (members, ports) in ports_of {
            for family in [Family::V4, Family::V6] {
                let member = |(at, ready): (&usize, &bool)| {
                    let mut endpoint = endpoints.get(*at)?.clone();
                    endpoint.conditions.ready = *ready;
                    endpoint.conditions.serving = *ready;
                    let addr = endpoint.addresses.first().copied()?;
                    (Family::of(addr) == family).then_some(endpoint)
                };
                let members: Vec<_> =
                    members.iter().filter_map(member).take(MAX_MIRRORED).collect();
                if !members.is_empty() {
                    groups.push((family, ports.clone(), members));
                }
            }
        }
        groups
    }
}

fn ports(subset: &EndpointSubset, at: Field<'_>, notes: &mut Notes) -> Vec<SlicePort> {
    let list = at.child("ports");
    let ports = subset.ports.iter().enumerate().filter_map(|(i, port)| {
        let at = list.index(i);
        let protocol = if port.protocol.is_empty() { "TCP" } else { &port.protocol };
        Some(SlicePort {
            name: port.name.as_str().into(),
            protocol: read::protocol(protocol, at.child("protocol"), notes)?,
            port: Some(read::port(port.port, at.child("port"), notes)?),
            app_protocol: port.app_protocol.as_deref().map(Arc::from),
        })
    });
    ports.collect()
}

/// Ready addresses, then those that are not.
fn all(subset: &EndpointSubset, at: Field<'_>, notes: &mut Notes) -> Vec<Endpoint> {
    let mut endpoints = Vec::new();
    let lists = [
        ("addresses", &subset.addresses, true),
        ("notReadyAddresses", &subset.not_ready_addresses, false),
    ];
    for (name, addresses, ready) in lists {
        let list = at.child(name);
        for (i, address) in addresses.iter().enumerate() {
            let addr = read::ip(&address.ip, list.index(i).child("ip"), notes);
            endpoints.extend(addr.map(|addr| endpoint(address, addr, ready)));
        }
    }
    endpoints
}

fn endpoint(address: &EndpointAddress, addr: core::net::IpAddr, ready: bool) -> Endpoint {
    let pod = address.target_ref.as_ref().filter(|target| target.kind == "Pod");
    Endpoint {
        addresses: [addr].into(),
        conditions: Conditions { ready, serving: ready, terminating: false },
        hostname: read::text(&address.hostname),
        node: address.node_name.as_deref().map(Arc::from),
        zone: None,
        hints: None,
        pod: pod.map(|pod| NamespacedName::new(pod.namespace.as_str(), pod.name.as_str())),
    }
}
