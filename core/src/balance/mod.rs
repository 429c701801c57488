//! Picks one of a service port's endpoints for a new connection.
//!
//! ```text
//! Random           any of them, alike               RoundRobin       each in turn
//! Weighted         at random, by weight             SmoothRoundRobin in turn, by weight, spread out
//! Maglev           one for each client, by a table  LeastConnections the one with the fewest
//! RendezvousTable  the same, nobody else moves      TwoChoices       the better of two at random
//! Rendezvous       one for each client, by scores   SpillOver        the near ones, until they are busy
//! ```
//!
//! [`Policy`] is what a Service's annotations say about all this; new endpoints come up slowly ([`slow_start()`]), and
//! those of weight 0 are draining.
//!
//! Each is a value that knows how many endpoints there are, and answers [`Balance::pick`] with the number of one of
//! them. None of them blocks, allocates while picking, or reads a clock; those that must remember something (whose
//! turn it is, who holds how many connections) do it in atomic counters, so that threads can share them.
//!
//! [`Ejection`] knows who failed lately. [`Affinity`] remembers which endpoint a client was given, for Services with `sessionAffinity: ClientIP`.
//!
//! # What this module doesn't do
//!
//! It doesn't know which endpoints may be used: that is decided by `forward`, and what comes here is the list.

mod affinity;
mod connections;
mod ejection;
mod least_connections;
mod maglev;
mod method;
mod policy;
mod random;
mod rendezvous;
mod rendezvous_table;
mod round_robin;
mod sizes;
mod slow_start;
mod smooth;
mod spill_over;
mod two_choices;
mod weighted;

pub use affinity::{Affinity, EndpointId};
pub use connections::{Connection, Connections};
pub use ejection::{Ejection, EjectionRules};
pub use least_connections::LeastConnections;
pub use maglev::Maglev;
pub use method::Method;
pub use policy::{BadAnnotation, Policy, ProxyProtocol, Weights};
pub use random::Random;
pub use rendezvous::{Rendezvous, keep};
pub use rendezvous_table::RendezvousTable;
pub use round_robin::RoundRobin;
pub use slow_start::slow_start;
pub use smooth::SmoothRoundRobin;
pub use spill_over::SpillOver;
pub use two_choices::TwoChoices;
pub use weighted::Weighted;

pub(crate) use policy::{NAMES, client};
pub(crate) use random::scale;
pub(crate) use round_robin::turn;
pub(crate) use sizes::Size;

use core::net::{IpAddr, SocketAddr};

use crate::{Time, seed::mix};

/// What one pick is made from. What a balancer doesn't use may be anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Draw {
    /// A random number, another one for each connection.
    pub entropy: u64,
    /// The same number for all connections that should reach the same endpoint; see [`identity`].
    pub key: u64,
    /// When.
    pub now: Time,
}

/// Picks endpoints by number.
pub trait Balance: core::fmt::Debug {
    /// The number of an endpoint, from 0; `None` when there is none to pick.
    fn pick(&self, draw: Draw) -> Option<usize>;
}

/// A number for an address and port that is the same on every machine and in every version.
///
/// Consistent hashing needs all nodes to agree, which keyed hashers of processes don't. Pass a `key` that all nodes
/// share: whoever knows it can choose source ports that meet one endpoint.
#[must_use]
#[inline]
pub fn identity(addr: SocketAddr, key: u64) -> u64 {
    let host = match addr.ip() {
        IpAddr::V4(ip) => mix(key ^ u64::from(ip.to_bits())),
        IpAddr::V6(ip) => {
            let bits = ip.to_bits();
            mix(mix(key ^ (bits >> 64) as u64) ^ bits as u64)
        }
    };
    mix(host ^ u64::from(addr.port()))
}

#[cfg(test)]
mod tests;
