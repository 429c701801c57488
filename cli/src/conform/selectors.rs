//! `selectors`: texts, matching, requirements, label maps and LabelSelectors.
//!
//! The expectations are the reference's, NUL bytes included, so texts go through `Selector::parse_compat`.

mod labels;
mod requirements;
mod texts;

use super::Case;
use serde_json::{Map, Value};
use svckit::select::{Labels, Operator, Requirement, Selector};

/// Runs one case of a section: `Ok(None)` when all is as expected, else what differs.
type Check = fn(&Value) -> Result<(), String>;

/// The sections there are.
const SECTIONS: &[(&str, Check)] = &[
    ("parse", texts::parse),
    ("ownParse", texts::parse),
    ("match", texts::matches),
    ("ownMatch", texts::matches),
    ("lexToken", texts::first_token),
    ("lexSequence", texts::token_kinds),
    ("parseOperator", texts::operator),
    ("matchesNothing", texts::matches_nothing),
    ("matchSet", requirements::match_set),
    ("matchRequirements", requirements::matches),
    ("requirement", requirements::constructor),
    ("toString", requirements::printed),
    ("add", requirements::add),
    ("safeSort", requirements::sorted_values),
    ("setSelectorString", requirements::set_printed),
    ("requiresExactMatch", requirements::exact_match),
    ("validatedSet", requirements::validated_set),
    ("requirementEqual", requirements::equal),
    ("labelSetString", labels::printed),
    ("labelHas", labels::has),
    ("labelConflicts", labels::conflicts),
    ("labelMerge", labels::merge),
    ("convertSelectorToLabelsMap", labels::parse),
    ("labelSelectorAsSelector", labels::selector_of),
    ("labelSelectorAsMap", labels::map_of),
    ("labelSelectorValidation", labels::selector_findings),
    ("labelsValidation", labels::findings),
];

/// Runs every section of the document; a list that is none of them is a failed case.
pub(crate) fn run(document: &Value) -> Vec<Case> {
    let lists = document.as_object().into_iter().flatten();
    let lists = lists.filter_map(|(name, value)| Some((name, value.as_array()?)));
    let mut cases = Vec::new();
    for (section, list) in lists {
        let check = SECTIONS.iter().find(|(name, _)| name == section).map(|(_, check)| check);
        for (i, case) in list.iter().enumerate() {
            let outcome = match check {
                Some(check) => check(case),
                None => Err("no such section".into()),
            };
            cases.push(Case { id: format!("{section}[{i}]"), outcome });
        }
    }
    cases
}

/// Compares; the case fails with both sides.
fn same<T: PartialEq + std::fmt::Debug>(expected: T, came: T) -> Result<(), String> {
    Case::equal("", &expected, &came).outcome
}

fn text<'a>(case: &'a Value, key: &str) -> Result<&'a str, String> {
    case.get(key).and_then(Value::as_str).ok_or_else(|| format!("no text {key}"))
}

fn flag(case: &Value, key: &str) -> Result<bool, String> {
    case.get(key).and_then(Value::as_bool).ok_or_else(|| format!("no flag {key}"))
}

fn list<'a>(case: &'a Value, key: &str) -> Result<&'a [Value], String> {
    case.get(key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .ok_or_else(|| format!("no list {key}"))
}

fn texts_of<'a>(case: &'a Value, key: &str) -> Result<Vec<&'a str>, String> {
    let text = |value: &'a Value| value.as_str().ok_or_else(|| format!("{key} has a non-text"));
    list(case, key)?.iter().map(text).collect()
}

fn map<'a>(case: &'a Value, key: &str) -> Result<&'a Map<String, Value>, String> {
    case.get(key).and_then(Value::as_object).ok_or_else(|| format!("no map {key}"))
}

/// The label map under `key`.
fn labels_of(case: &Value, key: &str) -> Result<Labels, String> {
    let pair = |(key, value): (&String, &Value)| {
        Ok((key.clone(), value.as_str().ok_or("a label's value is a text")?.to_owned()))
    };
    let pairs: Result<Vec<_>, String> = map(case, key)?.iter().map(pair).collect();
    Ok(pairs?.into_iter().collect())
}

/// The selector that the map under `key` is.
fn set_of(case: &Value, key: &str) -> Result<Selector, String> {
    Ok(Selector::from_pairs(labels_of(case, key)?.pairs().cloned()))
}

/// An operator by its name; the empty name is that of the zero requirement.
fn operator_of(name: &str) -> Option<Operator> {
    [
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
    ]
    .into_iter()
    .find(|operator| operator.name() == if name.is_empty() { "Never" } else { name })
}

/// A requirement as it is written in a case, without a look at its parts.
fn requirement_of(case: &Value) -> Result<Requirement, String> {
    let operator = text(case, "operator")?;
    let operator = operator_of(operator).ok_or_else(|| format!("no operator {operator:?}"))?;
    Ok(Requirement::unchecked(text(case, "key")?, operator, texts_of(case, "values")?))
}

/// The requirements under `key`, in their order.
fn requirements_of(case: &Value, key: &str) -> Result<Vec<Requirement>, String> {
    list(case, key)?.iter().map(requirement_of).collect()
}
