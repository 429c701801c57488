//! The slices of one Service.

use smallvec::SmallVec;
use std_alloc::sync::Arc;

use crate::model::{EndpointSlice, NamespacedName};

/// The slices of one Service, sorted by name. Most Services have one.
#[derive(Clone, Debug, Default)]
pub(super) struct Slices(SmallVec<[Arc<EndpointSlice>; 1]>);

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
                self.0.insert(at, slice);
            }
        }
    }

    pub(super) fn contains(&self, key: &NamespacedName) -> bool {
        self.find(key).is_ok()
    }

    pub(super) fn len(&self) -> usize {
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
    type IntoIter = smallvec::IntoIter<[Self::Item; 1]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
