//! Which parts of an array are in use: a buddy allocator that takes back what is too much.

use std_alloc::collections::BTreeSet;

/// The order of the largest run, 2^30 items.
const LARGEST: usize = 30;

/// Hands out runs that begin at a multiple of the power of two that holds them.
///
/// O(log n) per call. Runs are rounded up to eighths of a power of two, so an eighth of one may stay unused.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    /// Free runs by order.
    free: [BTreeSet<u32>; LARGEST + 1],
    end: u32,
}

/// The order of the smallest power of two that holds `len` items.
fn order(len: usize) -> usize {
    len.max(1).next_power_of_two().trailing_zeros() as usize
}

/// How many items a run for `len` takes.
fn rounded(len: usize) -> usize {
    len.max(1).next_multiple_of((1 << order(len)) / 8_usize.min(1 << order(len)))
}

/// The largest powers of two that make up `at..end`, as (place, order).
fn pieces(mut at: u32, end: u32) -> impl Iterator<Item = (u32, usize)> {
    core::iter::from_fn(move || {
        let left = end.checked_sub(at).filter(|left| *left > 0)?;
        let order = at.trailing_zeros().min(left.ilog2());
        let piece = (at, order as usize);
        at += 1 << order;
        Some(piece)
    })
}

impl Runs {
    /// Whether a run of `old` items may as well hold `new`, without being much too large.
    pub(super) fn fits(old: usize, new: usize) -> bool {
        old > 0 && new > 0 && rounded(old) == rounded(new)
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
        pieces(at + rounded(len) as u32, at + (1 << order))
            .for_each(|(at, order)| self.put(at, order));
        Some(at)
    }

    /// Gives back a run that held `len` items.
    pub(super) fn give(&mut self, at: u32, len: usize) {
        pieces(at, at + rounded(len) as u32).for_each(|(at, order)| self.put(at, order));
    }

    /// Puts a piece together with its other half, as often as that is free too.
    fn put(&mut self, mut at: u32, mut order: usize) {
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
            let (at, order) = (self.end, self.end.trailing_zeros());
            self.end += 1 << order;
            self.put(at, order as usize);
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
                    let (at, other) = (at as usize, *other as usize);
                    at + rounded(len) <= other || other + rounded(*n) <= at
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
