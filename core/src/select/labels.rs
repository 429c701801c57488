//! Labels of one object.

use core::{cmp::Ordering, fmt, str::FromStr};
use std_alloc::{string::String, sync::Arc, vec::Vec};

/// A label: key and value.
type Pair = (Arc<str>, Arc<str>);

/// Labels of one object: sorted by key, each key once; cheap to clone.
///
/// ```
/// use svckit::select::Labels;
///
/// let labels: Labels = "tier=front, app=web".parse()?;
/// assert_eq!(labels.get("app"), Some("web"));
/// assert_eq!(labels.to_string(), "app=web,tier=front");
/// # Ok::<(), svckit::select::BadLabels>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Arc<[Pair]>);

/// Why a text is not a list of labels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part:?} is not a label key, one '=' and a label value")]
pub struct BadLabels {
    /// The part between commas that isn't a label.
    pub part: String,
}

impl Labels {
    /// The value under `key`. Costs O(log n).
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.binary_search_by(|(name, _)| name.as_ref().cmp(key)).ok()?;
        self.0.get(found).map(|(_, value)| value.as_ref())
    }

    /// Whether these are equal because they are held once. Costs one comparison.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// All pairs, sorted by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value.as_ref()))
    }

    /// All pairs, sorted by key, ready to be kept.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = &(Arc<str>, Arc<str>)> {
        self.0.iter()
    }

    /// Whether some key has one value here and another one there. Costs O(n + m).
    #[must_use]
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let (mut here, mut there) = (self.iter().peekable(), other.iter().peekable());
        while let (Some(a), Some(b)) = (here.peek(), there.peek()) {
            match a.0.cmp(b.0) {
                Ordering::Equal if a.1 != b.1 => return true,
                Ordering::Greater => drop(there.next()),
                Ordering::Equal | Ordering::Less => drop(here.next()),
            }
        }
        false
    }

    /// Both together; where both have a key, `other` decides.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        self.pairs().chain(other.pairs()).cloned().collect()
    }
}

impl<K: Into<Arc<str>>, V: Into<Arc<str>>> FromIterator<(K, V)> for Labels {
    /// Of a key that comes twice, the last value counts.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut pairs: Vec<Pair> =
            pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        pairs.reverse();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, first| later.0 == first.0);
        Self(pairs.into())
    }
}

/// `k=v,k=v` with blanks around the parts; the empty text has no labels, and of a key that comes twice the last counts.
impl FromStr for Labels {
    type Err = BadLabels;

    fn from_str(text: &str) -> Result<Self, BadLabels> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let pair = |part: &str| {
            let (key, value) = part.split_once('=')?;
            let (key, value) = (key.trim(), value.trim());
            (is_label_key(key) && is_label_value(value)).then(|| (key.into(), value.into()))
        };
        let pairs: Result<Vec<Pair>, BadLabels> = text
            .split(',')
            .map(|part| pair(part).ok_or_else(|| BadLabels { part: part.into() }))
            .collect();
        Ok(pairs?.into_iter().collect())
    }
}

/// `app=web,tier=front`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (key, value)) in self.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{key}={value}")?;
        }
        Ok(())
    }
}

/// Whether a text can be a label's key: a name of up to 63 bytes, before it perhaps a subdomain of up to 253 and `/`.
#[must_use]
pub fn is_label_key(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(p, n)| (Some(p), n));
    let prefixed = |prefix: &str| prefix.len() <= 253 && is_subdomain(prefix);
    !name.is_empty() && is_label_value(name) && prefix.is_none_or(prefixed)
}

/// Whether a text can be a label's value: empty, or up to 63 of `A-Za-z0-9-_.` with a letter or digit at both ends.
#[must_use]
pub fn is_label_value(text: &str) -> bool {
    text.len() <= 63 && (text.is_empty() || is_name_part(text))
}

/// `A-Za-z0-9-_.` with a letter or digit at both ends, of any length but none.
pub(crate) fn is_name_part(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    has_ends(text) && text.bytes().all(inner)
}

/// RFC 1123 labels joined by dots, of any length: Kubernetes doesn't look at that of single labels.
pub(crate) fn is_subdomain(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    text.split('.').all(|part| has_ends(part) && part.bytes().all(inner))
}

/// Whether the first and the last character are letters or digits.
fn has_ends(text: &str) -> bool {
    let is_end = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    is_end(text.bytes().next()) && is_end(text.bytes().next_back())
}
