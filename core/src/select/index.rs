//! Which selectors match an object, without asking each of them.
//!
//! Every selector with a positive term is kept under one pair that a matching object must have: the one that the
//! fewest other selectors are kept under. An object with `n` labels then has `n` places to look. Selectors without
//! such a term (`!a`, `a notin (b)`) are asked one by one.

use core::hash::Hash;
use std_alloc::vec::Vec;

use super::{Labels, Numbered, Selector, Terms};
use crate::Seed;

/// Selectors of one namespace's objects, each under a key.
///
/// ```
/// use svckit::{Seed, select::{Index, Labels, Selector}};
///
/// let mut index = Index::new(Seed([1; 4]));
/// index.insert("web", Selector::from_pairs([("app", "web")]));
/// let labels: Labels = [("app", "web"), ("tier", "front")].into_iter().collect();
/// assert_eq!(index.matching(&labels), ["web"]);
/// ```
#[derive(Clone, Debug)]
pub struct Index<K> {
    selectors: Numbered<K, Selector>,
    terms: Terms,
}

impl<K: Clone + Eq + Hash + Ord> Index<K> {
    /// No selectors.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        let hasher = seed.derive(0x1d3).hasher();
        Self { selectors: Numbered::new(hasher.clone()), terms: Terms::new(hasher) }
    }

    /// Puts a selector in, in place of the one that was under `key`.
    pub fn insert(&mut self, key: K, selector: Selector) {
        let (number, _) = self.selectors.insert(key, selector);
        if let Some(selector) = self.selectors.get(number) {
            self.terms.insert_selector(number, selector);
        }
    }

    /// Takes the selector under `key` out.
    pub fn remove(&mut self, key: &K) {
        let Some(number) = self.selectors.number(key) else { return };
        self.selectors.remove(number);
        self.terms.remove_selector(number);
    }

    /// The keys of all selectors that match, sorted. Costs a look for each label, and a match for each candidate
    /// whose selector has more than the term it was found by.
    #[must_use]
    pub fn matching(&self, labels: &Labels) -> Vec<K> {
        let mut found: Vec<K> = Vec::new();
        self.terms.selectors_for(labels, |number, sure| {
            let matches = |selector: &Selector| sure || selector.matches(labels);
            if self.selectors.get(number).is_some_and(matches) {
                found.extend(self.selectors.key(number).cloned());
            }
        });
        found.sort();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::{Operator, Requirement};
    use std::{format, string::String, sync::Arc};

    /// Random selectors and labels: the index finds what asking everybody finds.
    #[test]
    fn finds_what_a_scan_finds() {
        let mut index = Index::new(Seed([7; 4]));
        let mut all: std_alloc::collections::BTreeMap<u64, Selector> = Default::default();
        let mut random = 9_u64;
        let mut next = |n: u64| {
            random = crate::seed::mix(random);
            random % n
        };
        let key = |n: u64| -> Arc<str> { Arc::from(format!("k{n}")) };
        let value = |n: u64| -> Arc<str> { Arc::from(format!("v{n}")) };
        for step in 0..2_000 {
            let requirements = (0..next(4)).map(|_| {
                let (operator, values) = match next(6) {
                    0 => (Operator::Exists, Vec::new()),
                    1 => (Operator::DoesNotExist, Vec::new()),
                    2 => (Operator::NotIn, Vec::from([value(next(3))])),
                    3 => (Operator::Gt, Vec::from([Arc::from(format!("{}", next(5)))])),
                    _ => (Operator::In, Vec::from([value(next(3)), value(3)])),
                };
                Requirement::unchecked(key(next(4)), operator, values)
            });
            let selector = Selector::new(requirements.collect());
            let name = next(60);
            if step % 3 == 0 {
                index.remove(&name);
                all.remove(&name);
            } else {
                index.insert(name, selector.clone());
                all.insert(name, selector);
            }
            let pairs: Vec<(String, String)> =
                (0..next(4)).map(|_| (format!("k{}", next(4)), format!("v{}", next(4)))).collect();
            let labels: Labels = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let want: Vec<u64> =
                all.iter().filter(|(_, s)| s.matches(&labels)).map(|(n, _)| *n).collect();
            assert_eq!(index.matching(&labels), want, "{labels:?}");
        }
    }
}
