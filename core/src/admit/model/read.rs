//! Texts into values; what can't be read is noted.

use crate::{
    admit::{
        field::{Field, Notes},
        syntax::{self, Level},
    },
    api::ObjectMeta,
    finding::Finding,
    model::{Family, NamespacedName, Port, Protocol},
};
use core::net::IpAddr;
use ipnet::IpNet;
use std_alloc::{
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

impl Notes {
    /// The value, unless something was found.
    pub(super) fn or<T>(self, value: T) -> Result<T, Vec<Finding>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}

pub(super) fn key(meta: &ObjectMeta) -> NamespacedName {
    NamespacedName::new(meta.namespace.as_str(), meta.name.as_str())
}

/// `None` for an empty text.
pub(super) fn text(text: &str) -> Option<Arc<str>> {
    (!text.is_empty()).then(|| text.into())
}

/// An address at the most lenient level: stricter ones have been tried before.
pub(super) fn ip(text: &str, at: Field<'_>, notes: &mut Notes) -> Option<IpAddr> {
    match syntax::ip(text, Level::Lenient) {
        Ok(addr) => Some(addr),
        Err(problem) => {
            notes.invalid(at, text, &problem.to_string());
            None
        }
    }
}

pub(super) fn cidr(text: &str, at: Field<'_>, notes: &mut Notes) -> Option<IpNet> {
    match syntax::cidr(text.trim(), Level::Lenient) {
        Ok(range) => Some(range),
        Err(problem) => {
            notes.invalid(at, text, &problem.to_string());
            None
        }
    }
}

/// The addresses of a list.
pub(super) fn ips<'t, C: FromIterator<IpAddr>>(
    texts: impl Iterator<Item = &'t String>,
    list: Field<'_>,
    notes: &mut Notes,
) -> C {
    texts.enumerate().filter_map(|(i, text)| ip(text, list.index(i), notes)).collect()
}

pub(super) fn port(number: i32, at: Field<'_>, notes: &mut Notes) -> Option<Port> {
    match Port::try_from(number) {
        Ok(port) => Some(port),
        Err(problem) => {
            notes.invalid(at, number, &problem.to_string());
            None
        }
    }
}

/// A port where 0 means none.
pub(super) fn optional_port(number: i32, at: Field<'_>, notes: &mut Notes) -> Option<Port> {
    (number != 0).then(|| port(number, at, notes)).flatten()
}

/// A protocol; an empty text is TCP, the default everywhere.
pub(super) fn protocol(text: &str, at: Field<'_>, notes: &mut Notes) -> Option<Protocol> {
    let protocol = if text.is_empty() { Some(Protocol::Tcp) } else { Protocol::parse(text) };
    if protocol.is_none() {
        notes.not_supported(at, text, &["TCP", "UDP", "SCTP"]);
    }
    protocol
}

pub(super) fn family(text: &str, at: Field<'_>, notes: &mut Notes) -> Option<Family> {
    let family = Family::parse(text);
    if family.is_none() {
        notes.not_supported(at, text, &["IPv4", "IPv6"]);
    }
    family
}
