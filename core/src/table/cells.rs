//! Endpoints and tables of numbers, in one array of 16-byte cells.
//!
//! ```text
//! a run:  endpoint 0 | endpoint 1 | … | endpoint n-1 | table, if the service port is balanced by one
//! cell:   IPv4 address 4 | port 2 | 0 | endpoint 4 | service port 4        (IPv6: two cells)
//! table:  16 numbers of a byte, or 8 of two bytes, to a cell
//! ```
//!
//! A pick reads one cell, or two if there is a table, and each lies in one cache line. That's why an endpoint says
//! whose it is, and why tables of numbers stand behind the endpoints they number.

use core::net::{Ipv4Addr, Ipv6Addr};
use std_alloc::vec::Vec;

use super::{address::Address, pages::Paged};
use crate::balance::EndpointId;

/// What is read at once.
pub(super) type Cell = [u8; 16];

/// The array; 16 KiB to a page.
pub(super) type Cells = Paged<Cell, 1024>;

/// One endpoint of a service port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endpoint<A> {
    pub(super) address: A,
    pub(super) port: u16,
    pub(super) id: EndpointId,
    /// Whose it is.
    pub(super) number: u32,
}

/// What stands at the end of an endpoint's cells: port, two unused bytes, id, service port.
fn tail<A>(endpoint: &Endpoint<A>) -> [u8; 12] {
    let [p, q] = endpoint.port.to_le_bytes();
    let [a, b, c, d] = endpoint.id.get().to_le_bytes();
    let [e, f, g, h] = endpoint.number.to_le_bytes();
    [p, q, 0, 0, a, b, c, d, e, f, g, h]
}

#[inline]
fn endpoint<A>(address: A, cell: &Cell) -> Option<Endpoint<A>> {
    let [.., p, q, _, _, a, b, c, d, e, f, g, h] = *cell;
    Some(Endpoint {
        address,
        port: u16::from_le_bytes([p, q]),
        id: EndpointId::new(u32::from_le_bytes([a, b, c, d]))?,
        number: u32::from_le_bytes([e, f, g, h]),
    })
}

/// An IPv4 endpoint's cell.
pub(super) fn pack_v4(endpoint: &Endpoint<Ipv4Addr>) -> Cell {
    let [a, b, c, d] = endpoint.address.octets();
    let [e, f, g, h, i, j, k, l, m, n, o, p] = tail(endpoint);
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// The endpoint in a cell; `None` if there is none.
#[inline]
pub(super) fn unpack_v4(cells: &Cells, at: usize) -> Option<Endpoint<Ipv4Addr>> {
    let cell = cells.get(at)?;
    let [a, b, c, d, ..] = *cell;
    endpoint(Ipv4Addr::new(a, b, c, d), cell)
}

/// An IPv6 endpoint's second cell; the first one is its address.
pub(super) fn pack_v6(endpoint: &Endpoint<Ipv6Addr>) -> [Cell; 2] {
    let [e, f, g, h, i, j, k, l, m, n, o, p] = tail(endpoint);
    [endpoint.address.octets(), [0, 0, 0, 0, e, f, g, h, i, j, k, l, m, n, o, p]]
}

/// The endpoint in two cells; `None` if there is none.
#[inline]
pub(super) fn unpack_v6(cells: &Cells, at: usize) -> Option<Endpoint<Ipv6Addr>> {
    endpoint(Ipv6Addr::from(*cells.get(at)?), cells.get(at + 1)?)
}

/// The cells of a table of numbers below 256, or of others.
pub(super) fn pack_table(numbers: &[u16], wide: bool) -> Vec<Cell> {
    let per_cell = if wide { 8 } else { 16 };
    let cell = |numbers: &[u16]| {
        let mut cell = Cell::default();
        for (place, number) in cell.chunks_exact_mut(16 / per_cell).zip(numbers) {
            place.copy_from_slice(number.to_le_bytes().get(..16 / per_cell).unwrap_or_default());
        }
        cell
    };
    numbers.chunks(per_cell).map(cell).collect()
}

/// Number `n` of the table that begins at cell `at`.
#[inline]
pub(super) fn entry(cells: &Cells, at: usize, n: usize, wide: bool) -> Option<usize> {
    if wide {
        let cell = cells.get(at + n / 8)?;
        let (low, high) = (cell.get(n % 8 * 2)?, cell.get(n % 8 * 2 + 1)?);
        Some(usize::from(u16::from_le_bytes([*low, *high])))
    } else {
        cells.get(at + n / 16)?.get(n % 16).map(|n| usize::from(*n))
    }
}

/// How many cells such a table takes.
pub(super) fn table_cells(len: usize, wide: bool) -> usize {
    len.div_ceil(if wide { 8 } else { 16 })
}

/// The endpoints of a run.
pub(super) fn endpoints<A: Address>(
    cells: &Cells,
    at: u32,
    len: u32,
) -> impl Iterator<Item = Endpoint<A>> + '_ {
    (0..len as usize).filter_map(move |n| A::unpack(cells, at as usize + n * A::CELLS))
}
