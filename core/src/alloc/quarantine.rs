//! Released numbers that rest before they are drawn again.

use crate::{Seed, Time};
use ahash::RandomState;
use core::time::Duration;
use hashbrown::HashMap;
use std_alloc::collections::VecDeque;

/// How long a released number rests when the caller says nothing else: one minute.
///
/// Longer than the usual lifetime of a cluster DNS answer (30 s) and than an unanswered UDP flow in a connection
/// table (30 s).
pub const QUARANTINE: Duration = Duration::from_secs(60);

/// A queue of resting numbers, the one that rested longest first. Each operation is O(1) amortised.
#[derive(Clone, Debug)]
pub(super) struct Quarantine {
    rest: Duration,
    /// Which release each resting number rests for.
    resting: HashMap<u64, u64, RandomState>,
    /// In order of release; an entry whose number doesn't rest for it any more is stale.
    queue: VecDeque<Rest>,
    releases: u64,
    /// The clock never runs back in here: a caller whose clock does makes numbers rest longer.
    now: Time,
}

/// What one release started.
#[derive(Clone, Copy, Debug)]
struct Rest {
    number: u64,
    until: Time,
    release: u64,
}

impl Quarantine {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            rest: QUARANTINE,
            resting: HashMap::with_hasher(seed.hasher()),
            queue: VecDeque::new(),
            releases: 0,
            now: Time::default(),
        }
    }

    /// Numbers released from now on rest this long.
    pub(super) const fn set_rest(&mut self, rest: Duration) {
        self.rest = rest;
    }

    /// Puts a number to rest. Answers `false`, and does nothing, when numbers don't rest at all.
    pub(super) fn add(&mut self, number: u64, now: Time) -> bool {
        if self.rest.is_zero() {
            return false;
        }
        self.now = self.now.max(now);
        self.releases = self.releases.wrapping_add(1);
        let (until, release) = (self.now.saturating_add(self.rest), self.releases);
        self.resting.insert(number, release);
        self.queue.push_back(Rest { number, until, release });
        // Numbers that were asked for while they rested leave their entries behind.
        if self.queue.len() > 2 * self.resting.len() + 64 {
            let resting = &self.resting;
            self.queue.retain(|rest| resting.get(&rest.number) == Some(&rest.release));
        }
        true
    }

    /// Ends the rest of a number. Answers whether it was resting.
    pub(super) fn remove(&mut self, number: u64) -> bool {
        self.resting.remove(&number).is_some()
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        self.resting.contains_key(&number)
    }

    pub(super) fn len(&self) -> u64 {
        self.resting.len() as u64
    }

    /// Takes out a number that has rested long enough.
    pub(super) fn pop_rested(&mut self, now: Time) -> Option<u64> {
        self.now = self.now.max(now);
        self.drop_stale();
        let rest = self.queue.pop_front_if(|rest| rest.until <= self.now)?;
        self.resting.remove(&rest.number);
        Some(rest.number)
    }

    /// Takes out the number that has rested longest.
    pub(super) fn pop(&mut self) -> Option<u64> {
        self.drop_stale();
        let rest = self.queue.pop_front()?;
        self.resting.remove(&rest.number);
        Some(rest.number)
    }

    /// The resting numbers with the end of their rest, the one that rested longest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Time)> + '_ {
        let known = |rest: &&Rest| self.resting.get(&rest.number) == Some(&rest.release);
        self.queue.iter().filter(known).map(|rest| (rest.number, rest.until))
    }

    fn drop_stale(&mut self) {
        let resting = &self.resting;
        let stale = |rest: &mut Rest| resting.get(&rest.number) != Some(&rest.release);
        while self.queue.pop_front_if(stale).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const fn at(secs: u64) -> Time {
        Time::from_nanos(secs * 1_000_000_000)
    }

    #[test]
    fn rests_in_order_and_forgets_what_was_asked_for() {
        let mut resting = Quarantine::new(Seed([1; 4]));
        for number in 0..4 {
            assert!(resting.add(number, at(number)));
        }
        assert!(resting.remove(1) && !resting.remove(1));
        assert_eq!(resting.iter().map(|(number, _)| number).collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(resting.pop_rested(at(59)), None);
        assert_eq!(resting.pop_rested(at(62)), Some(0));
        assert_eq!(resting.pop_rested(at(62)), Some(2));
        assert_eq!(resting.pop_rested(at(62)), None);
        assert_eq!(resting.len(), 1);
    }

    #[test]
    fn a_clock_that_runs_back_rests_longer() {
        let mut resting = Quarantine::new(Seed([1; 4]));
        resting.add(1, at(100));
        resting.add(2, at(10));
        assert_eq!(resting.pop_rested(at(159)), None);
        assert_eq!(resting.pop_rested(at(160)), Some(1));
        assert_eq!(resting.pop_rested(at(20)), Some(2), "160 s have been seen");
    }

    #[test]
    fn stale_entries_do_not_pile_up() {
        let mut resting = Quarantine::new(Seed([1; 4]));
        for _ in 0..10_000 {
            resting.add(7, at(1));
            resting.remove(7);
        }
        assert!(resting.queue.len() < 200, "{}", resting.queue.len());
    }
}
