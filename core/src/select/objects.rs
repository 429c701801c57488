//! Which objects a selector matches, without asking each of them.
//!
//! For each label there is a list of the objects that have it. A selector looks at the shortest list that one of its
//! positive terms allows, and asks only the objects in there; without a positive term it asks all.

use core::hash::Hash;
use std_alloc::vec::Vec;

use super::{Labels, Numbered, Selector, Terms};
use crate::Seed;

/// Objects of one namespace by their labels.
///
/// ```
/// use svckit::{Seed, select::Objects};
///
/// let mut pods = Objects::new(Seed([1; 4]));
/// pods.insert("web-1", "app=web,tier=front".parse()?);
/// pods.insert("db-1", "app=db".parse()?);
/// assert_eq!(pods.matching(&"app in (web,shop)".parse().unwrap()), ["web-1"]);
/// assert_eq!(pods.matching(&"!tier".parse().unwrap()), ["db-1"]);
/// # Ok::<(), svckit::select::BadLabels>(())
/// ```
#[derive(Clone, Debug)]
pub struct Objects<O> {
    objects: Numbered<O, Labels>,
    terms: Terms,
}

impl<O: Clone + Eq + Hash + Ord> Objects<O> {
    /// No objects.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        let hasher = seed.derive(0x0b1ec7).hasher();
        Self { objects: Numbered::new(hasher.clone()), terms: Terms::new(hasher) }
    }

    /// Says which labels an object has now. Costs a look for each label, and nothing when they are as before.
    pub fn insert(&mut self, object: O, labels: Labels) {
        let (number, before) = self.objects.insert(object, labels.clone());
        if let Some((_, before)) = before {
            if before == labels {
                return;
            }
            self.terms.remove_object(number);
        }
        self.terms.insert_object(number, &labels);
    }

    /// Forgets an object.
    pub fn remove(&mut self, object: &O) {
        let Some(number) = self.objects.number(object) else { return };
        self.objects.remove(number);
        self.terms.remove_object(number);
    }

    /// The objects that match, sorted. Costs a match for each object that has the selector's rarest positive term,
    /// and none when that term is the whole selector.
    #[must_use]
    pub fn matching(&self, selector: &Selector) -> Vec<O> {
        let mut found: Vec<O> = Vec::new();
        let narrowed = self.terms.objects(selector, |number, sure| {
            let matches = |labels: &Labels| sure || selector.matches(labels);
            if self.objects.get(number).is_some_and(matches) {
                found.extend(self.objects.key(number).cloned());
            }
        });
        if !narrowed {
            let all = self.objects.iter().filter(|(_, _, labels)| selector.matches(labels));
            found.extend(all.map(|(_, object, _)| object.clone()));
        }
        found.sort();
        found
    }
}
