//! Hands out the numbers of Services: cluster IPs and node ports.
//!
//! # Bands
//!
//! People write low numbers into manifests by hand. Draws therefore begin in the *dynamic band* above them and come
//! to the *static band* only when the upper one is full (KEP-3070 for addresses, KEP-3668 for ports).
//!
//! ```text
//! 10.96.0.0/24   .0 | .1 ......... .16 | .17 .................... .254 | .255
//!           network | static (16)      | dynamic (238)                | broadcast
//! ```
//!
//! # Reuse
//!
//! A released number rests before it is drawn again, because clients, connection tables and DNS caches still know
//! its last owner: [`QUARANTINE`] long unless the caller says otherwise. A resting number counts as free: whoever
//! asks for it by name gets it, and draws take the one that rested longest when nothing else is left.
//!
//! # What holds always
//!
//! The same seed and the same calls give the same numbers. A draw looks at no more than 2 words of 64 numbers per
//! [`Bitmap`] level, however full the range is, and a full range is known without looking.
//!
//! # What this module doesn't do
//!
//! It has no locks and no storage; the numbers in use go out and come back in as plain iterators
//! ([`ClusterIpRanges::held`], [`ClusterIpRanges::restore`]). Which Service gets which number is decided in
//! [`crate::admit`].

mod address_range;
mod bands;
mod bitmap;
mod cluster_ip_ranges;
mod draws;
mod error;
mod node_ports;
mod port_range;
mod protocols;
mod quarantine;
mod words;

pub use address_range::AddressRange;
pub use bitmap::Bitmap;
pub use cluster_ip_ranges::ClusterIpRanges;
pub use error::{AllocError, Ranges};
pub use node_ports::NodePorts;
pub use port_range::{BadPortRange, PortRange};
pub use protocols::Protocols;
pub use quarantine::QUARANTINE;
