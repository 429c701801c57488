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
use std_alloc::{boxed::Box, collections::BTreeSet, sync::Arc, vec::Vec};

use crate::{Seed, ordered::OrderedMap};

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
    pub ops: Arc<Vec<Op<K, V>>>,
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
    keys: OrderedMap<K, State<V>>,
    /// How many of them should be installed.
    wanted: usize,
    /// Ordered, and taken as a whole: draining a hash set costs its capacity, not its length.
    dirty: BTreeSet<K>,
    in_flight: Option<Plan<K, V>>,
    generation: u64,
    synced: bool,
    full: bool,
}

/// What should be installed for a key, and what is.
#[derive(Debug)]
struct State<V> {
    wanted: Option<V>,
    installed: Installed<V>,
}

/// What is installed, as far as we know. Mostly it is what is wanted, and then held once.
#[derive(Debug)]
enum Installed<V> {
    Absent,
    AsWanted,
    Known(Box<V>),
    InDoubt,
}

impl<V: Clone + PartialEq> State<V> {
    const fn new() -> Self {
        Self { wanted: None, installed: Installed::Absent }
    }

    /// Changes what is wanted; returns what was before.
    fn want(&mut self, wanted: Option<V>) -> Option<V> {
        let before = mem::replace(&mut self.wanted, wanted);
        if let (Installed::AsWanted, Some(before)) = (&self.installed, &before) {
            self.installed = Installed::Known(Box::new(before.clone()));
        }
        before
    }

    /// This is installed now.
    fn install(&mut self, value: V) {
        let same = self.wanted.as_ref() == Some(&value);
        self.installed = if same { Installed::AsWanted } else { Installed::Known(Box::new(value)) };
    }

    fn known(&self) -> Option<&V> {
        match &self.installed {
            Installed::AsWanted => self.wanted.as_ref(),
            Installed::Known(value) => Some(value),
            Installed::Absent | Installed::InDoubt => None,
        }
    }

    fn before(&self) -> Before<V> {
        match (&self.installed, self.known()) {
            (_, Some(value)) => Before::Known(value.clone()),
            (Installed::InDoubt, None) => Before::InDoubt,
            _ => Before::Absent,
        }
    }

    /// Whether there is nothing to know.
    const fn is_empty(&self) -> bool {
        self.wanted.is_none() && matches!(self.installed, Installed::Absent)
    }
}

impl<K: Clone + Eq + Hash + Ord, V: Clone + PartialEq> Planner<K, V> {
    /// A planner without wishes. `seed` keys its tables.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            keys: OrderedMap::new(seed),
            wanted: 0,
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
        if let Some(state) = self.keys.entry(&key, State::new) {
            let before = state.want(Some(value));
            self.wanted += usize::from(before.is_none());
        }
    }

    /// Nothing should be installed for this key.
    pub fn remove(&mut self, key: K) {
        let Some(state) = self.keys.get_mut(&key) else { return };
        let before = state.want(None);
        self.wanted -= usize::from(before.is_some());
        if state.is_empty() && self.in_flight.is_none() {
            self.keys.remove(&key);
        }
        self.note(&key);
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
        if self.wanted < self.keys.len() {
            self.keys.retain(|_, state| state.wanted.is_some());
        }
        self.keys.iter_mut().for_each(|(_, state)| state.installed = Installed::Absent);
    }

    /// Whether what is installed is not known: the next plan is a full one.
    #[must_use]
    pub const fn needs_full(&self) -> bool {
        self.full
    }

    /// The keys whose installed values are known, in no order.
    pub fn installed(&self) -> impl Iterator<Item = &K> {
        self.installed_values().map(|(key, _)| key)
    }

    /// The same, with those values.
    pub fn installed_values(&self) -> impl Iterator<Item = (&K, &V)> {
        self.keys.iter().filter_map(|(key, state)| Some((key, state.known()?)))
    }

    /// What is installed for a key, as far as it is known.
    #[must_use]
    pub fn installed_value(&self, key: &K) -> Option<&V> {
        self.keys.get(key)?.known()
    }

    /// How many keys should be installed.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.wanted
    }

    /// Whether nothing should be installed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.wanted == 0
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
        let plan = Plan { generation: self.generation, full: self.full, ops: Arc::new(ops) };
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
            self.commit_all(&plan, refused);
            return true;
        }
        for op in &*plan.ops {
            let Some(state) = self.keys.get_mut(op.key()) else { continue };
            match op {
                op if refused(op.key()) => match op.before() {
                    Before::Absent => state.installed = Installed::Absent,
                    Before::Known(value) => state.install(value.clone()),
                    Before::InDoubt => state.installed = Installed::InDoubt,
                },
                Op::Delete { .. } => state.installed = Installed::Absent,
                Op::Upsert { after, .. } => state.install(after.clone()),
            }
            if state.is_empty() {
                self.keys.remove(op.key());
            }
        }
        true
    }

    /// A full plan is in place: all that was wanted then. Only what has changed since needs a look at its steps.
    fn commit_all(&mut self, plan: &Plan<K, V>, refused: impl Fn(&K) -> bool) {
        for (key, state) in self.keys.iter_mut() {
            let there = state.wanted.is_some() && !refused(key);
            state.installed = if there { Installed::AsWanted } else { Installed::Absent };
        }
        if self.dirty.is_empty() {
            return;
        }
        for key in &self.dirty {
            if let Some(state) = self.keys.get_mut(key) {
                state.installed = Installed::Absent;
            }
        }
        for op in plan.ops.iter().filter(|op| self.dirty.contains(op.key())) {
            if let (Op::Upsert { key, after, .. }, false) = (op, refused(op.key()))
                && let Some(state) = self.keys.entry(key, State::new)
            {
                state.install(after.clone());
            }
        }
    }

    /// Forgets everything, and wants these, of which there are about so many.
    fn replace(&mut self, about: usize, all: impl Iterator<Item = (K, V)>) {
        self.keys.clear();
        self.reset();
        // Growing costs more than counting.
        self.keys.reserve(about);
        for (key, value) in all {
            self.keys.insert(key, State { wanted: Some(value), installed: Installed::Absent });
        }
        self.wanted = self.keys.len();
    }

    /// A plan that is still to be made will see the key anyway if it is a full one.
    fn note(&mut self, key: &K) {
        if !self.full || self.in_flight.is_some() {
            self.dirty.insert(key.clone());
        }
    }

    /// Everything, anew. Changes that come before the commit are noted from here on.
    fn all(&mut self) -> Vec<Op<K, V>> {
        self.dirty.clear();
        let mut ops = Vec::with_capacity(self.wanted);
        ops.extend(self.keys.iter().filter_map(|(key, state)| {
            Some(Op::Upsert {
                key: key.clone(),
                before: Before::Absent,
                after: state.wanted.clone()?,
            })
        }));
        ops
    }

    /// From what is installed to what should be, for the keys that are dirty or in doubt.
    fn steps(&mut self) -> Option<Vec<Op<K, V>>> {
        if let Some(lost) = self.in_flight.take() {
            self.dirty.extend(lost.ops.iter().map(|op| op.key().clone()));
        }
        let mut deletes = Vec::new();
        let mut upserts = Vec::new();
        for key in mem::take(&mut self.dirty) {
            let Some(state) = self.keys.get_mut(&key) else { continue };
            let before = state.before();
            match (state.wanted.clone(), before) {
                (None, Before::Absent) => drop(self.keys.remove(&key)),
                (Some(want), Before::Known(have)) if want == have => state.install(have),
                (wanted, before) => {
                    state.installed = Installed::InDoubt;
                    match wanted {
                        None => deletes.push(Op::Delete { key, before }),
                        Some(after) => upserts.push(Op::Upsert { key, before, after }),
                    }
                }
            }
        }
        deletes.append(&mut upserts);
        (!deletes.is_empty()).then_some(deletes)
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
