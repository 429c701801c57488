//! What the table knows about one service port of one family.

use std_alloc::{boxed::Box, sync::Arc};

use ipnet::IpNet;

use super::address::Address;
use crate::balance::{Connections, EndpointId, Scheme};

/// Where a set of endpoints lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) at: u32,
    pub(super) len: u32,
}

/// Which of a service port's two sets of endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Cluster,
    Local,
}

/// What kind of address leads to a service port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ClusterIp,
    /// External addresses and node ports.
    External,
    /// Load balancers' addresses, which have source ranges.
    LoadBalancer,
}

impl Kind {
    pub(super) const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::ClusterIp,
            1 => Self::External,
            _ => Self::LoadBalancer,
        }
    }
}

/// One service port of one family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) cluster: Run,
    pub(super) local: Run,
    /// Seconds that a client sticks; 0: it doesn't.
    pub(super) affinity: u32,
    pub(super) present: bool,
    pub(super) internal_local: bool,
    pub(super) external_local: bool,
    /// Some endpoint somewhere could be used: what finds none is dropped, not refused.
    pub(super) has_any: bool,
    pub(super) random: bool,
    /// Has an [`Extra`].
    pub(super) extra: bool,
}

const _: () = assert!(size_of::<Record>() <= 32, "two records share a cache line");

impl Record {
    pub(super) const fn run(&self, set: Set) -> Run {
        match set {
            Set::Cluster => self.cluster,
            Set::Local => self.local,
        }
    }
}

/// One endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endpoint<A> {
    pub(super) address: A,
    pub(super) port: u16,
    /// `None` only where nothing is.
    pub(super) id: Option<EndpointId>,
}

const _: () = assert!(size_of::<Endpoint<core::net::Ipv4Addr>>() == 12);

impl<A: Address> Default for Endpoint<A> {
    fn default() -> Self {
        Self { address: A::NONE, port: 0, id: None }
    }
}

/// What few service ports have.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// Who may use the load balancer's addresses; empty: everybody.
    pub(super) source_ranges: Box<[IpNet]>,
    pub(super) cluster: Option<Scheme>,
    pub(super) local: Option<Scheme>,
    /// Counters of the endpoints, by id.
    pub(super) connections: Box<[(EndpointId, Arc<Connections>)]>,
}

impl Extra {
    pub(super) const fn scheme(&self, set: Set) -> Option<&Scheme> {
        match set {
            Set::Cluster => self.cluster.as_ref(),
            Set::Local => self.local.as_ref(),
        }
    }

    pub(super) fn counter(&self, id: EndpointId) -> Option<&Arc<Connections>> {
        let at = self.connections.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.connections.get(at).map(|(_, counter)| counter)
    }
}
