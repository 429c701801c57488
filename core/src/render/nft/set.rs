//! What sets and maps look like: what they are looked up by, what is found, what else they can do.

use ipnet::IpNet;
use std_alloc::{vec, vec::Vec};

use super::{
    Map,
    rule::{Key, Part, at, at_and},
};

/// A set or map without the elements that change.
#[derive(Clone, Debug)]
pub(super) struct Set {
    /// Its name.
    pub(super) name: &'static str,
    /// What it is looked up by. A slot is any [`Part::Random`].
    pub(super) key: Key,
    /// What is found; only maps have it.
    pub(super) data: Option<Data>,
    /// What else it can do.
    pub(super) kind: Kind,
    /// What is in it for good.
    pub(super) ranges: Vec<IpNet>,
}

/// What is found in a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// Where the packet goes on.
    Verdict,
    /// An address and port.
    Endpoint,
    /// A number for the packet's priority.
    Number,
}

/// What a set can do besides holding values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Plain,
    /// It holds ranges.
    Ranges,
    /// The kernel fills it, and forgets again.
    Clients,
}

/// Client addresses that can be remembered.
pub(super) const STICKY_CLIENTS: u32 = 1 << 20;

impl Map {
    /// What it looks like.
    pub(super) fn set(self) -> Set {
        let slot = Part::Random { count: 4, first: 0 };
        let (key, data) = match self {
            Self::ClusterIps => (vec![Part::Destination], None),
            Self::Hairpin => (vec![Part::Source, Part::Destination], None),
            Self::Ranged => (at(false), None),
            Self::Allowed => (at_and(false, Part::Source), None),
            Self::Rejected | Self::Dropped => (at(false), None),
            Self::NodeRejected | Self::NodeDropped => (at(true), None),
            Self::Kinds | Self::Exceptions => (vec![Part::Priority], Some(Data::Verdict)),
            Self::Svc | Self::Short | Self::Local => (at(false), Some(Data::Number)),
            Self::NodeSvc | Self::NodeShort | Self::NodeLocal => (at(true), Some(Data::Number)),
            Self::Eps => (at_and(false, slot), Some(Data::Endpoint)),
            Self::NodeEps => (at_and(true, slot), Some(Data::Endpoint)),
            Self::Owners => (at(false), Some(Data::Number)),
            Self::NodeOwners => (at(true), Some(Data::Number)),
            Self::Ids => (vec![Part::Priority, slot], Some(Data::Number)),
            Self::ById | Self::LocalById => {
                (vec![Part::Protocol, Part::Priority], Some(Data::Endpoint))
            }
            Self::HostAddresses => (at(false), Some(Data::Endpoint)),
            Self::HostPorts => (at(true), Some(Data::Endpoint)),
        };
        let kind = if self == Self::Allowed { Kind::Ranges } else { Kind::Plain };
        Set { name: self.name(), key, data, kind, ranges: Vec::new() }
    }
}

impl Set {
    /// Ranges of addresses, at which `part` of the packet is.
    pub(super) fn of_ranges(name: &'static str, part: Part, ranges: &[IpNet]) -> Self {
        let ranges = IpNet::aggregate(&ranges.to_vec());
        Self { name, key: vec![part], data: None, kind: Kind::Ranges, ranges }
    }

    /// Which endpoint each client met last.
    pub(super) fn of_clients() -> Self {
        Self {
            name: "sticky",
            key: vec![Part::Client, Part::Priority],
            data: Some(Data::Number),
            kind: Kind::Clients,
            ranges: Vec::new(),
        }
    }
}
