//! Rules, as values: [`super::text`] prints them for people, [`super::netlink`] encodes them for kernels.
//!
//! Only what svckit's rules are made of is there; each variant says it in nft's own words.

use core::fmt;
use std_alloc::{vec, vec::Vec};

use super::Chain;

/// Clauses in order; the first that doesn't hold ends the rule.
pub(super) type Rule = Vec<Clause>;

/// One thing a rule asks or does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Clause {
    /// `KEY @set`, `KEY != @set`.
    In { key: Key, set: &'static str, not: bool },
    /// `KEY vmap @map`: goes where the map says.
    Vmap { key: Key, map: &'static str },
    /// `meta priority set KEY map @map`.
    SetPriority { key: Key, map: &'static str },
    /// `meta priority set none`.
    ClearPriority,
    /// `dnat ip to KEY map @map`.
    Dnat { key: Key, map: &'static str },
    /// `add @map { KEY timeout 60s : meta priority }`.
    Remember { update: bool, key: Key, map: &'static str, seconds: u32 },
    /// `delete @map { KEY : meta priority }`.
    Forget { key: Key, map: &'static str },
    /// `ct state new`.
    StateNew,
    /// `ct state != established`.
    NotEstablished,
    /// `ct status dnat`.
    StatusDnat,
    /// `fib daddr type local`.
    ToLocal,
    /// `fib saddr type local`.
    FromLocal,
    /// `ip daddr 127.0.0.0/8`, `ip daddr != 127.0.0.0/8`.
    ToLoopback { not: bool },
    /// `iifname != "lo"`.
    NotFromLoopback,
    /// `meta l4proto tcp`.
    Tcp,
    /// `meta mark & 0x4000 != 0`.
    Marked,
    /// `meta mark set meta mark | 0x4000`.
    Mark,
    /// `meta mark set meta mark ^ 0x4000`.
    Unmark,
    /// `masquerade fully-random`.
    Masquerade,
    /// `reject with tcp reset`.
    Reset,
    /// `reject`.
    Reject,
    /// `drop`.
    Drop,
    /// `return`.
    Return,
    /// `jump NAME`.
    Jump(Target),
    /// `goto NAME`.
    Goto(Target),
}

/// What is looked up, in pieces.
pub(super) type Key = Vec<Part>;

/// A piece of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The packet's source.
    Source,
    /// Its destination.
    Destination,
    /// Its protocol.
    Protocol,
    /// The port it is sent to.
    Port,
    /// Its priority, which carries numbers from one look-up to the next.
    Priority,
    /// The bits of the priority that tell the service port.
    Owner,
    /// Who sends it, in 4 bytes: the address, or a hash of it. (nft 1.0.6 can't remember longer keys.)
    Client,
    /// Any of so many slots.
    Random { count: u32, first: u32 },
    /// The next of so many slots.
    Turn { count: u32, first: u32 },
    /// One of so many slots, the same for equal sources.
    Hashed { count: u32, first: u32 },
}

/// A chain by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// One of the skeleton's.
    Named(&'static str),
    /// One that picks an endpoint.
    Picking(Chain),
}

/// What marks a packet for masquerading; kube-proxy's default bit.
pub(super) const MARK: u32 = 0x4000;

/// The bits of a remembered number that tell the endpoint; the rest tells the service port.
pub(super) const ENDPOINT_BITS: u32 = 14;

/// The bits that tell the service port.
pub(super) const OWNER_MASK: u32 = u32::MAX << ENDPOINT_BITS;

/// Seeds of the kernel's hashes; fixed, so that all nodes agree.
pub(super) const SEED: u32 = 1;

/// What a packet is looked up by: its destination, or the port of it alone.
pub(super) fn at(node_port: bool) -> Key {
    if node_port {
        vec![Part::Protocol, Part::Port]
    } else {
        vec![Part::Destination, Part::Protocol, Part::Port]
    }
}

/// The same and more.
pub(super) fn at_and(node_port: bool, part: Part) -> Key {
    let mut key = at(node_port);
    key.push(part);
    key
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Picking(chain) => chain.fmt(f),
        }
    }
}
