//! The selector of a Deployment: a map and a list of expressions.

use std_alloc::{format, string::String, sync::Arc, vec::Vec};

use super::{Labels, Operator, Requirement, Selector, is_label_key, is_label_value};
use crate::finding::{Finding, Kind};

/// `matchLabels` and `matchExpressions`, as they are written; all of it must hold.
///
/// ```
/// use svckit::select::{Expression, LabelSelector, Selector};
///
/// let expression = Expression { key: "tier", operator: "In", values: vec!["web", "api"] };
/// let written = LabelSelector { match_labels: vec![("app", "shop")], match_expressions: vec![expression] };
/// let selector = Selector::from_label_selector(Some(&written)).unwrap();
/// assert_eq!(selector.to_string(), "app=shop,tier in (api,web)");
/// assert!(Selector::from_label_selector(None).unwrap().matches_nothing());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector<'a> {
    /// Keys and the values they must have.
    pub match_labels: Vec<(&'a str, &'a str)>,
    /// Further requirements.
    pub match_expressions: Vec<Expression<'a>>,
}

/// One of `matchExpressions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression<'a> {
    /// The label key.
    pub key: &'a str,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: &'a str,
    /// For `In` and `NotIn`.
    pub values: Vec<&'a str>,
}

/// An expression can't be said as a map: it is not `In` with one value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the expression on {key:?} can't be written as a label and its value")]
pub struct NotAMap {
    /// The key of the first such expression.
    pub key: String,
    /// What stood before it.
    pub so_far: Labels,
}

impl Selector {
    /// What a LabelSelector asks for. None at all matches nothing; an empty one matches everything.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the requirements.
    pub fn from_label_selector(written: Option<&LabelSelector<'_>>) -> Result<Self, Vec<Finding>> {
        let Some(written) = written else { return Ok(Self::nothing()) };
        let pairs = written.match_labels.iter();
        let pairs = pairs.map(|(key, value)| Requirement::new(*key, Operator::Equals, [*value]));
        let expressions = written.match_expressions.iter().map(Expression::requirement);
        let (mut good, mut findings) = (Vec::new(), Vec::new());
        for requirement in pairs.chain(expressions) {
            match requirement {
                Ok(requirement) => good.push(requirement),
                Err(wrong) => findings.extend(wrong),
            }
        }
        if findings.is_empty() { Ok(Self::new(good)) } else { Err(findings) }
    }
}

impl LabelSelector<'_> {
    /// The labels that match and no others do: the selector that a Service can have.
    ///
    /// # Errors
    ///
    /// The first expression that a map can't say.
    pub fn as_map(&self) -> Result<Labels, NotAMap> {
        let mut pairs: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        pairs.extend(self.match_labels.iter().map(|(key, value)| ((*key).into(), (*value).into())));
        for expression in &self.match_expressions {
            match (expression.operator, expression.values.as_slice()) {
                ("In", [value]) => pairs.push((expression.key.into(), (*value).into())),
                _ => {
                    let so_far = pairs.into_iter().collect();
                    return Err(NotAMap { key: expression.key.into(), so_far });
                }
            }
        }
        Ok(pairs.into_iter().collect())
    }

    /// Everything that an API server would refuse about it, with paths below the selector.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for (key, value) in &self.match_labels {
            found.extend(bad_key("matchLabels".into(), key));
            found.extend(bad_value("matchLabels".into(), value));
        }
        for (i, expression) in self.match_expressions.iter().enumerate() {
            expression.findings(&format!("matchExpressions[{i}]"), &mut found);
        }
        found
    }
}

impl Expression<'_> {
    fn requirement(&self) -> Result<Requirement, Vec<Finding>> {
        let operator = Operator::parse_expression(self.operator).ok_or_else(|| {
            let message = "must be In, NotIn, Exists or DoesNotExist";
            Vec::from([Finding::error(Kind::NotSupported, "operator", self.operator, message)])
        })?;
        Requirement::new(self.key, operator, self.values.iter().copied())
    }

    fn findings(&self, path: &str, found: &mut Vec<Finding>) {
        let operator = Operator::parse_expression(self.operator);
        match operator {
            Some(Operator::In | Operator::NotIn) if self.values.is_empty() => {
                let message = "must be given when the operator is In or NotIn";
                found.push(Finding::error(Kind::Required, format!("{path}.values"), "", message));
            }
            Some(Operator::Exists | Operator::DoesNotExist) if !self.values.is_empty() => {
                let message = "may not be given when the operator is Exists or DoesNotExist";
                found.push(Finding::error(Kind::Forbidden, format!("{path}.values"), "", message));
            }
            Some(_) => {}
            None => {
                let message = "must be In, NotIn, Exists or DoesNotExist";
                let path = format!("{path}.operator");
                found.push(Finding::error(Kind::Invalid, path, self.operator, message));
            }
        }
        found.extend(bad_key(format!("{path}.key"), self.key));
        for (i, value) in self.values.iter().enumerate() {
            found.extend(bad_value(format!("{path}.values[{i}]"), value));
        }
    }
}

fn bad_key(path: String, key: &str) -> Option<Finding> {
    let finding = || Finding::error(Kind::Invalid, path, key, "must be a label key");
    (!is_label_key(key)).then(finding)
}

fn bad_value(path: String, value: &str) -> Option<Finding> {
    let finding = || Finding::error(Kind::Invalid, path, value, "must be a label value");
    (!is_label_value(value)).then(finding)
}
