//! From pods to EndpointSlices: the endpoint slice controller, without a cluster.
//!
//! ```text
//!   Service, Pod, Node ── apply ──▶ which Services are touched ── take_writes ──▶ create, update, delete slices
//! ```
//!
//! Endpoints with the same resolved ports share slices of at most 100 ([`Config`]); an endpoint stays in the slice
//! it is in, newcomers fill the fullest slice that has room, and what nobody wants any more is deleted. A pod event
//! costs its own Services and their endpoints, whatever else is in the cluster.
//!
//! What can't be seen in the code: writes are counted before slices, as in Kubernetes, so a Service that shrank may
//! have many half-empty slices ([`Config::repack`] changes that). Terminating pods stay in, as not ready; proxies
//! fall back to those that still serve (KEP-1669).
//!
//! Services without a selector are left alone: somebody writes their slices by hand. A Service that loses its
//! selector, or becomes an ExternalName, loses the slices made here.

mod config;
mod controller;
mod endpoint;
mod hints;
mod namespace;
mod reconcile;
mod set;

pub use config::Config;
pub use controller::{Controller, Write};
pub use hints::HintsOff;
