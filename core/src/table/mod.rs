//! (address, protocol, port) → service port → endpoint, for callers in the process.
//!
//! ```text
//!  index, 16 bytes a slot                          cells, 8 bytes each
//!  10.96.0.1:80/TCP ── 40, 3 endpoints, any ─────▶ … 10.244.0.5:8080 10.244.1.9:8080 10.244.2.2:8080 …
//!  10.96.0.2:80/TCP ── 64, 2 endpoints, by table ▶ … 10.244.0.7:80 10.244.3.4:80 0100101101100…
//!  192.0.2.9:80/TCP ─┐                    records
//!  node:30080/TCP   ─┴─ service port 7 ─▶ #7: cluster 40, local 44, policies, affinity; few have more in `extras`
//! ```
//!
//! A [`Publisher`] takes [`crate::forward::Frontend`]s; [`Publisher::publish`] makes a [`Snapshot`]
//! that never changes and answers [`Snapshot::pick`]. All arrays are flat and paged: a snapshot shares the
//! pages that did not change with the one before, so a change copies a few pages and not the cluster. Each family
//! has arrays of its own, as a node's proxy is two proxies.
//!
//! An address whose connections may go to the same endpoints whoever asks leads to them at once; where policies,
//! source ranges or affinity have a say, it leads to the service port's record.
//!
//! [`Policies`] reads the annotations of Services and tells the publisher.
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
mod batch;
mod cells;
mod compose;
mod cursors;
mod flow;
mod here;
mod index;
mod lead;
mod names;
mod numbers;
mod pages;
mod plane;
mod policies;
mod publisher;
mod record;
mod runs;
mod selection;
mod snapshot;
mod writer;

pub use flow::{Flow, Outcome, Pick, PortId};
pub use policies::Policies;
pub use publisher::Publisher;
pub use selection::Selection;
pub use snapshot::Snapshot;

#[cfg(test)]
mod tests;
