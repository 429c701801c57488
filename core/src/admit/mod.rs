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

pub mod endpoint_slice;
pub mod endpoints;
mod expose;
mod field;
mod gates;
pub mod ingress;
pub mod ingress_class;
pub mod ip_address;
mod metadata;
pub mod model;
mod object;
pub mod pod;
mod registry;
pub mod service;
pub mod service_cidr;
pub mod syntax;
pub mod workload;

pub use expose::{Expose, ExposeError, expose};
pub use gates::Gates;
pub use object::{check, default, validate, validate_update, warnings};
pub use registry::{
    Admitted, AllocatedPort, Allocation, BadAllocation, Registry, Settings, SettingsError,
};
