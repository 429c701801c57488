//! From pods to EndpointSlices: the endpoint slice controller, without a cluster.
//!
//! ```text
//!   Service, Pod, Node ── apply ──▶ which Services are touched ── take_writes ──▶ create, update, delete slices
//! ```
//!
//! Endpoints with the same resolved ports share slices of at most [`MAX_ENDPOINTS`]; an endpoint stays in the slice
//! it is in, newcomers fill the fullest slice that has room, and what nobody wants any more is deleted. A pod event
//! costs its own Services, not all.
//!
//! Services without a selector are left alone: somebody writes their slices by hand.

mod controller;
mod endpoint;
mod reconcile;

pub use controller::{Controller, Write};
pub use reconcile::MAX_ENDPOINTS;
