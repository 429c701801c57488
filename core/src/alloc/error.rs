//! Why a number can't be had.

use super::{PortRange, Protocols};
use crate::model::{Family, Port};
use core::{fmt, net::IpAddr};
use ipnet::IpNet;

/// Why an address or a port can't be handed out, or a range can't be changed. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllocError {
    /// The address isn't a service address of any of these ranges: it lies outside, or it is the network or
    /// broadcast address.
    #[error("{addr} is not one of the service addresses of {ranges}")]
    AddressOutOfRange {
        /// What was asked for.
        addr: IpAddr,
        /// The ranges of that family.
        ranges: Ranges,
    },
    /// Somebody holds the address.
    #[error("{addr} is already allocated")]
    AddressTaken {
        /// What was asked for.
        addr: IpAddr,
    },
    /// Every service address of these ranges is held.
    #[error("no address is free in {ranges}")]
    AddressesExhausted {
        /// The ranges that were tried.
        ranges: Ranges,
    },
    /// There is no range of this family to draw from.
    #[error("there is no {family} service range")]
    NoRange {
        /// What was asked for.
        family: Family,
    },
    /// The range has more addresses than can be counted: an IPv6 range may be a /64 at most.
    #[error("{range} is larger than a /64")]
    RangeTooLarge {
        /// What was asked for.
        range: IpNet,
    },
    /// The range is there already.
    #[error("{range} is a service range already")]
    RangeKnown {
        /// What was asked for.
        range: IpNet,
    },
    /// There is no such range.
    #[error("{range} is not a service range")]
    RangeUnknown {
        /// What was asked for.
        range: IpNet,
    },
    /// Addresses that no other range has are still held, or are still drawn from the range: drain it first.
    #[error("{range} is still in use, by {held} addresses")]
    RangeInUse {
        /// What was asked for.
        range: IpNet,
        /// How many addresses keep it; zero when it is only not draining yet.
        held: u64,
    },
    /// The port isn't in the node port range.
    #[error("port {port} is not in the node port range {range}")]
    PortOutOfRange {
        /// What was asked for.
        port: Port,
        /// The ports there are.
        range: PortRange,
    },
    /// Somebody holds the port.
    #[error("node port {port} is already allocated for {protocols}")]
    PortTaken {
        /// What was asked for.
        port: Port,
        /// Those of the protocols asked for that are held.
        protocols: Protocols,
    },
    /// No port of the range is free for all of these protocols.
    #[error("no node port of {range} is free for {protocols}")]
    PortsExhausted {
        /// The ports there are.
        range: PortRange,
        /// What was asked for.
        protocols: Protocols,
    },
}

/// Ranges in an error: the preferred one, and how many others there are. `10.96.0.0/16 and 2 more`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranges {
    /// The preferred one.
    pub first: IpNet,
    /// How many others there are.
    pub more: usize,
}

impl Ranges {
    /// These, preferred ones first; `None` when there are none.
    pub(super) fn of(mut cidrs: impl Iterator<Item = IpNet>) -> Option<Self> {
        Some(Self { first: cidrs.next()?, more: cidrs.count() })
    }
}

impl From<IpNet> for Ranges {
    fn from(first: IpNet) -> Self {
        Self { first, more: 0 }
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.more {
            0 => self.first.fmt(f),
            more => write!(f, "{} and {more} more", self.first),
        }
    }
}
