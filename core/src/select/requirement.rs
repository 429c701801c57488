//! One requirement on one label, and whether it holds.

use core::fmt;
use std_alloc::{format, string::String, sync::Arc, vec::Vec};

use super::{Labels, Operator, is_label_key, is_label_value};
use crate::finding::{Finding, Kind};

/// One requirement on one key.
///
/// ```
/// use svckit::select::{Labels, Operator, Requirement};
///
/// let requirement = Requirement::new("tier", Operator::NotIn, ["db", "cache"]).unwrap();
/// assert_eq!(requirement.to_string(), "tier notin (cache,db)");
/// assert!(requirement.matches(&Labels::default()));
/// assert_eq!(Requirement::new("tier", Operator::In, [] as [&str; 0]).unwrap_err()[0].path, "values");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    key: Arc<str>,
    operator: Operator,
    values: Vec<Arc<str>>,
}

impl Requirement {
    /// A requirement whose key, number of values and values have been looked at; values are sorted, each once.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at `key`, `values`, `values[i]` (not a number) and `values[i][key]` (not a label
    /// value), as Kubernetes names the places.
    pub fn new<V: Into<Arc<str>>>(
        key: impl Into<Arc<str>>,
        operator: Operator,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Self, Vec<Finding>> {
        let key = key.into();
        let values: Vec<Arc<str>> = values.into_iter().map(Into::into).collect();
        let findings = problems(&key, operator, &values);
        if !findings.is_empty() {
            return Err(findings);
        }
        let mut requirement = Self::unchecked(key, operator, values);
        requirement.values.dedup();
        Ok(requirement)
    }

    /// A requirement of parts that somebody has already looked at; the values are sorted, and that is all.
    pub fn unchecked<V: Into<Arc<str>>>(
        key: impl Into<Arc<str>>,
        operator: Operator,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let mut values: Vec<Arc<str>> = values.into_iter().map(Into::into).collect();
        values.sort();
        Self { key: key.into(), operator, values }
    }

    /// The label key.
    #[must_use]
    pub const fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// What must be true of its value.
    #[must_use]
    pub const fn operator(&self) -> Operator {
        self.operator
    }

    /// What the value is held against, sorted.
    #[must_use]
    pub fn values(&self) -> &[Arc<str>] {
        &self.values
    }

    /// Whether this requirement holds for `labels`. Costs O(log labels + values), and allocates nothing.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let listed = |value: &str| self.values.iter().any(|wanted| wanted.as_ref() == value);
        match self.operator {
            Operator::In | Operator::Equals | Operator::DoubleEquals => value.is_some_and(listed),
            Operator::NotIn | Operator::NotEquals => !value.is_some_and(listed),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt => self.bound().zip(number(value)).is_some_and(|(b, n)| n > b),
            Operator::Lt => self.bound().zip(number(value)).is_some_and(|(b, n)| n < b),
            Operator::Never => false,
        }
    }

    /// The number that `Gt` and `Lt` compare with.
    fn bound(&self) -> Option<i64> {
        number(self.values.first().map(AsRef::as_ref))
    }
}

/// A whole number of 64 bits; leading zeros are fine.
fn number(text: Option<&str>) -> Option<i64> {
    text?.parse().ok()
}

/// What keeps these parts from being a requirement.
fn problems(key: &str, operator: Operator, values: &[Arc<str>]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut invalid = |path: String, value: &str, message: &str| {
        found.push(Finding::error(Kind::Invalid, path, value, message));
    };
    if !is_label_key(key) {
        invalid("key".into(), key, "must be a label key");
    }
    let count = match operator {
        Operator::In | Operator::NotIn => {
            values.is_empty().then_some("at least one value must be given for `in` and `notin`")
        }
        Operator::Exists | Operator::DoesNotExist => (!values.is_empty())
            .then_some("no value may be given when only the key's presence is asked for"),
        Operator::Never => Some("this operator can't be asked for"),
        _ => (values.len() != 1).then_some("exactly one value must be given"),
    };
    if let Some(message) = count {
        invalid("values".into(), &values.join(","), message);
    }
    for (i, value) in values.iter().enumerate() {
        if matches!(operator, Operator::Gt | Operator::Lt) && number(Some(value)).is_none() {
            invalid(format!("values[{i}]"), value, "must be a whole number of 64 bits");
        }
        if !is_label_value(value) {
            invalid(format!("values[{i}][{key}]"), value, "must be a label value");
        }
    }
    found
}

/// As a selector's text has it: `x in (a,b)`. Nothing for a requirement that never holds.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.operator {
            Operator::Never => return Ok(()),
            Operator::Exists => return f.write_str(&self.key),
            Operator::DoesNotExist => return write!(f, "!{}", self.key),
            Operator::In => " in ",
            Operator::NotIn => " notin ",
            Operator::Equals => "=",
            Operator::DoubleEquals => "==",
            Operator::NotEquals => "!=",
            Operator::Gt => ">",
            Operator::Lt => "<",
        };
        let values = self.values.join(",");
        match self.operator {
            Operator::In | Operator::NotIn => write!(f, "{}{sign}({values})", self.key),
            _ => write!(f, "{}{sign}{values}", self.key),
        }
    }
}
