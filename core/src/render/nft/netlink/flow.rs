//! UDP flows that the kernel's connection tracking remembers: asked for, read, removed.
//!
//! The layout of messages is that of `linux/netfilter/nfnetlink_conntrack.h`.

use core::net::{IpAddr, SocketAddr};
use std_alloc::vec::Vec;

use super::{
    Answer,
    answer::attribute,
    buffer::{Head, flag, message},
    rule::number_of,
};
use crate::model::Family;

/// The subsystem and its messages.
const LIST: u16 = 1 << 8 | 1;
const NEW: u16 = 1 << 8;
const REMOVE: u16 = 1 << 8 | 2;

/// Attributes of a flow: its two directions, and what else tells it from others.
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const IDENTITY: [u16; 3] = [ORIGINAL, 12, 18];

/// The number of UDP.
const UDP: u8 = 17;

/// A UDP flow that the kernel remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Where its client sends to.
    pub to: SocketAddr,
    /// Who answers: the same, unless it was sent elsewhere.
    pub server: SocketAddr,
    /// The attributes that tell it from others, as they came.
    identity: Vec<u8>,
}

impl Flow {
    /// Asks for all flows of a family.
    #[must_use]
    pub fn list(family: Family, sequence: u32) -> Vec<u8> {
        request(LIST, flag::DUMP, family, sequence, &[])
    }

    /// The flow that an answer tells of, if it is one of UDP.
    #[must_use]
    pub fn of(answer: Answer<'_>) -> Option<Self> {
        let Answer::Item { kind: NEW, body, .. } = answer else { return None };
        let to = end(attribute(body, ORIGINAL)?, 2, 4, 3)?;
        let server = end(attribute(body, REPLY)?, 1, 3, 2)?;
        let mut identity = Vec::new();
        for kind in IDENTITY {
            if let Some(value) = attribute(body, kind) {
                super::buffer::bytes(&mut identity, kind, value);
            }
        }
        Some(Self { to, server, identity })
    }

    /// Asks for its removal: the next datagram starts anew.
    #[must_use]
    pub fn removal(&self, sequence: u32) -> Vec<u8> {
        request(REMOVE, flag::ACK, Family::of(self.to.ip()), sequence, &self.identity)
    }
}

fn request(kind: u16, flags: u16, family: Family, sequence: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let head = Head { kind, flags, sequence, family: number_of(family), resource: 0 };
    message(&mut out, head, |out| out.extend_from_slice(body));
    out
}

/// One end of a direction: the address under one of two attributes, the port under another.
fn end(direction: &[u8], v4: u16, v6: u16, port: u16) -> Option<SocketAddr> {
    let (ip, protocol) = (attribute(direction, 1)?, attribute(direction, 2)?);
    if attribute(protocol, 1)? != [UDP] {
        return None;
    }
    let addr = match attribute(ip, v4) {
        Some(addr) => IpAddr::from(<[u8; 4]>::try_from(addr).ok()?),
        None => IpAddr::from(<[u8; 16]>::try_from(attribute(ip, v6)?).ok()?),
    };
    let port = u16::from_be_bytes(attribute(protocol, port)?.try_into().ok()?);
    Some(SocketAddr::new(addr, port))
}
