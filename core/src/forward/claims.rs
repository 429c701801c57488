//! Who holds an address and port, when several Services ask for it.
//!
//! An API server keeps cluster IPs and node ports apart, but nobody keeps external addresses apart. Kernels need
//! one answer: a cluster IP goes before a load balancer's address, that before an external IP; among equals the
//! first in the order of names has it. The others do without until it is given up.

use core::net::IpAddr;
use hashbrown::{HashMap, hash_map::Entry};
use std_alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use super::FrontendKey;
use crate::{
    Seed,
    model::{Family, Port, Protocol},
};

/// Where clients connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// A port of a virtual address.
    Address(IpAddr, Protocol, Port),
    /// A port of the node's own addresses of one family.
    NodePort(Family, Protocol, Port),
}

/// What an address is to the Service that asks for it; the first kind goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Its cluster IP.
    ClusterIp,
    /// An address of its load balancer.
    Vip,
    /// An external IP.
    ExternalIp,
    /// Its node port.
    NodePort,
}

/// A wish for a destination.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// What it is to the Service.
    pub role: Role,
    /// Who asks.
    pub key: Arc<FrontendKey>,
}

/// Several service ports want one destination.
#[derive(Clone, Copy, Debug)]
pub struct Conflict<'a> {
    /// What they want.
    pub destination: Destination,
    /// Who has it.
    pub holder: &'a Claim,
    /// Who does without.
    pub others: &'a [Claim],
}

/// All wishes by destination.
#[derive(Debug)]
pub(super) struct Claims {
    /// Who has it.
    holders: HashMap<Destination, Claim, ahash::RandomState>,
    /// Who does without, where anybody does; sorted.
    others: BTreeMap<Destination, Vec<Claim>>,
}

impl Claims {
    pub(super) fn new(seed: Seed) -> Self {
        Self { holders: HashMap::with_hasher(seed.hasher()), others: BTreeMap::new() }
    }

    /// Makes room for so many in all.
    pub(super) fn reserve(&mut self, all: usize) {
        self.holders.reserve(all.saturating_sub(self.holders.len()));
    }

    /// Who holds a destination.
    pub(super) fn holder(&self, destination: Destination) -> Option<&Claim> {
        self.holders.get(&destination)
    }

    /// Whether somebody who wishes for a destination holds it.
    pub(super) fn holds(&self, destination: Destination, key: &FrontendKey) -> bool {
        !self.others.contains_key(&destination)
            || self.holder(destination).is_some_and(|claim| *claim.key == *key)
    }

    /// The destinations that several want.
    pub(super) fn conflicts(&self) -> impl Iterator<Item = Conflict<'_>> {
        self.others.iter().filter_map(|(destination, others)| {
            let holder = self.holders.get(destination)?;
            Some(Conflict { destination: *destination, holder, others })
        })
    }

    /// Takes note of a wish; `moved` gets whoever lost the destination by it.
    pub(super) fn add(
        &mut self,
        destination: Destination,
        claim: Claim,
        moved: &mut Vec<Arc<FrontendKey>>,
    ) {
        let mut held = match self.holders.entry(destination) {
            Entry::Vacant(free) => {
                free.insert(claim);
                return;
            }
            Entry::Occupied(held) => held,
        };
        let loser = if claim < *held.get() {
            moved.push(held.get().key.clone());
            held.insert(claim)
        } else {
            claim
        };
        let others = self.others.entry(destination).or_default();
        let place = others.partition_point(|other| *other < loser);
        others.insert(place, loser);
    }

    /// Takes a wish back; `moved` gets whoever has the destination now.
    pub(super) fn remove(
        &mut self,
        destination: Destination,
        claim: &Claim,
        moved: &mut Vec<Arc<FrontendKey>>,
    ) {
        let Some(holder) = self.holders.get_mut(&destination) else { return };
        let holds = *holder == *claim;
        let Some(others) = self.others.get_mut(&destination).filter(|others| !others.is_empty())
        else {
            if holds {
                self.holders.remove(&destination);
            }
            return;
        };
        if holds {
            *holder = others.remove(0);
            moved.push(holder.key.clone());
        } else {
            others.retain(|other| other != claim);
        }
        if others.is_empty() {
            self.others.remove(&destination);
        }
    }
}
