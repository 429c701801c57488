//! One endpoint for each client, by a table (Eisenbud et al., NSDI 2016).

use core::cmp::Reverse;
use std_alloc::{boxed::Box, vec, vec::Vec};

use super::{
    Balance, Draw, scale,
    sizes::{Size, prime},
};
use crate::seed::mix;

/// One endpoint for each key: equal keys, equal endpoint, on every machine that has the same endpoints.
///
/// When an endpoint goes, its keys spread over the others and about 1% of the other keys move too. A pick is one
/// multiplication and one read. The table has about 100 to 200 slots per endpoint of 1, 2 or 4 bytes (10 endpoints:
/// 1,021 bytes) and costs about 0.1 µs per slot per endpoint doubling to build; beyond a million endpoints it
/// becomes uneven.
///
/// ```
/// use svckit::balance::{Balance, Draw, Maglev};
///
/// // Tables of one size: another size would move every key.
/// let before = Maglev::with_size(&[(11, 1), (22, 1), (33, 1)], 1_021);
/// let after = Maglev::with_size(&[(11, 1), (22, 1)], 1_021);
/// let draw = |n: u64| Draw { key: n << 55, ..Draw::default() };
/// let kept = (0..512).filter(|n| before.pick(draw(*n)) == after.pick(draw(*n))).count();
/// assert!(kept > 512 * 6 / 10, "a third had to move, {kept} stayed");
/// ```
#[derive(Clone, Debug)]
pub struct Maglev {
    table: Table,
}

/// Endpoint numbers, as narrow as they can be: the table competes for the same cache as everything else.
#[derive(Clone, Debug)]
enum Table {
    Bytes(Box<[u8]>),
    Shorts(Box<[u16]>),
    Words(Box<[u32]>),
}

impl Maglev {
    /// A table for endpoints given as (identity, weight), sized for their number.
    ///
    /// Identities are numbers that mean the same endpoint everywhere, see [`super::identity`]; the order they come
    /// in plays no part. Weight 0 is never picked.
    #[must_use]
    pub fn new(endpoints: &[(u64, u16)]) -> Self {
        Self::with_size(endpoints, Size::of(endpoints.len(), 0, None).slots())
    }

    /// The same with `size` slots, or as many more as it takes to have a prime number of them; there should be at
    /// least 100 per endpoint, and there are 2^27 at most.
    #[must_use]
    pub fn with_size(endpoints: &[(u64, u16)], size: u32) -> Self {
        let size = prime(size);
        let table = match endpoints.len() {
            0..=0x100 => Table::Bytes(fill(endpoints, size, |n| n as u8)),
            0x101..=0x1_0000 => Table::Shorts(fill(endpoints, size, |n| n as u16)),
            _ => Table::Words(fill(endpoints, size, |n| n)),
        };
        Self { table }
    }

    /// The number of the endpoint in each slot; none if one doesn't fit.
    pub(crate) fn numbers(&self) -> Vec<u16> {
        match &self.table {
            Table::Bytes(table) => table.iter().map(|n| u16::from(*n)).collect(),
            Table::Shorts(table) => table.to_vec(),
            Table::Words(_) => vec![],
        }
    }

    /// How many slots the table has; 0 without endpoints.
    #[must_use]
    pub fn slots(&self) -> usize {
        match &self.table {
            Table::Bytes(table) => table.len(),
            Table::Shorts(table) => table.len(),
            Table::Words(table) => table.len(),
        }
    }

    /// The memory of the table in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.table {
            Table::Bytes(table) => size_of_val::<[u8]>(table),
            Table::Shorts(table) => size_of_val::<[u16]>(table),
            Table::Words(table) => size_of_val::<[u32]>(table),
        }
    }
}

impl Balance for Maglev {
    #[inline]
    fn pick(&self, draw: Draw) -> Option<usize> {
        // The size need only be prime to build the table; a remainder here would cost more than the rest.
        match &self.table {
            Table::Bytes(table) => table.get(scale(draw.key, table.len())).map(|n| usize::from(*n)),
            Table::Shorts(table) => {
                table.get(scale(draw.key, table.len())).map(|n| usize::from(*n))
            }
            Table::Words(table) => table.get(scale(draw.key, table.len())).map(|n| *n as usize),
        }
    }
}

/// Where an endpoint stands on its walk over the table.
struct Walk {
    endpoint: u32,
    at: u32,
    step: u32,
    /// The step's inverse modulo the size; 0 while nobody has asked.
    inverse: u32,
    /// Turns it has saved up, in units of the heaviest weight.
    credit: u32,
    weight: u32,
}

/// Lets the endpoints take free slots in turn, each along its own permutation.
///
/// Half of all steps would be spent on the last slots, which are long to find: when few are left, each of them is asked
/// how many steps away it is instead.
fn fill<N: Copy + Default>(
    endpoints: &[(u64, u16)],
    size: u32,
    narrow: impl Fn(u32) -> N,
) -> Box<[N]> {
    let mut walks = walks(endpoints, size);
    let Some(heaviest) = walks.iter().map(|walk| walk.weight).max() else { return Box::new([]) };
    let mut slots = vec![N::default(); size as usize].into_boxed_slice();
    let mut taken = vec![0_u64; (size as usize).div_ceil(64)];
    let mut last = Vec::new();
    let mut left = size;
    // A question costs about two steps, and among n free slots a walk takes size / n of them.
    let few = (size / 4).isqrt().max(1);
    loop {
        for walk in &mut walks {
            walk.credit += walk.weight;
            if walk.credit < heaviest {
                continue;
            }
            walk.credit -= heaviest;
            if left > few {
                if left > size / 2 {
                    walk.go_on(&taken, size);
                } else {
                    walk.go_on_by_fours(&taken, size);
                }
                if let Some(word) = taken.get_mut(walk.at as usize / 64) {
                    *word |= 1 << (walk.at % 64);
                }
            } else {
                if left == few {
                    last = free(&taken, size);
                }
                walk.go_to_nearest(&mut last, size);
            }
            if let Some(slot) = slots.get_mut(walk.at as usize) {
                *slot = narrow(walk.endpoint);
            }
            left -= 1;
            if left == 0 {
                return slots;
            }
        }
    }
}

impl Walk {
    /// Goes on to the next free slot.
    #[inline]
    fn go_on(&mut self, taken: &[u64], size: u32) {
        // Terminates: the step is coprime to the size, and a slot is free.
        while is_taken(taken, self.at) {
            self.at = advance(self.at, self.step, size);
        }
    }

    /// The same where most slots are taken. Which of the next four is free is a guess that goes wrong: so no branch makes it.
    #[inline]
    fn go_on_by_fours(&mut self, taken: &[u64], size: u32) {
        let two = advance(self.step, self.step, size);
        let three = advance(two, self.step, size);
        loop {
            let next = [0, self.step, two, three].map(|steps| advance(self.at, steps, size));
            let [a, b, c, d] = next.map(|at| u32::from(is_taken(taken, at)));
            let first = (!(a | b << 1 | c << 2 | d << 3)).trailing_zeros();
            if let Some(at) = next.get(first as usize) {
                self.at = *at;
                return;
            }
            let [.., last] = next;
            self.at = advance(last, self.step, size);
        }
    }

    /// The same, among the slots that are `free`.
    fn go_to_nearest(&mut self, free: &mut Vec<u32>, size: u32) {
        if self.inverse == 0 {
            self.inverse = inverse(self.step, size);
        }
        let (inverse, modulus) = (u64::from(self.inverse), u64::from(size));
        // slot = at + steps * step, so steps = (slot - at) / step.
        let steps = |slot: u32| u64::from(slot + size - self.at) * inverse % modulus;
        let nearest = (0..).zip(&*free).map(|(n, slot)| (steps(*slot), n)).min();
        if let Some((_, n)) = nearest {
            self.at = free.swap_remove(n);
        }
    }
}

/// The slots that are not taken.
fn free(taken: &[u64], size: u32) -> Vec<u32> {
    let words = (0..).step_by(64).zip(taken);
    let slots = words.filter(|(_, word)| **word != u64::MAX).flat_map(|(first, word)| {
        (first..first + 64).filter(move |slot| word >> (slot % 64) & 1 == 0)
    });
    slots.take_while(|slot| *slot < size).collect()
}

/// The number by which `step` gives 1 modulo a prime, by Euclid's algorithm.
fn inverse(step: u32, prime: u32) -> u32 {
    let (mut a, mut b) = (prime, step);
    // Neither gets larger than the prime, which is below 2^31.
    let (mut of_a, mut of_b) = (0_i32, 1_i32);
    while b > 0 {
        (a, b, of_a, of_b) = (b, a % b, of_b, of_a - (a / b).cast_signed() * of_b);
    }
    of_a.rem_euclid(prime.cast_signed()).cast_unsigned()
}

/// The start of each walk, ordered by identity so that all machines take turns alike.
fn walks(endpoints: &[(u64, u16)], size: u32) -> Vec<Walk> {
    let mut order: Vec<(u64, Reverse<u16>, u32)> = (0..)
        .zip(endpoints)
        .map(|(n, (identity, weight))| (*identity, Reverse(*weight), n))
        .collect();
    order.sort_unstable();
    let walk = |(identity, Reverse(weight), endpoint): (u64, Reverse<u16>, u32)| Walk {
        endpoint,
        at: scale(mix(identity), size as usize) as u32,
        step: scale(mix(!identity), size as usize - 1) as u32 + 1,
        inverse: 0,
        credit: 0,
        weight: u32::from(weight),
    };
    order.into_iter().filter(|(_, Reverse(weight), _)| *weight > 0).map(walk).collect()
}

/// Whether a slot is taken. A bitmap of 1/8 byte a slot stays in the nearest cache, and is only read while searching.
///
/// A slot outside can't be, since `at` stays below the size; as a free one it would end the walk all the same.
#[inline]
fn is_taken(taken: &[u64], slot: u32) -> bool {
    taken.get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 != 0)
}

/// `at + step`, around the end of the table without a division, and without a branch that is wrong half of the time.
#[inline]
fn advance(at: u32, step: u32, size: u32) -> u32 {
    let next = at + step;
    next.min(next.wrapping_sub(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper's way: everybody walks step by step, to the last slot.
    fn plain(endpoints: &[(u64, u16)], size: u32) -> Vec<u32> {
        let mut walks = walks(endpoints, size);
        let heaviest = walks.iter().map(|walk| walk.weight).max().unwrap();
        let mut slots = vec![None; size as usize];
        while slots.contains(&None) {
            for walk in &mut walks {
                walk.credit += walk.weight;
                if walk.credit < heaviest || !slots.contains(&None) {
                    continue;
                }
                walk.credit -= heaviest;
                while slots[walk.at as usize].is_some() {
                    walk.at = (walk.at + walk.step) % size;
                }
                slots[walk.at as usize] = Some(walk.endpoint);
            }
        }
        slots.into_iter().flatten().collect()
    }

    #[test]
    fn who_asks_the_last_slots_finds_what_walking_finds() {
        for (size, n) in [(2, 1), (2, 3), (3, 2), (5, 4), (251, 2), (1_021, 10), (4_093, 300)] {
            for weight in [1_u64, 7] {
                let endpoints: Vec<(u64, u16)> =
                    (0..n).map(|n: u64| (mix(n * 31 + weight), (1 + n % weight) as u16)).collect();
                assert_eq!(*fill(&endpoints, size, |n| n), plain(&endpoints, size), "{size}/{n}");
            }
        }
    }

    #[test]
    fn an_inverse_gives_one() {
        for prime in [2, 3, 251, 65_537, 131_071] {
            for step in [1, 2, prime / 2, prime - 1].into_iter().filter(|step| *step % prime > 0) {
                let product = u64::from(step) * u64::from(inverse(step, prime));
                assert_eq!(product % u64::from(prime), 1, "{step} modulo {prime}");
            }
        }
    }
}
