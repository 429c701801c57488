//! (address, protocol, port) → service port → backends, for callers in the process.
//!
//! A [`Table`] never changes: a writer makes the next one of [`crate::forward::Proxy`]'s frontends and puts it in
//! place of the last; readers that hold the old one go on with it. Whose turn it is stays when tables change.
//!
//! Local traffic counts as internal at cluster IPs and as external everywhere else, as at the node's own addresses.

mod snapshot;

pub use snapshot::{Backends, Table};
