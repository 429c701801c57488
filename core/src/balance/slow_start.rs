//! New endpoints come up slowly.

use core::time::Duration;

/// Steps in which a share grows: each one costs the service port a new table.
const STEPS: u32 = 16;

/// The share of an endpoint of `weight` that has been there for `age`, out of `weight` × 16, when it is to grow over
/// `window`: it begins with a sixteenth and grows in sixteenths. Whoever is full-grown has 16 times its weight.
///
/// ```
/// use std::time::Duration;
/// use svckit::balance::slow_start;
///
/// let share = |age| slow_start(2, Duration::from_secs(age), Duration::from_secs(32));
/// assert_eq!([0, 15, 16, 31, 32, 100].map(share), [2, 16, 18, 32, 32, 32]);
/// assert_eq!(slow_start(0, Duration::ZERO, Duration::ZERO), 0, "draining");
/// ```
#[must_use]
pub fn slow_start(weight: u16, age: Duration, window: Duration) -> u16 {
    let step = step(age, window);
    u16::try_from(u32::from(weight) * step).unwrap_or(u16::MAX)
}

/// Which step that is, from 1 to 16.
pub(crate) fn step(age: Duration, window: Duration) -> u32 {
    if age >= window {
        return STEPS;
    }
    let step = age.as_nanos() * u128::from(STEPS) / window.as_nanos().max(1);
    (step as u32 + 1).min(STEPS)
}
