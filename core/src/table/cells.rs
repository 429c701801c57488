//! Endpoints and tables of numbers, in one array of 8-byte cells.
//!
//! ```text
//! a run:  endpoint 0 | endpoint 1 | … | endpoint n-1 | ids' upper halves, if there are any | table, if there is one
//! cell:   IPv4 address 4 | port 2 | id's lower half 2      (IPv6: three cells, address 16 | port 2 | 0 | id 4)
//! table:  8 numbers of a byte, or 4 of two bytes, to a cell
//! ```
//!
//! A pick reads one cell, or two if there is a table. That's why tables stand behind the endpoints they number, and why
//! a cell holds nothing that whoever leads here knows: what is small stays in nearer caches, and eight IPv4 endpoints
//! share a line. The 65,536th endpoint that a service port ever had, and those after it, have ids of more than two
//! bytes; their sets keep the upper halves apart, where usual picks needn't look.

use core::net::{Ipv4Addr, Ipv6Addr};
use std_alloc::vec::Vec;

use super::{address::Address, pages::Paged, record::Run};
use crate::balance::EndpointId;

/// What is read at once.
pub(super) type Cell = u64;

/// The array; 16 KiB to a page.
pub(super) type Cells = Paged<Cell, 2048>;

/// One endpoint of a service port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endpoint<A> {
    pub(super) address: A,
    pub(super) port: u16,
    pub(super) id: EndpointId,
}

/// An IPv4 endpoint's cell, which has no room for the upper half of its id.
pub(super) fn pack_v4(endpoint: &Endpoint<Ipv4Addr>) -> Cell {
    // In the order of the address's own octets, so that reading it swaps none.
    let address = u64::from(u32::from_le_bytes(endpoint.address.octets()));
    address | u64::from(endpoint.port) << 32 | u64::from(endpoint.id.get() as u16) << 48
}

/// The endpoint in a cell, with the upper half of its id.
#[inline]
pub(super) fn unpack_v4(cells: &Cells, at: usize, upper: u16) -> Option<Endpoint<Ipv4Addr>> {
    let cell = *cells.get(at)?;
    let address = Ipv4Addr::from_octets((cell as u32).to_le_bytes());
    let id = EndpointId::from_number((cell >> 48) as u32 | u32::from(upper) << 16);
    Some(Endpoint { address, port: (cell >> 32) as u16, id })
}

/// An IPv6 endpoint's cells.
pub(super) fn pack_v6(endpoint: &Endpoint<Ipv6Addr>) -> [Cell; 3] {
    let bits = endpoint.address.to_bits();
    let last = u64::from(endpoint.port) | u64::from(endpoint.id.get()) << 32;
    [(bits >> 64) as u64, bits as u64, last]
}

/// The endpoint in three cells.
#[inline]
pub(super) fn unpack_v6(cells: &Cells, at: usize) -> Option<Endpoint<Ipv6Addr>> {
    let (upper, lower, last) = (*cells.get(at)?, *cells.get(at + 1)?, *cells.get(at + 2)?);
    let address = Ipv6Addr::from_bits(u128::from(upper) << 64 | u128::from(lower));
    let id = EndpointId::from_number((last >> 32) as u32);
    Some(Endpoint { address, port: last as u16, id })
}

/// The cells of a table of numbers below 256, or of others.
pub(super) fn pack_table(numbers: &[u16], wide: bool) -> Vec<Cell> {
    let per_cell = if wide { 4 } else { 8 };
    let cell = |numbers: &[u16]| {
        let add = |cell: Cell, number: &u16| cell << (64 / per_cell) | u64::from(*number);
        // The first one stands lowest; places that are left over stay empty.
        numbers.iter().rev().fold(0, add)
    };
    numbers.chunks(per_cell).map(cell).collect()
}

/// Number `n` of the table that begins at cell `at`.
#[inline]
pub(super) fn entry(cells: &Cells, at: usize, n: usize, wide: bool) -> Option<usize> {
    if wide {
        cells.get(at + n / 4).map(|cell| usize::from((cell >> (n % 4 * 16)) as u16))
    } else {
        cells.get(at + n / 8).map(|cell| usize::from((cell >> (n % 8 * 8)) as u8))
    }
}

/// How many cells such a table takes.
pub(super) const fn table_cells(len: usize, wide: bool) -> usize {
    len.div_ceil(if wide { 4 } else { 8 })
}

/// Endpoint `n` of a run.
#[inline]
pub(super) fn endpoint<A: Address>(cells: &Cells, run: Run, n: usize) -> Option<Endpoint<A>> {
    let at = run.at as usize;
    let upper = if run.has_uppers() {
        entry(cells, at + run.len() as usize * A::CELLS, n, true)? as u16
    } else {
        0
    };
    A::unpack(cells, at + n * A::CELLS, upper)
}
