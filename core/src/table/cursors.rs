//! Whose turn it is, beside the snapshots.

use core::sync::atomic::AtomicU32;
use std_alloc::{sync::Arc, vec::Vec};

/// Counters per page.
const PAGE: usize = 512;

/// A counter for each service port; all snapshots count on the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursors(Arc<[Arc<[AtomicU32; PAGE]>]>);

impl Cursors {
    /// The counter of service port `number`.
    #[inline]
    pub(super) fn get(&self, number: usize) -> Option<&AtomicU32> {
        self.0.get(number / PAGE)?.get(number % PAGE)
    }

    /// Makes sure that service port `number` has a counter.
    pub(super) fn reserve(&mut self, number: usize) {
        if number / PAGE >= self.0.len() {
            let fresh = || Arc::new(core::array::from_fn(|_| AtomicU32::new(0)));
            let missing = number / PAGE + 1 - self.0.len();
            let all = self.0.iter().cloned().chain((0..missing).map(|_| fresh()));
            self.0 = all.collect::<Vec<_>>().into();
        }
    }
}
