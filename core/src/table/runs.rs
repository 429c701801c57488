//! Which parts of an array are in use: the smallest free part that holds a run is where it goes.

use std_alloc::collections::{BTreeMap, BTreeSet};

/// Items at most; a run that would reach beyond is refused.
const MOST: u32 = 1 << 31;

/// Hands out runs that lie side by side: what many of them share with no gap between takes the fewest cache lines.
///
/// O(log n) per call. Runs are rounded up to eighths of a power of two, so that one that grows by little stays, and
/// what is given back grows together with its neighbours.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    /// Free parts: where they begin, and how many items they have.
    free: BTreeMap<u32, u32>,
    /// The same by size.
    sizes: BTreeSet<(u32, u32)>,
    end: u32,
}

/// How many items a run for `len` takes.
fn rounded(len: usize) -> usize {
    let power = len.max(1).next_power_of_two();
    len.max(1).next_multiple_of((power / 8).max(1))
}

impl Runs {
    /// Whether a run of `old` items may as well hold `new`, without being much too large.
    pub(super) fn fits(old: usize, new: usize) -> bool {
        old > 0 && new > 0 && rounded(old) == rounded(new)
    }

    /// A run for `len` items; `None` when the array would have more than 2^31.
    pub(super) fn take(&mut self, len: usize) -> Option<u32> {
        let len = u32::try_from(rounded(len)).ok().filter(|len| *len <= MOST)?;
        let found = self.sizes.range((len, 0)..).next().copied();
        let Some((size, at)) = found else {
            let at = self.end;
            self.end = at.checked_add(len).filter(|end| *end <= MOST)?;
            return Some(at);
        };
        self.forget(at, size);
        if size > len {
            self.keep(at + len, size - len);
        }
        Some(at)
    }

    /// Gives back a run that held `len` items.
    pub(super) fn give(&mut self, mut at: u32, len: usize) {
        let mut len = rounded(len) as u32;
        if let Some((before, size)) = self.free.range(..at).next_back().map(|(b, s)| (*b, *s))
            && before + size == at
        {
            self.forget(before, size);
            (at, len) = (before, len + size);
        }
        if let Some(size) = self.free.get(&(at + len)).copied() {
            self.forget(at + len, size);
            len += size;
        }
        if at + len == self.end {
            self.end = at;
        } else {
            self.keep(at, len);
        }
    }

    fn keep(&mut self, at: u32, len: u32) {
        self.free.insert(at, len);
        self.sizes.insert((len, at));
    }

    fn forget(&mut self, at: u32, len: u32) {
        self.free.remove(&at);
        self.sizes.remove(&(len, at));
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
                let apart = |(other, n): &(u32, usize)| {
                    let (at, other) = (at as usize, *other as usize);
                    at + rounded(len) <= other || other + rounded(*n) <= at
                };
                assert!(held.iter().all(apart));
                held.push((at, len));
            }
        }
        held.into_iter().for_each(|(at, len)| runs.give(at, len));
        assert_eq!((runs.end, runs.free.len(), runs.sizes.len()), (0, 0, 0), "all has met again");
    }
}
