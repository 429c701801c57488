//! The C face of svckit. Every `unsafe` of the project is in this crate.
//!
//! A function here translates and does nothing else: pointers to references, numbers to types, errors to statuses.
//! Doc comments are the texts of `include/svckit.h` and speak to C programmers; the conventions that hold for all
//! functions are in `cbindgen.toml`, which puts them on top of the header.
//!
//! ```text
//! status finding  what calls answer           alloc    cluster IPs and node ports
//! ip seed text    plain values                cluster  the whole, fed with objects
//! objects tree    JSON                        table    where connections go; affinity
//! ```
#![allow(non_camel_case_types, reason = "names are what C sees")]
#![allow(clippy::missing_safety_doc, reason = "the contract is in the text, in C's terms")]
#![allow(clippy::too_many_arguments, reason = "C takes a text as pointer and length")]

mod alloc;
mod cluster;
mod finding;
mod guard;
mod ip;
mod objects;
mod seed;
mod status;
mod table;
mod text;
mod tree;
mod version;

pub use alloc::*;
pub use cluster::*;
pub use finding::*;
pub use ip::*;
pub use seed::*;
pub use status::*;
pub use table::*;
pub use text::*;
pub use version::*;
