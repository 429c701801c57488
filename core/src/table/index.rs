//! A hash table whose pages are tables of their own.
//!
//! The upper half of a hash chooses the page, the lower half the slot where a search begins; it goes on around the
//! page's end. So any change touches one page. Pages are filled to 1/2 on average: at 512 slots none comes near
//! being full before the table doubles, which costs O(n) at powers of two.

use super::{address::Key, pages::Paged};

/// Slots per page: 8 KiB of 16-byte slots.
const PAGE: usize = 512;

/// Fullest page that is left alone; a search in one takes 8 steps on average if it finds nothing.
const FULL: usize = PAGE / 4 * 3;

/// One key, and what it leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot<K> {
    pub(super) key: K,
    pub(super) value: u32,
    /// What kind of key it is; the owner's business.
    pub(super) kind: u32,
}

const _: () = assert!(size_of::<Slot<u64>>() == 16 && size_of::<Slot<(u64, u64, u32)>>() <= 32);

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
    fn hash(&self, key: K) -> u64 {
        key.hash(self.seed)
    }

    #[inline]
    fn place(&self, hash: u64) -> (usize, usize) {
        ((hash >> 32) as usize & self.mask, hash as usize % PAGE)
    }

    /// The slot with this key for which `is_it` holds.
    #[inline]
    pub(super) fn find(&self, key: K, is_it: impl Fn(u32) -> bool) -> Option<Slot<K>> {
        let (page, start) = self.place(self.hash(key));
        let page = self.pages.page(page)?;
        for step in 0..PAGE {
            let slot = page.get((start + step) % PAGE)?;
            if slot.key == key && is_it(slot.value) {
                return Some(*slot);
            }
            if slot.key == K::default() {
                return None;
            }
        }
        None
    }

    /// Adds a slot; the caller knows that it isn't there.
    pub(super) fn insert(&mut self, slot: Slot<K>) {
        if (self.len + 1) * 2 > (self.mask + 1) * PAGE {
            self.double();
        }
        while !self.try_insert(slot) {
            self.double();
        }
        self.len += 1;
    }

    fn try_insert(&mut self, slot: Slot<K>) -> bool {
        let (page, start) = self.place(self.hash(slot.key));
        let free = self.pages.page(page).map_or(Some(start), |page| {
            let is_free = |at: &usize| page.get(*at).is_some_and(|slot| slot.key == K::default());
            (start..start + FULL).map(|at| at % PAGE).find(is_free)
        });
        let Some(free) = free else { return false };
        if let Some(place) = self.pages.page_mut(page).and_then(|page| page.get_mut(free)) {
            *place = slot;
        }
        true
    }

    /// Puts another value under a key that is there with `old`.
    pub(super) fn replace(&mut self, key: K, old: u32, value: u32, kind: u32) {
        if let Some((page, at)) = self.locate(key, old)
            && let Some(slot) = self.pages.page_mut(page).and_then(|page| page.get_mut(at))
        {
            *slot = Slot { key, value, kind };
        }
    }

    /// Takes out the slot with this key and value; those behind it move up, so that searches stay short.
    pub(super) fn remove(&mut self, key: K, value: u32) -> bool {
        let Some((page, mut hole)) = self.locate(key, value) else { return false };
        let seed = self.seed;
        let Some(page) = self.pages.page_mut(page) else { return false };
        let mut at = hole;
        for _ in 1..PAGE {
            at = (at + 1) % PAGE;
            let Some(slot) = page.get(at).copied().filter(|slot| slot.key != K::default()) else {
                break;
            };
            let start = slot.key.hash(seed) as usize % PAGE;
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

    fn locate(&self, key: K, value: u32) -> Option<(usize, usize)> {
        let (number, start) = self.place(self.hash(key));
        let page = self.pages.page(number)?;
        let at = (0..PAGE)
            .map(|step| (start + step) % PAGE)
            .find(|at| page.get(*at).is_some_and(|slot| slot.key == key && slot.value == value))?;
        Some((number, at))
    }

    fn double(&mut self) {
        let old = core::mem::replace(&mut self.pages, Paged::new());
        let pages = self.mask + 1;
        self.mask = self.mask * 2 + 1;
        let slots = (0..pages).filter_map(|page| old.page(page)).flatten();
        for slot in slots.filter(|slot| slot.key != K::default()) {
            // Half as full as before; a page that is full nevertheless would need 256 keys of one hash.
            self.try_insert(*slot);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> usize {
        self.pages.bytes()
    }
}
