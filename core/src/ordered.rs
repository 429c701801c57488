//! A hash map whose values lie in one piece of memory, in the order in which their keys came.
//!
//! ```text
//! index: hash → place            slots: [hash . key . value] [hash . key . value] …
//! ```
//!
//! Who walks over a whole cluster goes along memory instead of across it, which is most of the time that it takes.
//! Growing moves nobody's keys through the hasher again. A removal puts the last slot in the hole, so the order is the
//! keys' own only while nobody leaves.

use core::{hash::Hash, mem};
use hashbrown::{HashTable, hash_table::Entry};
use std_alloc::vec::Vec;

use crate::Seed;

/// A hash map that is fast to walk over.
#[derive(Clone, Debug)]
pub(crate) struct OrderedMap<K, V> {
    hasher: ahash::RandomState,
    /// Places in `slots`.
    index: HashTable<u32>,
    slots: Vec<Slot<K, V>>,
}

#[derive(Clone, Debug)]
struct Slot<K, V> {
    hash: u64,
    key: K,
    value: V,
}

impl<K: Eq + Hash, V> OrderedMap<K, V> {
    /// An empty map. `seed` keys it.
    pub(crate) fn new(seed: Seed) -> Self {
        Self { hasher: seed.hasher(), index: HashTable::new(), slots: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        Some(&self.slots.get(self.place(key)?)?.value)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key)?;
        Some(&mut self.slots.get_mut(place)?.value)
    }

    /// The value of a key; where there is none, `make` makes it, which may be called for nothing.
    pub(crate) fn entry(&mut self, key: &K, make: impl FnOnce() -> V) -> Option<&mut V>
    where
        K: Clone,
    {
        let place = self.place_or(key, make);
        Some(&mut self.slots.get_mut(place)?.value)
    }

    /// Puts a value in the place of the one that was there, which is returned.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let Self { hasher, index, slots } = self;
        let hash = hasher.hash_one(&key);
        let is_it = |place: &u32| slots.get(*place as usize).is_some_and(|slot| slot.key == key);
        let rehash = |place: &u32| slots.get(*place as usize).map_or(0, |slot| slot.hash);
        match index.entry(hash, is_it, rehash) {
            Entry::Occupied(found) => {
                let place = *found.get() as usize;
                slots.get_mut(place).map(|slot| mem::replace(&mut slot.value, value))
            }
            Entry::Vacant(free) => {
                free.insert(slots.len() as u32);
                slots.push(Slot { hash, key, value });
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let hash = self.hasher.hash_one(key);
        let slots = &self.slots;
        let is_it = |place: &u32| slots.get(*place as usize).is_some_and(|slot| slot.key == *key);
        let (place, _) = self.index.find_entry(hash, is_it).ok()?.remove();
        let gone = self.slots.swap_remove(place as usize);
        if let Some(moved) = self.slots.get(place as usize) {
            let last = self.slots.len() as u32;
            if let Some(at) = self.index.find_mut(moved.hash, |at| *at == last) {
                *at = place;
            }
        }
        Some(gone.value)
    }

    /// Makes room for this many more.
    pub(crate) fn reserve(&mut self, more: usize) {
        let slots = &self.slots;
        let rehash = |place: &u32| slots.get(*place as usize).map_or(0, |slot| slot.hash);
        self.index.reserve(more, rehash);
        self.slots.reserve_exact(more);
    }

    /// Gives back what memory nobody is in.
    pub(crate) fn shrink(&mut self) {
        self.slots.shrink_to_fit();
    }

    pub(crate) fn clear(&mut self) {
        self.index.clear();
        self.slots.clear();
    }

    /// Keeps those for which `keep` says so. Costs O(all of them).
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.slots.retain_mut(|slot| keep(&slot.key, &mut slot.value));
        self.index.clear();
        let Self { index, slots, .. } = self;
        let rehash = |place: &u32| slots.get(*place as usize).map_or(0, |slot| slot.hash);
        for (place, slot) in (0..).zip(&*slots) {
            index.insert_unique(slot.hash, place, rehash);
        }
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> + Clone {
        self.slots.iter().map(|slot| (&slot.key, &slot.value))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.slots.iter_mut().map(|slot| (&slot.key, &mut slot.value))
    }

    fn place(&self, key: &K) -> Option<usize> {
        let is_it =
            |place: &u32| self.slots.get(*place as usize).is_some_and(|slot| slot.key == *key);
        self.index.find(self.hasher.hash_one(key), is_it).map(|place| *place as usize)
    }

    fn place_or(&mut self, key: &K, make: impl FnOnce() -> V) -> usize
    where
        K: Clone,
    {
        let Self { hasher, index, slots } = self;
        let hash = hasher.hash_one(key);
        let is_it = |place: &u32| slots.get(*place as usize).is_some_and(|slot| slot.key == *key);
        let rehash = |place: &u32| slots.get(*place as usize).map_or(0, |slot| slot.hash);
        match index.entry(hash, is_it, rehash) {
            Entry::Occupied(found) => *found.get() as usize,
            Entry::Vacant(free) => {
                let place = slots.len();
                free.insert(place as u32);
                slots.push(Slot { hash, key: key.clone(), value: make() });
                place
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// However keys come and go, it holds what a plain map would.
    #[test]
    fn it_is_a_map() {
        let mut map = OrderedMap::new(Seed([1; 4]));
        let mut plain = BTreeMap::new();
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for step in 0..4_000_u32 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let key = (random >> 8) as u8;
            match random & 7 {
                0..=2 => assert_eq!(map.insert(key, step), plain.insert(key, step)),
                3 | 4 => assert_eq!(map.remove(&key), plain.remove(&key)),
                5 => assert_eq!(map.get_mut(&key), plain.get_mut(&key)),
                6 => assert_eq!(map.entry(&key, || step), Some(plain.entry(key).or_insert(step))),
                _ if step % 100 == 0 => {
                    map.retain(|key, _| key % 3 != 0);
                    plain.retain(|key, _| key % 3 != 0);
                }
                _ => assert_eq!(map.get(&key), plain.get(&key)),
            }
            assert_eq!(map.len(), plain.len());
        }
        let all: BTreeMap<_, _> = map.iter().map(|(key, value)| (*key, *value)).collect();
        assert_eq!(all, plain);
    }

    #[test]
    fn it_keeps_the_order_while_nobody_leaves() {
        let mut map = OrderedMap::new(Seed([1; 4]));
        map.reserve(3);
        for key in ["c", "a", "b"] {
            map.insert(key, ());
        }
        assert!(map.iter().map(|(key, ())| *key).eq(["c", "a", "b"]));
        map.clear();
        assert_eq!(map.len(), 0);
    }
}
