//! What an endpoint has to do right now, as those who send it connections see it.

use core::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};
use std_alloc::sync::Arc;

use crate::Time;

/// Half of a peak is forgotten after this time, in nanoseconds.
const HALF_LIFE: u64 = 5_000_000_000;

/// What an endpoint that was never timed is taken to need, in nanoseconds.
const UNKNOWN: u64 = 1_000_000;

/// How many connections an endpoint has, and how long it lately took to answer; shared by whoever picks and whoever
/// connects. All calls are a few relaxed atomic operations.
///
/// Times are averaged so that a peak counts at once and fades with a half-life of 5 s (peak EWMA, as in Finagle):
/// an endpoint that has become slow is noticed with the first answer, and tried again after a while.
#[derive(Debug, Default)]
pub struct Connections {
    open: AtomicU32,
    /// The average in nanoseconds; 0: nothing known.
    average: AtomicU64,
    /// When it was that.
    at: AtomicU64,
}

/// One open connection; it ends when this is dropped.
#[derive(Debug)]
pub struct Connection(Arc<Connections>);

impl Connection {
    /// Notes how long the endpoint took to answer this connection.
    pub fn observe(&self, took: Duration, now: Time) {
        self.0.observe(took, now);
    }
}

impl Connections {
    /// Counts one more, until the result is dropped.
    #[must_use]
    pub fn open(self: &Arc<Self>) -> Connection {
        self.open.fetch_add(1, Ordering::Relaxed);
        Connection(Arc::clone(self))
    }

    /// How many are open.
    #[must_use]
    #[inline]
    pub fn count(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    /// Notes that the endpoint took so long to answer.
    ///
    /// Two threads that do so at once may lose one of the times; what stays is one of the two.
    pub fn observe(&self, took: Duration, now: Time) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
        let faded = self.faded(now);
        // A peak counts whole; what is better than the average moves it by the time that has passed, an eighth at
        // least, so that many quick answers in a moment count too.
        let average = if faded <= took { took } else { faded - ((faded - took) / 8).max(1) };
        self.average.store(average, Ordering::Relaxed);
        self.at.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// How long the endpoint lately took to answer.
    #[must_use]
    pub fn latency(&self, now: Time) -> Duration {
        Duration::from_nanos(self.faded(now))
    }

    /// What one more connection would cost: its answer's time, for itself and those that are open.
    #[must_use]
    #[inline]
    pub fn cost(&self, now: Time) -> u64 {
        match self.faded(now) {
            0 => UNKNOWN,
            latency => latency,
        }
        .saturating_mul(u64::from(self.count()) + 1)
    }

    #[inline]
    fn faded(&self, now: Time) -> u64 {
        let average = self.average.load(Ordering::Relaxed);
        let age = now.as_nanos().saturating_sub(self.at.load(Ordering::Relaxed));
        let (halves, rest) = (age / HALF_LIFE, age % HALF_LIFE);
        let whole = average.checked_shr(u32::try_from(halves).unwrap_or(64)).unwrap_or(0);
        // Between two halvings a straight line is near enough.
        whole - ((u128::from(whole) * u128::from(rest)) / u128::from(2 * HALF_LIFE)) as u64
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_count_at_once_and_fade() {
        let load = Connections::default();
        let at = |seconds: u64| Time::from_nanos(seconds * 1_000_000_000);
        let ms = Duration::from_millis;
        assert_eq!(load.cost(at(0)), UNKNOWN);
        load.observe(ms(10), at(1));
        load.observe(ms(100), at(1));
        assert_eq!(load.latency(at(1)), ms(100));
        assert_eq!(load.latency(at(6)), ms(50));
        assert_eq!(load.latency(at(11)), ms(25));
        assert!(load.latency(at(8)) < ms(50) && load.latency(at(8)) > ms(25));
        assert_eq!(load.latency(at(1000)), ms(0));
        load.observe(ms(1), at(1));
        assert!(load.latency(at(1)) < ms(90), "quick answers count as well");
        let arc = Arc::new(load);
        let open = [arc.open(), arc.open()];
        assert_eq!(arc.cost(at(1)), arc.latency(at(1)).as_nanos() as u64 * 3);
        drop(open);
        assert_eq!(arc.count(), 0);
    }
}
