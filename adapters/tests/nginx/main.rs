//! A real nginx serves what the core renders for it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]

mod certificates;
mod conformance;
mod hostile;
mod options;
mod pods;
mod reload;
mod world;
