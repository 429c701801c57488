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
    /// Turns it has saved up, in units of the heaviest weight.
    credit: u32,
    weight: u32,
}

/// Lets the endpoints take free slots in turn, each along its own permutation.
fn fill<N: Copy + Default>(
    endpoints: &[(u64, u16)],
    size: u32,
    narrow: impl Fn(u32) -> N,
) -> Box<[N]> {
    let mut walks = walks(endpoints, size);
    let Some(heaviest) = walks.iter().map(|walk| walk.weight).max() else { return Box::new([]) };
    let mut slots = vec![N::default(); size as usize].into_boxed_slice();
    let mut taken = vec![0_u64; (size as usize).div_ceil(64)];
    let mut left = size;
    loop {
        for walk in &mut walks {
            walk.credit += walk.weight;
            if walk.credit < heaviest {
                continue;
            }
            walk.credit -= heaviest;
            // Terminates: the step is coprime to the size, and a slot is free.
            while is_taken(&taken, walk.at) {
                walk.at = advance(walk.at, walk.step, size);
            }
            if let Some(word) = taken.get_mut(walk.at as usize / 64) {
                *word |= 1 << (walk.at % 64);
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
