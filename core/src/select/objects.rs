//! Which objects a selector matches, without asking each of them.
//!
//! For each label there is a list of the objects that have it. A selector looks at the shortest list that one of its
//! positive terms allows, and asks only the objects in there; without a positive term it asks all.

use core::hash::Hash;
use hashbrown::HashMap;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use super::{Labels, Operator, Requirement, Selector};
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
    labels: BTreeMap<O, Labels>,
    keys: HashMap<Arc<str>, Values<O>, ahash::RandomState>,
    hasher: ahash::RandomState,
}

/// The objects that have one key.
#[derive(Clone, Debug)]
struct Values<O> {
    objects: usize,
    by_value: HashMap<Arc<str>, BTreeSet<O>, ahash::RandomState>,
}

impl<O: Clone + Eq + Hash + Ord> Objects<O> {
    /// No objects.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        let hasher = seed.derive(0x0b1ec7).hasher();
        Self { labels: BTreeMap::new(), keys: HashMap::with_hasher(hasher.clone()), hasher }
    }

    /// Says which labels an object has now. Costs O(log n) for each label, and nothing when they are as before.
    pub fn insert(&mut self, object: O, labels: Labels) {
        if self.labels.get(&object) == Some(&labels) {
            return;
        }
        self.remove(&object);
        for (key, value) in labels.pairs() {
            let values = self.keys.entry(key.clone()).or_insert_with(|| Values {
                objects: 0,
                by_value: HashMap::with_hasher(self.hasher.clone()),
            });
            values.objects += 1;
            values.by_value.entry(value.clone()).or_default().insert(object.clone());
        }
        self.labels.insert(object, labels);
    }

    /// Forgets an object.
    pub fn remove(&mut self, object: &O) {
        let Some(labels) = self.labels.remove(object) else { return };
        for (key, value) in labels.iter() {
            let Some(values) = self.keys.get_mut(key) else { continue };
            values.objects -= 1;
            if let Some(objects) = values.by_value.get_mut(value) {
                objects.remove(object);
                if objects.is_empty() {
                    values.by_value.remove(value);
                }
            }
            if values.objects == 0 {
                self.keys.remove(key);
            }
        }
    }

    /// The objects that match, sorted. Costs a match for each object that has the selector's rarest positive term.
    #[must_use]
    pub fn matching(&self, selector: &Selector) -> Vec<O> {
        let counted = selector.requirements().iter().filter_map(|r| Some((self.count(r)?, r)));
        let Some((_, rarest)) = counted.min_by_key(|(count, _)| *count) else {
            let all = self.labels.iter().filter(|(_, labels)| selector.matches(labels));
            return all.map(|(object, _)| object.clone()).collect();
        };
        let Some(values) = self.keys.get(rarest.key()) else { return Vec::new() };
        let matches =
            |object: &&O| self.labels.get(*object).is_some_and(|labels| selector.matches(labels));
        let mut found: Vec<O> = if is_listed(rarest.operator()) {
            let lists = rarest.values().iter().filter_map(|value| values.by_value.get(value));
            lists.flatten().filter(matches).cloned().collect()
        } else {
            values.by_value.values().flatten().filter(matches).cloned().collect()
        };
        found.sort();
        found.dedup();
        found
    }

    /// How many objects a requirement leaves; `None` when it says only what they mustn't have.
    fn count(&self, requirement: &Requirement) -> Option<usize> {
        let values = self.keys.get(requirement.key());
        match requirement.operator() {
            Operator::Never => Some(0),
            Operator::Exists | Operator::Gt | Operator::Lt => Some(values.map_or(0, |v| v.objects)),
            operator if is_listed(operator) => Some(values.map_or(0, |values| {
                let lists = requirement.values().iter().filter_map(|v| values.by_value.get(v));
                lists.map(BTreeSet::len).sum()
            })),
            _ => None,
        }
    }
}

/// Whether the value must be one of those listed.
const fn is_listed(operator: Operator) -> bool {
    matches!(operator, Operator::In | Operator::Equals | Operator::DoubleEquals)
}
