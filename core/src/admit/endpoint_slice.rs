//! EndpointSlices: defaults and rules.
//!
//! Two gaps of Kubernetes are closed: rules work on objects without defaults, and port numbers are looked at.

use super::{
    Gates,
    field::{Field, Notes},
    metadata::{self, Naming},
    service::{self, PROTOCOLS},
    syntax,
};
use crate::{
    api::{Endpoint, EndpointHints, EndpointPort, EndpointSlice, ForName, LABEL_ZONE},
    finding::Finding,
    model::Family,
};
use core::net::IpAddr;
use std_alloc::{collections::BTreeSet, string::String, vec::Vec};

const ENDPOINTS: usize = 1000;
const ADDRESSES: usize = 100;
/// The enforced limit; the documented one is 100.
const PORTS: usize = 20_000;
const TOPOLOGY: usize = 16;
const HINTS: usize = 8;

/// Fills in what the author left out: names of ports are empty, protocols TCP.
pub fn default(slice: &mut EndpointSlice) {
    for port in &mut slice.ports {
        port.name.get_or_insert_with(String::new);
        port.protocol.get_or_insert_with(|| "TCP".into());
    }
}

/// Everything that refuses a new slice. Costs O(size of the object).
///
/// ```
/// use svckit::{admit::{Gates, endpoint_slice}, api::EndpointSlice};
///
/// let findings = endpoint_slice::validate(&EndpointSlice::default(), &Gates::default());
/// let paths: Vec<_> = findings.iter().map(|finding| &*finding.path).collect();
/// assert_eq!(paths, ["metadata.name", "metadata.namespace", "addressType"]);
/// ```
#[must_use]
pub fn validate(slice: &EndpointSlice, gates: &Gates) -> Vec<Finding> {
    rules(slice, None, gates).0
}

/// Everything that refuses `new` in place of `old`. Texts of addresses that stand in `old` are not looked at again.
#[must_use]
pub fn validate_update(new: &EndpointSlice, old: &EndpointSlice, gates: &Gates) -> Vec<Finding> {
    let mut notes = rules(new, Some(old), gates);
    if new.address_type != old.address_type {
        notes.invalid(Field::root("addressType"), &new.address_type, "may not change");
    }
    notes.0
}

fn rules(slice: &EndpointSlice, old: Option<&EndpointSlice>, gates: &Gates) -> Notes {
    let mut notes = Notes::default();
    metadata::create(&slice.metadata, Naming::SUBDOMAIN, &mut notes);
    notes.one_of(Field::root("addressType"), &slice.address_type, &["FQDN", "IPv4", "IPv6"]);
    let before: BTreeSet<&String> = old
        .into_iter()
        .flat_map(|old| &old.endpoints)
        .flat_map(|endpoint| &endpoint.addresses)
        .collect();
    let list = Field::root("endpoints");
    if slice.endpoints.len() > ENDPOINTS {
        notes.too_many(list, slice.endpoints.len(), ENDPOINTS);
    } else {
        for (i, endpoint) in slice.endpoints.iter().enumerate() {
            let at = list.index(i);
            addresses(endpoint, &slice.address_type, &before, gates, at, &mut notes);
            place(endpoint, at, &mut notes);
        }
    }
    ports(&slice.ports, &mut notes);
    notes
}

fn addresses(
    endpoint: &Endpoint,
    kind: &str,
    before: &BTreeSet<&String>,
    gates: &Gates,
    at: Field<'_>,
    notes: &mut Notes,
) {
    let list = at.child("addresses");
    match endpoint.addresses.len() {
        0 => notes.required(list, "an endpoint needs at least one address"),
        count if count > ADDRESSES => notes.too_many(list, count, ADDRESSES),
        _ => {}
    }
    for (i, text) in endpoint.addresses.iter().enumerate() {
        let at = list.index(i);
        match (kind, Family::parse(kind)) {
            ("FQDN", _) => notes.problems(at, text, syntax::fully_qualified_domain(text)),
            (_, Some(family)) => {
                let level = if before.contains(text) {
                    syntax::Level::Lenient
                } else {
                    service::level(gates)
                };
                notes.problems(at, text, address(text, level, family).err());
            }
            _ => {}
        }
    }
}

/// An address of the family that is no special one.
fn address(text: &str, level: syntax::Level, family: Family) -> Result<IpAddr, syntax::Problem> {
    let addr = syntax::ip(text, level)?;
    if Family::of(addr) != family {
        return Err(syntax::Problem::Shape(match family {
            Family::V4 => "must be an IPv4 address",
            Family::V6 => "must be an IPv6 address",
        }));
    }
    syntax::endpoint_address(addr).map_or(Ok(addr), Err)
}

/// Where an endpoint is, and whom it is meant for.
fn place(endpoint: &Endpoint, at: Field<'_>, notes: &mut Notes) {
    if let Some(node) = &endpoint.node_name {
        notes.problems(at.child("nodeName"), node, syntax::rfc1123_subdomain(node));
    }
    if let Some(name) = &endpoint.hostname {
        notes.problems(at.child("hostname"), name, syntax::rfc1123_label(name));
    }
    let topology = at.child("deprecatedTopology");
    if endpoint.deprecated_topology.len() > TOPOLOGY {
        notes.too_many(topology, endpoint.deprecated_topology.len(), TOPOLOGY);
    }
    metadata::labels(&endpoint.deprecated_topology, topology, notes);
    if endpoint.deprecated_topology.contains_key(LABEL_ZONE) {
        notes.invalid(topology.key(LABEL_ZONE), "", "belongs in the field zone");
    }
    if let Some(given) = &endpoint.hints {
        hints(given, at.child("hints"), notes);
    }
}

fn hints(given: &EndpointHints, at: Field<'_>, notes: &mut Notes) {
    let mut names = |list: Field<'_>, of: &[ForName], syntax: fn(&str) -> syntax::Problems| {
        if of.len() > HINTS {
            return notes.too_many(list, of.len(), HINTS);
        }
        let mut seen = BTreeSet::new();
        for (i, ForName { name }) in of.iter().enumerate() {
            let item = list.index(i);
            let at = item.child("name");
            if !seen.insert(name) {
                notes.duplicate(at, name, "names must be unique");
            }
            notes.problems(at, name, syntax(name));
        }
    };
    names(at.child("forZones"), &given.for_zones, syntax::label_value);
    names(at.child("forNodes"), &given.for_nodes, syntax::rfc1123_subdomain);
}

fn ports(ports: &[EndpointPort], notes: &mut Notes) {
    let list = Field::root("ports");
    if ports.len() > PORTS {
        return notes.too_many(list, ports.len(), PORTS);
    }
    let mut names = BTreeSet::new();
    for (i, port) in ports.iter().enumerate() {
        let at = list.index(i);
        let name = port.name.as_deref().unwrap_or_default();
        if !name.is_empty() {
            notes.problems(at.child("name"), name, syntax::rfc1123_label(name));
        }
        if !names.insert(name) {
            notes.duplicate(at.child("name"), name, "names of ports must be unique");
        }
        let protocol = port.protocol.as_deref().unwrap_or_default();
        notes.one_of(at.child("protocol"), protocol, &PROTOCOLS);
        if let Some(number) = port.port {
            service::port_number(number, at.child("port"), notes);
        }
        if let Some(protocol) = &port.app_protocol {
            notes.problems(at.child("appProtocol"), protocol, syntax::qualified_name(protocol));
        }
    }
}
