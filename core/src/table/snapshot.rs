//! The readers' side.

use core::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use std_alloc::sync::Arc;

use super::{
    address::Address,
    cursors::Cursors,
    flow::{Flow, Outcome, Pick, PortId},
    names::Names,
    plane::Plane,
    record::{Kind, Record, Run, Set},
};
use crate::{
    Time,
    balance::{Affinity, Balance, Connections, Draw, EndpointId, identity, scale, turn},
    forward::NodeConfig,
    model::{Family, ServicePortName},
};

/// One state of the table; it never changes, and any number of threads may read it.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) generation: u64,
    pub(super) v4: Plane<Ipv4Addr>,
    pub(super) v6: Plane<Ipv6Addr>,
    pub(super) names: Names,
    pub(super) cursors: Cursors,
    pub(super) node: Arc<NodeConfig>,
}

/// The endpoints that one connection may reach; at least one.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    snapshot: &'a Snapshot,
    family: Family,
    service_port: PortId,
    record: Record,
    set: Set,
    run: Run,
    source: SocketAddr,
}

impl Snapshot {
    /// Counts the states a [`super::Publisher`] has made.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Where a connection goes. `affinity` remembers the clients of service ports that want it.
    ///
    /// `entropy` is a random number, a new one for each call. O(1); nothing is allocated, nobody waits.
    pub fn pick(&self, flow: &Flow, affinity: &mut Affinity, now: Time, entropy: u64) -> Outcome {
        match self.find(flow) {
            Err(outcome) => outcome,
            Ok(found) if found.affinity().is_some() => found.pick_sticky(affinity, now, entropy),
            Ok(found) => found.pick(entropy),
        }
    }

    /// The endpoints a connection may reach, or why there are none.
    #[inline]
    pub fn find(&self, flow: &Flow) -> Result<Selection<'_>, Outcome> {
        if self.node.is_martian(flow.source.ip(), flow.address) {
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

    #[inline]
    fn find_in<A: Address>(
        &self,
        plane: &Plane<A>,
        family: Family,
        address: A,
        flow: &Flow,
    ) -> Result<Selection<'_>, Outcome> {
        let key = address.key(flow.protocol, flow.port);
        let slot = match plane.index.find(key, |_| true) {
            Some(slot) => slot,
            None if self.node.answers_node_ports(flow.address) => {
                let key = A::NONE.key(flow.protocol, flow.port);
                plane.index.find(key, |_| true).ok_or(Outcome::NotAService)?
            }
            None => return Err(Outcome::NotAService),
        };
        let at = (slot.value, Kind::from_number(slot.kind), flow.address.is_loopback());
        self.select(plane, family, at, flow.source)
    }

    #[inline]
    fn select<A: Address>(
        &self,
        plane: &Plane<A>,
        family: Family,
        (number, kind, loopback): (u32, Kind, bool),
        source: SocketAddr,
    ) -> Result<Selection<'_>, Outcome> {
        let record = *plane.records.get(number as usize).ok_or(Outcome::NotAService)?;
        if !record.present {
            return Err(Outcome::NotAService);
        }
        let local = match kind {
            Kind::ClusterIp => record.internal_local,
            _ => record.external_local && !self.is_insider(source.ip(), loopback),
        };
        if kind == Kind::LoadBalancer && record.extra && !self.may_enter(plane, number, source.ip())
        {
            return Err(Outcome::Dropped);
        }
        let set = if local { Set::Local } else { Set::Cluster };
        let run = record.run(set);
        match run.len {
            0 if record.has_any => Err(Outcome::Dropped),
            0 => Err(Outcome::NoEndpoints),
            _ => Ok(Selection {
                snapshot: self,
                family,
                service_port: PortId(number),
                record,
                set,
                run,
                source,
            }),
        }
    }

    /// Pods and the node itself: their traffic counts as if it had gone through the load balancer already.
    fn is_insider(&self, source: IpAddr, to_loopback: bool) -> bool {
        self.node.is_own(source) || (self.node.is_pod(source) && !to_loopback)
    }

    /// Source ranges.
    fn may_enter<A: Address>(&self, plane: &Plane<A>, number: u32, source: IpAddr) -> bool {
        let Some(extra) = plane.extras.get(number as usize).and_then(Option::as_ref) else {
            return true;
        };
        extra.source_ranges.is_empty()
            || extra.source_ranges.iter().any(|range| range.contains(&source))
    }
}

impl<'a> Selection<'a> {
    /// Whose endpoints they are.
    #[must_use]
    pub const fn service_port(&self) -> PortId {
        self.service_port
    }

    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub const fn len(&self) -> usize {
        self.run.len as usize
    }

    /// How long a client sticks to its endpoint; `None`: it doesn't.
    #[must_use]
    pub fn affinity(&self) -> Option<Duration> {
        (self.record.affinity > 0).then(|| Duration::from_secs(self.record.affinity.into()))
    }

    /// All of them, in the order in which round robin visits them.
    pub fn endpoints(&self) -> impl Iterator<Item = SocketAddr> + use<'a> {
        let this = *self;
        (0..this.run.len).filter_map(move |n| Some(this.endpoint(n as usize)?.backend))
    }

    /// One of them, by the Service's method; affinity is not asked.
    #[inline]
    #[must_use]
    pub fn pick(&self, entropy: u64) -> Outcome {
        let len = self.run.len as usize;
        let choice = if self.record.extra { self.by_scheme(entropy) } else { None };
        let choice = choice.or_else(|| {
            if self.record.random {
                return Some(scale(entropy, len));
            }
            turn(self.snapshot.cursors.get(self.service_port.0 as usize)?, len)
        });
        choice.and_then(|n| self.endpoint(n)).map_or(Outcome::NoEndpoints, Outcome::Backend)
    }

    /// The one its client is remembered with, or else one by the Service's method, which is then remembered.
    pub fn pick_sticky(&self, affinity: &mut Affinity, now: Time, entropy: u64) -> Outcome {
        let Some(timeout) = self.affinity() else { return self.pick(entropy) };
        let (mut picked, mut known) = (None, None);
        let id = affinity.endpoint(
            self.service_port.0,
            self.source.ip(),
            now,
            timeout,
            |id| {
                known = self.by_id(id);
                known.is_some()
            },
            || {
                picked = Some(self.pick(entropy));
                match picked {
                    Some(Outcome::Backend(pick)) => Some(pick.endpoint),
                    _ => None,
                }
            },
        );
        let known = id.and(known).map(Outcome::Backend);
        picked.or(known).unwrap_or(Outcome::NoEndpoints)
    }

    /// The counter of an endpoint's connections, if the Service's method counts them.
    #[must_use]
    pub fn connections(&self, endpoint: EndpointId) -> Option<&'a Arc<Connections>> {
        let number = self.service_port.0 as usize;
        let extra = match self.family {
            Family::V4 => self.snapshot.v4.extras.get(number)?,
            Family::V6 => self.snapshot.v6.extras.get(number)?,
        };
        extra.as_ref()?.counter(endpoint)
    }

    fn by_scheme(&self, entropy: u64) -> Option<usize> {
        let number = self.service_port.0 as usize;
        let extra = match self.family {
            Family::V4 => self.snapshot.v4.extras.get(number)?,
            Family::V6 => self.snapshot.v6.extras.get(number)?,
        };
        // With affinity, a client is its address; without, each of its connections is a flow.
        let port = if self.record.affinity > 0 { 0 } else { self.source.port() };
        let key = identity(SocketAddr::new(self.source.ip(), port), 0);
        extra.as_ref()?.scheme(self.set)?.pick(Draw { entropy, key })
    }

    #[inline]
    fn endpoint(&self, n: usize) -> Option<Pick> {
        let at = self.run.at as usize + n;
        let (backend, id) = match self.family {
            Family::V4 => {
                let endpoint = self.snapshot.v4.endpoints.get(at)?;
                (SocketAddr::new(endpoint.address.into(), endpoint.port), endpoint.id)
            }
            Family::V6 => {
                let endpoint = self.snapshot.v6.endpoints.get(at)?;
                (SocketAddr::new(endpoint.address.into(), endpoint.port), endpoint.id)
            }
        };
        Some(Pick { backend, service_port: self.service_port, endpoint: id? })
    }

    /// Ids rise within a set.
    fn by_id(&self, id: EndpointId) -> Option<Pick> {
        let (mut from, mut to) = (0, self.run.len as usize);
        while from < to {
            let middle = from.midpoint(to);
            let pick = self.endpoint(middle)?;
            match pick.endpoint.cmp(&id) {
                core::cmp::Ordering::Equal => return Some(pick),
                core::cmp::Ordering::Less => from = middle + 1,
                core::cmp::Ordering::Greater => to = middle,
            }
        }
        None
    }
}
