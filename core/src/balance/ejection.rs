//! Endpoints that lately failed, and stay out for a while.

use core::{net::SocketAddr, time::Duration};
use hashbrown::HashMap;

use crate::{Seed, Time};

/// When an endpoint is out, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EjectionRules {
    /// Failures one after the other that put an endpoint out. Default: 3.
    pub failures: u32,
    /// How long it stays out the first time, each further time so much longer. Default: 10 s.
    pub time: Duration,
    /// The longest time. Default: 300 s.
    pub longest: Duration,
    /// Endpoints that are remembered as failing; those of longest ago are forgotten. Default: 4096.
    pub limit: usize,
}

impl Default for EjectionRules {
    fn default() -> Self {
        Self {
            failures: 3,
            time: Duration::from_secs(10),
            longest: Duration::from_secs(300),
            limit: 4096,
        }
    }
}

/// Remembers which endpoints fail (passive health checks).
///
/// Only those that failed lately are remembered: a success wipes the slate. An endpoint that comes back from being out
/// is on trial: its next failure puts it out again, for longer. Whoever asks decides what to do when all are out.
///
/// ```
/// use std::time::Duration;
/// use svckit::{Seed, Time, balance::{Ejection, EjectionRules}};
///
/// let mut ejection = Ejection::new(EjectionRules::default(), Seed([1, 2, 3, 4]));
/// let (web, at) = ("10.1.2.3:80".parse().unwrap(), |s: u64| Time::from_nanos(s * 1_000_000_000));
/// assert_eq!([0, 1, 2].map(|s| ejection.failed(web, at(s))), [false, false, true]);
/// assert!(ejection.is_out(web, at(11)) && !ejection.is_out(web, at(12)));
/// assert!(ejection.failed(web, at(13)), "on trial");
/// assert!(ejection.is_out(web, at(32)), "twice as long");
/// ejection.worked(web);
/// assert!(!ejection.is_out(web, at(14)));
/// ```
#[derive(Debug)]
pub struct Ejection {
    rules: EjectionRules,
    failing: HashMap<SocketAddr, Failing, ahash::RandomState>,
}

/// An endpoint whose last connection failed.
#[derive(Clone, Copy, Debug)]
struct Failing {
    in_a_row: u32,
    /// How often it was put out.
    times: u32,
    until: Time,
    last: Time,
}

impl Ejection {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(rules: EjectionRules, seed: Seed) -> Self {
        Self { rules, failing: HashMap::with_hasher(seed.hasher()) }
    }

    /// An endpoint failed; tells whether that puts it out. O(1), but O(limit) when too many fail.
    pub fn failed(&mut self, endpoint: SocketAddr, now: Time) -> bool {
        if self.failing.len() >= self.rules.limit && !self.failing.contains_key(&endpoint) {
            let oldest = self.failing.iter().min_by_key(|(_, failing)| failing.last);
            if let Some(oldest) = oldest.map(|(addr, _)| *addr) {
                self.failing.remove(&oldest);
            }
        }
        let fresh = Failing { in_a_row: 0, times: 0, until: Time::default(), last: now };
        let failing = self.failing.entry(endpoint).or_insert(fresh);
        failing.in_a_row = failing.in_a_row.saturating_add(1);
        failing.last = now;
        if failing.in_a_row < self.rules.failures || failing.until > now {
            return false;
        }
        failing.times = failing.times.saturating_add(1);
        let time = self.rules.time.saturating_mul(failing.times).min(self.rules.longest);
        failing.until = now.saturating_add(time);
        true
    }

    /// An endpoint worked: it is as good as any.
    pub fn worked(&mut self, endpoint: SocketAddr) {
        self.failing.remove(&endpoint);
    }

    /// Whether the endpoint is out.
    #[must_use]
    pub fn is_out(&self, endpoint: SocketAddr, now: Time) -> bool {
        self.failing.get(&endpoint).is_some_and(|failing| failing.until > now)
    }

    /// Whether no endpoint failed lately.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.failing.is_empty()
    }

    /// How many endpoints are out.
    #[must_use]
    pub fn out(&self, now: Time) -> usize {
        self.failing.values().filter(|failing| failing.until > now).count()
    }
}
