//! The arrays of one family, as readers share them.

use std_alloc::sync::Arc;

use super::{
    address::Address,
    cells::{Cells, Endpoint, endpoint, entry},
    cursors::Cursors,
    index::Index,
    lead::{Choice, Lead},
    pages::Paged,
    record::{Extra, Record, Run, Way, is_wide},
};
use crate::balance::{scale, turn};

/// The arrays of one family, as a snapshot holds them.
#[derive(Clone, Debug)]
pub(super) struct Plane<A: Address> {
    pub(super) index: Index<A::Key>,
    pub(super) cells: Cells,
    pub(super) records: Paged<Record, 256>,
    pub(super) extras: Paged<Option<Arc<Extra>>, 16>,
}

impl<A: Address> Plane<A> {
    pub(super) fn new([a, b]: [u64; 2]) -> Self {
        Self {
            index: Index::new([a, b]),
            cells: Cells::new(),
            records: Paged::new(),
            extras: Paged::new(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.index.bytes() + self.cells.bytes() + self.records.bytes() + self.extras.bytes()
    }

    pub(super) fn record(&self, number: u32) -> Option<&Record> {
        self.records.get(number as usize).filter(|record| record.present)
    }

    pub(super) fn extra(&self, number: u32) -> Option<&Extra> {
        self.extras.get(number as usize)?.as_deref()
    }

    pub(super) fn endpoints(&self, run: Run) -> impl Iterator<Item = Endpoint<A>> + '_ {
        (0..run.len() as usize).filter_map(move |n| self.endpoint(run, n))
    }

    /// One endpoint of a run.
    #[inline]
    pub(super) fn endpoint(&self, run: Run, n: usize) -> Option<Endpoint<A>> {
        endpoint(&self.cells, run, n)
    }

    /// One of the endpoints that a lead leads to.
    #[inline]
    pub(super) fn led_to(&self, lead: Lead, n: usize) -> Option<Endpoint<A>> {
        A::unpack(&self.cells, lead.at() as usize + n * A::CELLS, 0)
    }

    /// Which of the endpoints it is; `None` if a scheme must tell. `key` is what the client is known by.
    #[inline]
    pub(super) fn choose(
        &self,
        Choice { number, run, way }: Choice,
        cursors: &Cursors,
        entropy: u64,
        key: impl FnOnce() -> u64,
    ) -> Option<usize> {
        let len = run.len() as usize;
        match way {
            Way::Random => Some(scale(entropy, len)),
            Way::Turn => turn(cursors.get(number as usize)?, len),
            Way::Table => {
                let table = run.at as usize + run.before_table(A::CELLS);
                let slot = scale(key(), run.size()?.slots() as usize);
                entry(&self.cells, table, slot, is_wide(run.len()))
            }
            Way::Scheme => None,
        }
    }
}
