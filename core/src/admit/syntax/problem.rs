//! What can be wrong with a text.

/// One thing that is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text is longer than its format allows, in bytes.
    #[error("must be no more than {0} bytes")]
    TooLong(usize),
    /// The same for the part before the slash.
    #[error("the part before the slash must be no more than {0} bytes")]
    PrefixTooLong(usize),
    /// The same for the part after the slash.
    #[error("the name part must be no more than {0} bytes")]
    NamePartTooLong(usize),
    /// The text breaks the rule that is told.
    #[error("{0}")]
    Shape(&'static str),
}

/// What is wrong with one text, at most five things; empty when it is right.
///
/// ```
/// use svckit::admit::syntax::{Problem, rfc1123_label};
///
/// assert!(rfc1123_label("cart").is_empty());
/// let problems = rfc1123_label("shop.cart");
/// assert_eq!(problems.into_iter().next().unwrap().to_string(), "must not contain dots");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Problems([Option<Problem>; 5]);

impl Problems {
    /// Whether the text is right.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// How many things are wrong.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// Adds a problem when `wrong`.
    pub(super) fn when(mut self, wrong: bool, problem: Problem) -> Self {
        if wrong && let Some(free) = self.0.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(problem);
        }
        self
    }

    /// Adds the problem when `text` does not have the shape.
    pub(in crate::admit) fn unless(self, right: bool, shape: &'static str) -> Self {
        self.when(!right, Problem::Shape(shape))
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = core::iter::Flatten<core::array::IntoIter<Option<Problem>, 5>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}
