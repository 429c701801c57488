//! A hash table whose pages are tables of their own.
//!
//! The upper half of a hash chooses the page, the lower half the four slots where a search begins; it goes on around
//! the page's end. Four slots are a cache line, and are compared without a branch between them: a mispredicted one
//! would wait for memory, and everything behind it too. So any change touches one page. Pages are filled to 1/2 on average before the table doubles, which
//! costs O(n) at powers of two; it doubles early if some key would stand more than [`PROBES`] slots from where its
//! search begins, so a search is bounded whoever chose the keys.

use super::{address::Key, pages::Paged};

/// Slots per page: 16 KiB of 16-byte slots.
const PAGE: usize = 1024;

/// Slots looked at together.
const LINE: usize = 4;

/// Slots of the longest search.
const PROBES: usize = 128;

/// One key, and what it leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot<K> {
    pub(super) key: K,
    /// What it leads to; the owner's business.
    pub(super) lead: Lead,
}

/// What a key leads to, in two numbers.
pub(super) type Lead = (u32, u32);

const _: () = assert!(size_of::<Slot<u64>>() == 16 && size_of::<Slot<(u64, u64, u32)>>() <= 32);

/// Where in its page a search begins.
#[inline]
const fn start(hash: u64) -> usize {
    hash as usize % PAGE / LINE * LINE
}

/// Keys and what they lead to.
#[derive(Clone, Debug)]
pub(super) struct Index<K> {
    pages: Paged<Slot<K>, PAGE>,
    /// A power of two less one; pages that were never written to read as empty.
    mask: usize,
    len: usize,
    seed: [u64; 2],
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
    fn place(&self, hash: u64) -> (usize, usize) {
        ((hash >> 32) as usize & self.mask, start(hash))
    }

    /// What the key leads to.
    #[inline]
    pub(super) fn find(&self, key: K) -> Option<Lead> {
        self.find_hashed(key, self.hash(key))
    }

    /// The same, if the key's hash is known.
    #[inline]
    pub(super) fn find_hashed(&self, key: K, hash: u64) -> Option<Lead> {
        let (page, start) = self.place(hash);
        let page = self.pages.page(page)?;
        for step in (0..PROBES).step_by(LINE) {
            let line: &[Slot<K>; LINE] = page.get((start + step) % PAGE..)?.first_chunk()?;
            let (mut lead, mut found, mut full) = (0_u64, false, true);
            for slot in line {
                let same = slot.key == key;
                let (high, low) = slot.lead;
                lead |= (u64::from(high) << 32 | u64::from(low)) & u64::from(same).wrapping_neg();
                found |= same;
                full &= slot.key != K::default();
            }
            if found {
                return Some(((lead >> 32) as u32, lead as u32));
            }
            if !full {
                return None;
            }
        }
        None
    }

    /// What the one of several equal keys leads to for which `is_it` holds.
    pub(super) fn find_which(&self, key: K, is_it: impl Fn(Lead) -> bool) -> Option<Lead> {
        let (page, at) = self.locate(key, is_it)?;
        self.pages.page(page)?.get(at).map(|slot| slot.lead)
    }

    /// Adds a key; the caller knows that it isn't there.
    pub(super) fn insert(&mut self, key: K, lead: Lead) {
        if (self.len + 1) * 2 > (self.mask + 1) * PAGE {
            self.double();
        }
        while !self.try_insert(Slot { key, lead }) {
            self.double();
        }
        self.len += 1;
    }

    fn try_insert(&mut self, slot: Slot<K>) -> bool {
        let (page, start) = self.place(self.hash(slot.key));
        let free = self.pages.page(page).map_or(Some(start), |page| {
            let is_free = |at: &usize| page.get(*at).is_some_and(|slot| slot.key == K::default());
            (start..start + PROBES).map(|at| at % PAGE).find(is_free)
        });
        let Some(free) = free else { return false };
        if let Some(place) = self.pages.page_mut(page).and_then(|page| page.get_mut(free)) {
            *place = slot;
        }
        true
    }

    /// Lets a key that is there lead elsewhere; what is so already copies no page.
    pub(super) fn replace(&mut self, key: K, lead: Lead) {
        if let Some((page, at)) = self.locate(key, |old| old != lead)
            && let Some(slot) = self.pages.page_mut(page).and_then(|page| page.get_mut(at))
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
        for _ in 1..PAGE {
            at = (at + 1) % PAGE;
            let Some(slot) = page.get(at).copied().filter(|slot| slot.key != K::default()) else {
                break;
            };
            let start = start(slot.key.hash(seed));
            // It may fill the hole unless its search begins behind it.
            if (at + PAGE - start) % PAGE >= (at + PAGE - hole) % PAGE {
                if let Some(place) = page.get_mut(hole) {
                    *place = slot;
                }
                hole = at;
            }
        }
        if let Some(place) = page.get_mut(hole) {
            *place = Slot::default();
        }
        self.len -= 1;
        true
    }

    fn locate(&self, key: K, is_it: impl Fn(Lead) -> bool) -> Option<(usize, usize)> {
        let (number, start) = self.place(self.hash(key));
        let page = self.pages.page(number)?;
        let at = (0..PROBES)
            .map(|step| (start + step) % PAGE)
            .find(|at| page.get(*at).is_some_and(|slot| slot.key == key && is_it(slot.lead)))?;
        Some((number, at))
    }

    /// Twice the pages, or more if keys still crowd.
    fn double(&mut self) {
        let old = core::mem::replace(&mut self.pages, Paged::new());
        let pages = self.mask + 1;
        loop {
            self.mask = self.mask * 2 + 1;
            let slots = (0..pages).filter_map(|page| old.page(page)).flatten();
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
