//! The ruleset as the kernel takes it: bytes for a netlink socket, without the nft program.
//!
//! ```text
//! transaction   BATCH_BEGIN, messages, BATCH_END: all of it takes effect, or nothing does
//!   message     header . table . set . elements          at most some hundred elements: lengths have 16 bits
//!     element   key . value
//! ```
//!
//! A large table is loaded in several transactions while it is dormant, so that the kernel's lock is never held for
//! long; the last one wakes it. The layout of messages is that of `linux/netfilter/nf_tables.h`.

mod answer;
mod buffer;
mod element;
mod flow;
mod query;
mod rule;
mod set;

pub use answer::{Answer, Answers};
pub use flow::Flow;
pub use query::{PrintedChain, Query, Reply, is_printed};

use std_alloc::{string::ToString, vec::Vec};

use self::{
    buffer::{Head, NFTABLES, bytes, flag, message, nest, number, patch, text},
    element::Named,
};
use super::{Element, Map, set::Set, skeleton::Section};
use crate::model::Family;

/// The table's name in each family.
pub const TABLE: &str = "svckit";

/// Elements in one message; with the longest keys it stays below 64 KiB.
const PER_MESSAGE: usize = 400;

/// Bytes of most elements with IPv4 addresses and their part of a message, rounded up.
const PER_ELEMENT: usize = 44;

/// Elements in one transaction of several: some 10 to 20 ms.
const PER_TRANSACTION: usize = 4_000;

/// Kinds of messages.
mod kind {
    use super::NFTABLES;

    pub(super) const BATCH_BEGIN: u16 = 0x10;
    pub(super) const BATCH_END: u16 = 0x11;
    const fn of(kind: u16) -> u16 {
        NFTABLES << 8 | kind
    }
    pub(super) const NEW_TABLE: u16 = of(0);
    pub(super) const DELETE_TABLE: u16 = of(2);
    pub(super) const NEW_CHAIN: u16 = of(3);
    pub(super) const NEW_RULE: u16 = of(6);
    pub(super) const GET_CHAIN: u16 = of(4);
    pub(super) const GET_RULE: u16 = of(7);
    pub(super) const DELETE_RULES: u16 = of(8);
    pub(super) const NEW_SET: u16 = of(9);
    pub(super) const GET_SET: u16 = of(10);
    pub(super) const DELETE_SET: u16 = of(11);
    pub(super) const NEW_ELEMENTS: u16 = of(12);
    pub(super) const GET_ELEMENTS: u16 = of(13);
    pub(super) const DELETE_ELEMENTS: u16 = of(14);
    pub(super) const GET_TABLE: u16 = of(1);
    pub(super) const NEW_GENERATION: u16 = of(15);
    pub(super) const GET_GENERATION: u16 = of(16);
}

/// Transactions in the making. Buffers are kept from one use to the next.
#[derive(Debug, Default)]
pub struct Transactions {
    bytes: Vec<u8>,
    /// Where each transaction ends.
    ends: Vec<usize>,
    /// Where the last message of the open transaction begins.
    last: Option<usize>,
    sequence: u32,
    /// From which sequence number on messages are about which step; sorted.
    steps: Vec<(u32, usize)>,
    name: Named,
}

/// Elements of one map, as many as fit in a message.
#[derive(Debug, Default)]
pub(super) struct Bulk {
    bytes: Vec<u8>,
    /// How many there are.
    elements: usize,
    /// The name of the chain that an element led to last.
    name: Named,
}

impl Transactions {
    /// Forgets everything, but keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.steps.clear();
        self.last = None;
        self.sequence = 0;
    }

    /// Makes room for about so many elements.
    pub(super) fn reserve(&mut self, elements: usize) {
        self.bytes.reserve(elements * PER_ELEMENT);
    }

    /// Each transaction, to be sent in one piece and in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).filter_map(|(start, end)| self.bytes.get(*start..*end))
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The number of the step that a message was about; `None`: several, or the skeleton.
    #[must_use]
    pub fn step(&self, sequence: u32) -> Option<usize> {
        let after = self.steps.partition_point(|(from, _)| *from <= sequence);
        Some(self.steps.get(after.checked_sub(1)?)?.1)
    }

    /// Opens a transaction.
    pub(super) fn begin(&mut self) {
        let head = self.head(kind::BATCH_BEGIN, 0, 0, NFTABLES);
        message(&mut self.bytes, head, |_| ());
        self.last = None;
    }

    /// Closes it. The last message asks for an answer, so that there is one.
    pub(super) fn end(&mut self) {
        if let Some(last) = self.last {
            let flags = self.bytes.get(last + 6..last + 8).and_then(|b| b.try_into().ok());
            let flags = flags.map_or(0, u16::from_ne_bytes) | flag::ACK;
            patch(&mut self.bytes, last + 6, &flags.to_ne_bytes());
        }
        let head = self.head(kind::BATCH_END, 0, 0, NFTABLES);
        message(&mut self.bytes, head, |_| ());
        self.ends.push(self.bytes.len());
    }

    /// What comes from here on is about this step.
    pub(super) fn about(&mut self, step: usize) {
        self.steps.push((self.sequence + 1, step));
    }

    /// Creates the table, or changes it: a dormant one is not asked about packets.
    pub(super) fn table(&mut self, family: Family, dormant: bool) {
        self.message(family, kind::NEW_TABLE, flag::CREATE, |out| {
            text(out, 1, TABLE);
            number(out, 2, u32::from(dormant));
        });
    }

    /// Deletes the table, which must be there, and all that is in it.
    pub(super) fn delete_table(&mut self, family: Family) {
        self.message(family, kind::DELETE_TABLE, 0, |out| text(out, 1, TABLE));
    }

    /// Deletes all rules of the table; chains stay.
    pub(super) fn delete_rules(&mut self, family: Family) {
        self.message(family, kind::DELETE_RULES, 0, |out| text(out, 1, TABLE));
    }

    /// Deletes a set, which must be there, and all that is in it.
    pub(super) fn delete_set(&mut self, family: Family, name: &str) {
        self.message(family, kind::DELETE_SET, 0, |out| {
            text(out, 1, TABLE);
            text(out, 2, name);
        });
    }

    /// Creates a set with what is in it for good. `id` tells sets of one transaction apart.
    pub(super) fn set(&mut self, family: Family, set: &Set, id: u32) {
        self.message(family, kind::NEW_SET, flag::CREATE, |out| {
            text(out, 1, TABLE);
            set::declaration(out, set, family, id);
        });
        if !set.ranges.is_empty() {
            self.message(family, kind::NEW_ELEMENTS, flag::CREATE, |out| {
                text(out, 1, TABLE);
                text(out, 2, set.name);
                nest(out, 3, |out| element::ranges(out, &set.ranges));
            });
        }
    }

    /// Creates a chain without rules.
    pub(super) fn chain(&mut self, family: Family, section: &Section) {
        self.message(family, kind::NEW_CHAIN, flag::CREATE, |out| {
            text(out, 1, TABLE);
            text(out, 3, &section.name.to_string());
            if let Some(base) = section.base {
                nest(out, 4, |out| {
                    number(out, 1, base.hook as u32);
                    bytes(out, 2, &base.priority.to_be_bytes());
                });
                number(out, 5, 1);
                text(out, 7, base.kind);
            }
        });
    }

    /// Appends the rules of a chain.
    pub(super) fn rules(&mut self, family: Family, section: &Section) {
        let name = section.name.to_string();
        for rule in &section.rules {
            self.message(family, kind::NEW_RULE, flag::CREATE | flag::APPEND, |out| {
                text(out, 1, TABLE);
                text(out, 2, &name);
                nest(out, 4, |out| rule::expressions(out, family, rule));
            });
        }
    }

    /// Deletes or adds elements, which are sorted by family and map.
    pub(super) fn elements(&mut self, elements: &[Element], delete: bool) {
        let place = |element: &Element| (element.family, element.map);
        let mut name = core::mem::take(&mut self.name);
        for run in elements.chunk_by(|a, b| place(a) == place(b)) {
            for chunk in run.chunks(PER_MESSAGE) {
                let Some(first) = chunk.first() else { continue };
                self.some(first.family, first.map, delete, |out| {
                    for element in chunk {
                        element::element(out, element, delete, &mut name);
                    }
                });
            }
        }
        self.name = name;
    }

    /// A message about some elements of a map.
    fn some(&mut self, family: Family, map: Map, delete: bool, body: impl FnOnce(&mut Vec<u8>)) {
        let (kind, flags) =
            if delete { (kind::DELETE_ELEMENTS, 0) } else { (kind::NEW_ELEMENTS, flag::CREATE) };
        self.message(family, kind, flags, |out| {
            text(out, 1, TABLE);
            text(out, 2, map.name());
            nest(out, 3, body);
        });
    }

    /// Adds elements in bulk; with `pieces` no transaction gets long.
    pub(super) fn bulk(&mut self, family: Family, map: Map, bulk: &Bulk, pieces: &mut Pieces) {
        if bulk.elements == 0 {
            return;
        }
        if pieces.full() {
            self.end();
            self.begin();
        }
        self.some(family, map, false, |out| out.extend_from_slice(&bulk.bytes));
    }

    fn message(&mut self, family: Family, kind: u16, flags: u16, body: impl FnOnce(&mut Vec<u8>)) {
        let head = self.head(kind, flags, rule::number_of(family), 0);
        self.last = Some(self.bytes.len());
        message(&mut self.bytes, head, body);
    }

    fn head(&mut self, kind: u16, flags: u16, family: u8, resource: u16) -> Head {
        self.sequence += 1;
        Head { kind, flags, sequence: self.sequence, family, resource }
    }
}

/// Counts what goes into a transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pieces {
    messages: usize,
    most: usize,
}

impl Pieces {
    /// Transactions of some thousand elements, or a single one.
    pub(super) const fn new(several: bool) -> Self {
        let most = if several { PER_TRANSACTION / PER_MESSAGE } else { usize::MAX };
        Self { messages: 0, most }
    }

    /// Whether the next message belongs in another transaction.
    const fn full(&mut self) -> bool {
        let full = self.messages == self.most;
        self.messages = if full { 1 } else { self.messages + 1 };
        full
    }
}

impl Bulk {
    /// Adds an element; whether there is no room for another.
    #[inline]
    pub(super) fn push(&mut self, element: &Element) -> bool {
        element::element(&mut self.bytes, element, false, &mut self.name);
        self.elements += 1;
        self.elements == PER_MESSAGE
    }

    /// Forgets the elements, but keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.elements = 0;
    }
}
