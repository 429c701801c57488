//! Questions about selectors and labels.

use super::{errors, read};
use crate::svckit_status;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use svckit::{
    admit::syntax,
    finding::{Finding, Kind},
    select::{
        Expression, LabelSelector, Labels, Operator, Requirement, Selector, TokenKind, Tokens,
    },
};

type Map = BTreeMap<String, String>;

/// A requirement as it is written.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    key: String,
    operator: String,
    #[serde(default)]
    values: Vec<String>,
}

/// All operators that can be asked for; the empty name is that of the one that never holds.
const OPERATORS: [Operator; 10] = [
    Operator::In,
    Operator::Equals,
    Operator::DoubleEquals,
    Operator::NotIn,
    Operator::NotEquals,
    Operator::Exists,
    Operator::DoesNotExist,
    Operator::Gt,
    Operator::Lt,
    Operator::Never,
];

fn operator(name: &str) -> Option<Operator> {
    let name = if name.is_empty() { "Never" } else { name };
    OPERATORS.into_iter().find(|operator| operator.name() == name)
}

impl Written {
    /// The requirement without a look at its parts.
    fn unchecked(&self) -> Result<Requirement, svckit_status> {
        let operator = operator(&self.operator).ok_or(svckit_status::InvalidArgument)?;
        Ok(Requirement::unchecked(
            self.key.as_str(),
            operator,
            self.values.iter().map(String::as_str).collect::<Vec<_>>(),
        ))
    }

    /// The requirement, or what is wrong with it.
    fn checked(&self) -> Result<Requirement, Vec<Finding>> {
        let values = self.values.iter().map(String::as_str).collect::<Vec<_>>();
        match operator(&self.operator).filter(|operator| *operator != Operator::Never) {
            Some(operator) => Requirement::new(self.key.as_str(), operator, values),
            None => Err(vec![Finding::error(
                Kind::NotSupported,
                "operator",
                self.operator.as_str(),
                "is none of the operators",
            )]),
        }
    }
}

fn unchecked(list: &[Written]) -> Result<Vec<Requirement>, svckit_status> {
    list.iter().map(Written::unchecked).collect()
}

/// A requirement as JSON.
fn shown(requirement: &Requirement) -> Value {
    let values: Vec<&str> = requirement.values().iter().map(AsRef::as_ref).collect();
    json!({ "key": &**requirement.key(), "operator": requirement.operator().name(), "values": values })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    selector: Option<String>,
    #[serde(default, deserialize_with = "given")]
    label_selector: Option<Option<WrittenSelector>>,
    set: Option<Map>,
    requirements: Option<Vec<Written>>,
    #[serde(default)]
    add: Vec<Written>,
    labels: Option<Map>,
    exact: Option<String>,
    #[serde(default)]
    compat: bool,
    #[serde(default)]
    checked: bool,
}

/// Tells null from what isn't there.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    input: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(input).map(Some)
}

/// A LabelSelector as it is written.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct WrittenSelector {
    match_labels: Map,
    match_expressions: Vec<Written>,
}

impl WrittenSelector {
    fn read(&self) -> LabelSelector<'_> {
        let expressions = self.match_expressions.iter().map(|written| Expression {
            key: &written.key,
            operator: &written.operator,
            values: written.values.iter().map(String::as_str).collect(),
        });
        LabelSelector {
            match_labels: self.match_labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect(),
            match_expressions: expressions.collect(),
        }
    }
}

impl Asked {
    /// The selector that is asked about, or what is wrong with it.
    fn read(&self) -> Result<Result<Selector, Vec<Finding>>, svckit_status> {
        let forms = [
            self.selector.is_some(),
            self.label_selector.is_some(),
            self.set.is_some(),
            self.requirements.is_some(),
        ];
        if forms.iter().filter(|form| **form).count() != 1 {
            return Err(svckit_status::InvalidArgument);
        }
        if let Some(text) = &self.selector {
            let read = if self.compat { Selector::parse_compat(text) } else { text.parse() };
            return Ok(read.map_err(|error| {
                vec![Finding::error(Kind::Invalid, "", text.as_str(), error.to_string())]
            }));
        }
        if let Some(written) = &self.label_selector {
            let read = written.as_ref().map(WrittenSelector::read);
            return Ok(Selector::from_label_selector(read.as_ref()));
        }
        if let Some(requirements) = &self.requirements {
            return Ok(Ok(Selector::new(unchecked(requirements)?)));
        }
        let set = self.set.iter().flatten();
        if !self.checked {
            return Ok(Ok(Selector::from_pairs(set.map(|(k, v)| (k.as_str(), v.as_str())))));
        }
        let (mut good, mut wrong) = (Vec::new(), Vec::new());
        for (key, value) in set {
            match Requirement::new(key.as_str(), Operator::Equals, [value.as_str()]) {
                Ok(requirement) => good.push(requirement),
                Err(findings) => wrong.extend(findings),
            }
        }
        Ok(if wrong.is_empty() { Ok(Selector::new(good)) } else { Err(wrong) })
    }
}

/// What a selector asks for.
pub(super) fn selector(input: &[u8]) -> Result<Value, svckit_status> {
    let asked: Asked = read(input)?;
    let selector = match asked.read()? {
        Ok(selector) => selector,
        Err(findings) => return Ok(json!({ "errors": errors(&findings) })),
    };
    let selector = unchecked(&asked.add)?.into_iter().fold(selector, Selector::with);
    let labels: Option<Labels> = asked.labels.map(|labels| labels.into_iter().collect());
    Ok(json!({
        "errors": [],
        "text": selector.to_string(),
        "requirements": selector.requirements().iter().map(shown).collect::<Vec<_>>(),
        "nothing": selector.matches_nothing(),
        "everything": selector.requirements().is_empty(),
        "matches": labels.map(|labels| selector.matches(&labels)),
        "exact": asked.exact.and_then(|key| selector.exact_match(&key).map(str::to_owned)),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

/// The tokens of a selector's text, as the reference reads them.
pub(super) fn tokens(input: &[u8]) -> Result<Value, svckit_status> {
    let Text { text } = read(input)?;
    let token =
        |token: svckit::select::Token<'_>| json!({ "kind": name(token.kind), "text": token.text });
    Ok(json!({
        "tokens": Tokens::compat(&text).map(token).collect::<Vec<_>>(),
        "operator": Operator::parse(&text).is_some(),
    }))
}

const fn name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Identifier => "Identifier",
        TokenKind::In => "In",
        TokenKind::NotIn => "NotIn",
        TokenKind::Comma => "Comma",
        TokenKind::OpenPar => "OpenPar",
        TokenKind::ClosedPar => "ClosedPar",
        TokenKind::Equals => "Equals",
        TokenKind::DoubleEquals => "DoubleEquals",
        TokenKind::NotEquals => "NotEquals",
        TokenKind::GreaterThan => "GreaterThan",
        TokenKind::LessThan => "LessThan",
        TokenKind::DoesNotExist => "DoesNotExist",
        TokenKind::Nul => "Nul",
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    key: String,
    operator: String,
    #[serde(default)]
    values: Vec<String>,
    with: Option<Written>,
}

/// One requirement: what is wrong with it, how it prints, and whether it is another one.
pub(super) fn requirement(input: &[u8]) -> Result<Value, svckit_status> {
    let One { key, operator, values, with } = read(input)?;
    let written = Written { key, operator, values };
    let checked = written.checked();
    let findings = checked.as_ref().err().map(Vec::as_slice).unwrap_or_default();
    let mut answer = serde_json::Map::new();
    answer.insert("errors".into(), errors(findings));
    // An operator that is none has nothing to print.
    if let Ok(unchecked) = written.unchecked() {
        let values: Vec<&str> = unchecked.values().iter().map(AsRef::as_ref).collect();
        answer.insert("text".into(), unchecked.to_string().into());
        answer.insert("values".into(), values.into());
        if let Some(with) = with {
            answer.insert("equal".into(), (unchecked == with.unchecked()?).into());
        }
    }
    Ok(answer.into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Two {
    labels: Map,
    other: Option<Map>,
}

/// Labels, perhaps beside others.
pub(super) fn labels(input: &[u8]) -> Result<Value, svckit_status> {
    let Two { labels, other } = read(input)?;
    let (mut keys, mut values) = (0, 0);
    for (key, value) in &labels {
        keys += syntax::qualified_name(key).len();
        values += syntax::label_value(value).len();
    }
    let labels: Labels = labels.into_iter().collect();
    let other: Option<Labels> = other.map(|other| other.into_iter().collect());
    Ok(json!({
        "text": labels.to_string(),
        "errors": { "keys": keys, "values": values },
        "conflicts": other.as_ref().map(|other| labels.conflicts_with(other)),
        "merged": other.as_ref().map(|other| map(&labels.merged(other))),
    }))
}

fn map(labels: &Labels) -> Value {
    Value::Object(labels.iter().map(|(key, value)| (key.to_owned(), value.into())).collect())
}

/// Labels written as a text.
pub(super) fn parse(input: &[u8]) -> Result<Value, svckit_status> {
    let Text { text } = read(input)?;
    let labels = text.parse::<Labels>();
    Ok(json!({ "labels": labels.ok().as_ref().map(map) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wrapped {
    #[serde(deserialize_with = "given")]
    label_selector: Option<Option<WrittenSelector>>,
}

/// A LabelSelector as a map, and what is wrong with it.
pub(super) fn label_selector(input: &[u8]) -> Result<Value, svckit_status> {
    let Wrapped { label_selector } = read(input)?;
    let written = label_selector.flatten();
    let read = written.as_ref().map(WrittenSelector::read);
    let made = read.as_ref().map_or_else(|| Ok(Labels::default()), LabelSelector::as_map);
    let findings = read.as_ref().map(LabelSelector::findings).unwrap_or_default();
    let valid = made.is_ok();
    let labels = made.unwrap_or_else(|error| error.so_far);
    Ok(json!({ "map": map(&labels), "valid": valid, "errors": errors(&findings) }))
}
