//! What the gate checks: one file per group of steps.

use crate::{
    gate::{Fault, Step},
    programs,
};

mod c;
mod dependencies;
mod examples;
mod go;
mod rust;
mod system;
mod tree;
mod vectors;

/// All steps in the order they run: what is quick to fail comes first.
pub(crate) fn all() -> impl Iterator<Item = &'static Step> {
    [
        tree::STEPS,
        dependencies::STEPS,
        rust::STEPS,
        vectors::STEPS,
        c::STEPS,
        go::STEPS,
        examples::STEPS,
        system::STEPS,
    ]
    .into_iter()
    .flatten()
}

/// Fails when one of `programs` is not installed.
fn require(names: &[&str]) -> Result<(), Fault> {
    match names.iter().find(|name| !programs::has(name)) {
        None => Ok(()),
        Some(name) => Err(Fault::Missing(format!("{name} is not installed (cargo xtask setup)"))),
    }
}
