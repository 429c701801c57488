//! Allocators against plain sets of what is held and what rests.

mod addresses;
mod ports;
mod ranges;

pub(crate) use addresses::alloc_addresses;
pub(crate) use ports::alloc_ports;
pub(crate) use ranges::alloc_ranges;

/// The rest that scripts choose from: none, short and longer than any script.
const RESTS: [u64; 3] = [0, 5, 100_000];
