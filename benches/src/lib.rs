//! What the benches share: sizes, and generated clusters of any size.

pub mod cluster;
pub mod turns;

/// The sizes to measure; small ones when each bench runs only once, to see that it works.
///
/// ```
/// assert_eq!(svckit_benches::sizes([1_000, 10_000, 100_000], [1, 2, 3]), [1, 2, 3], "nothing is measured here");
/// ```
#[must_use]
pub fn sizes<const N: usize>(full: [usize; N], small: [usize; N]) -> [usize; N] {
    if is_measuring() { full } else { small }
}

/// Whether figures are wanted: `cargo bench` says so, `cargo test` and `cargo bench -- --test` don't.
#[must_use]
pub fn is_measuring() -> bool {
    let has = |flag: &str| std::env::args().any(|arg| arg == flag);
    has("--bench") && !has("--test")
}
