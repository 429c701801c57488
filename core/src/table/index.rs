//! A hash table whose pages are tables of their own.
//!
//! The upper half of a hash chooses the page, the lower half the line of four slots where a search begins; it goes on
//! around the page's end. A line is a cache line (IPv6: two), and its slots are compared without a branch between them:
//! a mispredicted one would wait for memory, and everything behind it too. So any change touches one page. Pages are
//! filled to 4/5 on average before the table doubles, which costs O(n) at powers of two; it doubles early if some key
//! would stand more than [`PROBES`] lines from where its search begins, so a search is bounded whoever chose the keys.

use super::{address::Key, lead::Lead, pages::Paged};

/// Slots looked at together.
const LINE: usize = 4;

/// Lines per page: 16 KiB of 16-byte slots.
const PAGE: usize = 256;

/// Slots per page.
const SLOTS: usize = PAGE * LINE;

/// Lines of the longest search.
const PROBES: usize = 32;

/// One key, and what it leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot<K> {
    pub(super) key: K,
    pub(super) lead: Lead,
}

const _: () = assert!(size_of::<Slot<u64>>() == 16 && size_of::<Slot<(u64, u64, u32)>>() <= 32);

type Line<K> = [Slot<K>; LINE];

/// Keys and what they lead to.
#[derive(Clone, Debug)]
pub(super) struct Index<K> {
    pages: Paged<Line<K>, PAGE>,
    /// A power of two less one; pages that were never written to read as empty.
    mask: usize,
    len: usize,
    seed: [u64; 2],
}

/// The slot of a page at a place, counted around its end.
fn slot<K>(page: &[Line<K>; PAGE], at: usize) -> Option<&Slot<K>> {
    page.get(at / LINE % PAGE)?.get(at % LINE)
}

fn slot_mut<K>(page: &mut [Line<K>; PAGE], at: usize) -> Option<&mut Slot<K>> {
    page.get_mut(at / LINE % PAGE)?.get_mut(at % LINE)
}

/// The first slot of the line where a search begins.
const fn start(hash: u64) -> usize {
    hash as usize % PAGE * LINE
}

/// What a key leads to, if it is in this line.
#[inline]
fn find_in<K: Key>(line: &Line<K>, key: K) -> Lead {
    line.iter().fold(Lead::default(), |lead, slot| Lead::select(slot.key == key, slot.lead, lead))
}

impl<K: Key> Index<K> {
    pub(super) fn new([a, b]: [u64; 2]) -> Self {
        // Even multipliers would lose bits.
        Self { pages: Paged::new(), mask: 0, len: 0, seed: [a, b | 1] }
    }

    #[inline]
    pub(super) fn hash(&self, key: K) -> u64 {
        key.hash(self.seed)
    }

    #[inline]
    const fn page(&self, hash: u64) -> usize {
        (hash >> 32) as usize & self.mask
    }

    /// What the key leads to.
    #[inline]
    pub(super) fn find(&self, key: K) -> Lead {
        let hash = self.hash(key);
        let lead = self.find_first(key, hash);
        if lead.is_nowhere() { self.find_further(key, hash) } else { lead }
    }

    /// The same as far as the first line tells, which is nearly always: one read and no branch that depends on it.
    #[inline]
    pub(super) fn find_first(&self, key: K, hash: u64) -> Lead {
        let line = self.pages.page(self.page(hash)).and_then(|page| page.get(hash as usize % PAGE));
        line.map_or_else(Lead::default, |line| find_in(line, key))
    }

    /// The same if it wasn't in the first line.
    #[inline(never)]
    pub(super) fn find_further(&self, key: K, hash: u64) -> Lead {
        let Some(page) = self.pages.page(self.page(hash)) else { return Lead::default() };
        for step in 0..PROBES {
            let Some(line) = page.get((hash as usize).wrapping_add(step) % PAGE) else { break };
            let lead = find_in(line, key);
            if !lead.is_nowhere() || line.iter().any(|slot| slot.key == K::default()) {
                return lead;
            }
        }
        Lead::default()
    }

    /// What the one of several equal keys leads to for which `is_it` holds.
    pub(super) fn find_which(&self, key: K, is_it: impl Fn(Lead) -> bool) -> Option<Lead> {
        let (page, at) = self.locate(key, is_it)?;
        slot(self.pages.page(page)?, at).map(|slot| slot.lead)
    }

    /// Adds a key; the caller knows that it isn't there.
    pub(super) fn insert(&mut self, key: K, lead: Lead) {
        if (self.len + 1) * 5 > (self.mask + 1) * SLOTS * 4 {
            self.double();
        }
        while !self.try_insert(Slot { key, lead }) {
            self.double();
        }
        self.len += 1;
    }

    fn try_insert(&mut self, new: Slot<K>) -> bool {
        let hash = self.hash(new.key);
        let (page, start) = (self.page(hash), start(hash));
        let free = self.pages.page(page).map_or(Some(start), |page| {
            let is_free = |at: &usize| slot(page, *at).is_some_and(|slot| slot.key == K::default());
            (start..start + PROBES * LINE).find(is_free)
        });
        let Some(free) = free else { return false };
        if let Some(place) = self.pages.page_mut(page).and_then(|page| slot_mut(page, free)) {
            *place = new;
        }
        true
    }

    /// Lets a key that is there lead elsewhere; what is so already copies no page.
    pub(super) fn replace(&mut self, key: K, lead: Lead) {
        if let Some((page, at)) = self.locate(key, |old| old != lead)
            && let Some(slot) = self.pages.page_mut(page).and_then(|page| slot_mut(page, at))
        {
            slot.lead = lead;
        }
    }

    /// Takes out a key; those behind it move up, so that searches stay short.
    pub(super) fn remove(&mut self, key: K, is_it: impl Fn(Lead) -> bool) -> bool {
        let Some((page, mut hole)) = self.locate(key, is_it) else { return false };
        let seed = self.seed;
        let Some(page) = self.pages.page_mut(page) else { return false };
        let mut at = hole;
        for _ in 1..SLOTS {
            at = (at + 1) % SLOTS;
            let Some(slot) = slot(page, at).copied().filter(|slot| slot.key != K::default()) else {
                break;
            };
            let start = start(slot.key.hash(seed));
            // It may fill the hole unless its search begins behind it.
            if (at + SLOTS - start) % SLOTS >= (at + SLOTS - hole) % SLOTS {
                if let Some(place) = slot_mut(page, hole) {
                    *place = slot;
                }
                hole = at;
            }
        }
        if let Some(place) = slot_mut(page, hole) {
            *place = Slot::default();
        }
        self.len -= 1;
        true
    }

    fn locate(&self, key: K, is_it: impl Fn(Lead) -> bool) -> Option<(usize, usize)> {
        let hash = self.hash(key);
        let (number, start) = (self.page(hash), start(hash));
        let page = self.pages.page(number)?;
        let at = (start..start + PROBES * LINE)
            .map(|at| at % SLOTS)
            .find(|at| slot(page, *at).is_some_and(|slot| slot.key == key && is_it(slot.lead)))?;
        Some((number, at))
    }

    /// Twice the pages, or more if keys still crowd.
    fn double(&mut self) {
        let old = core::mem::replace(&mut self.pages, Paged::new());
        let pages = self.mask + 1;
        loop {
            self.mask = self.mask * 2 + 1;
            let slots = (0..pages).filter_map(|page| old.page(page)).flatten().flatten();
            let mut used = slots.filter(|slot| slot.key != K::default());
            if used.all(|slot| self.try_insert(*slot)) {
                return;
            }
            self.pages = Paged::new();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> usize {
        self.pages.bytes()
    }
}
