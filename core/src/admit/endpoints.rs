//! Endpoints, the older form of slices: defaults and rules.

use super::{
    Gates,
    field::{Field, Notes},
    metadata::{self, Naming},
    service::{self, PROTOCOLS},
    syntax::{self, Level},
};
use crate::{
    api::{EndpointAddress, EndpointSubset, Endpoints, SubsetPort},
    finding::Finding,
};
use std_alloc::{string::String, vec::Vec};

/// Fills in what the author left out: protocols are TCP.
pub fn default(endpoints: &mut Endpoints) {
    for port in endpoints.subsets.iter_mut().flat_map(|subset| &mut subset.ports) {
        if port.protocol.is_empty() {
            port.protocol.push_str("TCP");
        }
    }
}

/// Everything that refuses new Endpoints. Costs O(size of the object).
///
/// ```
/// use svckit::{admit::{Gates, endpoints}, api::{EndpointSubset, Endpoints}};
///
/// let mut db = Endpoints::default();
/// db.metadata.name = "db".into();
/// db.metadata.namespace = "shop".into();
/// db.subsets.push(EndpointSubset::default());
/// assert_eq!(endpoints::validate(&db, &Gates::default())[0].path, "subsets[0]");
/// ```
#[must_use]
pub fn validate(endpoints: &Endpoints, gates: &Gates) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::create(&endpoints.metadata, Naming::SUBDOMAIN, &mut notes);
    subsets(endpoints, &[], gates, &mut notes);
    notes.0
}

/// Everything that refuses `new` in place of `old`. Texts of addresses that stand in `old` are not looked at again.
#[must_use]
pub fn validate_update(new: &Endpoints, old: &Endpoints, gates: &Gates) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::update(&new.metadata, &old.metadata, &mut notes);
    let before: Vec<String> =
        old.subsets.iter().flat_map(addresses).map(|(_, address)| address.ip.clone()).collect();
    subsets(new, &before, gates, &mut notes);
    notes.0
}

/// All addresses of a subset and the list each is in.
fn addresses(
    subset: &EndpointSubset,
) -> impl Iterator<Item = ((&'static str, usize), &EndpointAddress)> {
    let ready = subset.addresses.iter().enumerate().map(|(i, a)| (("addresses", i), a));
    let rest = subset.not_ready_addresses.iter().enumerate();
    ready.chain(rest.map(|(i, a)| (("notReadyAddresses", i), a)))
}

fn subsets(endpoints: &Endpoints, before: &[String], gates: &Gates, notes: &mut Notes) {
    let list = Field::root("subsets");
    for (i, subset) in endpoints.subsets.iter().enumerate() {
        let at = list.index(i);
        if subset.addresses.is_empty() && subset.not_ready_addresses.is_empty() {
            notes.required(at, "needs addresses or notReadyAddresses");
        }
        for ((field, j), given) in addresses(subset) {
            let list = at.child(field);
            address(given, before, gates, list.index(j), notes);
        }
        let list = at.child("ports");
        for (j, given) in subset.ports.iter().enumerate() {
            port(given, subset.ports.len() > 1, list.index(j), notes);
        }
    }
}

fn address(
    given: &EndpointAddress,
    before: &[String],
    gates: &Gates,
    at: Field<'_>,
    notes: &mut Notes,
) {
    let ip = at.child("ip");
    if service::legacy_ip(&given.ip, before, gates, ip, notes)
        && let Ok(addr) = syntax::ip(&given.ip, Level::Lenient)
    {
        notes.problems(ip, &given.ip, syntax::endpoint_address(addr));
    }
    if !given.hostname.is_empty() {
        notes.problems(
            at.child("hostname"),
            &given.hostname,
            syntax::rfc1123_label(&given.hostname),
        );
    }
    if let Some(node) = &given.node_name {
        notes.problems(at.child("nodeName"), node, syntax::rfc1123_subdomain(node));
    }
}

fn port(given: &SubsetPort, name_required: bool, at: Field<'_>, notes: &mut Notes) {
    if !given.name.is_empty() {
        notes.problems(at.child("name"), &given.name, syntax::rfc1123_label(&given.name));
    } else if name_required {
        notes.required(at.child("name"), "several ports need a name each");
    }
    service::port_number(given.port, at.child("port"), notes);
    notes.one_of(at.child("protocol"), &given.protocol, &PROTOCOLS);
    if let Some(protocol) = &given.app_protocol {
        notes.problems(at.child("appProtocol"), protocol, syntax::qualified_name(protocol));
    }
}
