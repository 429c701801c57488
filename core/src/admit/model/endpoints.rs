//! Hand-written Endpoints, as the slices that a cluster's mirroring controller makes of them.

use super::read;
use crate::{
    admit::field::{Field, Notes},
    api::{self, EndpointAddress, EndpointSubset},
    finding::Finding,
    model::{Conditions, Endpoint, EndpointSlice, Family, NamespacedName, SlicePort},
    name::word,
};
use std_alloc::{format, sync::Arc, vec::Vec};

/// The label that keeps Endpoints from being mirrored.
const SKIP_MIRROR: &str = "endpointslice.kubernetes.io/skip-mirror";
/// The annotation of Endpoints that only elect a leader.
const LEADER: &str = "control-plane.alpha.kubernetes.io/leader";

/// One slice for each subset and family; none for Endpoints that say they are not to be mirrored.
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
    let service = read::key(metadata);
    let mut slices = Vec::new();
    let list = Field::root("subsets");
    for (i, subset) in object.subsets.iter().enumerate() {
        let at = list.index(i);
        let ports = ports(subset, at, &mut notes);
        let all = all(subset, at, &mut notes);
        for family in [Family::V4, Family::V6] {
            let of_family = |endpoint: &&Endpoint| {
                endpoint.addresses.iter().all(|addr| Family::of(*addr) == family)
            };
            let endpoints: Vec<Endpoint> = all.iter().filter(of_family).cloned().collect();
            if !endpoints.is_empty() {
                let ending = word(&[&service.name, family.as_str(), &format!("{i}")], 5);
                let key = NamespacedName::new(
                    service.namespace.clone(),
                    format!("{}-{ending}", service.name),
                );
                slices.push(EndpointSlice {
                    key,
                    service: service.clone(),
                    family,
                    ports: ports.clone(),
                    endpoints,
                });
            }
        }
    }
    notes.or(slices)
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
        addresses: Vec::from([addr]),
        conditions: Conditions { ready, serving: ready, terminating: false },
        hostname: read::text(&address.hostname),
        node: address.node_name.as_deref().map(Arc::from),
        zone: None,
        zone_hints: Vec::new(),
        node_hints: Vec::new(),
        pod: pod.map(|pod| NamespacedName::new(pod.namespace.as_str(), pod.name.as_str())),
    }
}
