//! Elements of sets and maps: what is different from cluster to cluster.

use core::{
    fmt,
    net::{IpAddr, SocketAddr},
};
use ipnet::IpNet;

use super::Chain;
use crate::model::{Family, Port, Protocol};

/// One element of one set or map of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Element {
    /// Whose table.
    pub family: Family,
    /// Which set or map.
    pub map: Map,
    /// What it is found by.
    pub key: Key,
    /// What is found; only maps have one.
    pub value: Value,
}

/// The sets and maps whose elements change. Those in pairs are looked up by address and port, or, for node ports,
/// by the port alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Map {
    /// Cluster IPs: other ports there are refused.
    ClusterIps,
    /// Pairs of equal addresses: endpoints of this node, talking to themselves.
    Hairpin,
    /// Where clients connect to → number of the chain.
    Svc,
    /// The same for node ports.
    NodeSvc,
    /// Destination and slot → endpoint.
    Eps,
    /// The same for node ports.
    NodeEps,
    /// External policy Local: the number of the chain for pods and for the node itself.
    Short,
    /// The same for node ports.
    NodeShort,
    /// External policy Local: that of the chain for everybody else.
    Local,
    /// The same for node ports.
    NodeLocal,
    /// Number → chain.
    Kinds,
    /// Number → rules that look for a chain elsewhere, or none.
    Exceptions,
    /// Where nothing can be reached: clients are told.
    Rejected,
    /// The same for node ports.
    NodeRejected,
    /// Where nothing can be reached from here: packets vanish.
    Dropped,
    /// The same for node ports.
    NodeDropped,
    /// Destinations that not everybody may use.
    Ranged,
    /// Destination and who may use it.
    Allowed,
    /// Destination → number of the service port, if it remembers clients.
    Owners,
    /// The same for node ports.
    NodeOwners,
    /// Service port and slot → number of the endpoint, to remember it by.
    Ids,
    /// Number → endpoint of the cluster set.
    ById,
    /// Number → endpoint of the local set.
    LocalById,
    /// A port of one address of the node → pod.
    HostAddresses,
    /// A port of each address of the node → pod.
    HostPorts,
}

/// Where a packet is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// An address and port.
    Address(IpAddr, Protocol, Port),
    /// A port, at whichever address.
    Port(Protocol, Port),
}

/// What an element is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An address.
    Addr(IpAddr),
    /// An address, twice.
    Pair(IpAddr),
    /// Where a packet is sent.
    At(At),
    /// The same, and the place of an endpoint.
    Slot(At, u32),
    /// The number of a service port, and the place of an endpoint.
    Owned(u32, u32),
    /// The protocol and number of an endpoint.
    Number(Protocol, u32),
    /// The same, and where it comes from.
    From(At, IpNet),
    /// The number of a chain.
    Kind(u32),
}

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// That it is there.
    Present,
    /// The packet goes on to an endpoint.
    Goto(Chain),
    /// The packet goes on to the rules of external policy Local.
    GotoOutside {
        /// For node ports.
        node_port: bool,
    },
    /// The packet is sent nowhere else: it is refused later on.
    Return,
    /// An endpoint.
    Endpoint(SocketAddr),
    /// The number of a chain, of a service port, or of one of its endpoints.
    Id(u32),
}

impl Map {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::ClusterIps,
        Self::Hairpin,
        Self::Svc,
        Self::NodeSvc,
        Self::Eps,
        Self::NodeEps,
        Self::Short,
        Self::NodeShort,
        Self::Local,
        Self::NodeLocal,
        Self::Kinds,
        Self::Exceptions,
        Self::Rejected,
        Self::NodeRejected,
        Self::Dropped,
        Self::NodeDropped,
        Self::Ranged,
        Self::Allowed,
        Self::Owners,
        Self::NodeOwners,
        Self::Ids,
        Self::ById,
        Self::LocalById,
        Self::HostAddresses,
        Self::HostPorts,
    ];

    /// Its name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClusterIps => "cluster-ips",
            Self::Hairpin => "hairpin",
            Self::Svc => "svc",
            Self::NodeSvc => "node-svc",
            Self::Eps => "eps",
            Self::NodeEps => "node-eps",
            Self::Short => "short",
            Self::NodeShort => "node-short",
            Self::Local => "local",
            Self::NodeLocal => "node-local",
            Self::Kinds => "kinds",
            Self::Exceptions => "exceptions",
            Self::Rejected => "rejected",
            Self::NodeRejected => "node-rejected",
            Self::Dropped => "dropped",
            Self::NodeDropped => "node-dropped",
            Self::Ranged => "ranged",
            Self::Allowed => "allowed",
            Self::Owners => "owners",
            Self::NodeOwners => "node-owners",
            Self::Ids => "ids",
            Self::ById => "by-id",
            Self::LocalById => "local-by-id",
            Self::HostAddresses => "host-addresses",
            Self::HostPorts => "host-ports",
        }
    }

    /// Whether it is a set: its elements have no values.
    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(
            self,
            Self::ClusterIps
                | Self::Hairpin
                | Self::Ranged
                | Self::Allowed
                | Self::Rejected
                | Self::NodeRejected
                | Self::Dropped
                | Self::NodeDropped
        )
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(addr, protocol, port) => {
                write!(f, "{addr} . {} . {port}", protocol.as_lower())
            }
            Self::Port(protocol, port) => write!(f, "{} . {port}", protocol.as_lower()),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => addr.fmt(f),
            Self::Pair(addr) => write!(f, "{addr} . {addr}"),
            Self::At(at) => at.fmt(f),
            Self::Slot(at, slot) => write!(f, "{at} . {slot}"),
            Self::Owned(owner, slot) => write!(f, "{} . {slot}", Handle(*owner)),
            Self::Kind(number) => Handle(*number).fmt(f),
            Self::Number(protocol, id) => write!(f, "{} . {}", protocol.as_lower(), Handle(*id)),
            Self::From(at, range) if range.prefix_len() == range.max_prefix_len() => {
                write!(f, "{at} . {}", range.addr())
            }
            Self::From(at, range) => write!(f, "{at} . {range}"),
        }
    }
}

/// A packet's priority, as nft writes it: two halves in hexadecimal.
struct Handle(u32);

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}:{:x}", self.0 >> 16, self.0 & 0xffff)
    }
}

/// As in a list of elements: `10.96.0.10 . tcp . 80 : 1:2`.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)?;
        match self.value {
            Value::Present => Ok(()),
            Value::Goto(chain) => write!(f, " : goto {chain}"),
            Value::GotoOutside { node_port: true } => f.write_str(" : goto node-outside"),
            Value::GotoOutside { .. } => f.write_str(" : goto outside"),
            Value::Return => f.write_str(" : return"),
            Value::Endpoint(to) => write!(f, " : {} . {}", to.ip(), to.port()),
            Value::Id(id) => write!(f, " : {}", Handle(id)),
        }
    }
}
