//! Requirements on labels, and whether they hold.

use std_alloc::{sync::Arc, vec::Vec};

use super::Labels;

/// Requirements that must all hold; without any it matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector(Vec<Requirement>);

/// One requirement on one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    /// The label key.
    pub key: Arc<str>,
    /// What must be true of its value.
    pub operator: Operator,
}

/// What must be true of a label's value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// One of these, which are sorted and unique; also `=` and `==` with one.
    In(Vec<Arc<str>>),
    /// None of these; holds when the key is missing.
    NotIn(Vec<Arc<str>>),
    /// The key is there.
    Exists,
    /// The key is not there.
    DoesNotExist,
    /// Both are whole numbers, and the label's is greater.
    Gt(i64),
    /// Both are whole numbers, and the label's is less.
    Lt(i64),
}

impl Selector {
    /// A selector of these requirements, sorted by key.
    #[must_use]
    pub fn new(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Self(requirements)
    }

    /// Each pair must be there: the selector of a Service.
    pub fn from_pairs<K: Into<Arc<str>>, V: Into<Arc<str>>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let equals = |(key, value): (K, V)| Requirement {
            key: key.into(),
            operator: Operator::In(Vec::from([value.into()])),
        };
        Self::new(pairs.into_iter().map(equals).collect())
    }

    /// Whether all requirements hold for `labels`.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels))
    }

    /// The requirements, sorted by key.
    #[must_use]
    pub fn requirements(&self) -> &[Requirement] {
        &self.0
    }
}

impl Requirement {
    /// Whether this requirement holds for `labels`.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let is_one_of =
            |values: &[Arc<str>], value: &str| values.iter().any(|wanted| wanted.as_ref() == value);
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| is_one_of(values, value)),
            Operator::NotIn(values) => !value.is_some_and(|value| is_one_of(values, value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt(bound) => number(value).is_some_and(|number| number > *bound),
            Operator::Lt(bound) => number(value).is_some_and(|number| number < *bound),
        }
    }
}

/// A label's value as a number.
fn number(value: Option<&str>) -> Option<i64> {
    value?.parse().ok()
}
