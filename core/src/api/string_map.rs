//! Labels, annotations, selectors: text under text.
//!
//! Objects are copied a lot (defaults, allocation, the pods of a template) and their labels hardly ever change, so
//! copies share the pairs. A change of one pair costs a copy of all; the maps are small.

use std_alloc::{string::String, sync::Arc, vec::Vec};

/// Text under text, sorted by key. A copy costs nothing, a look-up O(log n), a change O(n).
///
/// ```
/// use svckit::api::StringMap;
///
/// let mut labels = StringMap::from([("tier".into(), "front".into()), ("app".into(), "web".into())]);
/// labels.insert("app".into(), "shop".into());
/// assert_eq!(labels.get("app").map(String::as_str), Some("shop"));
/// assert_eq!(labels.keys().collect::<Vec<_>>(), ["app", "tier"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StringMap(Arc<[Pair]>);

/// A key and its value.
type Pair = (String, String);

impl StringMap {
    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&String> {
        self.0.get(self.find(key).ok()?).map(|(_, value)| value)
    }

    /// Whether there is a value under `key`.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.find(key).is_ok()
    }

    /// All pairs, sorted by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&String, &String)> + DoubleEndedIterator {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// All keys, sorted.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &String> {
        self.0.iter().map(|(key, _)| key)
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &String> {
        self.0.iter().map(|(_, value)| value)
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts a value under a key; returns the one that was there.
    pub fn insert(&mut self, key: String, value: String) -> Option<String> {
        let mut pairs = self.0.to_vec();
        let before = match self.find(&key) {
            Ok(at) => pairs.get_mut(at).map(|(_, old)| core::mem::replace(old, value)),
            Err(at) => {
                pairs.insert(at, (key, value));
                None
            }
        };
        self.0 = pairs.into();
        before
    }

    /// Takes a key and its value away; returns the value.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        let at = self.find(key).ok()?;
        let mut pairs = self.0.to_vec();
        let (_, value) = pairs.remove(at);
        self.0 = pairs.into();
        Some(value)
    }

    /// Where `key` is, or where it would be.
    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.as_str().cmp(key))
    }
}

impl FromIterator<Pair> for StringMap {
    /// Of a key that comes twice, the last value counts.
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        let mut pairs: Vec<Pair> = pairs.into_iter().collect();
        pairs.reverse();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, first| later.0 == first.0);
        Self(pairs.into())
    }
}

impl<const N: usize> From<[Pair; N]> for StringMap {
    fn from(pairs: [Pair; N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl Extend<Pair> for StringMap {
    fn extend<I: IntoIterator<Item = Pair>>(&mut self, pairs: I) {
        *self = self.0.iter().cloned().chain(pairs).collect();
    }
}

impl<'a> IntoIterator for &'a StringMap {
    type Item = (&'a String, &'a String);
    type IntoIter = core::iter::Map<core::slice::Iter<'a, Pair>, fn(&Pair) -> (&String, &String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for StringMap {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for StringMap {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> serde::de::Visitor<'de> for Pairs {
            type Value = StringMap;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<StringMap, A::Error> {
                core::iter::from_fn(|| map.next_entry().transpose()).collect()
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std_alloc::{collections::BTreeMap, vec::Vec};

    #[test]
    fn it_is_a_map() {
        let mut map = StringMap::default();
        let mut model = BTreeMap::new();
        // A walk through few keys meets each case of insertion, replacement and removal.
        for n in (0..200_u32).map(|n| n.wrapping_mul(2_654_435_761) >> 24) {
            let (key, value) = (std_alloc::format!("k{}", n % 7), std_alloc::format!("{n}"));
            if n % 3 == 0 {
                assert_eq!(map.remove(&key), model.remove(&key));
            } else {
                assert_eq!(map.insert(key.clone(), value.clone()), model.insert(key, value));
            }
            assert!(map.iter().eq(model.iter()));
        }
        assert!(!model.is_empty());
    }

    #[test]
    fn the_last_value_of_a_key_counts() {
        let pairs = [("a", "1"), ("b", "2"), ("a", "3")];
        let map: StringMap = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let pairs: Vec<_> = map.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("a", "3"), ("b", "2")]);
    }
}
