//! Each backend in turn.

use core::sync::atomic::{AtomicUsize, Ordering};

/// Visits each of a list's places in turn; many threads may ask at once, and nobody waits.
///
/// ```
/// use svckit::balance::RoundRobin;
///
/// let turn = RoundRobin::default();
/// let places: Vec<_> = (0..4).map(|_| turn.next(3)).collect();
/// assert_eq!(places, [Some(0), Some(1), Some(2), Some(0)]);
/// assert_eq!(turn.next(0), None);
/// ```
#[derive(Debug, Default)]
pub struct RoundRobin(AtomicUsize);

impl RoundRobin {
    /// The next place of a list of `len`; `None` when the list is empty.
    ///
    /// When the list has changed since the last time, the turn goes on from about where it was.
    pub fn next(&self, len: usize) -> Option<usize> {
        self.0.fetch_add(1, Ordering::Relaxed).checked_rem(len)
    }
}
