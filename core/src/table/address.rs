//! Addresses as keys: numbers that compare in one step.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::{Port, Protocol};

/// An address of one family.
pub(super) trait Address: Copy + Eq + Ord + Into<IpAddr> {
    /// Address, port and protocol in one; its default is none's.
    type Key: Key;

    /// What is written in arrays where there is none.
    const NONE: Self;

    fn key(self, protocol: Protocol, port: Port) -> Self::Key;

    /// `None` for the other family.
    fn of(ip: IpAddr) -> Option<Self>;
}

/// A key of the index.
pub(super) trait Key: Copy + Eq + Default {
    /// A number that strangers can't predict; all its bits are good.
    fn hash(self, seed: [u64; 2]) -> u64;
}

impl Address for Ipv4Addr {
    type Key = u64;

    const NONE: Self = Self::UNSPECIFIED;

    #[inline]
    fn key(self, protocol: Protocol, port: Port) -> u64 {
        u64::from(self.to_bits()) << 32 | u64::from(suffix(protocol, port))
    }

    fn of(ip: IpAddr) -> Option<Self> {
        if let IpAddr::V4(ip) = ip { Some(ip) } else { None }
    }
}

impl Address for Ipv6Addr {
    type Key = (u64, u64, u32);

    const NONE: Self = Self::UNSPECIFIED;

    #[inline]
    fn key(self, protocol: Protocol, port: Port) -> (u64, u64, u32) {
        let bits = self.to_bits();
        ((bits >> 64) as u64, bits as u64, suffix(protocol, port))
    }

    fn of(ip: IpAddr) -> Option<Self> {
        if let IpAddr::V6(ip) = ip { Some(ip) } else { None }
    }
}

/// Port and protocol; never 0, so that no key is the default.
fn suffix(protocol: Protocol, port: Port) -> u32 {
    u32::from(port.get()) << 16 | u32::from(protocol.number())
}

impl Key for u64 {
    #[inline]
    fn hash(self, [a, b]: [u64; 2]) -> u64 {
        fold(self ^ a, b)
    }
}

impl Key for (u64, u64, u32) {
    #[inline]
    fn hash(self, [a, b]: [u64; 2]) -> u64 {
        fold(fold(self.0 ^ a, b) ^ self.1, a | 1) ^ fold(u64::from(self.2) ^ b, a | 1)
    }
}

/// Both halves of the product, so that each bit of the input reaches each bit of the result.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
