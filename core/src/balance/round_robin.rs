//! Each endpoint in turn.

use core::sync::atomic::{AtomicU32, Ordering};

use super::{Balance, Draw};

/// Each endpoint in turn, whichever thread asks.
///
/// ```
/// use svckit::balance::{Balance, Draw, RoundRobin};
///
/// let turns = RoundRobin::new(3, 0);
/// let picks = [(); 4].map(|()| turns.pick(Draw::default()));
/// assert_eq!(picks, [Some(0), Some(1), Some(2), Some(0)]);
/// ```
#[derive(Debug)]
pub struct RoundRobin {
    endpoints: usize,
    next: AtomicU32,
}

impl RoundRobin {
    /// Takes turns among `endpoints`, beginning with number `start`.
    #[must_use]
    pub const fn new(endpoints: usize, start: u32) -> Self {
        Self { endpoints, next: AtomicU32::new(start) }
    }
}

impl Balance for RoundRobin {
    fn pick(&self, _: Draw) -> Option<usize> {
        turn(&self.next, self.endpoints)
    }
}

/// Whose turn it is among `n`. The count wraps after 4 billion turns, which may repeat or skip one endpoint once.
#[inline]
pub(crate) fn turn(next: &AtomicU32, n: usize) -> Option<usize> {
    let n = u32::try_from(n).ok()?;
    next.fetch_add(1, Ordering::Relaxed).checked_rem(n).map(|turn| turn as usize)
}
