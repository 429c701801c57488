//! The slices of one Service.

use std_alloc::{sync::Arc, vec::Vec};

use crate::model::{EndpointSlice, NamespacedName};

/// The slices of one Service, sorted by name. Most Services have one.
#[derive(Clone, Debug, Default)]
pub(super) struct Slices(Vec<Arc<EndpointSlice>>);

impl Slices {
    /// Puts a slice in, in place of the one of its name.
    pub(super) fn insert(&mut self, slice: Arc<EndpointSlice>) {
        match self.find(&slice.key) {
            Ok(at) => {
                if let Some(old) = self.0.get_mut(at) {
                    *old = slice;
                }
            }
            Err(at) => {
                if self.0.is_empty() {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, slice);
            }
        }
    }

    pub(super) fn contains(&self, key: &NamespacedName) -> bool {
        self.find(key).is_ok()
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> core::slice::Iter<'_, Arc<EndpointSlice>> {
        self.0.iter()
    }

    fn find(&self, key: &NamespacedName) -> Result<usize, usize> {
        self.0.binary_search_by(|slice| slice.key.cmp(key))
    }
}

impl IntoIterator for Slices {
    type Item = Arc<EndpointSlice>;
    type IntoIter = std_alloc::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
