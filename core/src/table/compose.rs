//! From a frontend and a policy to what the table holds about a service port.

use core::net::SocketAddr;
use std_alloc::{boxed::Box, sync::Arc, vec::Vec};

use ipnet::IpNet;

use super::{
    address::Address,
    record::{Extra, Record, Scheme, Set, Way},
    writer::{Ids, Table, Writer},
};
use crate::{
    balance::{
        Connections, EndpointId, LeastConnections, Maglev, Method, Policy, Rendezvous,
        RendezvousTable, Size, SmoothRoundRobin, SpillOver, TwoChoices, Weighted, identity,
    },
    forward::Frontend,
    model::TrafficPolicy,
};

/// Most endpoints that a table numbers; the scores are asked when there are more.
const MANY: usize = u16::MAX as usize;

/// All that decides what is written about a service port.
pub(super) struct Draft<'a, A: Address> {
    pub(super) number: u32,
    /// The number under which its clients are remembered.
    pub(super) sticky: u32,
    pub(super) frontend: &'a Frontend,
    pub(super) policy: &'a Policy,
    pub(super) allowed: Vec<IpNet>,
    pub(super) ids: Ids<A>,
    /// The share of each endpoint.
    pub(super) weights: &'a dyn Fn(EndpointId, SocketAddr) -> u16,
    /// Where turns begin when the weights are new.
    pub(super) start: u32,
    /// The node's zone.
    pub(super) zone: Option<&'a str>,
}

/// One endpoint: its id, where it is, and its share.
type Member = (EndpointId, SocketAddr, u16);

impl<A: Address<Key: core::hash::Hash>> Draft<'_, A> {
    /// Writes it all, but for the addresses that lead here.
    pub(super) fn write(self, writer: &mut Writer<A>) {
        let Self { number, frontend, policy, .. } = self;
        let old = writer.record(number);
        let cluster = self.members(&frontend.endpoints.cluster);
        let local = self.members(&frontend.endpoints.local);
        let counters = self.counters(writer, &cluster, &local);
        // One way for both sets, since a client's own set is known only when it asks.
        let schemes = self.needs_scheme(&cluster) || self.needs_scheme(&local);
        let scheme = |members: &[Member]| {
            (schemes && !members.is_empty()).then(|| self.scheme(members, &counters))
        };
        let mut extra = Extra {
            source_ranges: self.allowed.clone().into(),
            cluster: scheme(&cluster),
            local: scheme(&local),
            connections: counters,
            client_prefix: Some(policy.client_prefix).filter(|prefix| *prefix != (32, 128)),
            release_on_failure: policy.release_on_failure,
            proxy_protocol: policy.proxy_protocol,
        };
        let mut run = |set: Set, members: &[Member]| {
            let table = self.table(writer, set, members, schemes);
            let addrs: Vec<_> = members.iter().map(|(id, addr, _)| (*id, *addr)).collect();
            writer.write_run(old.run(set), &addrs, table)
        };
        let (cluster, local) = (run(Set::Cluster, &cluster), run(Set::Local, &local));
        let seconds = frontend.affinity.map_or(0, |timeout| timeout.as_secs().max(1));
        let extra = (!extra.is_empty()).then(|| Arc::new(core::mem::take(&mut extra)));
        let record = Record {
            cluster,
            local,
            affinity: u32::try_from(seconds).unwrap_or(u32::MAX),
            sticky: self.sticky,
            way: if schemes { Way::Scheme } else { way(policy.method) },
            present: true,
            internal_local: frontend.internal == TrafficPolicy::Local,
            external_local: frontend.external == TrafficPolicy::Local,
            has_any: frontend.endpoints.has_any,
            restricted: !self.allowed.is_empty(),
            extra: extra.is_some(),
        };
        writer.set_extra(number, extra);
        writer.set_record(number, record);
    }

    /// A set in the order of the ids, with everyone's share; if nobody has one, all are alike.
    fn members(&self, set: &[SocketAddr]) -> Vec<Member> {
        let member = |addr: &SocketAddr| {
            let id = *self.ids.get(&(A::of(addr.ip())?, addr.port()))?;
            Some((id, *addr, (self.weights)(id, *addr)))
        };
        let mut members: Vec<Member> = set.iter().filter_map(member).collect();
        members.sort_unstable_by_key(|(id, ..)| *id);
        if members.iter().all(|(.., weight)| *weight == 0) {
            members.iter_mut().for_each(|(.., weight)| *weight = 1);
        }
        members
    }

    /// A counter for each endpoint, if they are counted; those who stay keep theirs.
    fn counters(
        &self,
        writer: &Writer<A>,
        cluster: &[Member],
        local: &[Member],
    ) -> Box<[(EndpointId, Arc<Connections>)]> {
        if !self.policy.method.counts() && self.policy.spill_over == 0 {
            return Box::new([]);
        }
        let before = writer.plane.extra(self.number);
        let counter = |id| before.and_then(|extra| extra.counter(id)).cloned().unwrap_or_default();
        let mut ids: Vec<_> = cluster.iter().chain(local).map(|(id, ..)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().map(|id| (id, counter(id))).collect()
    }

    /// Whether a number, a turn or a table don't do for a set.
    fn needs_scheme(&self, members: &[Member]) -> bool {
        let first = members.first().map(|(.., weight)| *weight);
        match self.policy.method {
            _ if self.policy.spill_over > 0 => true,
            Method::RoundRobin | Method::Random => {
                members.iter().any(|(.., weight)| Some(*weight) != first)
            }
            Method::Maglev | Method::RendezvousTable => members.len() > MANY,
            _ => true,
        }
    }

    /// The balancer over one set.
    fn scheme(&self, members: &[Member], counters: &[(EndpointId, Arc<Connections>)]) -> Scheme {
        let weights = || -> Vec<u16> { members.iter().map(|(.., weight)| *weight).collect() };
        let counter = |id: &EndpointId| {
            let at = counters.binary_search_by_key(id, |(id, _)| *id).ok()?;
            counters.get(at).map(|(_, counter)| counter.clone())
        };
        let counted = || -> Vec<(Arc<Connections>, u16)> {
            members.iter().filter_map(|(id, _, weight)| Some((counter(id)?, *weight))).collect()
        };
        if self.policy.spill_over > 0 {
            let here = &self.frontend.endpoints.here;
            let is_near = |ip| here.contains(&ip) || self.policy.is_in(self.zone, ip);
            let near = members.iter().map(|(_, addr, _)| is_near(addr.ip()));
            let all = counted().into_iter().zip(near).map(|((c, weight), near)| (c, weight, near));
            return Box::new(SpillOver::new(all, self.policy.spill_over));
        }
        match self.policy.method {
            Method::RoundRobin => Box::new(SmoothRoundRobin::new(&weights(), self.start)),
            Method::Random => Box::new(Weighted::new(&weights())),
            Method::LeastConnections => Box::new(LeastConnections::new(counted())),
            Method::TwoChoices => Box::new(TwoChoices::new(counted())),
            Method::PeakEwma => Box::new(TwoChoices::by_latency(counted())),
            Method::Maglev => Box::new(Maglev::new(&identities(members))),
            _ => Box::new(Rendezvous::new(&identities(members))),
        }
    }

    /// The table behind one set, if its method has one.
    fn table(
        &self,
        writer: &mut Writer<A>,
        set: Set,
        members: &[Member],
        schemes: bool,
    ) -> Option<Table> {
        let Policy { method, hash_slots, .. } = *self.policy;
        let tabled = matches!(method, Method::Maglev | Method::RendezvousTable)
            && !schemes
            && !members.is_empty();
        if method != Method::RendezvousTable || !tabled {
            writer.tables.remove(&(self.number, set));
        }
        if !tabled {
            return None;
        }
        let before = writer.record(self.number).run(set).size();
        let size = Size::of(members.len(), hash_slots, before);
        if method == Method::Maglev {
            return Some((size, Maglev::with_size(&identities(members), size.slots()).numbers()));
        }
        let fresh = || RendezvousTable::new(size.slots());
        let table = writer.tables.entry((self.number, set)).or_insert_with(fresh);
        if table.slots() != size.slots() as usize {
            *table = fresh();
        }
        table.update(&identities(members));
        Some((size, table.numbers()))
    }
}

/// Takes a service port out of the arrays, but for the addresses that lead there.
pub(super) fn clear<A: Address<Key: core::hash::Hash>>(writer: &mut Writer<A>, number: u32) {
    let old = writer.record(number);
    writer.write_run(old.cluster, &[], None);
    writer.write_run(old.local, &[], None);
    writer.tables.remove(&(number, Set::Cluster));
    writer.tables.remove(&(number, Set::Local));
    writer.set_extra(number, None);
    writer.set_record(number, Record::default());
}

const fn way(method: Method) -> Way {
    match method {
        Method::RoundRobin => Way::Turn,
        Method::Random => Way::Random,
        Method::Maglev | Method::RendezvousTable => Way::Table,
        _ => Way::Scheme,
    }
}

fn identities(members: &[Member]) -> Vec<(u64, u16)> {
    members.iter().map(|(_, addr, weight)| (identity(*addr, 0), *weight)).collect()
}
