//! Netlink messages: a header, then attributes, each with its length in front and padded to four bytes.
//!
//! Lengths and kinds are in the machine's byte order, values of nf_tables in the network's.

use std_alloc::vec::Vec;

/// The subsystem in the upper byte of a message's kind.
pub(super) const NFTABLES: u16 = 10;

/// Flags of messages.
pub(super) mod flag {
    pub(in super::super) const REQUEST: u16 = 1;
    pub(in super::super) const ACK: u16 = 4;
    pub(in super::super) const DUMP: u16 = 0x300;
    pub(in super::super) const CREATE: u16 = 0x400;
    pub(in super::super) const APPEND: u16 = 0x800;
}

/// An attribute that holds others.
const NESTED: u16 = 0x8000;

/// What a message is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// The kind, with its subsystem.
    pub(super) kind: u16,
    /// What is asked for, see [`flag`]; that it is a request goes without saying.
    pub(super) flags: u16,
    /// What an answer refers to.
    pub(super) sequence: u32,
    /// The family of the table.
    pub(super) family: u8,
    /// The subsystem, in the messages that open and close a batch.
    pub(super) resource: u16,
}

/// Length, kind, flags, sequence and port of a message; family, version and resource.
pub(super) const HEADER: usize = 20;

/// Writes a message; what it says is `body`.
pub(super) fn message(out: &mut Vec<u8>, head: Head, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&head.kind.to_ne_bytes());
    out.extend_from_slice(&(head.flags | flag::REQUEST).to_ne_bytes());
    out.extend_from_slice(&head.sequence.to_ne_bytes());
    out.extend_from_slice(&[0, 0, 0, 0, head.family, 0]);
    out.extend_from_slice(&head.resource.to_be_bytes());
    body(out);
    let length = (out.len() - start) as u32;
    patch(out, start, &length.to_ne_bytes());
}

/// Overwrites bytes that are there already.
pub(super) fn patch(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Writes an attribute of bytes.
#[inline]
pub(super) fn bytes(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&((4 + value.len()) as u16).to_ne_bytes());
    out.extend_from_slice(&kind.to_ne_bytes());
    out.extend_from_slice(value);
    pad(out);
}

/// Writes an attribute of a number.
#[inline]
pub(super) fn number(out: &mut Vec<u8>, kind: u16, value: u32) {
    bytes(out, kind, &value.to_be_bytes());
}

/// Writes an attribute of text; it ends with a zero.
pub(super) fn text(out: &mut Vec<u8>, kind: u16, value: &str) {
    out.extend_from_slice(&((5 + value.len()) as u16).to_ne_bytes());
    out.extend_from_slice(&kind.to_ne_bytes());
    out.extend_from_slice(value.as_bytes());
    out.push(0);
    pad(out);
}

/// Writes an attribute that holds others.
#[inline]
pub(super) fn nest(out: &mut Vec<u8>, kind: u16, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&(kind | NESTED).to_ne_bytes());
    body(out);
    let length = (out.len() - start) as u16;
    patch(out, start, &length.to_ne_bytes());
}

#[inline]
fn pad(out: &mut Vec<u8>) {
    while !out.len().is_multiple_of(4) {
        out.push(0);
    }
}
