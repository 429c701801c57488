//! Requirements that must all hold.

use core::fmt;
use std_alloc::{sync::Arc, vec::Vec};

use super::{Labels, Operator, Requirement};

/// Requirements that must all hold; without any it matches everything.
///
/// ```
/// use svckit::select::{Labels, Selector};
///
/// let selector: Selector = "app=web, tier notin (db)".parse()?;
/// assert!(selector.matches(&[("app", "web")].into_iter().collect::<Labels>()));
/// assert_eq!(selector.to_string(), "app=web,tier notin (db)");
/// # Ok::<(), svckit::select::SelectorError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector(Vec<Requirement>);

impl Selector {
    /// A selector of these requirements, sorted by key; those on one key stay in their order.
    #[must_use]
    pub fn new(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a, b| a.key().cmp(b.key()));
        Self(requirements)
    }

    /// Matches no object at all: what an absent LabelSelector means.
    ///
    /// It has no text of its own: printed, it is empty, as in Kubernetes, and read again it would match everything.
    #[must_use]
    pub fn nothing() -> Self {
        Self(Vec::from([Requirement::unchecked("", Operator::Never, [] as [&str; 0])]))
    }

    /// Each pair must be there: the selector of a Service.
    pub fn from_pairs<K: Into<Arc<str>>, V: Into<Arc<str>>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let equals = |(key, value): (K, V)| Requirement::unchecked(key, Operator::Equals, [value]);
        Self::new(pairs.into_iter().map(equals).collect())
    }

    /// The same and one requirement more.
    #[must_use]
    pub fn with(self, requirement: Requirement) -> Self {
        let mut requirements = self.0;
        requirements.push(requirement);
        Self::new(requirements)
    }

    /// Whether all requirements hold for `labels`.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels))
    }

    /// Whether it is known to match nothing: [`Selector::nothing`]. Contradictions such as `a,!a` are not looked for.
    #[must_use]
    pub fn matches_nothing(&self) -> bool {
        self.0.iter().any(|requirement| requirement.operator() == Operator::Never)
    }

    /// The one value that `key` must have, if the first requirement on it leaves just one.
    #[must_use]
    pub fn exact_match(&self, key: &str) -> Option<&str> {
        let first = self.0.iter().find(|requirement| requirement.key().as_ref() == key)?;
        match (first.operator(), first.values()) {
            (Operator::In | Operator::Equals | Operator::DoubleEquals, [value]) => Some(value),
            _ => None,
        }
    }

    /// The requirements, sorted by key.
    #[must_use]
    pub fn requirements(&self) -> &[Requirement] {
        &self.0
    }
}

/// The requirements, joined by commas; reads back as the same selector.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, requirement) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}
