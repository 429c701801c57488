//! The near endpoints, until they are busy.

use std_alloc::{boxed::Box, sync::Arc, vec::Vec};

use super::{Balance, Connections, Draw, TwoChoices};
use crate::seed::mix;

/// The near endpoints (of this node, of this zone) while they have fewer than a number of connections each; the
/// others take what is too much.
///
/// Looks at two near endpoints and takes the less loaded one; if that has reached its threshold, looks at two of the
/// others, and takes the better of the two winners. So an overloaded zone spills over connection by connection, and
/// never onto others that are busier still. A threshold counts per unit of weight.
///
/// ```
/// use std::sync::Arc;
/// use svckit::balance::{Balance, Connections, Draw, SpillOver};
///
/// let counts: Vec<Arc<Connections>> = vec![Arc::default(), Arc::default()];
/// let endpoints = [(Arc::clone(&counts[0]), 1, false), (Arc::clone(&counts[1]), 1, true)];
/// let spill = SpillOver::new(endpoints, 2);
/// let picks = [(); 6].map(|()| {
///     let n = spill.pick(Draw::default()).unwrap();
///     (n, counts[n].open())
/// });
/// assert_eq!(picks.map(|(n, _)| n), [1, 1, 0, 0, 1, 0]);
/// ```
#[derive(Clone, Debug)]
pub struct SpillOver {
    near: Part,
    far: Part,
    threshold: u32,
}

/// Endpoints that are alike, by their numbers among all.
#[derive(Clone, Debug)]
struct Part {
    numbers: Box<[usize]>,
    endpoints: Box<[(Arc<Connections>, u16)]>,
    choice: TwoChoices,
}

impl Part {
    fn new(endpoints: Vec<(usize, (Arc<Connections>, u16))>) -> Self {
        let (numbers, endpoints): (Vec<_>, Vec<_>) = endpoints.into_iter().unzip();
        let choice = TwoChoices::new(endpoints.iter().cloned());
        Self { numbers: numbers.into(), endpoints: endpoints.into(), choice }
    }

    /// The number of the better of two, with its connections and weight.
    fn pick(&self, draw: Draw) -> Option<(usize, u32, u16)> {
        let n = self.choice.pick(draw)?;
        let (load, weight) = self.endpoints.get(n)?;
        Some((*self.numbers.get(n)?, load.count(), *weight))
    }
}

impl SpillOver {
    /// Picks among endpoints given as (counter, weight, whether it is near); weight 0 is never picked.
    pub fn new(
        endpoints: impl IntoIterator<Item = (Arc<Connections>, u16, bool)>,
        threshold: u32,
    ) -> Self {
        let numbered = endpoints.into_iter().enumerate();
        let (near, far): (Vec<_>, Vec<_>) = numbered.partition(|(_, (.., near))| *near);
        let part = |part: Vec<(usize, (_, _, bool))>| {
            Part::new(part.into_iter().map(|(n, (load, weight, _))| (n, (load, weight))).collect())
        };
        Self { near: part(near), far: part(far), threshold }
    }
}

impl Balance for SpillOver {
    fn pick(&self, draw: Draw) -> Option<usize> {
        let Some((near, count, weight)) = self.near.pick(draw) else {
            return self.far.pick(draw).map(|(n, ..)| n);
        };
        if u64::from(count) < u64::from(self.threshold) * u64::from(weight) {
            return Some(near);
        }
        let far = self.far.pick(Draw { entropy: mix(draw.entropy), ..draw });
        let better = far.filter(|far| {
            u64::from(far.1) * u64::from(weight) < u64::from(count) * u64::from(far.2)
        });
        Some(better.map_or(near, |(far, ..)| far))
    }
}
