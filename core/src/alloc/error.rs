//! Why a number could not be handed out.

use core::net::IpAddr;
use ipnet::IpNet;

use super::PortRange;
use crate::model::{Family, Port, Protocol};

/// Why an address or port could not be handed out.
///
/// Each variant carries what the caller needs to act or to explain itself; none carries free text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllocError {
    /// The range has more addresses than are kept track of. Use a longer prefix.
    #[error("{range} is too large; the shortest prefixes are /8 for IPv4 and /1 for IPv6")]
    RangeTooLarge {
        /// The range that was asked for.
        range: IpNet,
    },
    /// The address is in none of the ranges, or is a network or broadcast address. Ask for another one.
    #[error("{addr} is not an address that can be handed out")]
    AddressOutOfRange {
        /// The address that was asked for.
        addr: IpAddr,
    },
    /// Somebody else holds the address. Ask for another one, or let us choose.
    #[error("{addr} is already allocated")]
    AddressTaken {
        /// The address that was asked for.
        addr: IpAddr,
    },
    /// All addresses of the family are held. Add a range.
    #[error("no {family} address is left")]
    AddressesExhausted {
        /// The family that was asked for.
        family: Family,
    },
    /// The port is outside the range of node ports.
    #[error("{port} is outside the node ports {range}")]
    PortOutOfRange {
        /// The port that was asked for.
        port: Port,
        /// The range there is.
        range: PortRange,
    },
    /// Somebody else holds the port for this protocol.
    #[error("{port}/{protocol} is already allocated")]
    PortTaken {
        /// The port that was asked for.
        port: Port,
        /// The protocol that is taken.
        protocol: Protocol,
    },
    /// All node ports are held. Widen the range.
    #[error("no node port is left in {range}")]
    PortsExhausted {
        /// The range there is.
        range: PortRange,
    },
}
