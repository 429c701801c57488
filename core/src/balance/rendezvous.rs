//! One endpoint for each client, by scores (Thaler and Ravishankar 1998).

use core::net::SocketAddr;
use std_alloc::boxed::Box;

use super::{Balance, Draw, identity};
use crate::seed::mix;

/// The endpoint with the highest score for the key: equal keys, equal endpoint, on every machine.
///
/// When an endpoint goes, only its own keys move, and when one comes, it takes only what it keeps: no table can
/// do better. A pick costs O(n), about 1 ns per endpoint, so it suits up to a few dozen; [`super::Maglev`] beyond.
///
/// ```
/// use svckit::balance::{Balance, Draw, Rendezvous};
///
/// let before = Rendezvous::new(&[(11, 1), (22, 1), (33, 1)]);
/// let after = Rendezvous::new(&[(11, 1), (22, 1)]);
/// for key in 0..1000 {
///     let draw = Draw { key, ..Draw::default() };
///     assert!(before.pick(draw) == Some(2) || before.pick(draw) == after.pick(draw));
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Rendezvous {
    endpoints: Box<[(u64, u16)]>,
    uneven: bool,
}

impl Rendezvous {
    /// Picks among endpoints given as (identity, weight); weight 0 is never picked.
    #[must_use]
    pub fn new(endpoints: &[(u64, u16)]) -> Self {
        let first = endpoints.first().map(|(_, weight)| *weight);
        let uneven = first == Some(0) || endpoints.iter().any(|(_, weight)| Some(*weight) != first);
        Self { endpoints: endpoints.into(), uneven }
    }
}

/// The endpoint with the highest score for the key, without a table: O(n), and nothing is kept.
///
/// ```
/// use svckit::balance::keep;
///
/// let all = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"].map(|text| text.parse().unwrap());
/// let first = keep(all, 7).unwrap();
/// let others = all.into_iter().filter(|other| *other != first);
/// let left = all.into_iter().filter(|other| Some(*other) != others.clone().next());
/// assert_eq!(keep(left, 7), Some(first), "it stays when another one goes");
/// ```
pub fn keep(endpoints: impl IntoIterator<Item = SocketAddr>, key: u64) -> Option<SocketAddr> {
    endpoints.into_iter().max_by_key(|endpoint| (identity(*endpoint, key), *endpoint))
}

impl Balance for Rendezvous {
    fn pick(&self, draw: Draw) -> Option<usize> {
        let score = |identity: u64| mix(draw.key ^ identity);
        let numbered = self.endpoints.iter().enumerate();
        if !self.uneven {
            // Of equal scores, the higher identity: the order of the list must not matter.
            let best = numbered.max_by_key(|(_, (identity, _))| (score(*identity), *identity));
            return best.map(|(n, _)| n);
        }
        numbered
            .filter(|(_, (_, weight))| *weight > 0)
            .min_by_key(|(_, (identity, weight))| (cost(score(*identity), *weight), *identity))
            .map(|(n, _)| n)
    }
}

/// `-log2(score / 2^64) / weight`: the smallest of these goes to each endpoint in proportion to its weight.
///
/// Integers, because all machines must agree to the last bit. 2^32 fractions of a bit.
pub(super) fn cost(score: u64, weight: u16) -> u64 {
    let zeros = score.leading_zeros();
    // 1.x with 63 bits behind the point.
    let mut mantissa = score.checked_shl(zeros).unwrap_or(1 << 63);
    let mut fraction = 0_u64;
    // Squaring moves one bit of the logarithm in front of the point at a time.
    for _ in 0..32 {
        let square = (u128::from(mantissa) * u128::from(mantissa)) >> 63;
        let over = square >> 64 != 0;
        fraction = fraction << 1 | u64::from(over);
        mantissa = (square >> u32::from(over)) as u64;
    }
    let bits = ((u64::from(zeros) + 1) << 32) - fraction;
    (bits << 16) / u64::from(weight.max(1))
}
