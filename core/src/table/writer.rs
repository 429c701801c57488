//! What it takes to change the arrays of one family.

use core::net::SocketAddr;
use hashbrown::{HashMap, hash_map::Entry};
use std_alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use super::{
    address::{Address, Key},
    cells::{Cell, Endpoint, pack_table},
    lead::Lead,
    names::Names,
    plane::Plane,
    record::{Extra, Kind, Record, Run, Set, is_wide},
    runs::Runs,
};
use crate::{
    Seed,
    balance::{EndpointId, RendezvousTable, Size},
    model::{Port, Protocol},
};

/// The arrays of one family, and what only their writer needs.
#[derive(Debug)]
pub(super) struct Writer<A: Address> {
    pub(super) plane: Plane<A>,
    runs: Runs,
    /// The keys of each service port.
    keys: HashMap<u32, Vec<(A::Key, Kind)>, ahash::RandomState>,
    /// Who wants each key.
    claims: HashMap<A::Key, Claims, ahash::RandomState>,
    /// Strangers that ask at loopback addresses are dropped: who asks there makes a difference.
    guarded: bool,
    /// Hash tables that are cheaper to change than to make.
    pub(super) tables: BTreeMap<(u32, Set), RendezvousTable>,
}

/// The service ports that want one key.
#[derive(Debug)]
struct Claims {
    /// The one whose name comes first.
    holder: (u32, Kind),
    others: Vec<(u32, Kind)>,
}

/// An address that leads to a service port.
pub(super) type Destination<A> = (A, Protocol, Port, Kind);

/// The ids of a service port's endpoints.
pub(super) type Ids<A> = BTreeMap<(A, u16), EndpointId>;

/// A hash table: its size, and the numbers of endpoints in it.
pub(super) type Table = (Size, Vec<u16>);

impl<A: Address<Key: core::hash::Hash>> Writer<A> {
    pub(super) fn new(seed: Seed) -> Self {
        let [a, b, ..] = seed.0;
        Self {
            plane: Plane::new([a, b]),
            runs: Runs::default(),
            keys: HashMap::with_hasher(seed.hasher()),
            claims: HashMap::with_hasher(seed.hasher()),
            guarded: false,
            tables: BTreeMap::new(),
        }
    }

    pub(super) fn record(&self, number: u32) -> Record {
        self.plane.record(number).copied().unwrap_or_default()
    }

    /// Writes a record; one that is the same already copies no page.
    pub(super) fn set_record(&mut self, number: u32, record: Record) {
        if self.record(number) != record {
            self.plane.records.set(number as usize, record);
        }
    }

    pub(super) fn set_extra(&mut self, number: u32, extra: Option<Arc<Extra>>) {
        if extra.is_some() || self.plane.extra(number).is_some() {
            self.plane.extras.set(number as usize, extra);
        }
    }

    /// Makes exactly these addresses lead to service port `number`, as its record says; of equal ones the first counts.
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
        for (key, kind) in &wanted {
            if !before.contains(&(*key, *kind)) {
                self.claim(*key, number, *kind, names);
            }
            self.point(*key);
        }
        if !wanted.is_empty() {
            self.keys.insert(number, wanted);
        }
    }

    /// Lets addresses of the loopback range lead to records, where clients are looked at, or not.
    pub(super) fn set_guarded(&mut self, guarded: bool) {
        if self.guarded != guarded {
            self.guarded = guarded;
            let loopback = self.claims.keys().copied().filter(|key| key.is_loopback());
            loopback.collect::<Vec<_>>().into_iter().for_each(|key| self.point(key));
        }
    }

    fn lead(&self, key: A::Key, (number, kind): (u32, Kind)) -> Lead {
        if self.guarded && key.is_loopback() {
            return Lead::to_record(number, kind);
        }
        self.record(number).lead(number, kind)
    }

    fn claim(&mut self, key: A::Key, number: u32, kind: Kind, names: &Names) {
        let new = (number, kind);
        let lead = self.lead(key, new);
        match self.claims.entry(key) {
            Entry::Vacant(free) => {
                free.insert(Claims { holder: new, others: Vec::new() });
                self.plane.index.insert(key, lead);
            }
            Entry::Occupied(mut claims) => {
                claims.get_mut().others.push(new);
                claims.get_mut().settle(names);
            }
        }
        self.point(key);
    }

    fn release(&mut self, key: A::Key, number: u32, names: &Names) {
        let Some(claims) = self.claims.get_mut(&key) else { return };
        claims.others.retain(|(other, _)| *other != number);
        if claims.holder.0 == number {
            let Some(next) = claims.others.pop() else {
                self.claims.remove(&key);
                self.plane.index.remove(key, |_| true);
                return;
            };
            claims.holder = next;
            claims.settle(names);
        }
        self.point(key);
    }

    /// Lets a key lead where its holder's record says.
    fn point(&mut self, key: A::Key) {
        if let Some(claims) = self.claims.get(&key) {
            let lead = self.lead(key, claims.holder);
            self.plane.index.replace(key, lead);
        }
    }

    /// The endpoints that a service port has, by address.
    pub(super) fn members(&self, record: &Record) -> Ids<A> {
        let both = self.plane.endpoints(record.cluster).chain(self.plane.endpoints(record.local));
        both.map(|endpoint| ((endpoint.address, endpoint.port), endpoint.id)).collect()
    }

    /// Puts a set of endpoints and its table in place of another one, in the order of their ids.
    pub(super) fn write_run(
        &mut self,
        old: Run,
        set: &[(EndpointId, SocketAddr)],
        table: Option<Table>,
    ) -> Run {
        let (mut cells, mut uppers): (Vec<Cell>, Vec<u16>) = (Vec::new(), Vec::new());
        for (id, addr) in set {
            let Some(address) = A::of(addr.ip()) else { continue };
            uppers.push((id.get() >> 16) as u16);
            let packed = A::pack(&Endpoint { address, port: addr.port(), id: *id });
            cells.extend(packed.iter().take(A::CELLS));
        }
        let len = (cells.len() / A::CELLS) as u32;
        let has_uppers = A::HALF_IDS && uppers.iter().any(|upper| *upper > 0);
        if has_uppers {
            cells.extend(pack_table(&uppers, true));
        }
        let (size, numbers) =
            table.map_or((None, Vec::new()), |(size, numbers)| (Some(size), numbers));
        cells.extend(pack_table(&numbers, is_wide(len)));
        let held = old.cells(A::CELLS);
        let at = if Runs::fits(held, cells.len()) {
            Some(old.at)
        } else {
            if held > 0 {
                self.runs.give(old.at, held);
            }
            if len == 0 { None } else { self.runs.take(cells.len()) }
        };
        let Some(at) = at else { return Run::default() };
        self.write_cells(at as usize, &cells);
        Run::new(at, len, has_uppers, size)
    }

    /// Writes the cells that differ: a page without any is not copied.
    fn write_cells(&mut self, at: usize, cells: &[Cell]) {
        for (n, part) in cells.chunks(64).enumerate() {
            let from = at + n * 64;
            let same = (from..).zip(part).all(|(at, cell)| self.plane.cells.get(at) == Some(cell));
            if !same {
                self.plane.cells.write(from, part);
            }
        }
    }
}

impl Claims {
    /// Makes the claimant whose name comes first the holder.
    fn settle(&mut self, names: &Names) {
        for other in &mut self.others {
            if names.name(other.0) < names.name(self.holder.0) {
                core::mem::swap(other, &mut self.holder);
            }
        }
    }
}
