//! The whole, driven by one stream of changes.
//!
//! [`ControlPlane`] makes of manifests what a cluster's API server and controllers make of them, and tells what
//! changed; [`Settings`] are what its administrator decides; [`pods_of`] derives the pods of workloads.

mod control_plane;
mod namespaces;
mod pods;
mod settings;
mod workload;

pub use control_plane::{ControlPlane, Synced};
pub use settings::*;
pub use workload::{MAX_REPLICAS, pods_of};
