//! The one place that reads the clock, randomness and the environment.

use std::{
    cell::Cell,
    hash::{BuildHasher, Hasher, RandomState},
    sync::OnceLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use svckit::{Seed, Time};

/// The time since the process first asked, on a clock that never goes back.
#[must_use]
pub fn now() -> Time {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed().as_nanos();
    Time::from_nanos(u64::try_from(elapsed).unwrap_or(u64::MAX))
}

/// Seconds since 1970, for ages and timestamps.
#[must_use]
pub fn unix_seconds() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}

/// Randomness of the operating system, by way of the standard library's hash keys.
#[must_use]
pub fn seed() -> Seed {
    let word = || RandomState::new().build_hasher().finish();
    Seed([word(), word(), word(), word()])
}

/// A random number that strangers can't predict well; cheap, and another one for each call.
#[must_use]
pub fn entropy() -> u64 {
    thread_local! {
        static KEYED: (RandomState, Cell<u64>) = (RandomState::new(), Cell::new(0));
    }
    KEYED.with(|(hasher, calls)| {
        calls.set(calls.get().wrapping_add(1));
        hasher.hash_one(calls.get())
    })
}

/// An environment variable, when it is set and not empty.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What this machine calls itself.
#[must_use]
pub fn host_name() -> String {
    let read = std::fs::read_to_string("/proc/sys/kernel/hostname");
    read.map_or_else(|_| "localhost".into(), |name| name.trim().to_lowercase())
}
