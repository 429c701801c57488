//! Elements as the kernel takes them: every piece of a key padded to four bytes, addresses and ports in the
//! network's byte order, slots and numbers in the machine's.

use core::{
    fmt::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};
use ipnet::IpNet;
use std_alloc::{string::String, vec::Vec};

use super::{
    buffer::{bytes, nest, number},
    rule::{verdict, verdict::*},
};
use crate::{
    model::Protocol,
    render::nft::{At, Chain, Element, Key, Value},
};

/// A key in the making; none is longer.
struct Packed {
    bytes: [u8; 48],
    length: usize,
}

impl Packed {
    const fn new() -> Self {
        Self { bytes: [0; 48], length: 0 }
    }

    /// Appends a piece and what it is padded with.
    #[inline]
    fn put(&mut self, piece: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.length..self.length + piece.len()) {
            place.copy_from_slice(piece);
        }
        self.length += piece.len().next_multiple_of(4);
    }

    #[inline]
    fn address(&mut self, addr: IpAddr) {
        match addr {
            IpAddr::V4(addr) => self.put(&addr.octets()),
            IpAddr::V6(addr) => self.put(&addr.octets()),
        }
    }

    #[inline]
    fn at(&mut self, at: At) {
        let (protocol, port) = match at {
            At::Address(addr, protocol, port) => {
                self.address(addr);
                (protocol, port)
            }
            At::Port(protocol, port) => (protocol, port),
        };
        self.protocol(protocol);
        self.put(&port.get().to_be_bytes());
    }

    #[inline]
    fn protocol(&mut self, protocol: Protocol) {
        self.put(&[protocol.number()]);
    }

    #[inline]
    fn host(&mut self, value: u32) {
        self.put(&value.to_ne_bytes());
    }

    #[inline]
    fn key(&mut self, key: &Key) {
        match *key {
            Key::Addr(addr) => self.address(addr),
            Key::Pair(addr) => {
                self.address(addr);
                self.address(addr);
            }
            Key::At(at) => self.at(at),
            Key::Slot(at, slot) => {
                self.at(at);
                self.host(slot);
            }
            Key::Owned(owner, slot) => {
                self.host(owner);
                self.host(slot);
            }
            Key::Kind(number) => self.host(number),
            Key::Number(protocol, id) => {
                self.protocol(protocol);
                self.host(id);
            }
            Key::From(at, range) => {
                self.at(at);
                self.address(range.network());
            }
        }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The name of a chain: mostly that of the element before.
#[derive(Debug, Default)]
pub(super) struct Named {
    chain: Option<Chain>,
    name: String,
}

impl Named {
    fn of(&mut self, chain: Chain) -> &str {
        if self.chain != Some(chain) {
            self.name.clear();
            // Writing to a String can't fail.
            let _ = write!(self.name, "{chain}");
            self.chain = Some(chain);
        }
        &self.name
    }
}

/// Writes one element; to delete it, its key is enough.
#[inline]
pub(super) fn element(out: &mut Vec<u8>, element: &Element, delete: bool, name: &mut Named) {
    nest(out, 1, |out| {
        key(out, &element.key);
        if !delete {
            value(out, element, name);
        }
    });
}

#[inline]
fn key(out: &mut Vec<u8>, key: &Key) {
    let mut packed = Packed::new();
    packed.key(key);
    nest(out, 1, |out| bytes(out, 1, packed.as_bytes()));
    if let Key::From(at, range) = key {
        let mut end = Packed::new();
        end.at(*at);
        end.address(range.broadcast());
        nest(out, 10, |out| bytes(out, 1, end.as_bytes()));
    }
}

#[inline]
fn value(out: &mut Vec<u8>, element: &Element, name: &mut Named) {
    let to = |out: &mut Vec<u8>, code, chain| nest(out, 2, |out| verdict(out, code, chain));
    match element.value {
        Value::Present => {}
        Value::Goto(chain) => to(out, GOTO, Some(name.of(chain))),
        Value::GotoOutside { node_port } => {
            to(out, GOTO, Some(if node_port { "node-outside" } else { "outside" }));
        }
        Value::Return => to(out, RETURN, None),
        Value::Endpoint(endpoint) => data(out, endpoint),
        Value::Id(id) => nest(out, 2, |out| bytes(out, 1, &id.to_ne_bytes())),
    }
}

#[inline]
fn data(out: &mut Vec<u8>, endpoint: SocketAddr) {
    let mut packed = Packed::new();
    packed.address(endpoint.ip());
    packed.put(&endpoint.port().to_be_bytes());
    nest(out, 2, |out| bytes(out, 1, packed.as_bytes()));
}

/// Writes ranges as the kernel's trees take them: where each begins, and where it has ended.
pub(super) fn ranges(out: &mut Vec<u8>, ranges: &[IpNet]) {
    let mut edge = |addr: IpAddr, end: bool| {
        let mut packed = Packed::new();
        packed.address(addr);
        nest(out, 1, |out| {
            if end {
                number(out, 3, 1);
            }
            nest(out, 1, |out| bytes(out, 1, packed.as_bytes()));
        });
    };
    let first = ranges.first().map(IpNet::network).filter(|addr| !addr.is_unspecified());
    if let Some(first) = first {
        let zero: IpAddr = if first.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        edge(zero, true);
    }
    for range in ranges {
        edge(range.network(), false);
        if let Some(after) = after(range.broadcast()) {
            edge(after, true);
        }
    }
}

/// The address that follows; none after the last.
fn after(addr: IpAddr) -> Option<IpAddr> {
    Some(match addr {
        IpAddr::V4(addr) => IpAddr::V4(u32::from(addr).checked_add(1)?.into()),
        IpAddr::V6(addr) => IpAddr::V6(u128::from(addr).checked_add(1)?.into()),
    })
}
