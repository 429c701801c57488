//! The endpoint with the fewest open connections.

use std_alloc::{boxed::Box, sync::Arc};

use super::{Balance, Connections, Draw, scale};

/// The endpoint with the fewest open connections for its weight; of equals, any.
///
/// Looks at all of them: O(n). Many callers that pick before any of them connects may all choose the same one;
/// [`super::TwoChoices`] is cheaper and less prone to that.
///
/// ```
/// use std::sync::Arc;
/// use svckit::balance::{Balance, Connections, Draw, LeastConnections};
///
/// let counts: Vec<Arc<Connections>> = vec![Arc::default(), Arc::default()];
/// let least = LeastConnections::new(counts.iter().map(|count| (Arc::clone(count), 1)));
/// let open = counts[0].open();
/// assert_eq!(least.pick(Draw::default()), Some(1));
/// drop(open);
/// assert_eq!(least.pick(Draw::default()), Some(0));
/// ```
#[derive(Clone, Debug)]
pub struct LeastConnections {
    endpoints: Box<[(Arc<Connections>, u16)]>,
}

impl LeastConnections {
    /// Picks among endpoints with these counters and weights; weight 0 is never picked.
    pub fn new(endpoints: impl IntoIterator<Item = (Arc<Connections>, u16)>) -> Self {
        Self { endpoints: endpoints.into_iter().collect() }
    }
}

impl Balance for LeastConnections {
    fn pick(&self, draw: Draw) -> Option<usize> {
        // Where the walk begins decides between equals.
        let start = scale(draw.entropy, self.endpoints.len());
        let (before, from) = self.endpoints.split_at_checked(start)?;
        let after = from.iter().enumerate().map(|(n, endpoint)| (n + start, endpoint));
        after
            .chain(before.iter().enumerate())
            .filter(|(_, (_, weight))| *weight > 0)
            .map(|(n, (count, weight))| (n, count.count(), *weight))
            .reduce(
                |best, next| if lighter((next.1, next.2), (best.1, best.2)) { next } else { best },
            )
            .map(|(n, ..)| n)
    }
}

/// Whether one more connection would load `a` less than `b`, each being (connections, weight).
pub(super) fn lighter(a: (u32, u16), b: (u32, u16)) -> bool {
    (u64::from(a.0) + 1) * u64::from(b.1) < (u64::from(b.0) + 1) * u64::from(a.1)
}
