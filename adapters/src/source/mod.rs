//! Where objects come from.
//!
//! [`files`] reads manifests from files and directories; [`yaml`] makes trees with lines of their text; [`watch`]
//! tells when files changed.

pub mod files;
mod json;
pub mod skydns;
pub mod watch;
pub mod yaml;
