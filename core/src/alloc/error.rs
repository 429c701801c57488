//! Why a number can't be had.

use super::{PortRange, Protocols};
use crate::model::{Family, Port};
use core::{fmt, net::IpAddr};
use ipnet::IpNet;
use std_alloc::vec::Vec;

/// Why an address or a port can't be handed out, or a range can't be changed. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllocError {
    /// The address isn't a service address of any of these ranges: it lies outside, or it is the network or
    /// broadcast address.
    #[error("{addr} is not one of the service addresses of {}", List(.ranges))]
    AddressOutOfRange {
        /// What was asked for.
        addr: IpAddr,
        /// The ranges of that family, preferred ones first.
        ranges: Vec<IpNet>,
    },
    /// Somebody holds the address.
    #[error("{addr} is already allocated")]
    AddressTaken {
        /// What was asked for.
        addr: IpAddr,
    },
    /// Every service address of these ranges is held.
    #[error("no address is free in {}", List(.ranges))]
    AddressesExhausted {
        /// The ranges that were tried, in order.
        ranges: Vec<IpNet>,
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

/// `a, b and c`.
struct List<'a>(&'a [IpNet]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, range) in self.0.iter().enumerate() {
            match n {
                0 => write!(f, "{range}")?,
                n if n + 1 == self.0.len() => write!(f, " and {range}")?,
                _ => write!(f, ", {range}")?,
            }
        }
        Ok(())
    }
}
