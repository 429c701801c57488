//! Hosts to whatever belongs to them, in pages that snapshots share.
//!
//! A copy of the index copies one pointer for each page; a change copies the pages that it touches. Pages hold about
//! thirty hosts, so that both costs are small for any number of hosts that a machine can have.

use core::hash::{BuildHasher, Hasher};

use ahash::RandomState;
use hashbrown::HashTable;
use std_alloc::{sync::Arc, vec, vec::Vec};

/// How many hosts a page holds on average before there are more pages.
const PAGE: usize = 32;

/// An index by host name.
#[derive(Clone, Debug)]
pub(super) struct HostIndex<T> {
    /// As many as a power of two; the low bits of a hash choose one.
    pages: Vec<Arc<Page<T>>>,
    len: usize,
}

type Page<T> = HashTable<Entry<T>>;

/// One host.
#[derive(Clone, Debug)]
struct Entry<T> {
    hash: u64,
    name: Arc<str>,
    value: T,
}

impl<T> Default for HostIndex<T> {
    fn default() -> Self {
        Self { pages: vec![Arc::default()], len: 0 }
    }
}

impl<T: Clone> HostIndex<T> {
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(super) fn get(&self, name: &[u8], hasher: &RandomState) -> Option<&T> {
        let hash = hash(name, hasher);
        let page = self.pages.get(hash as usize & (self.pages.len() - 1))?;
        let same = |entry: &Entry<T>| entry.hash == hash && entry.name.as_bytes() == name;
        page.find(spread(hash), same).map(|entry| &entry.value)
    }

    /// Sets what belongs to a host.
    pub(super) fn insert(&mut self, name: Arc<str>, value: T, hasher: &RandomState) {
        let hash = hash(name.as_bytes(), hasher);
        let Some(page) = self.page_mut(hash) else { return };
        let same = |entry: &Entry<T>| entry.hash == hash && entry.name == name;
        if let Some(entry) = page.find_mut(spread(hash), same) {
            entry.value = value;
            return;
        }
        page.insert_unique(spread(hash), Entry { hash, name, value }, |entry| spread(entry.hash));
        self.len += 1;
        if self.len > self.pages.len() * PAGE {
            self.grow();
        }
    }

    /// Forgets a host.
    pub(super) fn remove(&mut self, name: &str, hasher: &RandomState) {
        let hash = hash(name.as_bytes(), hasher);
        let Some(page) = self.page_mut(hash) else { return };
        let same = |entry: &Entry<T>| entry.hash == hash && &*entry.name == name;
        if let Ok(entry) = page.find_entry(spread(hash), same) {
            entry.remove();
            self.len -= 1;
        }
    }

    /// Everything, in no order.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flat_map(|page| page.iter().map(|entry| &entry.value))
    }

    /// Everything with its name, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &T)> {
        self.pages.iter().flat_map(|page| page.iter().map(|entry| (&entry.name, &entry.value)))
    }

    fn page_mut(&mut self, hash: u64) -> Option<&mut Page<T>> {
        let page = hash as usize & (self.pages.len() - 1);
        self.pages.get_mut(page).map(Arc::make_mut)
    }

    /// Spreads the hosts over twice as many pages.
    fn grow(&mut self) {
        let mask = self.pages.len() * 2 - 1;
        let mut pages: Vec<Page<T>> = Vec::new();
        pages.resize_with(mask + 1, || HashTable::with_capacity(PAGE));
        for page in core::mem::take(&mut self.pages) {
            for entry in Arc::unwrap_or_clone(page) {
                if let Some(page) = pages.get_mut(entry.hash as usize & mask) {
                    page.insert_unique(spread(entry.hash), entry, |entry| spread(entry.hash));
                }
            }
        }
        self.pages = pages.into_iter().map(Arc::new).collect();
    }
}

/// The hash for inside a page, whose hosts share the low bits.
const fn spread(hash: u64) -> u64 {
    hash.rotate_right(32)
}

#[inline]
fn hash(name: &[u8], hasher: &RandomState) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(name);
    hasher.finish()
}
