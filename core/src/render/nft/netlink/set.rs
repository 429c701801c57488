//! Sets and maps as the kernel takes them, with notes for the nft program on how to print them.

use std_alloc::vec::Vec;

use super::{
    buffer::{bytes, nest, number, text},
    rule::number_of,
};
use crate::{
    model::Family,
    render::nft::{
        rule::Part,
        set::{Data, Kind, STICKY_CLIENTS, Set},
    },
};

/// Abilities of a set.
const RANGES: u32 = 1 << 2;
const MAP: u32 = 1 << 3;
const TIMEOUT: u32 = 1 << 4;
const RULES_WRITE: u32 = 1 << 5;
const CONCATENATED: u32 = 1 << 7;

/// nft's numbers of types; the kernel only stores them.
mod kind {
    pub(super) const INTEGER: u32 = 4;
    pub(super) const ADDRESS: u32 = 7;
    pub(super) const ADDRESS_V6: u32 = 8;
    pub(super) const PROTOCOL: u32 = 12;
    pub(super) const PORT: u32 = 13;
    pub(super) const PRIORITY: u32 = 23;
    pub(super) const VERDICT: u32 = 0xffff_ff00;
}

/// Writes what a set is.
pub(super) fn declaration(out: &mut Vec<u8>, set: &Set, family: Family, id: u32) {
    text(out, 2, set.name);
    let concatenated = set.key.len() > 1;
    let mut flags = if set.data.is_some() { MAP } else { 0 };
    flags |= match set.kind {
        Kind::Plain => 0,
        Kind::Ranges if concatenated => RANGES | CONCATENATED,
        Kind::Ranges => RANGES,
        Kind::Clients => TIMEOUT | RULES_WRITE,
    };
    number(out, 3, flags);
    number(out, 4, set.key.iter().fold(0, |all, part| all << 6 | type_of(*part, family)));
    number(out, 5, set.key.iter().map(|part| length(*part, family).next_multiple_of(4)).sum());
    if let Some(data) = set.data {
        let address = length(Part::Source, family);
        let (kind, length) = match data {
            Data::Verdict => (kind::VERDICT, 0),
            Data::Endpoint => (type_of(Part::Source, family) << 6 | kind::PORT, address + 4),
            Data::Number => (kind::PRIORITY, 4),
        };
        number(out, 6, kind);
        number(out, 7, length);
    }
    number(out, 10, id);
    nest_description(out, set, family, concatenated);
    bytes(out, 13, &notes(set, family));
}

/// How many clients there may be; how long the pieces of ranges are.
fn nest_description(out: &mut Vec<u8>, set: &Set, family: Family, concatenated: bool) {
    match set.kind {
        Kind::Clients => nest(out, 9, |out| number(out, 1, STICKY_CLIENTS)),
        Kind::Ranges if concatenated => nest(out, 9, |out| {
            nest(out, 2, |out| {
                for part in &set.key {
                    nest(out, 1, |out| number(out, 1, length(*part, family)));
                }
            });
        }),
        Kind::Plain | Kind::Ranges => {}
    }
}

const fn type_of(part: Part, family: Family) -> u32 {
    match (part, family) {
        (Part::Source | Part::Destination | Part::Client, Family::V4) => kind::ADDRESS,
        (Part::Source | Part::Destination, Family::V6) => kind::ADDRESS_V6,
        (Part::Protocol, _) => kind::PROTOCOL,
        (Part::Port, _) => kind::PORT,
        (Part::Priority | Part::Owner, _) => kind::PRIORITY,
        _ => kind::INTEGER,
    }
}

/// How many bytes a piece of a key has, without padding.
const fn length(part: Part, family: Family) -> u32 {
    match (part, family) {
        (Part::Source | Part::Destination, Family::V6) => 16,
        (Part::Protocol, _) => 1,
        (Part::Port, _) => 2,
        _ => 4,
    }
}

/// What `nft list` needs to print keys and values: libnftnl's notes, a kind and a length of one byte each.
fn notes(set: &Set, family: Family) -> Vec<u8> {
    let mut out = Vec::new();
    let host_order = |part: &Part| matches!(part, Part::Priority | Part::Random { .. });
    let order = match set.key.as_slice() {
        [one] if host_order(one) => 1,
        [_] => 2,
        _ => 0,
    };
    note(&mut out, 0, &u32::to_ne_bytes(order));
    if let Some(data) = set.data {
        let order = if data == Data::Number { 1 } else { 0 };
        note(&mut out, 1, &u32::to_ne_bytes(order));
    }
    let key: Vec<_> = set.key.iter().map(|part| typeof_note(*part, family)).collect();
    let typed =
        set.key.iter().any(|part| type_of(*part, family) == kind::INTEGER || host_order(part));
    if typed || matches!(set.data, Some(Data::Endpoint | Data::Number)) {
        note(&mut out, 3, &joined(&key));
    }
    match set.data {
        Some(Data::Endpoint) => {
            let pieces = [Part::Destination, Part::Port].map(|part| typeof_note(part, family));
            note(&mut out, 4, &joined(&pieces));
        }
        Some(Data::Number) => note(&mut out, 4, &typeof_note(Part::Priority, family)),
        Some(Data::Verdict) | None => {}
    }
    out
}

fn note(out: &mut Vec<u8>, kind: u8, value: &[u8]) {
    out.push(kind);
    out.push(value.len() as u8);
    out.extend_from_slice(value);
}

/// nft's numbers of kinds of expressions.
mod expression {
    pub(super) const PAYLOAD: u32 = 7;
    pub(super) const META: u32 = 9;
    pub(super) const CONCATENATION: u32 = 13;
    pub(super) const NUMGEN: u32 = 23;
}

/// Pieces of a key, or the only one.
fn joined(pieces: &[Vec<u8>]) -> Vec<u8> {
    if let [one] = pieces {
        return one.clone();
    }
    let mut inner = Vec::new();
    for (n, piece) in (0_u8..).zip(pieces) {
        note(&mut inner, n, piece);
    }
    expression_note(expression::CONCATENATION, &inner)
}

fn expression_note(kind: u32, inner: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    note(&mut out, 0, &kind.to_ne_bytes());
    note(&mut out, 1, inner);
    out
}

/// What a piece is, as nft notes it: an expression's kind and its fields.
fn typeof_note(part: Part, family: Family) -> Vec<u8> {
    let fields = |kind: u32, fields: &[u32]| {
        let mut inner = Vec::new();
        for (n, field) in (0_u8..).zip(fields) {
            note(&mut inner, n, &field.to_ne_bytes());
        }
        expression_note(kind, &inner)
    };
    // nft's numbers of headers, and of their fields.
    let (header, source) = if number_of(family) == 2 { (12, 11) } else { (13, 8) };
    match part {
        Part::Source => fields(expression::PAYLOAD, &[header, source]),
        Part::Client if family == Family::V4 => fields(expression::PAYLOAD, &[header, source]),
        Part::Destination => fields(expression::PAYLOAD, &[header, source + 1]),
        Part::Protocol => fields(expression::META, &[16]),
        Part::Port => fields(expression::PAYLOAD, &[11, 2]),
        Part::Priority | Part::Owner => fields(expression::META, &[2]),
        Part::Random { .. } | Part::Turn { .. } | Part::Hashed { .. } | Part::Client => {
            fields(expression::NUMGEN, &[1, 4, 0])
        }
    }
}
