//! What one node forwards: the executable specification of every data plane.
//!
//! ```text
//! Change ─▶ Proxy ─ merge the slices ─ categorise ─ settle claims ─▶ Frontend per service port and family
//!                                                                     │
//!          take_changed() ─▶ Items that differ ─▶ plan, render, table ┘     decide(packet) ─▶ Decision
//! ```
//!
//! [`Proxy`] takes the cluster's changes and keeps, per service port and family, one immutable [`Frontend`]: what
//! it accepts and where that goes. [`Proxy::decide`] says what happens to a packet, and why. Whatever carries
//! frontends to a kernel or a socket must do the same, and is tested against it.
//!
//! The two families have nothing to do with each other: a Service without IPv6 endpoints refuses at its IPv6
//! address. Headless Services, `ExternalName` and those of another proxy (label
//! `service.kubernetes.io/service-proxy-name`) leave no trace.
//!
//! This module picks no endpoint (see [`crate::balance`]) and remembers no client: affinity is a timeout here.

mod categorise;
mod claims;
mod compile;
mod config;
mod count;
mod decide;
mod frontend;
mod health;
mod host_port;
mod item;
mod merge;
mod proxy;
mod stale;
mod step;

pub use categorise::{Candidate, Categorised, Hints, Ignored, Viewpoint, Wanted, categorise};
pub use claims::{Claim, Conflict, Destination, Role};
pub use config::{NodeConfig, NodePortAddresses};
pub use decide::{Decision, Packet, Snat, Verdict};
pub use frontend::{Endpoints, Frontend, FrontendKey, Refusal};
pub use health::HealthCheck;
pub use host_port::HostPortConflict;
pub use item::{Changed, Desired, HostPortKey, Item};
pub use merge::candidates;
pub use proxy::Proxy;
pub use step::Step;

#[cfg(test)]
mod tests;
