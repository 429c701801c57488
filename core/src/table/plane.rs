//! The arrays of one family: what readers share, and what only the writer needs.

use core::net::SocketAddr;
use hashbrown::HashMap;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use super::{
    address::Address,
    index::{Index, Slot},
    names::Names,
    pages::Paged,
    record::{Endpoint, Extra, Kind, Record, Run},
    runs::Runs,
};
use crate::{
    Seed,
    balance::EndpointId,
    model::{Port, Protocol},
};

/// The arrays of one family, as a snapshot holds them.
#[derive(Clone, Debug)]
pub(super) struct Plane<A: Address> {
    pub(super) index: Index<A::Key>,
    pub(super) records: Paged<Record, 256>,
    pub(super) endpoints: Paged<Endpoint<A>, 512>,
    pub(super) extras: Paged<Option<Arc<Extra>>, 16>,
}

/// The arrays of one family, and what it takes to change them.
#[derive(Debug)]
pub(super) struct Writer<A: Address> {
    pub(super) plane: Plane<A>,
    runs: Runs,
    /// The keys of each service port.
    keys: HashMap<u32, Vec<(A::Key, Kind)>, ahash::RandomState>,
    /// Keys that several service ports want.
    contested: HashMap<A::Key, BTreeSet<(u32, u32)>, ahash::RandomState>,
}

/// An address that leads to a service port.
pub(super) type Destination<A> = (A, Protocol, Port, Kind);

impl<A: Address> Plane<A> {
    pub(super) fn bytes(&self) -> usize {
        self.index.bytes() + self.records.bytes() + self.endpoints.bytes() + self.extras.bytes()
    }

    pub(super) fn run(&self, run: Run) -> impl Iterator<Item = &Endpoint<A>> {
        (run.at..run.at + run.len).filter_map(|at| self.endpoints.get(at as usize))
    }
}

impl<A: Address<Key: core::hash::Hash>> Writer<A> {
    pub(super) fn new(seed: Seed) -> Self {
        let [a, b, ..] = seed.0;
        let plane = Plane {
            index: Index::new([a, b]),
            records: Paged::new(),
            endpoints: Paged::new(),
            extras: Paged::new(),
        };
        Self {
            plane,
            runs: Runs::default(),
            keys: HashMap::with_hasher(seed.hasher()),
            contested: HashMap::with_hasher(seed.hasher()),
        }
    }

    pub(super) fn record(&self, number: u32) -> Record {
        self.plane.records.get(number as usize).copied().unwrap_or_default()
    }

    /// Writes a record; one that is the same already copies no page.
    pub(super) fn set_record(&mut self, number: u32, record: Record) {
        if self.record(number) != record {
            self.plane.records.set(number as usize, record);
        }
    }

    pub(super) fn extra(&self, number: u32) -> Option<&Arc<Extra>> {
        self.plane.extras.get(number as usize)?.as_ref()
    }

    pub(super) fn set_extra(&mut self, number: u32, extra: Option<Arc<Extra>>) {
        if extra.is_some() || self.extra(number).is_some() {
            self.plane.extras.set(number as usize, extra);
        }
    }

    /// Makes exactly these addresses lead to service port `number`; of equal ones the first counts.
    pub(super) fn set_destinations(
        &mut self,
        number: u32,
        destinations: impl Iterator<Item = Destination<A>>,
        names: &Names,
    ) {
        let mut wanted: Vec<(A::Key, Kind)> = Vec::new();
        for (address, protocol, port, kind) in destinations {
            let key = address.key(protocol, port);
            if !wanted.iter().any(|(other, _)| *other == key) {
                wanted.push((key, kind));
            }
        }
        let before = self.keys.remove(&number).unwrap_or_default();
        for (key, _) in before.iter().filter(|had| !wanted.contains(had)) {
            self.release(*key, number, names);
        }
        for (key, kind) in wanted.iter().filter(|want| !before.contains(want)) {
            self.claim(*key, number, *kind, names);
        }
        if !wanted.is_empty() {
            self.keys.insert(number, wanted);
        }
    }

    fn claim(&mut self, key: A::Key, number: u32, kind: Kind, names: &Names) {
        let kind = kind as u32;
        let Some(holder) = self.plane.index.find(key, |_| true) else {
            return self.plane.index.insert(Slot { key, value: number, kind });
        };
        let claims = self.contested.entry(key).or_default();
        claims.insert((holder.value, holder.kind));
        claims.insert((number, kind));
        self.settle(key, holder.value, names);
    }

    fn release(&mut self, key: A::Key, number: u32, names: &Names) {
        let Some(claims) = self.contested.get_mut(&key) else {
            self.plane.index.remove(key, number);
            return;
        };
        claims.retain(|(other, _)| *other != number);
        let holder = self.plane.index.find(key, |_| true).map(|slot| slot.value);
        if let Some(holder) = holder {
            self.settle(key, holder, names);
        }
        if self.contested.get(&key).is_some_and(|claims| claims.len() <= 1) {
            self.contested.remove(&key);
        }
    }

    /// Gives a contested key to the claimant whose name comes first.
    fn settle(&mut self, key: A::Key, holder: u32, names: &Names) {
        let first = self
            .contested
            .get(&key)
            .and_then(|claims| claims.iter().min_by_key(|(number, _)| names.name(*number)));
        if let Some((number, kind)) = first {
            self.plane.index.replace(key, holder, *number, *kind);
        }
    }

    /// The endpoints that a service port has, by address.
    pub(super) fn members(&self, record: &Record) -> BTreeMap<(A, u16), EndpointId> {
        let both = self.plane.run(record.cluster).chain(self.plane.run(record.local));
        both.filter_map(|endpoint| Some(((endpoint.address, endpoint.port), endpoint.id?)))
            .collect()
    }

    /// Puts a set of endpoints in place of another one, in the order of their ids.
    pub(super) fn write_run(
        &mut self,
        old: Run,
        set: impl Iterator<Item = SocketAddr>,
        ids: &BTreeMap<(A, u16), EndpointId>,
    ) -> Run {
        let endpoint = |addr: SocketAddr| {
            let (address, port) = (A::of(addr.ip())?, addr.port());
            Some(Endpoint { address, port, id: Some(*ids.get(&(address, port))?) })
        };
        let mut set: Vec<Endpoint<A>> = set.filter_map(endpoint).collect();
        set.sort_unstable_by_key(|endpoint| endpoint.id);
        if self.plane.run(old).eq(&set) {
            return old;
        }
        let at = if Runs::fits(old.len as usize, set.len()) {
            Some(old.at)
        } else {
            if old.len > 0 {
                self.runs.give(old.at, old.len as usize);
            }
            if set.is_empty() { None } else { self.runs.take(set.len()) }
        };
        let Some(at) = at else { return Run::default() };
        (at as usize..)
            .zip(&set)
            .for_each(|(at, endpoint)| self.plane.endpoints.set(at, *endpoint));
        Run { at, len: set.len() as u32 }
    }
}
