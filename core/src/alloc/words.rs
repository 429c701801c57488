//! Where the words of a [`Bitmap`](super::Bitmap) are kept.

use crate::Seed;
use ahash::RandomState;
use hashbrown::HashMap;
use std_alloc::{vec, vec::Vec};

/// Levels enough for 2^64 numbers: 64^10 is 2^60.
pub(super) const LEVELS: usize = 11;

/// The words of all levels, each of 64 bits.
#[derive(Clone, Debug)]
pub(super) enum Words {
    /// All words of all levels, one level after the other, and where each level starts.
    Dense { words: Vec<u64>, starts: [usize; LEVELS] },
    /// Only the words that aren't zero; the level is in the four upper bits of the key.
    Sparse(HashMap<u64, u64, RandomState>),
}

impl Words {
    /// Zero words for levels of these numbers of words.
    pub(super) fn dense(levels: &[u64]) -> Self {
        let (mut starts, mut end) = ([0; LEVELS], 0_usize);
        for (start, len) in starts.iter_mut().zip(levels) {
            *start = end;
            end += *len as usize;
        }
        Self::Dense { words: vec![0; end], starts }
    }

    /// Zero words, kept in a table with the seed's hasher.
    pub(super) fn sparse(seed: Seed) -> Self {
        Self::Sparse(HashMap::with_hasher(seed.hasher()))
    }

    /// The word; a full one where there is none.
    pub(super) fn get(&self, level: usize, index: u64) -> u64 {
        match self {
            Self::Dense { words, starts } => {
                let at = starts.get(level).map(|start| start + index as usize);
                at.and_then(|at| words.get(at)).copied().unwrap_or(u64::MAX)
            }
            Self::Sparse(words) => words.get(&key(level, index)).copied().unwrap_or(0),
        }
    }

    /// Replaces the word, if there is one.
    pub(super) fn put(&mut self, level: usize, index: u64, word: u64) {
        match self {
            Self::Dense { words, starts } => {
                let at = starts.get(level).map(|start| start + index as usize);
                if let Some(place) = at.and_then(|at| words.get_mut(at)) {
                    *place = word;
                }
            }
            Self::Sparse(words) if word == 0 => {
                words.remove(&key(level, index));
            }
            Self::Sparse(words) => {
                words.insert(key(level, index), word);
            }
        }
    }

    /// The indices of the lowest level's words that may be other than zero, in order; `count` is how many words
    /// that level has.
    pub(super) fn lowest(&self, count: u64) -> impl Iterator<Item = u64> + use<> {
        let (dense, mut sparse) = match self {
            Self::Dense { .. } => (0..count, Vec::new()),
            Self::Sparse(words) => {
                (0..0, words.keys().copied().filter(|key| key >> LEVEL_SHIFT == 0).collect())
            }
        };
        sparse.sort_unstable();
        dense.chain(sparse)
    }
}

/// A level has at most 2^58 words.
const LEVEL_SHIFT: u32 = 60;

const fn key(level: usize, index: u64) -> u64 {
    (level as u64) << LEVEL_SHIFT | index
}
