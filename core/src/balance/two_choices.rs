//! The better of two endpoints taken at random.

use std_alloc::{boxed::Box, sync::Arc, vec::Vec};

use super::{Balance, Connections, Draw, Weighted, least_connections::lighter, scale};
use crate::seed::mix;

/// The less loaded of two endpoints taken at random: nearly as even as [`super::LeastConnections`], in O(1)
/// (Mitzenmacher 2001).
///
/// Load is the number of open connections, or with [`TwoChoices::by_latency`] the time that they are going to take.
/// Weights decide how often an endpoint is looked at, and the load they may carry is compared by them.
///
/// ```
/// use std::sync::Arc;
/// use svckit::balance::{Balance, Connections, Draw, TwoChoices};
///
/// let counts: Vec<Arc<Connections>> = vec![Arc::default(), Arc::default()];
/// let two = TwoChoices::new(counts.iter().map(|count| (Arc::clone(count), 1)));
/// let _open = counts[0].open();
/// assert!((0..100).all(|n| two.pick(Draw { entropy: n << 57, ..Draw::default() }) == Some(1)));
/// ```
#[derive(Clone, Debug)]
pub struct TwoChoices {
    endpoints: Box<[(Arc<Connections>, u16)]>,
    /// Only when weights differ.
    weighted: Option<Weighted>,
    by_latency: bool,
}

impl TwoChoices {
    /// Picks among endpoints with these counters and weights; weight 0 is never picked.
    pub fn new(endpoints: impl IntoIterator<Item = (Arc<Connections>, u16)>) -> Self {
        let endpoints: Box<[_]> = endpoints.into_iter().collect();
        let weights: Vec<u16> = endpoints.iter().map(|(_, weight)| *weight).collect();
        let uneven = weights.windows(2).any(|pair| pair.first() != pair.last());
        let weighted = (uneven || weights.first() == Some(&0)).then(|| Weighted::new(&weights));
        Self { endpoints, weighted, by_latency: false }
    }

    /// The same, by how long endpoints lately took to answer, times the connections they have (peak EWMA).
    pub fn by_latency(endpoints: impl IntoIterator<Item = (Arc<Connections>, u16)>) -> Self {
        Self { by_latency: true, ..Self::new(endpoints) }
    }

    /// Two endpoints; the same one twice only if there is no other, or by chance when weights differ.
    fn two(&self, entropy: u64) -> Option<(usize, usize)> {
        let n = self.endpoints.len();
        let again = mix(entropy);
        if let Some(weighted) = &self.weighted {
            let first = weighted.pick(Draw { entropy, ..Draw::default() })?;
            return Some((first, weighted.pick(Draw { entropy: again, ..Draw::default() })?));
        }
        let first = scale(entropy, n);
        let second = first + 1 + scale(again, n.saturating_sub(1));
        Some((first, second.checked_rem(n)?))
    }
}

impl Balance for TwoChoices {
    fn pick(&self, draw: Draw) -> Option<usize> {
        let (first, second) = self.two(draw.entropy)?;
        let (a, b) = (self.endpoints.get(first)?, self.endpoints.get(second)?);
        let second_is_lighter = if self.by_latency {
            let cost = |(load, _): &(Arc<Connections>, _)| u128::from(load.cost(draw.now));
            cost(b) * u128::from(a.1) < cost(a) * u128::from(b.1)
        } else {
            lighter((b.0.count(), b.1), (a.0.count(), a.1))
        };
        Some(if second_is_lighter { second } else { first })
    }
}
