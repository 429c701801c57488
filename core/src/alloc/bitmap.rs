//! A set of numbers below a fixed limit that finds the next absent one in a handful of reads.
//!
//! ```text
//! level 2                 0 0 1 …                bit i: word i of level 1 is full
//! level 1   [0 1 1 … 0] [1 0 …   ] [1 1 1 … 1]   bit i: word i of level 0 is full
//! level 0   [held or not, 64 numbers a word] …
//! ```
//!
//! A search climbs until a word has a free bit at or after the place it is looking for, then follows free bits
//! down: at most two reads a level. Bits beyond the limit are set from the start, so they are never found.

use super::words::{LEVELS, Words};
use crate::Seed;

/// A set of numbers from 0 to a limit, with the next free number in at most two reads a level.
///
/// Inserting, removing and asking cost O(levels) at worst and one word as a rule; levels are log₆₄ of the limit.
///
/// ```
/// use svckit::alloc::Bitmap;
///
/// let mut ports = Bitmap::dense(100);
/// assert!(ports.insert(7) && !ports.insert(7));
/// assert_eq!(ports.next_free(7), Some(8));
/// assert_eq!(ports.next_free(100), None);
/// assert_eq!(ports.next_free_wrapping(100), Some(0));
/// ```
#[derive(Clone, Debug)]
pub struct Bitmap {
    words: Words,
    /// How many bits each level has; zero above the top one.
    bits: [u64; LEVELS],
    levels: usize,
    held: u64,
}

impl Bitmap {
    /// No numbers, of those below `len`. Takes `len / 63` bits at once.
    #[must_use]
    pub fn dense(len: u64) -> Self {
        Self::new(len, Words::dense)
    }

    /// No numbers, of those below `len`. Takes memory only for numbers that are held: about 20 bytes for a run of
    /// up to 64 of them.
    #[must_use]
    pub fn sparse(len: u64, seed: Seed) -> Self {
        Self::new(len, |_| Words::sparse(seed))
    }

    fn new(len: u64, words: impl FnOnce(&[u64]) -> Words) -> Self {
        let (mut bits, mut sizes, mut levels, mut left) = ([0; LEVELS], [0; LEVELS], 0, len);
        for (bits, size) in bits.iter_mut().zip(&mut sizes) {
            (*bits, *size) = (left, left.div_ceil(64));
            left = *size;
            levels += 1;
            if left <= 1 {
                break;
            }
        }
        let mut words = words(&sizes);
        for (level, bits) in bits.into_iter().enumerate().filter(|(_, bits)| bits % 64 != 0) {
            words.put(level, bits / 64, u64::MAX << (bits % 64));
        }
        Self { words, bits, levels, held: 0 }
    }

    /// The limit: every number is below it.
    #[must_use]
    pub const fn len(&self) -> u64 {
        let [len, ..] = self.bits;
        len
    }

    /// How many numbers are held.
    #[must_use]
    pub const fn held(&self) -> u64 {
        self.held
    }

    /// Whether no number is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Whether every number is held. O(1).
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.held == self.len()
    }

    /// Whether `number` is held.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        number < self.len() && self.words.get(0, number / 64) & bit(number) != 0
    }

    /// Takes `number`. Answers whether it was free; a number beyond the limit never is.
    pub fn insert(&mut self, number: u64) -> bool {
        if number >= self.len() || self.contains(number) {
            return false;
        }
        self.held += 1;
        let mut index = number;
        for level in 0..self.levels {
            let word = self.words.get(level, index / 64) | bit(index);
            self.words.put(level, index / 64, word);
            if word != u64::MAX {
                break;
            }
            index /= 64;
        }
        true
    }

    /// Gives `number` back. Answers whether it was held.
    pub fn remove(&mut self, number: u64) -> bool {
        if !self.contains(number) {
            return false;
        }
        self.held -= 1;
        let mut index = number;
        for level in 0..self.levels {
            let word = self.words.get(level, index / 64);
            self.words.put(level, index / 64, word & !bit(index));
            if word != u64::MAX {
                break;
            }
            index /= 64;
        }
        true
    }

    /// The first free number from `from` on. At most two reads a level.
    #[must_use]
    pub fn next_free(&self, from: u64) -> Option<u64> {
        let mut index = from;
        for (level, bits) in self.bits.into_iter().enumerate().take(self.levels) {
            if index >= bits {
                return None;
            }
            let free = !self.words.get(level, index / 64) >> (index % 64);
            if free != 0 {
                return Some(self.descend(level, index + u64::from(free.trailing_zeros())));
            }
            index = index / 64 + 1;
        }
        None
    }

    /// The first free number from `from` on, or else the first one at all. At most two reads a level: a search that
    /// fails only climbs, and one from the start only goes down.
    #[must_use]
    pub fn next_free_wrapping(&self, from: u64) -> Option<u64> {
        if self.is_full() {
            return None;
        }
        self.next_free(from).or_else(|| Some(self.descend(self.levels, 0)))
    }

    /// The numbers held, in order. Costs one step per word that is kept, and one per number.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let len = self.len();
        self.words.lowest(len.div_ceil(64)).flat_map(move |index| {
            let word = self.words.get(0, index);
            (0..64)
                .filter(move |number| word & bit(*number) != 0)
                .map(move |number| index * 64 + number)
                .filter(move |number| *number < len)
        })
    }

    /// The first number below the free bit `index` of `level`; from the top when that is the number of levels.
    fn descend(&self, level: usize, mut index: u64) -> u64 {
        for level in (0..level).rev() {
            let free = !self.words.get(level, index);
            index = index * 64 + u64::from(free.trailing_zeros());
        }
        index
    }
}

const fn bit(index: u64) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, vec::Vec};

    const SEED: Seed = Seed([3; 4]);

    #[test]
    fn limits() {
        for len in [0, 1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 65_534, 262_145] {
            for mut map in [Bitmap::dense(len), Bitmap::sparse(len, SEED)] {
                assert_eq!(map.is_full(), len == 0, "{len}: empty");
                for number in 0..len {
                    assert_eq!(map.next_free(0), Some(number), "{len}");
                    assert!(map.insert(number), "{len}: {number}");
                }
                assert!(map.is_full() && map.held() == len, "{len}: full");
                assert_eq!(map.next_free(0), None, "{len}: full");
                assert_eq!(map.next_free_wrapping(len / 2), None, "{len}: full");
                assert!(!map.insert(len), "{len}: beyond the limit");
                for number in [0, len / 2, len.saturating_sub(1)] {
                    assert_eq!(map.remove(number), len > 0, "{len}");
                    let found = (len > 0).then_some(number);
                    assert_eq!(map.next_free_wrapping(len / 2), found, "{len}: one free");
                    assert_eq!(map.insert(number), len > 0, "{len}");
                }
                assert_eq!(map.iter().count() as u64, len);
            }
        }
    }

    #[test]
    fn huge_and_sparse() {
        let mut map = Bitmap::sparse(u64::MAX, SEED);
        for number in [0, 1, u64::MAX - 1, 1 << 40] {
            assert!(map.insert(number));
        }
        assert!(!map.insert(u64::MAX) && !map.contains(u64::MAX));
        assert_eq!(map.next_free(0), Some(2));
        assert_eq!(map.next_free(u64::MAX - 1), None);
        assert_eq!(map.next_free_wrapping(u64::MAX - 1), Some(2));
        assert_eq!(map.iter().collect::<Vec<_>>(), [0, 1, 1 << 40, u64::MAX - 1]);
    }

    #[test]
    fn answers_like_a_set() {
        const LEN: u64 = 1_300;
        let mut maps = [Bitmap::dense(LEN), Bitmap::sparse(LEN, SEED)];
        let (mut set, mut random) = (BTreeSet::new(), 1_u64);
        for step in 0..6_000_u64 {
            random = crate::seed::mix(random);
            // Mostly inserts, then mostly removals, so that whole words and whole levels fill and empty.
            let (number, insert) = (random % LEN, (random >> 32) % 10 < 9 - step / 750);
            let want = if insert { set.insert(number) } else { set.remove(&number) };
            let from = (random >> 16) % (LEN + 2);
            let next = (from..LEN).find(|number| !set.contains(number));
            for map in &mut maps {
                let got = if insert { map.insert(number) } else { map.remove(number) };
                assert_eq!((got, map.held()), (want, set.len() as u64), "step {step}");
                assert_eq!(map.next_free(from), next, "step {step} from {from}");
            }
        }
        for map in maps {
            assert!(map.iter().eq(set.iter().copied()));
        }
    }
}
