//! The whole, driven by one stream of changes.

mod workload;

pub use workload::{MAX_REPLICAS, pods_of};
