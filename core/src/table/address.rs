//! Addresses as keys: numbers that compare in one step.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::cells::{Cell, Cells, Endpoint, pack_v4, pack_v6, unpack_v4, unpack_v6};
use crate::{
    model::{Port, Protocol},
    seed::Keyed,
};

/// An address of one family.
pub(super) trait Address: Copy + Eq + Ord + Into<IpAddr> {
    /// Address, port and protocol in one; its default is none's.
    type Key: Key;

    /// What is written in arrays where there is none.
    const NONE: Self;

    /// Cells that an endpoint takes.
    const CELLS: usize;

    fn key(self, protocol: Protocol, port: Port) -> Self::Key;

    /// `None` for the other family.
    fn of(ip: IpAddr) -> Option<Self>;

    /// Whether ids of more than two bytes don't fit into these cells.
    const HALF_IDS: bool;

    /// The endpoint that begins at a cell; `None` if there is no such cell. `upper` is what its id has no room for.
    fn unpack(cells: &Cells, at: usize, upper: u16) -> Option<Endpoint<Self>>;

    /// The cells of an endpoint; as many of them count as it takes.
    fn pack(endpoint: &Endpoint<Self>) -> [Cell; 3];
}

/// A key of the index.
pub(super) trait Key: Keyed {
    /// Whether it is one of a loopback address.
    fn is_loopback(self) -> bool;
}

impl Address for Ipv4Addr {
    type Key = u64;

    const NONE: Self = Self::UNSPECIFIED;

    const CELLS: usize = 1;

    const HALF_IDS: bool = true;

    #[inline]
    fn key(self, protocol: Protocol, port: Port) -> u64 {
        u64::from(self.to_bits()) << 32 | u64::from(suffix(protocol, port))
    }

    #[inline]
    fn of(ip: IpAddr) -> Option<Self> {
        if let IpAddr::V4(ip) = ip { Some(ip) } else { None }
    }

    #[inline]
    fn unpack(cells: &Cells, at: usize, upper: u16) -> Option<Endpoint<Self>> {
        unpack_v4(cells, at, upper)
    }

    fn pack(endpoint: &Endpoint<Self>) -> [Cell; 3] {
        [pack_v4(endpoint), 0, 0]
    }
}

impl Address for Ipv6Addr {
    type Key = (u64, u64, u32);

    const NONE: Self = Self::UNSPECIFIED;

    const CELLS: usize = 3;

    const HALF_IDS: bool = false;

    #[inline]
    fn key(self, protocol: Protocol, port: Port) -> (u64, u64, u32) {
        let bits = self.to_bits();
        ((bits >> 64) as u64, bits as u64, suffix(protocol, port))
    }

    #[inline]
    fn of(ip: IpAddr) -> Option<Self> {
        if let IpAddr::V6(ip) = ip { Some(ip) } else { None }
    }

    #[inline]
    fn unpack(cells: &Cells, at: usize, _: u16) -> Option<Endpoint<Self>> {
        unpack_v6(cells, at)
    }

    fn pack(endpoint: &Endpoint<Self>) -> [Cell; 3] {
        pack_v6(endpoint)
    }
}

/// Port and protocol; never 0, so that no key is the default.
#[inline]
fn suffix(protocol: Protocol, port: Port) -> u32 {
    u32::from(port.get()) << 16 | u32::from(protocol.number())
}

impl Key for u64 {
    fn is_loopback(self) -> bool {
        Ipv4Addr::from_bits((self >> 32) as u32).is_loopback()
    }
}

impl Key for (u64, u64, u32) {
    fn is_loopback(self) -> bool {
        (self.0, self.1) == (0, 1)
    }
}
