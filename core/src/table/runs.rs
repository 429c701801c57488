//! Which parts of an array are in use: a buddy allocator.

use std_alloc::collections::BTreeSet;

/// The order of the largest run, 2^30 items.
const LARGEST: usize = 30;

/// Hands out aligned runs of 2^k items, so that no run smaller than a page crosses a page's end.
///
/// O(log n) per call; up to half of a run may stay unused.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    /// Free runs by order.
    free: [BTreeSet<u32>; LARGEST + 1],
    end: u32,
}

/// The order of the smallest run that holds `len` items.
fn order(len: usize) -> usize {
    len.max(1).next_power_of_two().trailing_zeros() as usize
}

impl Runs {
    /// Whether a run of `old` items may as well hold `new`, without being much too large.
    pub(super) fn fits(old: usize, new: usize) -> bool {
        old > 0 && new > 0 && order(old) == order(new)
    }

    /// A run for `len` items; `None` when the array would have more than 2^31.
    pub(super) fn take(&mut self, len: usize) -> Option<u32> {
        let order = order(len);
        let found = self.free.iter_mut().enumerate().skip(order);
        let found = found.filter_map(|(have, free)| Some((have, free.pop_first()?))).next();
        let (mut have, at) = match found {
            Some(found) => found,
            None => (order, self.extend(order)?),
        };
        while have > order {
            have -= 1;
            self.free.get_mut(have)?.insert(at + (1 << have));
        }
        Some(at)
    }

    /// Gives back a run that held `len` items.
    pub(super) fn give(&mut self, mut at: u32, len: usize) {
        let mut order = order(len);
        while let Some(free) = self.free.get_mut(order) {
            if order == LARGEST || !free.remove(&(at ^ 1 << order)) {
                free.insert(at);
                return;
            }
            at &= !(1 << order);
            order += 1;
        }
    }

    /// A run at the end; what lies between is free for smaller ones.
    fn extend(&mut self, order: usize) -> Option<u32> {
        let size = 1_u32 << u32::try_from(order).ok().filter(|order| *order <= LARGEST as u32)?;
        while !self.end.is_multiple_of(size) {
            let (at, gap) = (self.end, 1 << self.end.trailing_zeros());
            self.end += gap;
            self.give(at, gap as usize);
        }
        let at = self.end;
        self.end = at.checked_add(size).filter(|end| *end <= 1 << 31)?;
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::mix;
    use std_alloc::{vec, vec::Vec};

    #[test]
    fn runs_never_overlap_and_come_back() {
        let mut runs = Runs::default();
        let mut held: Vec<(u32, usize)> = vec![];
        for step in 0..3000_u64 {
            let random = mix(step);
            if random.is_multiple_of(3) && !held.is_empty() {
                let (at, len) = held.swap_remove(random as usize / 3 % held.len());
                runs.give(at, len);
            } else {
                let len = 1 + (random >> 40) as usize % 700;
                let at = runs.take(len).unwrap();
                assert_eq!(at as usize % len.next_power_of_two(), 0, "aligned");
                let apart = |(other, n): &(u32, usize)| {
                    at as usize + len <= *other as usize || *other as usize + n <= at as usize
                };
                assert!(held.iter().all(apart));
                held.push((at, len));
            }
        }
        held.into_iter().for_each(|(at, len)| runs.give(at, len));
        let end = runs.end;
        assert_eq!(runs.take(1 << 9).map(|at| at < end), Some(true), "buddies have met again");
    }
}
