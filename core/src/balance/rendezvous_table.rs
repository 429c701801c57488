//! One endpoint for each client, by a table in which nobody moves without need.

use std_alloc::{boxed::Box, collections::BTreeMap, vec, vec::Vec};

use super::{Balance, Draw, rendezvous::cost, scale, sizes::prime};
use crate::seed::mix;

/// One endpoint for each key, as [`super::Rendezvous`] scores them, by a table as [`super::Maglev`] has one: a pick is
/// one multiplication and one read.
///
/// When an endpoint goes, only its own slots move, and one that comes takes only what it keeps: no other key is
/// disturbed, as long as the table keeps its size. The table depends on the endpoints alone, not on their history.
/// Its shares are as uneven as chance has it: about 10% at 600 slots per endpoint, 3% at 6,000. Building costs
/// O(slots × endpoints), adding or removing one of n endpoints an n-th of it. 10 bytes per slot.
///
/// ```
/// use svckit::balance::{Balance, Draw, RendezvousTable};
///
/// let mut table = RendezvousTable::new(1_021);
/// table.update(&[(11, 1), (22, 1), (33, 1)]);
/// let picks = |table: &RendezvousTable| [7, 8, 9].map(|n: u64| table.pick(Draw { key: n << 55, ..Draw::default() }));
/// let before = picks(&table);
/// table.update(&[(11, 1), (22, 1)]);
/// for (was, is) in before.into_iter().zip(picks(&table)) {
///     assert!(was == Some(2) || was == is);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct RendezvousTable {
    /// Which member has each slot.
    owners: Box<[u16]>,
    /// What it costs the owner: the smallest cost has the slot.
    costs: Box<[u64]>,
    members: Vec<Member>,
    /// Weights differ, which makes costs cost more to find out.
    uneven: bool,
}

/// One endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    identity: u64,
    weight: u16,
    /// Where it stands in the list of the last update; `None`: gone, and its number may be used again.
    place: Option<u32>,
}

/// Of equal costs, the smaller identity has the slot.
type Bid = (u64, u64);

impl RendezvousTable {
    /// A table without endpoints, of `size` slots or as many more as make a prime, at most 2^27.
    #[must_use]
    pub fn new(size: u32) -> Self {
        let size = prime(size) as usize;
        Self {
            owners: vec![0; size].into(),
            costs: vec![u64::MAX; size].into(),
            members: Vec::new(),
            uneven: false,
        }
    }

    /// How many slots the table has.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.owners.len()
    }

    /// Makes these its endpoints, given as (identity, weight). Weight 0 is never picked, of equal identities the first
    /// counts, and so do the first 65,535 of all.
    pub fn update(&mut self, endpoints: &[(u64, u16)]) {
        let mut wanted = BTreeMap::new();
        for (place, (identity, weight)) in (0_u32..).zip(endpoints) {
            if *weight > 0 && wanted.len() < usize::from(u16::MAX) {
                wanted.entry(*identity).or_insert((*weight, place));
            }
        }
        let mut weights = wanted.values().map(|(weight, _)| *weight);
        let first = weights.next();
        let uneven = weights.any(|weight| Some(weight) != first);
        if uneven != self.uneven {
            self.members.clear();
            self.uneven = uneven;
        }
        let fresh = self.members.iter().all(|member| member.place.is_none());
        let mut gone = vec![false; self.members.len()];
        for (member, gone) in self.members.iter_mut().zip(&mut gone) {
            let place = wanted
                .get(&member.identity)
                .filter(|(weight, _)| member.place.is_some() && *weight == member.weight);
            let place = place.map(|(_, place)| *place);
            *gone = member.place.is_some() && place.is_none();
            member.place = place;
            if place.is_some() {
                wanted.remove(&member.identity);
            }
        }
        if fresh {
            self.members.clear();
            self.costs.fill(u64::MAX);
        } else if gone.contains(&true) {
            self.leave(&gone);
        }
        for (identity, (weight, place)) in wanted {
            self.join(Member { identity, weight, place: Some(place) });
        }
    }

    /// The number of the endpoint in each slot; none if one doesn't fit or there are none.
    pub(crate) fn numbers(&self) -> Vec<u16> {
        let number = |owner: &u16| self.place(*owner).and_then(|place| u16::try_from(place).ok());
        self.owners.iter().map(number).collect::<Option<_>>().unwrap_or_default()
    }

    fn place(&self, owner: u16) -> Option<u32> {
        self.members.get(usize::from(owner))?.place
    }

    /// Shares out the slots of those who are gone.
    fn leave(&mut self, gone: &[bool]) {
        let Self { owners, costs, members, uneven } = self;
        let left = (0_u16..).zip(&*members).filter(|(_, member)| member.place.is_some());
        let left: Vec<(u16, Member)> = left.map(|(n, member)| (n, *member)).collect();
        for ((slot, owner), held) in (0..).zip(owners).zip(costs) {
            if gone.get(usize::from(*owner)) != Some(&true) {
                continue;
            }
            let slot = mix(slot);
            let (mut least, mut identity) = (u64::MAX, u64::MAX);
            *owner = left.first().map_or(0, |(n, _)| *n);
            for (n, member) in &left {
                let bid = member.bid(slot, *uneven);
                if bid.0 < least || (bid.0 == least && bid.1 < identity) {
                    (least, identity, *owner) = (bid.0, bid.1, *n);
                }
            }
            *held = least;
        }
    }

    /// Gives a new one what it bids less for than who has it.
    fn join(&mut self, new: Member) {
        let Self { owners, costs, members, uneven } = self;
        let alone = members.iter().all(|member| member.place.is_none());
        let free = members.iter().position(|member| member.place.is_none());
        let number = free.unwrap_or(members.len());
        match members.get_mut(number) {
            Some(member) => *member = new,
            None => members.push(new),
        }
        let identity = |owner: u16| members.get(usize::from(owner)).map(|member| member.identity);
        for ((slot, owner), held) in (0..).zip(owners).zip(costs) {
            let bid = new.bid(mix(slot), *uneven);
            let ties = || identity(*owner).is_some_and(|identity| bid < (*held, identity));
            if alone || bid.0 < *held || (bid.0 == *held && ties()) {
                (*held, *owner) = (bid.0, number as u16);
            }
        }
    }
}

impl Member {
    /// What it bids for a slot, given by its mixed number.
    #[inline]
    fn bid(&self, slot: u64, uneven: bool) -> Bid {
        let score = mix(slot ^ self.identity);
        let cost = if uneven { cost(score, self.weight) } else { !score };
        (cost, self.identity)
    }
}

impl Balance for RendezvousTable {
    #[inline]
    fn pick(&self, draw: Draw) -> Option<usize> {
        let owner = self.owners.get(scale(draw.key, self.owners.len()))?;
        self.place(*owner).map(|place| place as usize)
    }
}
