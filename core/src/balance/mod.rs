//! Picks one of a service port's backends.
//!
//! [`RoundRobin`] visits each in turn; [`Affinity`] remembers which one a client was sent to.

mod affinity;
mod round_robin;

pub use affinity::{Affinity, AffinityConfig};
pub use round_robin::RoundRobin;
