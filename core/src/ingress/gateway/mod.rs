//! HTTPRoutes on Gateways: the same tables, with more conditions.
//!
//! ```text
//! Gateway, HTTPRoute, ReferenceGrant, Service ──▶ GatewayRouter ──▶ GatewayRoutes
//!
//! request ─▶ listener of the port ─▶ host ─▶ path ─▶ first candidate whose method, headers and query hold
//! ```
//!
//! # Order of decisions
//!
//! 1. The listener of the port: whole hostname, else the longest wildcard, else the one for every host. Over TLS the
//!    server name chooses one as well; when they differ the answer is 421.
//! 2. Among the hostnames of the routes attached there the same order; then Exact, then the longest prefix.
//! 3. At one path: with a method first, then more headers, then more parameters, then the older route, then
//!    `namespace/name`, then the earlier rule.
//!
//! Unlike in Ingress, a wildcard stands for one label or more.
//!
//! # What this module doesn't do
//!
//! It serves nothing and mirrors nothing; expressions are refused at admission. Routes for TCP, UDP, TLS and gRPC are
//! not read.

mod answer;
mod attach;
mod router;
mod table;

pub use answer::{GatewayAnswer, GatewayForward, GatewayRequest};
pub use router::GatewayRouter;
pub use table::GatewayRoutes;

#[cfg(test)]
mod tests;
