//! The words in which the tables of the two families differ.

use crate::model::Family;

/// How a family says things.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// The family's name, also that of its header.
    pub(super) ip: &'static str,
    /// The type of its addresses.
    pub(super) addr: &'static str,
    /// Its loopback range.
    pub(super) loopback: &'static str,
    /// An address and port of a packet, as keys have them.
    address: &'static str,
}

impl Words {
    /// The words of a family.
    pub(super) const fn of(family: Family) -> Self {
        match family {
            Family::V4 => Self {
                ip: "ip",
                addr: "ipv4_addr",
                loopback: "127.0.0.0/8",
                address: "ip daddr . meta l4proto . th dport",
            },
            Family::V6 => Self {
                ip: "ip6",
                addr: "ipv6_addr",
                loopback: "::1",
                address: "ip6 daddr . meta l4proto . th dport",
            },
        }
    }

    /// What a packet is looked up by: its destination, or the port of it alone.
    pub(super) const fn at(self, node_port: bool) -> &'static str {
        if node_port { "meta l4proto . th dport" } else { self.address }
    }

    /// What the names of the maps begin with that are looked up so.
    pub(super) const fn maps(self, node_port: bool) -> &'static str {
        if node_port { "node-" } else { "" }
    }
}
