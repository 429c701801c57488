//! The endpoints that one connection may reach.

use core::{
    cmp::Ordering,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use std_alloc::sync::Arc;

use super::{
    flow::{Outcome, Pick, PortId},
    lead::Choice,
    record::{Extra, Record, Run, Set, Way},
    snapshot::{Snapshot, pick},
};
use crate::{
    Time,
    balance::{Affinity, Connections, Draw, EndpointId, ProxyProtocol, client, identity},
    model::Family,
};

/// The endpoints that one connection may reach; at least one.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    snapshot: &'a Snapshot,
    family: Family,
    service_port: PortId,
    record: &'a Record,
    set: Set,
    source: SocketAddr,
}

impl<'a> Selection<'a> {
    pub(super) const fn new(
        snapshot: &'a Snapshot,
        family: Family,
        number: u32,
        record: &'a Record,
        set: Set,
        source: SocketAddr,
    ) -> Self {
        Self { snapshot, family, service_port: PortId(number), record, set, source }
    }

    /// Whose endpoints they are.
    #[must_use]
    pub const fn service_port(&self) -> PortId {
        self.service_port
    }

    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub const fn len(&self) -> usize {
        self.run().len() as usize
    }

    /// How long a client sticks to its endpoint; `None`: it doesn't.
    #[must_use]
    pub fn affinity(&self) -> Option<Duration> {
        (self.record.affinity > 0).then(|| Duration::from_secs(self.record.affinity.into()))
    }

    /// Who the client is to affinity and consistent hashing: its address, or the first one of its prefix.
    #[must_use]
    pub fn client(&self) -> IpAddr {
        match self.extra().and_then(|extra| extra.client_prefix) {
            Some(prefix) => client(prefix, self.source.ip()),
            None => self.source.ip(),
        }
    }

    /// The number under which [`Affinity`] remembers the client, for this service port or for its whole Service.
    #[must_use]
    pub const fn sticky(&self) -> u32 {
        self.record.sticky
    }

    /// Whether clients shall be let go from an endpoint that can't be reached.
    #[must_use]
    pub fn releases_on_failure(&self) -> bool {
        self.extra().is_some_and(|extra| extra.release_on_failure)
    }

    /// How endpoints are told who connects.
    #[must_use]
    pub fn proxy_protocol(&self) -> Option<ProxyProtocol> {
        self.extra()?.proxy_protocol
    }

    /// All of them, in the order in which round robin visits them.
    pub fn endpoints(&self) -> impl Iterator<Item = SocketAddr> + use<'a> {
        self.picks().map(|pick| pick.backend)
    }

    /// The same with their ids.
    pub fn picks(&self) -> impl Iterator<Item = Pick> + use<'a> {
        let this = *self;
        (0..this.len()).filter_map(move |n| this.endpoint(n))
    }

    /// One of them, by the Service's method; affinity is not asked.
    ///
    /// The time matters for `peak-ewma` alone; [`Selection::pick_at`] takes it.
    #[must_use]
    pub fn pick(&self, entropy: u64) -> Outcome {
        self.pick_at(Time::default(), entropy)
    }

    /// The same at a point of time, so that what is known of slow endpoints fades.
    #[must_use]
    pub fn pick_at(&self, now: Time, entropy: u64) -> Outcome {
        let picked = match self.record.way {
            Way::Scheme => self.by_scheme(now, entropy),
            way => {
                let (number, run) = (self.service_port.0, self.run());
                self.choose(Choice { number, run, way }, entropy)
            }
        };
        picked.map_or(Outcome::NoEndpoints, Outcome::Backend)
    }

    /// The one its client is remembered with, or else one by the Service's method, which is then remembered.
    pub fn pick_sticky(&self, affinity: &mut Affinity, now: Time, entropy: u64) -> Outcome {
        let Some(timeout) = self.affinity() else { return self.pick_at(now, entropy) };
        let (mut picked, mut known) = (None, None);
        let id = affinity.endpoint(
            self.sticky(),
            self.client(),
            now,
            timeout,
            |id| {
                known = self.by_id(id);
                known.is_some()
            },
            || {
                picked = Some(self.pick_at(now, entropy));
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
        self.extra()?.counter(endpoint)
    }

    const fn run(&self) -> Run {
        self.record.run(self.set)
    }

    fn extra(&self) -> Option<&'a Extra> {
        if !self.record.extra {
            return None;
        }
        match self.family {
            Family::V4 => self.snapshot.v4.extra(self.service_port.0),
            Family::V6 => self.snapshot.v6.extra(self.service_port.0),
        }
    }

    /// What the client is hashed by: with affinity a client is its address; without, each connection is a flow.
    fn key(&self) -> u64 {
        let port = if self.record.affinity > 0 { 0 } else { self.source.port() };
        identity(SocketAddr::new(self.client(), port), self.snapshot.hashing_key)
    }

    fn choose(&self, choice: Choice, entropy: u64) -> Option<Pick> {
        let (snapshot, key) = (self.snapshot, || self.key());
        let n = match self.family {
            Family::V4 => snapshot.v4.choose(choice, &snapshot.cursors, entropy, key),
            Family::V6 => snapshot.v6.choose(choice, &snapshot.cursors, entropy, key),
        };
        self.endpoint(n?)
    }

    fn by_scheme(&self, now: Time, entropy: u64) -> Option<Pick> {
        let scheme = self.extra()?.scheme(self.set)?;
        self.endpoint(scheme.pick(Draw { entropy, key: self.key(), now })?)
    }

    fn endpoint(&self, n: usize) -> Option<Pick> {
        let (run, number) = (self.run(), self.service_port.0);
        match self.family {
            Family::V4 => self.snapshot.v4.endpoint(run, n).map(|found| pick(number, found)),
            Family::V6 => self.snapshot.v6.endpoint(run, n).map(|found| pick(number, found)),
        }
    }

    /// Ids rise within a set.
    fn by_id(&self, id: EndpointId) -> Option<Pick> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from.midpoint(to);
            let pick = self.endpoint(middle)?;
            match pick.endpoint.cmp(&id) {
                Ordering::Equal => return Some(pick),
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
            }
        }
        None
    }
}
