//! Ingresses as routes: which rule takes a request, and which Service is behind it.
//!
//! ```text
//! RequestHead ──canonical──▶ Request { host, path } ──┐
//!                                                     ├─▶ Routes::route ─▶ Outcome { route, backend, matched }
//! Change, IngressClass ──▶ Router ──▶ Arc<Routes> ────┘
//! ```
//!
//! [`Router`] compiles host by host and keeps what is wrong as findings: a rule that another one shadows names its
//! winner. [`Routes`] is an immutable snapshot; a lookup is a few hash probes and allocates nothing. [`decide`] says
//! the same in the plainest way, for tests, and for readers who want to know the rules. [`Routes::explain`] tells why
//! a rule takes a request, and the others don't.
//!
//! # What this module doesn't do
//!
//! It does not know endpoints: ask for those of [`BackendRef::port`]. It serves nothing, and it reads no manifests:
//! old forms of Ingress have become [`model::Ingress`](crate::model::Ingress) before they get here.

mod answer;
mod backend;
mod claim;
mod class;
pub mod decide;
mod explain;
mod gateway;
mod headers;
mod host;
mod host_routes;
mod hosts;
mod options;
mod path;
mod paths;
mod request;
mod route;
mod router;
mod routes;
mod settings;
mod sni;
mod view;

pub use answer::{Answer, Circumstances, Forward};
pub use backend::{Backend, BackendRef, Unresolved};
pub use class::{ClassSelection, Classes, NotOurs};
pub use explain::{Candidate, Explanation, Verdict};
pub use gateway::{GatewayAnswer, GatewayForward, GatewayRequest, GatewayRouter, GatewayRoutes};
pub use headers::{is_dangerous, is_hop_by_hop, is_listed, may_upgrade};
pub use host::{BadHost, Host};
pub use options::{
    Busy, Canary, CookieAffinity, Cors, Limits, PodProtocol, RateLimit, Rates, Redirect, Rewrite,
    RouteOptions, Seat, SourceAcl,
};
pub(crate) use path::escape;
pub use path::{BadPath, EscapedSlash, PathPolicy};
pub use request::{BadRequest, Request, RequestHead, Scratch, Target};
pub use route::{DefaultRoute, Match, MatchKind, Outcome, Pattern, Route};
pub use router::Router;
pub use routes::Routes;
pub use settings::{HostOwnership, ImplementationSpecific, Order, Settings};
pub use sni::Certificate;
pub(crate) use view::HostView;

#[cfg(test)]
pub(crate) mod tests;
