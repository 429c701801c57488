//! Fuzz bodies with their oracles, as plain functions: stable Rust replays them in every test run.
//!
//! A body takes any bytes and panics when the library and the oracle disagree. The oracle is the dumbest correct
//! implementation. One file per area; each body is named in [`BODIES`].
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a body panics to report"
)]

pub mod admit;
mod alloc;
mod cluster;
pub mod dns;
pub mod ffi;
pub mod forward;
pub mod ingress;
mod interpret;
pub mod nft;
pub mod select;
pub mod slices;
pub mod table;

/// A fuzz body.
pub type Body = fn(&[u8]);

/// All bodies by name; the name is also that of the body's corpus folder.
pub const BODIES: &[(&str, Body)] = &[
    ("admit_registry", admit::registry),
    ("admit_service_rules", admit::service_rules),
    ("ingress_path", ingress::canonical_path),
    ("ingress_routes", ingress::routes),
    ("ingress_nginx", ingress::nginx),
    ("ffi", ffi::calls),
    ("selector_text", select::text),
    ("selector_index", select::index),
    ("slices", slices::controller),
    ("table", table::decisions),
    ("nft_changes", nft::changes),
    ("forward_nft", forward::nft),
    ("forward_iptables", forward::iptables),
    ("forward_iptables_changes", forward::iptables_changes),
    ("dns_messages", dns::messages),
    ("dns_decoders", dns::decoders),
    ("dns_zones", dns::zones),
    ("alloc_addresses", alloc::alloc_addresses),
    ("alloc_ranges", alloc::alloc_ranges),
    ("alloc_ports", alloc::alloc_ports),
];
