//! Which selectors match an object, without asking each of them.
//!
//! Every selector with a positive term is kept under one pair that a matching object must have: the one that the
//! fewest other selectors are kept under. An object with `n` labels then has `n` places to look. Selectors without
//! such a term (`!a`, `a notin (b)`) are asked one by one.

use core::hash::Hash;
use hashbrown::HashMap;
use std_alloc::{sync::Arc, vec::Vec};

use super::{Labels, Operator, Selector};
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
    selectors: HashMap<K, (Selector, Vec<Anchor>), ahash::RandomState>,
    anchored: HashMap<Anchor, Vec<K>, ahash::RandomState>,
    /// Selectors without a positive term.
    residual: Vec<K>,
}

/// Something that a matching object must have: a key, perhaps with this value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Anchor {
    key: Arc<str>,
    value: Option<Arc<str>>,
}

impl<K: Clone + Eq + Hash + Ord> Index<K> {
    /// No selectors.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        let seed = seed.derive(0x1d3);
        Self {
            selectors: HashMap::with_hasher(seed.hasher()),
            anchored: HashMap::with_hasher(seed.hasher()),
            residual: Vec::new(),
        }
    }

    /// Puts a selector in, in place of the one that was under `key`.
    pub fn insert(&mut self, key: K, selector: Selector) {
        self.remove(&key);
        let anchors = self.anchors(&selector);
        if anchors.is_empty() {
            self.residual.push(key.clone());
        }
        for anchor in &anchors {
            self.anchored.entry(anchor.clone()).or_default().push(key.clone());
        }
        self.selectors.insert(key, (selector, anchors));
    }

    /// Takes the selector under `key` out.
    pub fn remove(&mut self, key: &K) {
        let Some((_, anchors)) = self.selectors.remove(key) else { return };
        if anchors.is_empty() {
            self.residual.retain(|other| other != key);
        }
        for anchor in anchors {
            if let Some(keys) = self.anchored.get_mut(&anchor) {
                keys.retain(|other| other != key);
                if keys.is_empty() {
                    self.anchored.remove(&anchor);
                }
            }
        }
    }

    /// The keys of all selectors that match, sorted. Costs a look for each label, and a match for each candidate.
    #[must_use]
    pub fn matching(&self, labels: &Labels) -> Vec<K> {
        let mut found: Vec<K> = Vec::new();
        let mut ask = |keys: &[K]| {
            let matches =
                |key: &&K| self.selectors.get(*key).is_some_and(|(s, _)| s.matches(labels));
            found.extend(keys.iter().filter(matches).cloned());
        };
        ask(&self.residual);
        for (key, value) in labels.pairs() {
            for value in [Some(value.clone()), None] {
                if let Some(keys) = self.anchored.get(&Anchor { key: key.clone(), value }) {
                    ask(keys);
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// Where to keep a selector: under the values of its rarest positive term.
    fn anchors(&self, selector: &Selector) -> Vec<Anchor> {
        let candidates = selector.requirements().iter().filter_map(|requirement| {
            let anchor = |value| Anchor { key: requirement.key().clone(), value };
            match requirement.operator() {
                Operator::In | Operator::Equals | Operator::DoubleEquals => {
                    let values = requirement.values().iter();
                    Some(values.map(|value| anchor(Some(value.clone()))).collect::<Vec<_>>())
                }
                Operator::Exists | Operator::Gt | Operator::Lt => Some(Vec::from([anchor(None)])),
                Operator::NotIn
                | Operator::NotEquals
                | Operator::DoesNotExist
                | Operator::Never => None,
            }
        });
        let crowd = |anchors: &Vec<Anchor>| {
            let under = |anchor: &Anchor| 1 + self.anchored.get(anchor).map_or(0, Vec::len);
            anchors.iter().map(under).sum::<usize>()
        };
        candidates.min_by_key(crowd).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::Requirement;
    use std::{format, string::String};

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
