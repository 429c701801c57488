//! Addresses that several frontends share, counted.

use core::{hash::Hash, net::IpAddr};
use hashbrown::{HashMap, hash_map::Entry};

use super::{Changed, Frontend, Item};
use crate::Seed;

/// What frontends have in common.
#[derive(Debug)]
pub(super) struct Counts {
    /// A Service's ports share its cluster IP.
    pub(super) cluster_ips: Count<IpAddr>,
    /// Services share endpoints of this node.
    pub(super) hairpins: Count<IpAddr>,
}

/// How often each value is in use.
#[derive(Debug)]
pub(super) struct Count<T> {
    uses: HashMap<T, usize, ahash::RandomState>,
}

impl Counts {
    pub(super) fn new(seed: Seed) -> Self {
        let count = |purpose| Count { uses: HashMap::with_hasher(seed.derive(purpose).hasher()) };
        Self { cluster_ips: count(1), hairpins: count(2) }
    }

    /// Notes what a frontend uses.
    pub(super) fn add(&mut self, frontend: &Frontend, changed: &mut Changed) {
        if let Some(addr) = frontend.cluster_ip.filter(|addr| self.cluster_ips.add(*addr)) {
            changed.note(Item::ClusterIp(addr));
        }
        for addr in &*frontend.endpoints.here {
            if self.hairpins.add(*addr) {
                changed.note(Item::Hairpin(*addr));
            }
        }
    }

    /// Notes what a frontend no longer uses.
    pub(super) fn remove(&mut self, frontend: &Frontend, changed: &mut Changed) {
        if let Some(addr) = frontend.cluster_ip.filter(|addr| self.cluster_ips.remove(*addr)) {
            changed.note(Item::ClusterIp(addr));
        }
        for addr in &*frontend.endpoints.here {
            if self.hairpins.remove(*addr) {
                changed.note(Item::Hairpin(*addr));
            }
        }
    }
}

impl<T: Copy + Eq + Hash> Count<T> {
    pub(super) fn has(&self, value: T) -> bool {
        self.uses.contains_key(&value)
    }

    pub(super) fn len(&self) -> usize {
        self.uses.len()
    }

    /// Makes room for this many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.uses.reserve(more);
    }

    pub(super) fn all(&self) -> impl Iterator<Item = T> + '_ {
        self.uses.keys().copied()
    }

    /// Whether it is the first use.
    fn add(&mut self, value: T) -> bool {
        let uses = self.uses.entry(value).or_insert(0);
        *uses += 1;
        *uses == 1
    }

    /// Whether it was the last use.
    fn remove(&mut self, value: T) -> bool {
        let Entry::Occupied(mut uses) = self.uses.entry(value) else { return false };
        *uses.get_mut() -= 1;
        let last = *uses.get() == 0;
        if last {
            uses.remove();
        }
        last
    }
}
