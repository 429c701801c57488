//! Randomness as the caller's plain numbers.

use ahash::RandomState;

/// Randomness from the caller: keys hash tables and starts searches, never used for secrets.
///
/// Take it from a good source: names, labels and client addresses are chosen by strangers, and a known
/// key invites collisions. Equal seeds and equal inputs give equal results, everywhere in svckit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub [u64; 4]);

impl Seed {
    /// The keyed hasher of this seed.
    #[must_use]
    pub const fn hasher(self) -> RandomState {
        let [a, b, c, d] = self.0;
        RandomState::with_seeds(a, b, c, d)
    }

    /// Another seed for another purpose, so that two tables of one owner don't share their keys.
    #[must_use]
    pub const fn derive(self, purpose: u64) -> Self {
        let [a, b, c, d] = self.0;
        Self([mix(a ^ purpose), mix(b.wrapping_add(purpose)), mix(c ^ a), mix(d.wrapping_add(b))])
    }
}

/// SplitMix64's finaliser: a bijection in which each input bit moves every output bit.
pub(crate) const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Both halves of the product, so that each bit of the input reaches each bit of the result.
#[inline]
pub(crate) const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// A key of a hash table.
pub(crate) trait Keyed: Copy + Eq + Default {
    /// A number that strangers can't predict; all its bits are good. The second seed is odd.
    fn hash(self, seed: [u64; 2]) -> u64;
}

/// An IPv4 address and 32 bits more.
impl Keyed for u64 {
    #[inline]
    fn hash(self, [a, b]: [u64; 2]) -> u64 {
        fold(self ^ a, b)
    }
}

/// An IPv6 address and 32 bits more.
impl Keyed for (u64, u64, u32) {
    #[inline]
    fn hash(self, [a, b]: [u64; 2]) -> u64 {
        fold(fold(self.0 ^ a, b) ^ self.1, a | 1) ^ fold(u64::from(self.2) ^ b, a | 1)
    }
}
