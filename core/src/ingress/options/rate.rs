//! How many requests a client may send.

use core::{hash::BuildHasher, hash::Hash, net::IpAddr, time::Duration};

use ahash::RandomState;
use hashbrown::HashMap;

use crate::{Seed, Time, model::NamespacedName};

/// So many requests in so much time, from one client to one Ingress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Between two requests of a client that sends them evenly; not zero.
    pub interval: Duration,
    /// Requests that may come at once after a pause.
    pub burst: u32,
}

impl RateLimit {
    /// So many requests in a time; a burst of so many times as many at once. `None` for no requests at all.
    #[must_use]
    pub fn new(requests: u32, time: Duration, burst: u32) -> Option<Self> {
        let interval = time.checked_div(requests)?;
        let burst = requests.saturating_mul(burst).max(1);
        Some(Self { interval: interval.max(Duration::from_nanos(1)), burst })
    }
}

/// How much of its [`RateLimit`] each client has used.
///
/// Each client costs a number: the time at which all that it sent would have been sent evenly (the "generic cell rate
/// algorithm"). Clients that have used nothing lately are forgotten when there are too many.
///
/// ```
/// use svckit::{Seed, Time, ingress::{RateLimit, Rates}, model::NamespacedName};
/// use std::time::Duration;
///
/// let limit = RateLimit::new(10, Duration::from_secs(1), 1).unwrap();
/// let mut rates = Rates::new(1000, Seed([1, 2, 3, 4]));
/// let (web, client) = (NamespacedName::new("shop", "web"), "192.0.2.1".parse().unwrap());
/// let mut ask = |millis: u64| rates.admit(&web, client, &limit, Time::from_nanos(millis * 1_000_000));
/// assert!((0..10).all(|_| ask(0).is_ok()), "a burst of ten");
/// assert_eq!(ask(0), Err(Duration::from_millis(100)), "then one in 100 ms");
/// assert!(ask(100).is_ok() && ask(100).is_err());
/// ```
#[derive(Debug)]
pub struct Rates {
    /// Nanoseconds on the caller's clock, by client, Ingress and limit.
    used: HashMap<u64, u64, RandomState>,
    most: usize,
    /// When forgetting is worth another look.
    next_sweep: Time,
}

impl Rates {
    /// Remembers so many clients at most; further ones are let through until others have been forgotten.
    #[must_use]
    pub fn new(most: usize, seed: Seed) -> Self {
        Self { used: HashMap::with_hasher(seed.hasher()), most, next_sweep: Time::default() }
    }

    /// Counts a request.
    ///
    /// # Errors
    ///
    /// The client has to wait for so long; the request counts for nothing.
    pub fn admit(
        &mut self,
        ingress: &NamespacedName,
        client: IpAddr,
        limit: &RateLimit,
        now: Time,
    ) -> Result<(), Duration> {
        let mut hasher = self.used.hasher().build_hasher();
        (ingress, client.to_canonical(), limit.interval).hash(&mut hasher);
        let key = core::hash::Hasher::finish(&hasher);
        let interval = nanos(limit.interval);
        let allowed = interval.saturating_mul(u64::from(limit.burst).saturating_sub(1));
        let now = now.as_nanos();
        let used = self.used.get(&key).copied().unwrap_or_default().max(now);
        let ahead = used - now;
        if ahead > allowed {
            return Err(Duration::from_nanos(ahead - allowed));
        }
        if self.used.len() >= self.most && !self.used.contains_key(&key) && !self.sweep(now) {
            return Ok(());
        }
        self.used.insert(key, used.saturating_add(interval));
        Ok(())
    }

    /// Forgets clients that have used nothing lately, at most once in a second; whether there is room.
    fn sweep(&mut self, now: u64) -> bool {
        if now < self.next_sweep.as_nanos() {
            return false;
        }
        self.next_sweep = Time::from_nanos(now).saturating_add(Duration::from_secs(1));
        self.used.retain(|_, used| *used > now);
        self.used.len() < self.most
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_have_rates_of_their_own() {
        let limit = RateLimit::new(2, Duration::from_secs(1), 1).unwrap();
        let mut rates = Rates::new(2, Seed([1; 4]));
        let (web, other) = (NamespacedName::new("n", "web"), NamespacedName::new("n", "other"));
        let client = |last| IpAddr::from([192, 0, 2, last]);
        let at = |millis: u64| Time::from_nanos(millis * 1_000_000);
        assert!(rates.admit(&web, client(1), &limit, at(0)).is_ok());
        assert!(rates.admit(&web, client(1), &limit, at(0)).is_ok());
        let wait = rates.admit(&web, client(1), &limit, at(100));
        assert_eq!(wait, Err(Duration::from_millis(400)));
        assert!(rates.admit(&other, client(1), &limit, at(100)).is_ok(), "another Ingress");
        // There is no room for a third one, so it is let through, until a second has passed.
        (0..5).for_each(|_| assert!(rates.admit(&web, client(3), &limit, at(100)).is_ok()));
        let mut asks = (0..5).map(|_| rates.admit(&web, client(3), &limit, at(5_000)).is_ok());
        assert!(asks.by_ref().take(2).all(|good| good) && asks.all(|good| !good));
        assert!(RateLimit::new(0, Duration::from_secs(1), 5).is_none());
    }
}
