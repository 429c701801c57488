//! Kubernetes Services as a pure library.
//!
//! Services, EndpointSlices, Pods, Nodes and Ingresses go in; decisions come out: which address, which port,
//! which backend, which DNS answer, which route. There is no I/O in here, no clock and no source of
//! randomness: callers pass the time and a seed, and carry the decisions to kernels and sockets.
//!
//! ```text
//! cluster                                  one stream of changes drives it all
//! render                                   plans and routes as text or bytes
//! table   plan   ingress   slices   admit  lookups, kernel steps, routes, endpoint slices, admission
//! balance forward dns      select   alloc  picks, decisions per packet, names, selectors, allocators
//! model                                    the checked form that all of these work on
//! time    seed   api                       the ground: plain numbers and Kubernetes' own objects
//! ```
//!
//! Modules only use what is below them. [`admit`] turns [`api`] into [`model`]; nothing under it sees `api`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc as std_alloc;
#[cfg(test)]
extern crate std;

pub mod admit;
pub mod alloc;
pub mod api;
pub mod balance;
pub mod cluster;
pub mod dns;
pub mod finding;
pub mod forward;
pub mod ingress;
pub mod model;
pub mod plan;
pub mod render;
pub mod select;
pub mod slices;
pub mod table;

mod name;
mod ordered;
mod seed;
mod time;
pub use seed::Seed;
pub use time::Time;

// The README's examples are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
