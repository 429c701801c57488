//! What one node forwards: Services and their endpoints, seen from here.
//!
//! ```text
//!   Change ──▶ Proxy ──▶ service ports ──▶ categorise ──▶ which endpoints each kind of traffic may reach
//! ```
//!
//! The rules are kube-proxy's (v1.36). A node serves two families as if they were two nodes: endpoints of one
//! never take traffic of the other.

mod categorise;
mod endpoint;
mod proxy;
mod service_port;

pub use categorise::{Categories, HintMode, Policies, Viewpoint, categorise};
pub use endpoint::Endpoint;
pub use proxy::Proxy;
pub use service_port::ServicePort;
