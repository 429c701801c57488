//! Which namespaces there are: those with an object of their own, and those that something lives in.

use hashbrown::{HashMap, hash_map::Entry};
use std_alloc::sync::Arc;

use crate::{Seed, model::Change};

/// Counts what keeps a namespace in being.
#[derive(Debug)]
pub(super) struct Namespaces {
    objects: HashMap<Arc<str>, usize, ahash::RandomState>,
}

impl Namespaces {
    pub(super) fn new(seed: Seed) -> Self {
        Self { objects: HashMap::with_hasher(seed.derive(0x4a5e).hasher()) }
    }

    /// One more object in `name`; the change when it is the first.
    pub(super) fn enter(&mut self, name: &str) -> Option<Change> {
        match self.objects.entry_ref(name) {
            hashbrown::hash_map::EntryRef::Occupied(mut count) => {
                *count.get_mut() += 1;
                None
            }
            hashbrown::hash_map::EntryRef::Vacant(empty) => {
                let name: Arc<str> = name.into();
                empty.insert_with_key(name.clone(), 1);
                Some(Change::Namespace(name))
            }
        }
    }

    /// One object less in `name`; the change when it was the last.
    pub(super) fn leave(&mut self, name: &str) -> Option<Change> {
        let Entry::Occupied(mut count) = self.objects.entry(name.into()) else { return None };
        *count.get_mut() -= 1;
        if *count.get() > 0 {
            return None;
        }
        let (name, _) = count.remove_entry();
        Some(Change::NamespaceGone(name))
    }
}
