//! Where draws begin.

use crate::{Seed, seed::mix};

/// A sequence of random numbers, the same for the same seed.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    key: u64,
    drawn: u64,
}

impl Draws {
    pub(super) const fn new(seed: Seed) -> Self {
        let Seed([a, b, c, d]) = seed;
        Self { key: mix(mix(mix(a) ^ b) ^ c) ^ d, drawn: 0 }
    }

    /// The next number of the sequence.
    pub(super) const fn next(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        mix(self.key ^ mix(self.drawn))
    }
}
