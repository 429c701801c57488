//! Hosts to whatever belongs to them, in pages that snapshots share.
//!
//! A copy of the index copies one pointer for each page; a change copies the page that it touches. A page holds about
//! thirty hosts, so that both costs are small for any number of hosts that a machine can have.
//!
//! A page is one piece of memory, with the names of its hosts in it unless they are long, and with what belongs to them:
//! whoever looks a host up waits for its slot, and for nothing else. Waiting for memory is most of what a lookup among
//! thousands of hosts costs.

use core::hash::{BuildHasher, Hasher};

mod name;

use ahash::RandomState;
use name::HostName;
use std_alloc::{sync::Arc, vec::Vec};

/// How many slots a page has; at most five of eight are taken on average.
const SLOTS: usize = 64;

/// An index by host name.
#[derive(Clone, Debug)]
pub(super) struct HostIndex<T> {
    /// None, or as many as a power of two; the low bits of a hash choose one.
    pages: Vec<Arc<[Slot<T>]>>,
    len: usize,
}

/// A host, or nothing. A host's slot is the first free one from where its hash points to.
type Slot<T> = Option<Entry<T>>;

/// One host.
#[derive(Clone, Debug)]
struct Entry<T> {
    hash: u64,
    name: HostName,
    value: T,
}

impl<T> Default for HostIndex<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), len: 0 }
    }
}

impl<T: Clone> HostIndex<T> {
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, name: &[u8], hasher: &RandomState) -> Option<&T> {
        let hash = hash(name, hasher);
        let page = self.pages.get(hash as usize & self.pages.len().wrapping_sub(1))?;
        let mut at = start(hash);
        for _ in 0..SLOTS {
            let entry = page.get(at)?.as_ref()?;
            if entry.hash == hash && entry.name.as_bytes() == name {
                return Some(&entry.value);
            }
            at = (at + 1) % SLOTS;
        }
        None
    }

    /// Makes room for so many hosts at once, rather than step by step while they come.
    pub(super) fn reserve(&mut self, more: usize) {
        let pages = ((self.len + more) * 8).div_ceil(SLOTS * 5).next_power_of_two();
        if more > SLOTS && pages > self.pages.len() {
            self.spread_from(pages);
        }
    }

    /// Sets what belongs to a host.
    pub(super) fn insert(&mut self, name: &str, value: T, hasher: &RandomState) {
        let hash = hash(name.as_bytes(), hasher);
        let entry = Entry { hash, name: HostName::new(name), value };
        if self.pages.is_empty() || self.len >= self.pages.len() * SLOTS * 5 / 8 {
            self.grow();
        }
        let mut left = Some(entry);
        while let Some(entry) = left {
            let Some(page) = self.page_mut(hash) else { return };
            match put(page, entry) {
                Ok(is_new) => {
                    self.len += usize::from(is_new);
                    left = None;
                }
                // By chance far more than half of a page is taken.
                Err(entry) => {
                    self.grow();
                    left = Some(entry);
                }
            }
        }
    }

    /// Forgets a host.
    pub(super) fn remove(&mut self, name: &str, hasher: &RandomState) {
        if self.get(name.as_bytes(), hasher).is_none() {
            return;
        }
        let hash = hash(name.as_bytes(), hasher);
        let Some(page) = self.page_mut(hash) else { return };
        // Whoever stands behind a free slot is not found, so all of them find a place anew.
        let entries: Vec<_> = page.iter_mut().filter_map(Option::take).collect();
        for entry in entries.into_iter().filter(|entry| entry.name.as_str() != name) {
            // There was room for one more.
            let _ = put(page, entry);
        }
        self.len -= 1;
    }

    /// Everything, in no order.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.iter().map(|(_, value)| value)
    }

    /// Everything with its name, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        let entries = self.pages.iter().flat_map(|page| page.iter().flatten());
        entries.map(|entry| (entry.name.as_str(), &entry.value))
    }

    fn page_mut(&mut self, hash: u64) -> Option<&mut [Slot<T>]> {
        let page = hash as usize & self.pages.len().wrapping_sub(1);
        self.pages.get_mut(page).map(Arc::make_mut)
    }

    /// Spreads the hosts over twice as many pages, or more.
    fn grow(&mut self) {
        self.spread_from((self.pages.len() * 2).max(1));
    }

    /// Spreads the hosts over so many pages, or more.
    fn spread_from(&mut self, mut count: usize) {
        while !self.spread(count) {
            count *= 2;
        }
    }

    /// Spreads the hosts over so many pages; whether they fit.
    fn spread(&mut self, count: usize) -> bool {
        let empty = || (0..SLOTS).map(|_| None).collect();
        let mut pages: Vec<Arc<[Slot<T>]>> = (0..count).map(|_| empty()).collect();
        for entry in self.pages.iter().flat_map(|page| page.iter().flatten()) {
            let page = pages.get_mut(entry.hash as usize & (count - 1)).and_then(Arc::get_mut);
            let fits = page.is_some_and(|page| put(page, entry.clone()).is_ok());
            if !fits {
                return false;
            }
        }
        self.pages = pages;
        true
    }
}

/// Puts a host into its page, in place of an older entry of its name; whether the name is new. The entry comes back
/// when there is no room.
fn put<T>(page: &mut [Slot<T>], entry: Entry<T>) -> Result<bool, Entry<T>> {
    let mut at = start(entry.hash);
    for _ in 0..SLOTS {
        let Some(slot) = page.get_mut(at) else { return Err(entry) };
        match slot {
            Some(other)
                if other.hash != entry.hash || other.name.as_bytes() != entry.name.as_bytes() => {}
            known => {
                let is_new = known.is_none();
                *known = Some(entry);
                return Ok(is_new);
            }
        }
        at = (at + 1) % SLOTS;
    }
    Err(entry)
}

/// Where a host's slot may be: the hosts of a page share the low bits of their hashes.
const fn start(hash: u64) -> usize {
    (hash >> 32) as usize % SLOTS
}

#[inline]
fn hash(name: &[u8], hasher: &RandomState) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(name);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeMap, format};

    #[test]
    fn hosts_come_and_go() {
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        let (mut index, mut plain) = (HostIndex::default(), BTreeMap::new());
        for round in 0..6_000_u32 {
            let name = format!("h{}.example", round.wrapping_mul(2_654_435_761) % 1_500);
            let before = index.clone();
            if round % 3 == 0 {
                index.remove(&name, &hasher);
                plain.remove(&name);
            } else {
                index.insert(&name, round, &hasher);
                plain.insert(name.clone(), round);
            }
            assert_eq!(index.get(name.as_bytes(), &hasher), plain.get(&name), "{name}");
            assert!(before.len.abs_diff(index.len) <= 1, "a copy is a copy");
        }
        assert_eq!(index.len, plain.len());
        let all: BTreeMap<_, _> = index.iter().map(|(name, at)| (name.to_string(), *at)).collect();
        assert_eq!(all, plain);
        plain.iter().for_each(|(name, at)| {
            assert_eq!(index.get(name.as_bytes(), &hasher), Some(at));
        });
    }

    #[test]
    fn a_full_page_makes_room() {
        // Of hosts with the same hash in their low bits, which nobody can choose, all are found.
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        let names = (0..).map(|number| format!("h{number}.example"));
        let same = names.filter(|name| hash(name.as_bytes(), &hasher).is_multiple_of(64));
        let same: Vec<_> = same.take(200).collect();
        let mut index = HostIndex::default();
        same.iter().for_each(|name| index.insert(name, name.len(), &hasher));
        assert!(same.iter().all(|name| index.get(name.as_bytes(), &hasher) == Some(&name.len())));
        assert_eq!(index.len, 200);
    }

    use std::string::ToString;
}
