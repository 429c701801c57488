//! The readers' side.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std_alloc::sync::Arc;

use super::{
    address::Address,
    cells::Endpoint,
    cursors::Cursors,
    flow::{Flow, Outcome, Pick, PortId},
    here::Here,
    lead::{Lead, Led},
    names::Names,
    plane::Plane,
    record::{Kind, Set},
    selection::Selection,
};
use crate::{
    Time,
    balance::{Affinity, identity, scale, turn},
    forward::NodeConfig,
    model::{Family, Port, Protocol, ServicePortName},
};

/// One state of the table; it never changes, and any number of threads may read it.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) generation: u64,
    pub(super) v4: Plane<Ipv4Addr>,
    pub(super) v6: Plane<Ipv6Addr>,
    pub(super) names: Names,
    pub(super) cursors: Cursors,
    pub(super) here: Here,
    pub(super) node: Arc<NodeConfig>,
    pub(super) hashing_key: u64,
}

impl Snapshot {
    /// Counts the states a [`super::Publisher`] has made.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Where a connection goes. `affinity` remembers the clients of service ports that want it.
    ///
    /// `entropy` is a random number, a new one for each call. O(1); nothing is allocated, nobody waits, and unless
    /// endpoints take turns nothing is written that another thread reads. Without affinity or source ranges it costs
    /// two reads from large arrays, three with consistent hashing.
    #[inline(always)]
    pub fn pick(&self, flow: &Flow, affinity: &mut Affinity, now: Time, entropy: u64) -> Outcome {
        // The usual case is short enough to become a part of the caller.
        if let IpAddr::V4(ip) = flow.address {
            let lead = self.lead_v4(ip, flow.port, flow.protocol);
            if let Some(pick) = self.pick_led(lead, entropy) {
                return Outcome::Backend(pick);
            }
            if lead.is_table() {
                let client = identity(flow.source, self.hashing_key);
                return self.pick_by_table(lead, client);
            }
        }
        // A copy, so that the caller's flow needn't be in memory for the usual case.
        self.pick_otherwise(*flow, affinity, now, entropy)
    }

    /// The usual case of [`Snapshot::pick`], for callers that hold connections in a form of their own: an endpoint of an
    /// address that leads to the same endpoints whoever connects, picked at random or in turn. `None` says nothing; ask
    /// `pick` then.
    ///
    /// ```
    /// use svckit::{Seed, table::Publisher, model::{Port, Protocol}};
    ///
    /// let snapshot = Publisher::new(Seed([1, 2, 3, 4])).publish();
    /// let (address, port) = ([10, 96, 0, 1].into(), Port::new(80).unwrap());
    /// assert_eq!(snapshot.pick_at_once(address, port, Protocol::Tcp, 7), None);
    /// ```
    #[must_use]
    #[inline(always)]
    pub fn pick_at_once(
        &self,
        address: Ipv4Addr,
        port: Port,
        protocol: Protocol,
        entropy: u64,
    ) -> Option<Pick> {
        self.pick_led(self.lead_v4(address, port, protocol), entropy)
    }

    #[inline(always)]
    fn lead_v4(&self, address: Ipv4Addr, port: Port, protocol: Protocol) -> Lead {
        let (index, key) = (&self.v4.index, address.key(protocol, port));
        index.find_first(key, index.hash(key))
    }

    #[inline(always)]
    fn pick_led(&self, lead: Lead, entropy: u64) -> Option<Pick> {
        let n = if lead.is_random() {
            scale(entropy, lead.len() as usize)
        } else if lead.is_turn() {
            turn(self.cursors.get(lead.owner() as usize)?, lead.len() as usize)?
        } else {
            return None;
        };
        self.v4.led_to(lead, n).map(|found| pick(lead.owner(), found))
    }

    /// By consistent hashing. It takes numbers, because a flow handed over in memory would be waited for; and it is cold, so
    /// that calling it costs other picks no registers.
    #[cold]
    #[inline(never)]
    fn pick_by_table(&self, lead: Lead, client: u64) -> Outcome {
        self.place(&self.v4, lead, || client, 0)
            .and_then(|n| self.v4.led_to(lead, n))
            .map_or(Outcome::NotAService, |found| Outcome::Backend(pick(lead.owner(), found)))
    }

    /// Where all other connections go.
    #[inline(never)]
    fn pick_otherwise(
        &self,
        flow: Flow,
        affinity: &mut Affinity,
        now: Time,
        entropy: u64,
    ) -> Outcome {
        let at_once = match flow.address {
            IpAddr::V4(ip) => self.at_once(&self.v4, ip, &flow, entropy),
            IpAddr::V6(ip) => self.at_once(&self.v6, ip, &flow, entropy),
        };
        match at_once {
            Some(pick) => Outcome::Backend(pick),
            None => self.pick_slowly(flow, affinity, now, entropy),
        }
    }

    #[inline]
    fn at_once<A: Address>(
        &self,
        plane: &Plane<A>,
        address: A,
        flow: &Flow,
        entropy: u64,
    ) -> Option<Pick> {
        let lead = plane.index.find(address.key(flow.protocol, flow.port));
        let n = self.place(plane, lead, || identity(flow.source, self.hashing_key), entropy)?;
        plane.led_to(lead, n).map(|found| pick(lead.owner(), found))
    }

    /// Which of the endpoints it is that a lead leads to; `None` if it doesn't. `client` is what consistent hashing knows
    /// it by.
    #[inline]
    pub(super) fn place<A: Address>(
        &self,
        plane: &Plane<A>,
        lead: Lead,
        client: impl FnOnce() -> u64,
        entropy: u64,
    ) -> Option<usize> {
        if lead.is_random() {
            return Some(scale(entropy, lead.len() as usize));
        }
        let Led::Endpoints(choice) = lead.led() else { return None };
        plane.choose(choice, &self.cursors, entropy, client)
    }

    /// The whole way: node ports, policies, source ranges, affinity, and reasons why there is nobody.
    #[cold]
    #[inline(never)]
    pub(super) fn pick_slowly(
        &self,
        flow: Flow,
        affinity: &mut Affinity,
        now: Time,
        entropy: u64,
    ) -> Outcome {
        match self.find(&flow) {
            Err(outcome) => outcome,
            Ok(found) if found.affinity().is_some() => found.pick_sticky(affinity, now, entropy),
            Ok(found) => found.pick_at(now, entropy),
        }
    }

    /// The endpoints a connection may reach, or why there are none.
    pub fn find(&self, flow: &Flow) -> Result<Selection<'_>, Outcome> {
        if self.here.is_martian(&self.node, flow.source.ip(), flow.address) {
            return Err(Outcome::Dropped);
        }
        match flow.address {
            IpAddr::V4(ip) => self.find_in(&self.v4, Family::V4, ip, flow),
            IpAddr::V6(ip) => self.find_in(&self.v6, Family::V6, ip, flow),
        }
    }

    /// The endpoints that a connection to a service port by name may reach, as to its cluster IP; IPv4 if both
    /// families have some.
    pub fn find_service(
        &self,
        name: &ServicePortName,
        source: SocketAddr,
    ) -> Result<Selection<'_>, Outcome> {
        let number = self.names.number(name).ok_or(Outcome::NotAService)?;
        let at = (number, Kind::ClusterIp, false);
        let v4 = self.select(&self.v4, Family::V4, at, source);
        match v4 {
            Ok(found) => Ok(found),
            Err(outcome) => self
                .select(&self.v6, Family::V6, at, source)
                .map_err(|other| if other == Outcome::NotAService { outcome } else { other }),
        }
    }

    /// The name of a service port.
    #[must_use]
    pub fn name(&self, service_port: PortId) -> Option<&ServicePortName> {
        self.names.name(service_port.0).map(|name| &**name)
    }

    /// How many addresses lead to service ports.
    #[must_use]
    pub fn addresses(&self) -> usize {
        self.v4.index.len() + self.v6.index.len()
    }

    /// The memory of all arrays in bytes, parts shared with other snapshots included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.v4.bytes() + self.v6.bytes() + self.names.bytes()
    }

    fn find_in<'a, A: Address>(
        &'a self,
        plane: &'a Plane<A>,
        family: Family,
        address: A,
        flow: &Flow,
    ) -> Result<Selection<'a>, Outcome> {
        let mut lead = plane.index.find(address.key(flow.protocol, flow.port));
        if lead.is_nowhere() && self.here.answers_node_ports(&self.node, flow.address) {
            lead = plane.index.find(A::NONE.key(flow.protocol, flow.port));
        }
        match lead.led() {
            Led::Nowhere => Err(Outcome::NotAService),
            Led::Record(number, kind) => {
                let at = (number, kind, flow.address.is_loopback());
                self.select(plane, family, at, flow.source)
            }
            Led::Endpoints(choice) => {
                let record = plane.record(choice.number).ok_or(Outcome::NotAService)?;
                // No two runs begin at one cell, but an empty one begins nowhere.
                let is_local = record.local.len() > 0 && record.local.at == choice.run.at;
                let set = if is_local { Set::Local } else { Set::Cluster };
                Ok(Selection::new(self, family, choice.number, record, set, flow.source))
            }
        }
    }

    fn select<'a, A: Address>(
        &'a self,
        plane: &'a Plane<A>,
        family: Family,
        (number, kind, loopback): (u32, Kind, bool),
        source: SocketAddr,
    ) -> Result<Selection<'a>, Outcome> {
        let record = plane.record(number).ok_or(Outcome::NotAService)?;
        let local = match kind {
            Kind::ClusterIp => record.internal_local,
            _ => record.external_local && !self.is_insider(source.ip(), loopback),
        };
        if kind == Kind::LoadBalancer && record.restricted && !may_enter(plane, number, source.ip())
        {
            return Err(Outcome::Dropped);
        }
        let set = if local { Set::Local } else { Set::Cluster };
        match record.run(set).len() {
            0 if record.has_any => Err(Outcome::Dropped),
            0 => Err(Outcome::NoEndpoints),
            _ => Ok(Selection::new(self, family, number, record, set, source)),
        }
    }

    /// Pods and the node itself: their traffic counts as if it had gone through the load balancer already.
    fn is_insider(&self, source: IpAddr, to_loopback: bool) -> bool {
        self.node.is_own(source) || (self.node.is_pod(source) && !to_loopback)
    }
}

/// Source ranges.
fn may_enter<A: Address>(plane: &Plane<A>, number: u32, source: IpAddr) -> bool {
    let Some(extra) = plane.extra(number) else { return true };
    extra.source_ranges.is_empty()
        || extra.source_ranges.iter().any(|range| range.contains(&source))
}

#[inline]
pub(super) fn pick<A: Address>(number: u32, endpoint: Endpoint<A>) -> Pick {
    Pick {
        backend: SocketAddr::new(endpoint.address.into(), endpoint.port),
        service_port: PortId(number),
        endpoint: endpoint.id,
    }
}
