//! Each endpoint in turn, heavier ones more often.

use core::{
    cmp::Reverse,
    sync::atomic::{AtomicU32, Ordering},
};
use std_alloc::{boxed::Box, collections::BinaryHeap, vec::Vec};

use super::{Balance, Draw, turn};

/// Turns in one round at most, unless there are more endpoints than that.
const LONGEST_ROUND: u64 = 4096;

/// Each endpoint in turn, as often as its weight says and spread evenly over the round.
///
/// The round is laid out once: a turn is due at the middle of its equal share of the round (earliest deadline
/// first), so weights 2 and 1 give `a b a` and not `a a b`. Picking is one step along it, without a lock. Costs
/// O(round × log endpoints) to build, and 4 bytes for each turn of a round: the sum of the weights over their
/// common divisor. Sums over 4096 are scaled down, which rounds weights to about 0.02% of the traffic each.
///
/// ```
/// use svckit::balance::{Balance, Draw, SmoothRoundRobin};
///
/// let turns = SmoothRoundRobin::new(&[2, 1, 0], 0);
/// let picks = [(); 6].map(|()| turns.pick(Draw::default()).unwrap());
/// assert_eq!(picks, [0, 1, 0, 0, 1, 0]);
/// ```
#[derive(Debug)]
pub struct SmoothRoundRobin {
    round: Box<[u32]>,
    next: AtomicU32,
}

impl SmoothRoundRobin {
    /// Takes turns by weight, beginning at turn `start` of the round; weight 0 never gets one.
    #[must_use]
    pub fn new(weights: &[u16], start: u32) -> Self {
        Self { round: round(weights), next: AtomicU32::new(start) }
    }

    /// How many turns have been taken, for a successor that shall go on from here.
    #[must_use]
    pub fn turns(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }
}

impl Balance for SmoothRoundRobin {
    fn pick(&self, _: Draw) -> Option<usize> {
        let at = turn(&self.next, self.round.len())?;
        self.round.get(at).map(|endpoint| *endpoint as usize)
    }
}

/// Lays out one round.
fn round(weights: &[u16]) -> Box<[u32]> {
    let shares = shares(weights);
    let length: u64 = shares.iter().sum();
    // A turn is due at (2k + 1) / (2 × share) of the round; `length` (at most 2^16 × endpoints) keeps it an integer.
    let due = |k: u64, share: u64| ((u128::from(2 * k + 1) << 64) / u128::from(2 * share), share);
    let mut heap: BinaryHeap<_> = (0_u32..)
        .zip(&shares)
        .filter(|(_, share)| **share > 0)
        .map(|(endpoint, share)| Reverse((due(0, *share), endpoint, 0_u64)))
        .collect();
    let mut round = Vec::new();
    while (round.len() as u64) < length {
        let Some(Reverse(((_, share), endpoint, k))) = heap.pop() else { break };
        round.push(endpoint);
        if k + 1 < share {
            heap.push(Reverse((due(k + 1, share), endpoint, k + 1)));
        }
    }
    round.into()
}

/// Turns per round: the weights over their common divisor, scaled down if a round would be too long.
fn shares(weights: &[u16]) -> Vec<u64> {
    let divisor = weights.iter().fold(0, |a, b| gcd(a, u64::from(*b))).max(1);
    let mut shares: Vec<u64> = weights.iter().map(|w| u64::from(*w) / divisor).collect();
    let sum: u64 = shares.iter().sum();
    let longest = LONGEST_ROUND.max(weights.len() as u64);
    if sum > longest {
        for share in shares.iter_mut().filter(|share| **share > 0) {
            *share = ((*share * longest + sum / 2) / sum).max(1);
        }
    }
    shares
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
