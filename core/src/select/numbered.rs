//! Values by key, each under a small number.
//!
//! ```text
//!   key ── hash ──▶ number ──▶ slot: key and value        a gone one's number goes to the next newcomer
//! ```
//!
//! Others can then keep numbers of four bytes where they would keep keys, and follow them without hashing. A number
//! is good as long as its value is there, and nobody is told when it goes: who keeps numbers must take note.

use core::hash::Hash;
use hashbrown::{Equivalent, HashTable};
use std_alloc::vec::Vec;

/// What no number is.
pub(crate) const NONE: u32 = u32::MAX;

/// Values by key, each under a small number.
#[derive(Clone, Debug)]
pub(crate) struct Numbered<K, T> {
    /// Hashes and numbers: keys are only looked at when the whole hash fits, and never when the table grows.
    numbers: HashTable<(u64, u32)>,
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
        self.find(self.hasher.hash_one(key), key)
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

    /// Puts a value in, and returns its number and what was there before.
    pub(crate) fn insert(&mut self, key: &K, value: T) -> (u32, Option<T>)
    where
        K: Clone,
    {
        let hash = self.hasher.hash_one(key);
        if let Some(number) = self.find(hash, key) {
            let before = self.get_mut(number).map(|old| core::mem::replace(old, value));
            return (number, before);
        }
        (self.put(hash, key.clone(), value), None)
    }

    /// The number of a key, which gets a value when it has none; `keep` makes both.
    pub(crate) fn number_or<Q: Hash + Equivalent<K> + ?Sized>(
        &mut self,
        key: &Q,
        keep: impl FnOnce() -> (K, T),
    ) -> u32 {
        let hash = self.hasher.hash_one(key);
        if let Some(number) = self.find(hash, key) {
            return number;
        }
        let (key, value) = keep();
        self.put(hash, key, value)
    }

    /// Takes a value out; its number is free for the next.
    pub(crate) fn remove(&mut self, number: u32) -> Option<(K, T)> {
        let (key, value) = self.slots.get_mut(number as usize)?.take()?;
        let hash = self.hasher.hash_one(&key);
        if let Ok(entry) = self.numbers.find_entry(hash, |(_, other)| *other == number) {
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

    fn find<Q: Equivalent<K> + ?Sized>(&self, hash: u64, key: &Q) -> Option<u32> {
        let same = |&(other, number): &(u64, u32)| {
            other == hash && self.key(number).is_some_and(|other| key.equivalent(other))
        };
        self.numbers.find(hash, same).map(|(_, number)| *number)
    }

    fn put(&mut self, hash: u64, key: K, value: T) -> u32 {
        let fresh = || u32::try_from(self.slots.len()).unwrap_or(NONE);
        let number = self.free.pop().unwrap_or_else(fresh);
        match self.slots.get_mut(number as usize) {
            Some(slot) => *slot = Some((key, value)),
            None => self.slots.push(Some((key, value))),
        }
        self.numbers.insert_unique(hash, (hash, number), |(hash, _)| *hash);
        number
    }
}
