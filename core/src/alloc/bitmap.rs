//! A set of small numbers that finds the next free one in a few steps.
//!
//! ```text
//! level 1   . . . 1 . .        bit k: word k of the level below is full
//! level 0   [word 0] [word 1] [word 2] [word 3: all ones] …
//! ```
//!
//! Each level is 1/64 of the one below. A search goes up until it meets a word with a free bit at or after its
//! place, and down again to the number: at most two words per level, whatever the set looks like.

use std_alloc::{vec, vec::Vec};

/// A set of numbers below a fixed capacity.
///
/// ```
/// use svckit::alloc::Bitmap;
///
/// let mut held = Bitmap::new(100_000);
/// assert!(held.insert(7));
/// assert_eq!(held.next_free(7), Some(8));
/// assert!(held.remove(7));
/// assert_eq!(held.next_free(7), Some(7));
/// ```
#[derive(Clone, Debug)]
pub struct Bitmap {
    levels: Vec<Vec<u64>>,
    capacity: usize,
    len: usize,
}

const BITS: usize = u64::BITS as usize;

impl Bitmap {
    /// An empty set of numbers below `capacity`. Takes `capacity / 8` bytes, and 1/63 of that on top.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let mut levels = Vec::new();
        let mut bits = capacity;
        loop {
            let words = bits.div_ceil(BITS).max(1);
            let mut level = vec![0; words];
            // Bits beyond the end count as held, so that no search returns them.
            if let (Some(last), used) = (level.last_mut(), bits - (words - 1) * BITS.min(bits))
                && used < BITS
            {
                *last = u64::MAX << used;
            }
            levels.push(level);
            if words == 1 {
                return Self { levels, capacity, len: 0 };
            }
            bits = words;
        }
    }

    /// How many numbers there could be.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many numbers are held.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether all are held. O(1).
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len == self.capacity
    }

    /// Whether `number` is held; numbers beyond the capacity never are.
    #[must_use]
    pub fn contains(&self, number: usize) -> bool {
        number < self.capacity && self.word(0, number / BITS) >> (number % BITS) & 1 == 1
    }

    /// Holds `number`. Returns whether it was free; numbers beyond the capacity never are.
    pub fn insert(&mut self, number: usize) -> bool {
        if number >= self.capacity || self.contains(number) {
            return false;
        }
        self.len += 1;
        let mut at = number;
        for level in &mut self.levels {
            let Some(word) = level.get_mut(at / BITS) else { break };
            *word |= 1 << (at % BITS);
            if *word != u64::MAX {
                break;
            }
            at /= BITS;
        }
        true
    }

    /// Frees `number`. Returns whether it was held.
    pub fn remove(&mut self, number: usize) -> bool {
        if !self.contains(number) {
            return false;
        }
        self.len -= 1;
        let mut at = number;
        for level in &mut self.levels {
            let Some(word) = level.get_mut(at / BITS) else { break };
            let was_full = *word == u64::MAX;
            *word &= !(1 << (at % BITS));
            if !was_full {
                break;
            }
            at /= BITS;
        }
        true
    }

    /// The first free number at or after `from`. Reads at most two words per level.
    #[must_use]
    pub fn next_free(&self, from: usize) -> Option<usize> {
        let mut at = from;
        for level in 0..self.levels.len() {
            let free = (!self.word(level, at / BITS)).checked_shr((at % BITS) as u32).unwrap_or(0);
            if free != 0 {
                return Some(self.descend(level, at + free.trailing_zeros() as usize));
            }
            at = at / BITS + 1;
        }
        None
    }

    /// The numbers that are held, in order. Costs O(capacity / 64 + held).
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.capacity).filter(|number| self.contains(*number))
    }

    /// From a bit whose word below has room, to the first free number under it.
    fn descend(&self, level: usize, mut at: usize) -> usize {
        for below in (0..level).rev() {
            at = at * BITS + (!self.word(below, at)).trailing_zeros() as usize;
        }
        at
    }

    /// A word; beyond the end all bits count as held.
    fn word(&self, level: usize, at: usize) -> u64 {
        self.levels.get(level).and_then(|level| level.get(at)).copied().unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std_alloc::collections::BTreeSet;

    /// Random operations, compared with a plain set.
    #[test]
    fn behaves_as_a_set() {
        for capacity in [0, 1, 63, 64, 65, 4_096, 4_097, 5_000, 270_000] {
            let (mut map, mut set) = (Bitmap::new(capacity), BTreeSet::new());
            let mut random = 1_u64;
            for _ in 0..5_000 {
                random = crate::seed::mix(random);
                let number = (random >> 8) as usize % (capacity + 3);
                match random % 4 {
                    0 => assert_eq!(map.remove(number), set.remove(&number)),
                    1 | 2 => {
                        assert_eq!(map.insert(number), number < capacity && set.insert(number))
                    }
                    _ => {
                        let want = (number..capacity).find(|n| !set.contains(n));
                        assert_eq!(map.next_free(number), want, "{capacity}: from {number}");
                    }
                }
            }
            assert_eq!(map.len(), set.len());
        }
    }

    #[test]
    fn a_full_map_has_nothing_free() {
        for capacity in [1, 64, 65, 4_096, 10_000] {
            let mut map = Bitmap::new(capacity);
            assert!((0..capacity).all(|n| map.insert(n)));
            assert_eq!((map.is_full(), map.next_free(0)), (true, None), "{capacity}");
            map.remove(capacity - 1);
            assert_eq!(map.next_free(0), Some(capacity - 1), "{capacity}");
        }
    }
}
