//! Hands out cluster IPs and node ports.
//!
//! # Bands
//!
//! The low end of a range is the *static band*: numbers that people write by hand in manifests. Draws start in the
//! *dynamic band* above it and only spill over when that is full, so a hand-picked number is rarely taken already
//! (KEP-3070 for addresses, KEP-3668 for ports).
//!
//! ```text
//! 10.96.0.0/24   .1 ......... .16 | .17 ..................... .254
//!                static (16)      | dynamic (238)
//! ```
//!
//! A range of `size` numbers has a static band of `size / 16` (ports: `size / 32`), at least 16 and at most 256
//! (ports: 128); ranges of up to 16 have none.
//!
//! # What this module doesn't do
//!
//! It has no locks, no storage and no clock. Draws follow the caller's seed, so equal seeds and equal histories give
//! equal numbers; callers persist the result themselves.

mod address_range;
mod bitmap;
mod cluster_ip_ranges;
mod error;
mod node_ports;
mod port_range;
mod quarantine;

pub use address_range::AddressRange;
pub use bitmap::Bitmap;
pub use cluster_ip_ranges::ClusterIpRanges;
pub use error::AllocError;
pub use node_ports::{NodePorts, Protocols};
pub use port_range::{BadPortRange, PortRange};

/// How many numbers at the low end of `size` are for people to pick; `share` and `most` differ by kind.
const fn static_band(size: u64, share: u64, most: u64) -> u64 {
    if size <= 16 {
        return 0;
    }
    let band = size / share;
    if band < 16 {
        16
    } else if band > most {
        most
    } else {
        band
    }
}
