//! Any endpoint, all alike.

use super::{Balance, Draw};

/// Any endpoint, all alike: kube-proxy's way.
///
/// ```
/// use svckit::balance::{Balance, Draw, Random};
///
/// let random = Random::new(4);
/// assert_eq!(random.pick(Draw::default()), Some(0));
/// assert_eq!(random.pick(Draw { entropy: u64::MAX, ..Draw::default() }), Some(3));
/// assert_eq!(Random::new(0).pick(Draw::default()), None);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Random {
    endpoints: usize,
}

impl Random {
    /// Picks among `endpoints`.
    #[must_use]
    pub const fn new(endpoints: usize) -> Self {
        Self { endpoints }
    }
}

impl Balance for Random {
    fn pick(&self, draw: Draw) -> Option<usize> {
        (self.endpoints > 0).then(|| scale(draw.entropy, self.endpoints))
    }
}

/// `random` scaled to `0..n` by a multiplication, which costs a sixth of a remainder.
#[inline]
pub(crate) fn scale(random: u64, n: usize) -> usize {
    ((u128::from(random) * n as u128) >> 64) as usize
}
