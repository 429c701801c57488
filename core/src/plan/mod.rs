//! Turns changes of what should be installed into the smallest change of what is.
//!
//! ```text
//!   set(key, value) / remove(key) ──▶ desired ─┐
//!                                              ├─ plan() ──▶ Plan ──▶ data plane
//!              commit(generation) ──▶ installed                          │
//!                     ▲                                                  │
//!                     └───────────────── "it is in place" ───────────────┘
//! ```
//!
//! [`Planner`] does no I/O and doesn't know what it plans: keys and values are the caller's. Somebody carries a
//! [`Plan`] out and then calls [`Planner::commit`]. If that fails halfway, or dies, they ask for the next plan:
//! until a commit the keys of a plan count as *in doubt*, and whatever is in doubt is written or deleted again.
//! A data plane that can't do the same thing twice calls [`Planner::reset`] instead, and gets a full plan.
//!
//! After a start, what is installed is unknown, not empty: the first plan is [full](Plan::full).

mod follow;

use core::{hash::Hash, mem};
use hashbrown::HashMap;
use std_alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

use crate::Seed;

/// What the data plane holds for a key, as far as we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before<V> {
    /// Nothing.
    Absent,
    /// This.
    Known(V),
    /// What it held before an earlier plan, what that plan wanted, or nothing.
    InDoubt,
}

/// One step for the data plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op<K, V> {
    /// What is there for this key, if anything, goes.
    Delete {
        /// Whose it is.
        key: K,
        /// What is there.
        before: Before<V>,
    },
    /// This should be there for this key.
    Upsert {
        /// Whose it is.
        key: K,
        /// What is there.
        before: Before<V>,
        /// What should be.
        after: V,
    },
}

/// The steps from what is installed to what should be.
#[derive(Clone, Debug)]
#[must_use = "a plan does nothing until somebody carries it out"]
pub struct Plan<K, V> {
    /// Hand this to [`Planner::commit`] when every step is in place.
    pub generation: u64,
    /// Whether the steps are the whole of what should be installed, and everything else must go.
    pub full: bool,
    /// Deletions first (an address may move between keys), then by key. A full plan has no deletions.
    pub ops: Arc<[Op<K, V>]>,
}

/// Tracks what should be installed and what is.
///
/// ```
/// use svckit::{Seed, plan::Planner};
///
/// let mut planner = Planner::new(Seed([1, 2, 3, 4]));
/// planner.set("shop/cart", 1);
/// assert!(planner.plan().is_none(), "the source hasn't told everything yet");
/// planner.sync();
/// let plan = planner.plan().ok_or("something to do")?;
/// assert!(plan.full, "nobody knows what an earlier run has left behind");
/// assert!(planner.commit(plan.generation));
/// assert!(planner.plan().is_none());
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug)]
pub struct Planner<K, V> {
    desired: HashMap<K, V, ahash::RandomState>,
    installed: HashMap<K, Before<V>, ahash::RandomState>,
    /// Ordered, and taken as a whole: draining a hash set costs its capacity, not its length.
    dirty: BTreeSet<K>,
    in_flight: Option<Plan<K, V>>,
    generation: u64,
    synced: bool,
    full: bool,
}

impl<K: Clone + Eq + Hash + Ord, V: Clone + PartialEq> Planner<K, V> {
    /// A planner without wishes. `seed` keys its tables.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            desired: HashMap::with_hasher(seed.derive(1).hasher()),
            installed: HashMap::with_hasher(seed.derive(2).hasher()),
            dirty: BTreeSet::new(),
            in_flight: None,
            generation: 0,
            synced: false,
            full: true,
        }
    }

    /// This should be installed. Costs the same in a large cluster as in a small one.
    pub fn set(&mut self, key: K, value: V) {
        self.note(&key);
        self.desired.insert(key, value);
    }

    /// Nothing should be installed for this key.
    pub fn remove(&mut self, key: K) {
        self.note(&key);
        self.desired.remove(&key);
    }

    /// The source has told everything it knows at least once.
    pub fn sync(&mut self) {
        self.synced = true;
    }

    /// What is installed is no longer known: the next plan is a full one.
    pub fn reset(&mut self) {
        self.full = true;
        self.in_flight = None;
        self.dirty.clear();
        self.installed.clear();
    }

    /// Whether what is installed is not known: the next plan is a full one.
    #[must_use]
    pub const fn needs_full(&self) -> bool {
        self.full
    }

    /// The keys whose installed values are known, in no order.
    pub fn installed(&self) -> impl Iterator<Item = &K> {
        self.installed
            .iter()
            .filter(|(_, value)| matches!(value, Before::Known(_)))
            .map(|(key, _)| key)
    }

    /// The keys whose installed values are known, with those values, in no order.
    pub fn installed_values(&self) -> impl Iterator<Item = (&K, &V)> {
        self.installed.iter().filter_map(|(key, value)| match value {
            Before::Known(value) => Some((key, value)),
            Before::Absent | Before::InDoubt => None,
        })
    }

    /// What is installed for a key, as far as it is known.
    #[must_use]
    pub fn installed_value(&self, key: &K) -> Option<&V> {
        match self.installed.get(key)? {
            Before::Known(value) => Some(value),
            Before::Absent | Before::InDoubt => None,
        }
    }

    /// How many keys should be installed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.desired.len()
    }

    /// Whether nothing should be installed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.desired.is_empty()
    }

    /// The steps that are left, or `None` when nothing is.
    ///
    /// Always `None` before [`Planner::sync`]: acting on half a cluster would tear down what is about to be
    /// announced. Costs O(n log n) in the changes since the last commit, not in the cluster; a full plan costs
    /// O(cluster).
    pub fn plan(&mut self) -> Option<Plan<K, V>> {
        if !self.synced {
            return None;
        }
        let ops = if self.full { self.all() } else { self.steps()? };
        self.generation += 1;
        let plan = Plan { generation: self.generation, full: self.full, ops };
        self.in_flight = Some(plan.clone());
        Some(plan)
    }

    /// Records that every step of the plan with this generation is in place.
    ///
    /// Returns `false`, and changes nothing, for any plan but the latest.
    pub fn commit(&mut self, generation: u64) -> bool {
        self.commit_without(generation, |_| false)
    }

    /// The same, but for the keys that the data plane has `refused`: what it held for those it holds still. They
    /// are tried again when they change, and by every full plan.
    pub fn commit_without(&mut self, generation: u64, refused: impl Fn(&K) -> bool) -> bool {
        let Some(plan) = self.in_flight.take_if(|plan| plan.generation == generation) else {
            return false;
        };
        if plan.full {
            self.full = false;
            self.installed.clear();
            self.installed.reserve(plan.ops.len());
        }
        for op in &*plan.ops {
            if refused(op.key()) {
                match op.before() {
                    Before::Absent => self.installed.remove(op.key()),
                    before => self.installed.insert(op.key().clone(), before.clone()),
                };
                continue;
            }
            match op {
                Op::Delete { key, .. } => self.installed.remove(key),
                Op::Upsert { key, after, .. } => {
                    self.installed.insert(key.clone(), Before::Known(after.clone()))
                }
            };
        }
        true
    }

    /// A plan that is still to be made will see the key anyway if it is a full one.
    fn note(&mut self, key: &K) {
        if !self.full || self.in_flight.is_some() {
            self.dirty.insert(key.clone());
        }
    }

    /// Everything, anew. Changes that come before the commit are noted from here on.
    fn all(&mut self) -> Arc<[Op<K, V>]> {
        self.dirty.clear();
        let upsert = |(key, value): (&K, &V)| Op::Upsert {
            key: key.clone(),
            before: Before::Absent,
            after: value.clone(),
        };
        self.desired.iter().map(upsert).collect()
    }

    /// From what is installed to what should be, for the keys that are dirty or in doubt.
    fn steps(&mut self) -> Option<Arc<[Op<K, V>]>> {
        if let Some(lost) = self.in_flight.take() {
            self.dirty.extend(lost.ops.iter().map(|op| op.key().clone()));
        }
        let mut deletes = Vec::new();
        let mut upserts = Vec::new();
        for key in mem::take(&mut self.dirty) {
            let before = self.installed.get(&key).cloned().unwrap_or(Before::Absent);
            match (self.desired.get(&key).cloned(), before) {
                (None, Before::Absent) => {}
                (None, before) => deletes.push(Op::Delete { key, before }),
                (Some(want), Before::Known(have)) if want == have => {}
                (Some(after), before) => upserts.push(Op::Upsert { key, before, after }),
            }
        }
        deletes.append(&mut upserts);
        for op in &deletes {
            self.installed.insert(op.key().clone(), Before::InDoubt);
        }
        (!deletes.is_empty()).then(|| deletes.into())
    }
}

impl<K, V> Op<K, V> {
    /// What this step is about.
    #[must_use]
    pub const fn key(&self) -> &K {
        let (Self::Delete { key, .. } | Self::Upsert { key, .. }) = self;
        key
    }

    /// What the data plane holds for it.
    #[must_use]
    pub const fn before(&self) -> &Before<V> {
        let (Self::Delete { before, .. } | Self::Upsert { before, .. }) = self;
        before
    }
}

#[cfg(test)]
mod tests;
