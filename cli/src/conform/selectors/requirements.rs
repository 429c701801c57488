//! Requirements made by hand: what is refused, what holds, how they print.

use super::{
    flag, labels_of, list, operator_of, requirement_of, requirements_of, same, set_of, text,
    texts_of,
};
use serde_json::Value;
use svckit::{
    finding::{Finding, Kind},
    select::{Operator, Requirement, Selector},
};

pub(super) fn match_set(case: &Value) -> Result<(), String> {
    same(flag(case, "match")?, set_of(case, "set")?.matches(&labels_of(case, "labels")?))
}

pub(super) fn matches(case: &Value) -> Result<(), String> {
    let selector = Selector::new(requirements_of(case, "requirements")?);
    same(flag(case, "match")?, selector.matches(&labels_of(case, "labels")?))
}

/// What `Requirement::new` says; an operator that isn't one never gets that far.
pub(super) fn constructor(case: &Value) -> Result<(), String> {
    let operator = text(case, "operator")?;
    let made = match operator_of(operator).filter(|operator| *operator != Operator::Never) {
        Some(operator) => Requirement::new(text(case, "key")?, operator, texts_of(case, "values")?),
        None => Err(vec![Finding::error(Kind::NotSupported, "operator", operator, "")]),
    };
    refused(case, made.as_ref().err().map(Vec::as_slice).unwrap_or_default())
}

/// A map whose pairs are looked at.
pub(super) fn validated_set(case: &Value) -> Result<(), String> {
    let (mut good, mut findings) = (Vec::new(), Vec::new());
    for (key, value) in labels_of(case, "set")?.iter() {
        match Requirement::new(key, Operator::Equals, [value]) {
            Ok(requirement) => good.push(requirement),
            Err(wrong) => findings.extend(wrong),
        }
    }
    refused(case, &findings)?;
    if case.get("requirements").is_some() {
        same(requirements_of(case, "requirements")?, good.clone())?;
    }
    for key in ["canonical", "text"] {
        if case.get(key).is_some() {
            same(text(case, key)?.to_owned(), Selector::new(good.clone()).to_string())?;
        }
    }
    Ok(())
}

/// Compares findings with `valid` and with `errors`: their kinds and places, or how many there are.
fn refused(case: &Value, findings: &[Finding]) -> Result<(), String> {
    if case.get("valid").is_some() {
        same(flag(case, "valid")?, findings.is_empty())?;
    }
    let mut came: Vec<(&str, &str)> =
        findings.iter().map(|finding| (finding.kind.as_str(), finding.path.as_str())).collect();
    came.sort_unstable();
    match case.get("errors") {
        None => Ok(()),
        Some(Value::Number(count)) => same(count.as_u64(), Some(came.len() as u64)),
        Some(_) => {
            let error = |error| Ok((text(error, "type")?, text(error, "field")?));
            let wanted: Result<Vec<_>, String> = list(case, "errors")?.iter().map(error).collect();
            let mut wanted = wanted?;
            wanted.sort_unstable();
            same(wanted, came)
        }
    }
}

pub(super) fn printed(case: &Value) -> Result<(), String> {
    let requirements = requirements_of(case, "requirements")?;
    // The order is the case's own: what is printed was put together by hand.
    let texts: Vec<String> = requirements.iter().map(ToString::to_string).collect();
    same(text(case, "text")?.to_owned(), texts.join(","))
}

pub(super) fn add(case: &Value) -> Result<(), String> {
    let start = Selector::new(requirements_of(case, "start")?);
    let added = case.get("add").ok_or("no requirement to add")?;
    let added = match added.as_array() {
        Some(several) => several.iter().map(requirement_of).collect::<Result<Vec<_>, _>>()?,
        None => vec![requirement_of(added)?],
    };
    let came = added.into_iter().fold(start, Selector::with);
    same(requirements_of(case, "result")?, came.requirements().to_vec())
}

pub(super) fn sorted_values(case: &Value) -> Result<(), String> {
    let requirement = Requirement::unchecked("key", Operator::In, texts_of(case, "in")?);
    let came: Vec<&str> = requirement.values().iter().map(AsRef::as_ref).collect();
    same(texts_of(case, "out")?, came)
}

pub(super) fn set_printed(case: &Value) -> Result<(), String> {
    same(text(case, "text")?.to_owned(), set_of(case, "set")?.to_string())
}

pub(super) fn exact_match(case: &Value) -> Result<(), String> {
    let selector = Selector::new(requirements_of(case, "requirements")?);
    let came = selector.exact_match(text(case, "label")?);
    same(flag(case, "found")?, came.is_some())?;
    if case.get("value").is_some() {
        same(text(case, "value")?, came.unwrap_or_default())?;
    }
    Ok(())
}

pub(super) fn equal(case: &Value) -> Result<(), String> {
    let side = |key: &str| requirement_of(case.get(key).ok_or_else(|| format!("no {key}"))?);
    same(flag(case, "equal")?, side("x")? == side("y")?)
}
