//! Values by key, each under a small number.
//!
//! ```text
//!   key ── hash ──▶ number ──▶ slot: key and value        a gone one's number goes to the next newcomer
//! ```
//!
//! Others can then keep numbers of four bytes where they would keep keys, and follow them without hashing. A number
//! is good as long as its value is there, and nobody is told when it goes: who keeps numbers must take note.

use core::hash::Hash;
use hashbrown::{Equivalent, HashTable, hash_table::Entry};
use std_alloc::vec::Vec;

/// What no number is.
pub(crate) const NONE: u32 = u32::MAX;

/// Values by key, each under a small number.
#[derive(Clone, Debug)]
pub(crate) struct Numbered<K, T> {
    /// Hashes and numbers: keys are only looked at when the whole hash fits, and never when the table grows.
    numbers: HashTable<(u32, u32)>,
    slots: Vec<Option<(K, T)>>,
    free: Vec<u32>,
    hasher: ahash::RandomState,
}

impl<K: Eq + Hash, T> Numbered<K, T> {
    pub(crate) const fn new(hasher: ahash::RandomState) -> Self {
        Self { numbers: HashTable::new(), slots: Vec::new(), free: Vec::new(), hasher }
    }

    /// The number of a key.
    pub(crate) fn number<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<u32> {
        let hash = short(&self.hasher, key);
        self.numbers.find(wide(hash), is_it(&self.slots, hash, key)).map(|(_, number)| *number)
    }

    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        self.slots.get(number as usize)?.as_ref().map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.slots.get_mut(number as usize)?.as_mut().map(|(_, value)| value)
    }

    pub(crate) fn key(&self, number: u32) -> Option<&K> {
        self.slots.get(number as usize)?.as_ref().map(|(key, _)| key)
    }

    /// Puts a key and its value in, and returns their number and what was there before.
    pub(crate) fn insert(&mut self, key: K, value: T) -> (u32, Option<(K, T)>) {
        let Self { numbers, slots, free, hasher } = self;
        let hash = short(hasher, &key);
        match numbers.entry(wide(hash), is_it(slots, hash, &key), |(hash, _)| wide(*hash)) {
            Entry::Occupied(found) => {
                let number = found.get().1;
                let slot = slots.get_mut(number as usize);
                (number, slot.and_then(|slot| slot.replace((key, value))))
            }
            Entry::Vacant(place) => {
                let number = put(slots, free, (key, value));
                place.insert((hash, number));
                (number, None)
            }
        }
    }

    /// The number of a key, which gets a value when it has none; `keep` makes both.
    pub(crate) fn number_or<Q: Hash + Equivalent<K> + ?Sized>(
        &mut self,
        key: &Q,
        keep: impl FnOnce() -> (K, T),
    ) -> u32 {
        let Self { numbers, slots, free, hasher } = self;
        let hash = short(hasher, key);
        match numbers.entry(wide(hash), is_it(slots, hash, key), |(hash, _)| wide(*hash)) {
            Entry::Occupied(found) => found.get().1,
            Entry::Vacant(place) => {
                let number = put(slots, free, keep());
                place.insert((hash, number));
                number
            }
        }
    }

    /// Takes a value out; its number is free for the next.
    pub(crate) fn remove(&mut self, number: u32) -> Option<(K, T)> {
        let (key, value) = self.slots.get_mut(number as usize)?.take()?;
        let hash = short(&self.hasher, &key);
        if let Ok(entry) = self.numbers.find_entry(wide(hash), |(_, other)| *other == number) {
            entry.remove();
        }
        self.free.push(number);
        Some((key, value))
    }

    /// Number, key and value of all, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &K, &T)> {
        let numbers = 0_u32..;
        numbers.zip(&self.slots).filter_map(|(n, slot)| slot.as_ref().map(|(k, v)| (n, k, v)))
    }
}

/// Half a key's hash: with as many keys as there are numbers, it is hardly ever another's.
#[allow(clippy::cast_possible_truncation, reason = "half of it is asked for")]
fn short<Q: Hash + ?Sized>(hasher: &ahash::RandomState, key: &Q) -> u32 {
    hasher.hash_one(key) as u32
}

/// What the table takes for the hash: it places by the lower bits and compares the upper ones.
fn wide(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// Whether an entry of the table is a key's. The key itself is only looked at when the whole hash fits.
fn is_it<K, T, Q: Equivalent<K> + ?Sized>(
    slots: &[Option<(K, T)>],
    hash: u32,
    key: &Q,
) -> impl Fn(&(u32, u32)) -> bool {
    move |&(other, number)| {
        let slot = slots.get(number as usize).and_then(Option::as_ref);
        other == hash && slot.is_some_and(|(other, _)| key.equivalent(other))
    }
}

/// Puts a newcomer in a free slot or a new one, and returns its number.
fn put<K, T>(slots: &mut Vec<Option<(K, T)>>, free: &mut Vec<u32>, new: (K, T)) -> u32 {
    let fresh = || u32::try_from(slots.len()).unwrap_or(NONE);
    let number = free.pop().unwrap_or_else(fresh);
    match slots.get_mut(number as usize) {
        Some(slot) => *slot = Some(new),
        None => slots.push(Some(new)),
    }
    number
}
