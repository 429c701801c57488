//! A real nginx serves what the core renders for it.

mod conformance;
mod hostile;
mod options;
mod reload;
mod world;
