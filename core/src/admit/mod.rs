//! What an API server does to a write: defaults, rules, allocation.
//!
//! ```text
//! api::Service ─▶ default ─▶ validate ─▶ model::service ─▶ model::Service
//!                     └──────── Registry::apply ────────┘   and allocates in between
//! ```
//!
//! Behaviour is that of Kubernetes v1.36. Findings carry its paths and kinds, all of them at once; the messages are
//! our own. Where Kubernetes has a bug rather than a rule, the bug is left out and the module says so.
//!
//! Nothing here does I/O or keeps time. `object` and `line` of findings are left to whoever read the text, except
//! where the [`Registry`] knows the object.

mod field;
mod gates;
mod metadata;
pub mod model;
mod registry;
pub mod service;
pub mod syntax;

pub use gates::Gates;
pub use registry::{
    Admitted, AllocatedPort, Allocation, BadAllocation, Registry, Settings, SettingsError,
};
