//! What may be asked of a label's value.

/// What must be true of a label's value.
///
/// `Equals` and `DoubleEquals` ask the same as `In` with one value, `NotEquals` the same as `NotIn` with one; they
/// are kept apart because they are printed as they were written.
///
/// ```
/// use svckit::select::Operator;
///
/// assert_eq!(Operator::parse("notin"), Some(Operator::NotIn));
/// assert_eq!(Operator::parse("exists"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `in (a,b)`: one of the values.
    In,
    /// `=`: the one value.
    Equals,
    /// `==`: the one value.
    DoubleEquals,
    /// `notin (a,b)`: none of the values; holds when the key is missing.
    NotIn,
    /// `!=`: not the one value; holds when the key is missing.
    NotEquals,
    /// The key is there.
    Exists,
    /// `!`: the key is not there.
    DoesNotExist,
    /// `>`: both are whole numbers of 64 bits, and the label's is greater.
    Gt,
    /// `<`: both are whole numbers of 64 bits, and the label's is less.
    Lt,
    /// Never holds: the one requirement of [`crate::select::Selector::nothing`]. It has no text.
    Never,
}

impl Operator {
    /// Reads what stands between key and value in a selector's text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "in" => Self::In,
            "=" => Self::Equals,
            "==" => Self::DoubleEquals,
            "notin" => Self::NotIn,
            "!=" => Self::NotEquals,
            ">" => Self::Gt,
            "<" => Self::Lt,
            _ => return None,
        })
    }

    /// Reads the `operator` of a LabelSelector's expression.
    #[must_use]
    pub fn parse_expression(text: &str) -> Option<Self> {
        [Self::In, Self::NotIn, Self::Exists, Self::DoesNotExist]
            .into_iter()
            .find(|operator| operator.name() == text)
    }

    /// Its name: `NotEquals`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::In => "In",
            Self::Equals => "Equals",
            Self::DoubleEquals => "DoubleEquals",
            Self::NotIn => "NotIn",
            Self::NotEquals => "NotEquals",
            Self::Exists => "Exists",
            Self::DoesNotExist => "DoesNotExist",
            Self::Gt => "Gt",
            Self::Lt => "Lt",
            Self::Never => "Never",
        }
    }
}
