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

/// Seconds since 1970 as a time of RFC 3339: `2026-11-25T23:00:00Z`.
#[must_use]
pub fn utc(seconds: i64) -> String {
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since the first of March of the year 0: years end with the day that may be missing.
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + later;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{of_month:02}T{hour:02}:{minute:02}:{second:02}Z")
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

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn times_are_of_the_calendar() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ];
        for (seconds, want) in cases {
            assert_eq!(utc(seconds), want, "{seconds}");
        }
    }
}
