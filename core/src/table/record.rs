//! What the table knows about one service port of one family.

use std_alloc::{boxed::Box, sync::Arc};

use ipnet::IpNet;

use super::cells::table_cells;
use crate::balance::{Balance, Connections, EndpointId, ProxyProtocol, Size};

/// Where a set of endpoints lies, and the table behind it, if it has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) at: u32,
    /// Endpoints in the lower 24 bits; above them the table's size, counted from 1, or 0; on top whether the upper
    /// halves of ids stand behind the endpoints.
    packed: u32,
}

impl Run {
    pub(super) fn new(at: u32, len: u32, uppers: bool, size: Option<Size>) -> Self {
        let size = size.map_or(0, |size| u32::from(size.number()) + 1);
        Self { at, packed: len.min(0xff_ffff) | size << 24 | u32::from(uppers) << 31 }
    }

    /// How many endpoints.
    #[inline]
    pub(super) const fn len(self) -> u32 {
        self.packed & 0xff_ffff
    }

    /// The table's size.
    #[inline]
    pub(super) fn size(self) -> Option<Size> {
        (self.packed >> 24 & 0x7f).checked_sub(1).map(|size| Size::from_number(size as u8))
    }

    /// Whether the upper halves of ids stand behind the endpoints.
    #[inline]
    pub(super) const fn has_uppers(self) -> bool {
        self.packed >> 31 == 1
    }

    /// How many cells stand before the table, at so many for each endpoint.
    pub(super) const fn before_table(self, each: usize) -> usize {
        let len = self.len() as usize;
        len * each + if self.has_uppers() { table_cells(len, true) } else { 0 }
    }

    /// How many cells it takes, at so many for each endpoint.
    pub(super) fn cells(self, each: usize) -> usize {
        let table = |size: Size| table_cells(size.slots() as usize, is_wide(self.len()));
        self.before_table(each) + self.size().map_or(0, table)
    }
}

/// Whether the numbers of so many endpoints take two bytes.
#[inline]
pub(super) const fn is_wide(len: u32) -> bool {
    len > 0x100
}

/// Which of a service port's two sets of endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Set {
    Cluster,
    Local,
}

/// What kind of address leads to a service port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    ClusterIp = 1,
    /// External addresses and node ports.
    External,
    /// Load balancers' addresses, which have source ranges.
    LoadBalancer,
}

/// How one endpoint of a run is picked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Way {
    /// By the scheme in its [`Extra`].
    #[default]
    Scheme,
    /// Any, all alike.
    Random,
    /// Each in turn.
    Turn,
    /// By the table behind it.
    Table,
}

/// One service port of one family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) cluster: Run,
    pub(super) local: Run,
    /// Seconds that a client sticks; 0: it doesn't.
    pub(super) affinity: u32,
    /// The number under which affinity remembers its clients.
    pub(super) sticky: u32,
    pub(super) way: Way,
    pub(super) present: bool,
    pub(super) internal_local: bool,
    pub(super) external_local: bool,
    /// Some endpoint somewhere could be used: what finds none is dropped, not refused.
    pub(super) has_any: bool,
    /// Load balancers' addresses have source ranges.
    pub(super) restricted: bool,
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

/// What few service ports have.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// Who may use the load balancer's addresses; empty: everybody.
    pub(super) source_ranges: Box<[IpNet]>,
    pub(super) cluster: Option<Scheme>,
    pub(super) local: Option<Scheme>,
    /// Counters of the endpoints, by id.
    pub(super) connections: Box<[(EndpointId, Arc<Connections>)]>,
    /// See [`crate::balance::Policy::client_prefix`]; `None`: all bits.
    pub(super) client_prefix: Option<(u8, u8)>,
    /// See [`crate::balance::Policy::release_on_failure`].
    pub(super) release_on_failure: bool,
    /// See [`crate::balance::Policy::proxy_protocol`].
    pub(super) proxy_protocol: Option<ProxyProtocol>,
}

/// A balancer that needs more than a number of endpoints, a turn or a table.
pub(super) type Scheme = Box<dyn Balance + Send + Sync>;

impl Extra {
    pub(super) fn scheme(&self, set: Set) -> Option<&Scheme> {
        match set {
            Set::Cluster => self.cluster.as_ref(),
            Set::Local => self.local.as_ref(),
        }
    }

    pub(super) fn counter(&self, id: EndpointId) -> Option<&Arc<Connections>> {
        let at = self.connections.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.connections.get(at).map(|(_, counter)| counter)
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.source_ranges.is_empty()
            && self.cluster.is_none()
            && self.local.is_none()
            && self.connections.is_empty()
            && self.client_prefix.is_none()
            && !self.release_on_failure
            && self.proxy_protocol.is_none()
    }
}
