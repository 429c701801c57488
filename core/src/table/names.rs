//! Service ports by name.

use std_alloc::sync::Arc;

use ahash::RandomState;

use super::{index::Index, lead::Lead, pages::Paged};
use crate::{Seed, model::ServicePortName};

/// Numbers of service ports by name, and names by number.
#[derive(Clone, Debug)]
pub(super) struct Names {
    hasher: RandomState,
    index: Index<u64>,
    names: Paged<Option<Arc<ServicePortName>>, 32>,
}

impl Names {
    pub(super) fn new(seed: Seed) -> Self {
        let [a, b, ..] = seed.derive(2).0;
        Self { hasher: seed.hasher(), index: Index::new([a, b]), names: Paged::new() }
    }

    pub(super) fn number(&self, name: &ServicePortName) -> Option<u32> {
        let is_it = |lead: Lead| self.name(lead.number()).is_some_and(|other| **other == *name);
        self.index.find_which(self.key(name), is_it).map(Lead::number)
    }

    pub(super) fn name(&self, number: u32) -> Option<&Arc<ServicePortName>> {
        self.names.get(number as usize)?.as_ref()
    }

    pub(super) fn insert(&mut self, name: &ServicePortName, number: u32) {
        self.index.insert(self.key(name), Lead::to_number(number));
        self.names.set(number as usize, Some(Arc::new(name.clone())));
    }

    pub(super) fn remove(&mut self, name: &ServicePortName, number: u32) {
        self.index.remove(self.key(name), |other| other.number() == number);
        self.names.set(number as usize, None);
    }

    pub(super) fn bytes(&self) -> usize {
        self.index.bytes() + self.names.bytes()
    }

    /// Never 0, which stands for an empty slot.
    fn key(&self, name: &ServicePortName) -> u64 {
        self.hasher.hash_one(name) | 1
    }
}
