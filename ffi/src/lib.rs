//! The C face of svckit. Every `unsafe` of the project is in this crate, but for the fuzz body that calls it.
//!
//! A function here translates and does nothing else: pointers to references, numbers to types, errors to statuses.
//! Doc comments are the texts of `include/svckit.h` and speak to C programmers; the conventions that hold for all
//! functions are in `cbindgen.toml`, which puts them on top of the header.
//!
//! ```text
//! guard            the one place that catches panics      alloc    cluster IPs and node ports
//! status finding   what calls answer                      admit    rules on objects and texts
//! ip seed text     plain values                           select   labels, selectors, their index
//! objects tree     JSON                                   cluster  the whole, fed with objects
//! question         what is asked seldom, in JSON          table forward plan dns ingress   taken from it
//!                                                         names skydns slices gateway      single areas, fed alone
//! ```
#![allow(non_camel_case_types, reason = "names are what C sees")]
#![allow(clippy::missing_safety_doc, reason = "the contract is in the text, in C's terms")]
#![allow(clippy::too_many_arguments, reason = "C takes a text as pointer and length")]

mod admit;
mod alloc;
mod cluster;
mod dns;
mod finding;
mod forward;
mod gateway;
mod guard;
mod ingress;
mod ip;
mod names;
mod objects;
mod plan;
mod question;
mod seed;
mod select;
mod skydns;
mod slices;
mod status;
mod table;
mod text;
mod tree;
mod version;

pub use admit::*;
pub use alloc::*;
pub use cluster::*;
pub use dns::*;
pub use finding::*;
pub use forward::*;
pub use gateway::*;
pub use ingress::*;
pub use ip::*;
pub use names::*;
pub use plan::*;
pub use question::*;
pub use seed::*;
pub use select::*;
pub use skydns::*;
pub use slices::*;
pub use status::*;
pub use table::*;
pub use text::*;
pub use version::*;
