//! Who holds an address and port, when several Services ask for it.
//!
//! An API server keeps cluster IPs and node ports apart, but nobody keeps external addresses apart. Kernels need
//! one answer: a cluster IP goes before a load balancer's address, that before an external IP; among equals the
//! first in the order of names has it. The others do without until it is given up.

use core::net::IpAddr;
use hashbrown::{HashMap, HashSet};
use std_alloc::{collections::BTreeSet, vec::Vec};

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
    pub key: FrontendKey,
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
    /// Sorted; the first one holds.
    wishes: HashMap<Destination, Wishes, ahash::RandomState>,
    contested: BTreeSet<Destination>,
}

#[derive(Debug)]
struct Wishes {
    holder: Claim,
    others: Vec<Claim>,
}

impl Claims {
    pub(super) fn new(seed: Seed) -> Self {
        Self { wishes: HashMap::with_hasher(seed.hasher()), contested: BTreeSet::new() }
    }

    /// Who holds a destination.
    pub(super) fn holder(&self, destination: Destination) -> Option<&Claim> {
        self.wishes.get(&destination).map(|wishes| &wishes.holder)
    }

    /// Whether this claim holds the destination.
    pub(super) fn holds(&self, destination: Destination, key: &FrontendKey) -> bool {
        self.holder(destination).is_some_and(|claim| claim.key == *key)
    }

    /// The destinations that several want.
    pub(super) fn conflicts(&self) -> impl Iterator<Item = Conflict<'_>> {
        self.contested.iter().filter_map(|destination| {
            let wishes = self.wishes.get(destination)?;
            Some(Conflict {
                destination: *destination,
                holder: &wishes.holder,
                others: &wishes.others,
            })
        })
    }

    /// Takes note of a wish; `moved` gets whoever lost the destination by it.
    pub(super) fn add(
        &mut self,
        destination: Destination,
        claim: Claim,
        moved: &mut HashSet<FrontendKey, ahash::RandomState>,
    ) {
        let Some(wishes) = self.wishes.get_mut(&destination) else {
            self.wishes.insert(destination, Wishes { holder: claim, others: Vec::new() });
            return;
        };
        self.contested.insert(destination);
        let loser = if claim < wishes.holder {
            moved.insert(wishes.holder.key.clone());
            core::mem::replace(&mut wishes.holder, claim)
        } else {
            claim
        };
        let place = wishes.others.partition_point(|other| *other < loser);
        wishes.others.insert(place, loser);
    }

    /// Takes a wish back; `moved` gets whoever has the destination now.
    pub(super) fn remove(
        &mut self,
        destination: Destination,
        claim: &Claim,
        moved: &mut HashSet<FrontendKey, ahash::RandomState>,
    ) {
        let Some(wishes) = self.wishes.get_mut(&destination) else { return };
        if wishes.others.is_empty() {
            if wishes.holder == *claim {
                self.wishes.remove(&destination);
            }
            return;
        }
        if wishes.holder == *claim {
            wishes.holder = wishes.others.remove(0);
            moved.insert(wishes.holder.key.clone());
        } else {
            wishes.others.retain(|other| other != claim);
        }
        if wishes.others.is_empty() {
            self.contested.remove(&destination);
        }
    }
}
