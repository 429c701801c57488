//! Endpoints and tables of numbers, in one array of 12-byte cells.
//!
//! ```text
//! a run:  endpoint 0 | endpoint 1 | … | endpoint n-1 | table, if the service port is balanced by one
//! cell:   IPv4 address 4 | port 2 | 0 | id 4        (IPv6: two cells)
//! table:  12 numbers of a byte, or 6 of two bytes, to a cell
//! ```
//!
//! A pick reads one cell, or two if there is a table. That's why tables stand behind the endpoints they number, and why
//! a cell holds nothing that whoever leads here knows: what is small stays in nearer caches.

use core::net::{Ipv4Addr, Ipv6Addr};
use std_alloc::vec::Vec;

use super::{address::Address, pages::Paged};
use crate::balance::EndpointId;

/// What is read at once.
pub(super) type Cell = [u8; 12];

/// The array; 12 KiB to a page.
pub(super) type Cells = Paged<Cell, 1024>;

/// One endpoint of a service port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endpoint<A> {
    pub(super) address: A,
    pub(super) port: u16,
    pub(super) id: EndpointId,
}

/// The cell that ends with an endpoint's port and id.
fn last<A>(begin: [u8; 4], endpoint: &Endpoint<A>) -> Cell {
    let [a, b, c, d] = begin;
    let [p, q] = endpoint.port.to_le_bytes();
    let [e, f, g, h] = endpoint.id.get().to_le_bytes();
    [a, b, c, d, p, q, 0, 0, e, f, g, h]
}

#[inline]
const fn endpoint<A: Copy>(address: A, cell: &Cell) -> Endpoint<A> {
    let [_, _, _, _, p, q, _, _, a, b, c, d] = *cell;
    let id = EndpointId::from_number(u32::from_le_bytes([a, b, c, d]));
    Endpoint { address, port: u16::from_le_bytes([p, q]), id }
}

/// An IPv4 endpoint's cell.
pub(super) fn pack_v4(endpoint: &Endpoint<Ipv4Addr>) -> Cell {
    last(endpoint.address.octets(), endpoint)
}

/// The endpoint in a cell.
#[inline]
pub(super) fn unpack_v4(cells: &Cells, at: usize) -> Option<Endpoint<Ipv4Addr>> {
    let cell = cells.get(at)?;
    let [a, b, c, d, ..] = *cell;
    Some(endpoint(Ipv4Addr::new(a, b, c, d), cell))
}

/// An IPv6 endpoint's cells: most of its address, and the rest.
pub(super) fn pack_v6(endpoint: &Endpoint<Ipv6Addr>) -> [Cell; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, rest @ ..] = endpoint.address.octets();
    [[a, b, c, d, e, f, g, h, i, j, k, l], last(rest, endpoint)]
}

/// The endpoint in two cells.
#[inline]
pub(super) fn unpack_v6(cells: &Cells, at: usize) -> Option<Endpoint<Ipv6Addr>> {
    let (first, cell) = (cells.get(at)?, cells.get(at + 1)?);
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *first;
    let [m, n, o, p, ..] = *cell;
    let address = Ipv6Addr::from([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]);
    Some(endpoint(address, cell))
}

/// The cells of a table of numbers below 256, or of others.
pub(super) fn pack_table(numbers: &[u16], wide: bool) -> Vec<Cell> {
    let per_cell = if wide { 6 } else { 12 };
    let cell = |numbers: &[u16]| {
        let mut cell = Cell::default();
        for (place, number) in cell.chunks_exact_mut(12 / per_cell).zip(numbers) {
            place.copy_from_slice(number.to_le_bytes().get(..12 / per_cell).unwrap_or_default());
        }
        cell
    };
    numbers.chunks(per_cell).map(cell).collect()
}

/// Number `n` of the table that begins at cell `at`.
#[inline]
pub(super) fn entry(cells: &Cells, at: usize, n: usize, wide: bool) -> Option<usize> {
    if wide {
        let cell = cells.get(at + n / 6)?;
        let (low, high) = (cell.get(n % 6 * 2)?, cell.get(n % 6 * 2 + 1)?);
        Some(usize::from(u16::from_le_bytes([*low, *high])))
    } else {
        cells.get(at + n / 12)?.get(n % 12).map(|n| usize::from(*n))
    }
}

/// How many cells such a table takes.
pub(super) fn table_cells(len: usize, wide: bool) -> usize {
    len.div_ceil(if wide { 6 } else { 12 })
}

/// The endpoints of a run.
pub(super) fn endpoints<A: Address>(
    cells: &Cells,
    at: u32,
    len: u32,
) -> impl Iterator<Item = Endpoint<A>> + '_ {
    (0..len as usize).filter_map(move |n| A::unpack(cells, at as usize + n * A::CELLS))
}
