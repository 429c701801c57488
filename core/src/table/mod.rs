//! (address, protocol, port) → service port → endpoint, for callers in the process.
//!
//! ```text
//!  index                         records                    endpoints
//!  10.96.0.1:80/TCP ─┐           #7 cluster: 40..43 ─────▶  … 10.244.0.5:8080 10.244.1.9:8080 10.244.2.2:8080 …
//!  192.0.2.9:80/TCP ─┼─────────▶    local:   44..45 ─────▶  … 10.244.1.9:8080 …
//!  node:30080/TCP   ─┘              policies, affinity
//! ```
//!
//! A [`Publisher`] takes [`crate::forward::Frontend`]s; [`Publisher::publish`] makes a [`Snapshot`]
//! that never changes and answers [`Snapshot::pick`]. All three arrays are flat and paged: a snapshot shares the
//! pages that did not change with the one before, so a change copies a few pages and not the cluster. Each family
//! has arrays of its own, as a node's proxy is two proxies.
//!
//! # Rules one can't see in the code
//!
//! * A service port keeps its number while it exists, and an endpoint keeps its [`EndpointId`](crate::balance::EndpointId)
//!   while it stays in the service port. Affinity is remembered by these numbers: an endpoint that comes back is a new one.
//! * Whose turn it is lives beside the snapshots, shared by all of them.
//! * If two service ports want one address, the one that comes first by name has it, whatever came first.
//!
//! # What this module doesn't do
//!
//! It doesn't decide which endpoints may be used, and it holds no atomic pointer: adapters publish snapshots as
//! they like. The masquerading that a kernel needs has no meaning here.

mod address;
mod cursors;
mod flow;
mod index;
mod names;
mod pages;
mod plane;
mod publisher;
mod record;
mod runs;
mod snapshot;

pub use flow::{Flow, Outcome, Pick, PortId};
pub use publisher::Publisher;
pub use snapshot::{Selection, Snapshot};

#[cfg(test)]
mod tests;
