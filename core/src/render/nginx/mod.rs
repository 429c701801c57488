//! nginx: its configuration for all routes, and what it matches on.
//!
//! ```text
//! Routes, pods, Config ──render──▶ Rendered ──write──▶ nginx.conf
//!                                     ├─ files        certificates, numbered
//!                                     ├─ findings     what nginx can't be told
//!                                     └─ difference   endpoints, certificates, tables, structure
//! ```
//!
//! A configuration is a tree of typed pieces ([`Directive`]); one writer prints it, and quotes whatever a user wrote.
//! There is no way to put text into it as it is, so there are no snippets; no user's text is part of a name, a
//! comment or a file's name. Hosts of one shape share a server, so that ten thousand hosts are reloaded as fast as a
//! few.
//!
//! # Where nginx differs from [`Routes`](crate::ingress::Routes)
//!
//! - An escaped slash is a slash for nginx: requests with one are refused, whatever the policy keeps.
//! - Other escapes are decoded before matching, and encoded again on the way to the pod.
//! - Weights have steps of a hundredth of a percent.
//! - Less specific hosts are never asked for a path (`host_fallthrough`).
//! - `OPTIONS *` is answered by nginx itself.
//! - Rates are counted by client and host, not by client and Ingress.
//! - Services beyond [`Config::upstreams`] have no connections that are kept.
//!
//! # What this module doesn't do
//!
//! It runs nothing and writes no files: [`File`]s and text go to an adapter. nginx is never asked whether a
//! configuration is good; what can't be written is found out here.

mod client;
mod compile;
mod config;
mod directive;
mod frame;
mod location;
mod rendered;
mod slot;
mod split;
mod tables;
mod target;
mod upstream;
mod uri;
mod write;

pub use compile::render;
pub use config::Config;
pub use directive::{
    Arg, BadText, Body, Directive, Entry, FieldName, Ident, Key, Name, Part, Piece, Regex, Text,
};
pub use rendered::{Class, Difference, File, Rendered};
pub use target::{BadTarget, Feature, Target};
pub use upstream::{Pods, Servers};
pub use uri::{BadUri, normalised_uri};
pub use write::write;

/// A host that is no name of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no request can name this host, so nginx is not told about it")]
struct BadHostName;

#[cfg(test)]
mod tests;
