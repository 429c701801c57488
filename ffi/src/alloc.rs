//! Cluster IPs and node ports.

mod cluster_ips;
mod node_ports;
mod ranges;

pub use cluster_ips::*;
pub use node_ports::*;
pub use ranges::*;

/// How long a released address or port should rest, unless you know better: one minute, in nanoseconds.
pub const SVCKIT_QUARANTINE_NS: u64 = 60_000_000_000;

const _: () = assert!(SVCKIT_QUARANTINE_NS as u128 == svckit::alloc::QUARANTINE.as_nanos());
