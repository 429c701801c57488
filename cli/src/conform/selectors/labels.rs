//! Label maps, and the LabelSelectors of workloads.

use super::{flag, labels_of, map, same, text};
use serde::Deserialize;
use serde_json::Value;
use svckit::{
    admit::syntax,
    api,
    select::{Expression, LabelSelector, Labels, Selector},
};

pub(super) fn printed(case: &Value) -> Result<(), String> {
    same(text(case, "text")?.to_owned(), labels_of(case, "set")?.to_string())
}

pub(super) fn has(case: &Value) -> Result<(), String> {
    same(flag(case, "has")?, labels_of(case, "labels")?.get(text(case, "key")?).is_some())
}

pub(super) fn conflicts(case: &Value) -> Result<(), String> {
    let (a, b) = (labels_of(case, "a")?, labels_of(case, "b")?);
    same(flag(case, "conflict")?, a.conflicts_with(&b))
}

pub(super) fn merge(case: &Value) -> Result<(), String> {
    let (a, b) = (labels_of(case, "a")?, labels_of(case, "b")?);
    same(labels_of(case, "merged")?, a.merged(&b))
}

pub(super) fn parse(case: &Value) -> Result<(), String> {
    let came = text(case, "selector")?.parse::<Labels>();
    same(flag(case, "valid")?, came.is_ok())?;
    match case.get("labels").filter(|labels| labels.is_object()) {
        Some(_) => same(Ok(labels_of(case, "labels")?), came),
        None => Ok(()),
    }
}

/// The LabelSelector of a case; `None` for null.
fn object(case: &Value) -> Result<Option<api::LabelSelector>, String> {
    let value = case.get("labelSelector").ok_or("no labelSelector")?;
    Option::deserialize(value).map_err(|error| error.to_string())
}

fn written(object: &api::LabelSelector) -> LabelSelector<'_> {
    LabelSelector {
        match_labels: object.match_labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect(),
        match_expressions: object.match_expressions.iter().map(expression).collect(),
    }
}

fn expression(given: &api::LabelSelectorRequirement) -> Expression<'_> {
    let api::LabelSelectorRequirement { key, operator, values } = given;
    Expression { key, operator, values: values.iter().map(String::as_str).collect() }
}

pub(super) fn selector_of(case: &Value) -> Result<(), String> {
    let object = object(case)?;
    let came = Selector::from_label_selector(object.as_ref().map(written).as_ref());
    same(flag(case, "valid")?, came.is_ok())?;
    let Ok(came) = came else { return Ok(()) };
    if case.get("canonical").is_some() {
        same(text(case, "canonical")?.to_owned(), came.to_string())?;
    }
    let everything = came.requirements().is_empty();
    match case.get("selects").and_then(Value::as_str) {
        None => Ok(()),
        Some("nothing") => same(true, came.matches_nothing()),
        Some("everything") => same(true, everything),
        Some(other) => Err(format!("no such selection: {other}")),
    }
}

/// The map as far as it goes; none at all for null.
pub(super) fn map_of(case: &Value) -> Result<(), String> {
    let object = object(case)?;
    let came = object.as_ref().map_or_else(|| Ok(Labels::default()), |o| written(o).as_map());
    same(flag(case, "valid")?, came.is_ok())?;
    match case.get("map").filter(|map| map.is_object()) {
        Some(_) => same(labels_of(case, "map")?, came.unwrap_or_else(|error| error.so_far)),
        None => Ok(()),
    }
}

pub(super) fn selector_findings(case: &Value) -> Result<(), String> {
    let findings = object(case)?.as_ref().map(|o| written(o).findings()).unwrap_or_default();
    same(case.get("errors").and_then(Value::as_u64), Some(findings.len() as u64))
}

/// How much is wrong with a map of labels, and whether with its keys or its values.
pub(super) fn findings(case: &Value) -> Result<(), String> {
    let (mut keys, mut values) = (0, 0);
    for (key, value) in map(case, "labels")? {
        keys += syntax::qualified_name(key).len();
        values += syntax::label_value(value.as_str().ok_or("a label's value is a text")?).len();
    }
    same(case.get("errors").and_then(Value::as_u64), Some((keys + values) as u64))?;
    match case.get("culprit").and_then(Value::as_str) {
        Some("key") => same((true, 0), (keys > 0, values)),
        Some("value") => same((0, true), (keys, values > 0)),
        None => Ok(()),
        Some(other) => Err(format!("no such culprit: {other}")),
    }
}
