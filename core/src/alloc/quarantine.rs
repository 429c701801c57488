//! Numbers that were just given back, in the order they may be drawn again.

use core::time::Duration;
use std_alloc::collections::VecDeque;

use super::Bitmap;
use crate::Time;

/// Keeps released numbers from being drawn for a while: clients may still remember whom they belonged to.
///
/// A number that is asked for by name may be taken at once.
#[derive(Clone, Debug)]
pub(super) struct Quarantine {
    period: Duration,
    queue: VecDeque<(Time, usize)>,
    /// Held, or in quarantine: what draws avoid.
    avoided: Bitmap,
}

impl Quarantine {
    pub(super) fn new(capacity: usize, period: Duration) -> Self {
        Self { period, queue: VecDeque::new(), avoided: Bitmap::new(capacity) }
    }

    /// A number is held now.
    pub(super) fn hold(&mut self, number: usize) {
        self.avoided.insert(number);
    }

    /// A number was given back; `held` says so already.
    pub(super) fn release(&mut self, number: usize, now: Time) {
        if self.period.is_zero() {
            self.avoided.remove(number);
        } else {
            self.queue.push_back((now.saturating_add(self.period), number));
        }
    }

    /// The first number at or after `from` and before `end` to draw. Amortised O(1) for each release.
    pub(super) fn next(
        &mut self,
        held: &Bitmap,
        from: usize,
        end: usize,
        now: Time,
    ) -> Option<usize> {
        while let Some((until, number)) = self.queue.front().copied()
            && until <= now
        {
            self.queue.pop_front();
            if !held.contains(number) {
                self.avoided.remove(number);
            }
        }
        self.avoided.next_free(from).filter(|number| *number < end)
    }
}
