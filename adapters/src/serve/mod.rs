//! What answers on sockets.
//!
//! [`listeners`] serve the service ports over TCP and UDP and ask the [`balancer`] for each new connection; [`pod`]
//! simulates pods. [`checks`] ask backends whether they are there; [`counters`] say what has happened.

pub mod balancer;
pub mod checks;
pub mod counters;
pub mod dns;
pub mod http;
mod limits;
pub mod listeners;
pub mod pod;
pub mod status;
mod tcp;
pub mod tls;
mod udp;

pub use limits::{Limits, raise_file_limit};

#[cfg(test)]
mod tests;
