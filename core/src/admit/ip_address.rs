//! IPAddresses: rules.

use super::{
    field::{Notes, SPEC},
    metadata::{self, Naming},
    syntax::{self, Level, Problems},
};
use crate::{
    api::{IpAddress, ParentReference},
    finding::Finding,
};
use std_alloc::{format, vec::Vec};

const NAMING: Naming = Naming { name: canonical, namespaced: false };

/// The name is an address that prints as it is written.
fn canonical(name: &str) -> Problems {
    Problems::default().unless(
        syntax::ip(name, Level::Canonical).is_ok(),
        "must be an IP address in canonical form, such as 10.9.8.7 or 2001:db8::ffff",
    )
}

/// Everything that refuses a new IPAddress.
///
/// ```
/// use svckit::{admit::ip_address, api::IpAddress};
///
/// let mut address = IpAddress::default();
/// address.metadata.name = "10.96.0.1".into();
/// assert_eq!(ip_address::validate(&address)[0].path, "spec.parentRef");
/// ```
#[must_use]
pub fn validate(address: &IpAddress) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::create(&address.metadata, NAMING, &mut notes);
    match &address.spec.parent_ref {
        Some(parent) => parent_ref(parent, &mut notes),
        None => notes.required(SPEC.child("parentRef"), "says whose the address is"),
    }
    notes.0
}

/// Everything that refuses `new` in place of `old`: the parent may not change.
#[must_use]
pub fn validate_update(new: &IpAddress, old: &IpAddress) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::update(&new.metadata, &old.metadata, &mut notes);
    if new.spec.parent_ref != old.spec.parent_ref {
        let name = new.spec.parent_ref.as_ref().map_or("", |parent| &parent.name);
        notes.invalid(SPEC.child("parentRef"), name, "may not change");
    }
    notes.0
}

fn parent_ref(parent: &ParentReference, notes: &mut Notes) {
    let at = SPEC.child("parentRef");
    if !parent.group.is_empty() {
        notes.problems(at.child("group"), &parent.group, syntax::rfc1123_subdomain(&parent.group));
    }
    let fields = [
        ("resource", &parent.resource, true),
        ("name", &parent.name, true),
        ("namespace", &parent.namespace, false),
    ];
    for (field, text, required) in fields {
        if !text.is_empty() {
            notes.problems(at.child(field), text, syntax::path_segment(text));
        } else if required {
            notes.required(at.child(field), &format!("the parent needs a {field}"));
        }
    }
}
