//! The gate: `cargo xtask ci`.
fn main() {}
