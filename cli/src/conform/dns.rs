//! Kind `dns`: questions and whole replies, transfers, and tables of names, limits and keys.
//!
//! Groups and transfers are facts about CoreDNS, so they run in its mode; rows of `source_derived` run in both.

mod autopath;
mod derived;
mod fixture;
mod groups;
mod reply;
mod resolv;
mod skydns;
mod tables;
mod transfers;

use super::Case;
use serde_json::Value;

/// Runs a file of this kind.
pub(crate) fn run(document: &Value) -> Vec<Case> {
    let mut cases = Vec::new();
    for group in list(document, "groups") {
        cases.extend(groups::run(document, group));
    }
    for transfer in list(document, "transfers") {
        cases.push(transfers::run(document, transfer));
    }
    for (name, table) in document.get("tables").and_then(Value::as_object).into_iter().flatten() {
        cases.extend(tables::run(document, name, table));
    }
    if let Some(table) = document.get("source_derived") {
        cases.extend(derived::run(document, table));
    }
    cases
}

/// The array under `key`; none when there isn't one.
fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The text under `key`, or why there is none.
fn text<'v>(value: &'v Value, key: &str) -> Result<&'v str, String> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| format!("no text {key:?} in {value}"))
}

/// A case that went well, or not, for a reason.
fn case(id: impl Into<String>, outcome: Result<(), String>) -> Case {
    Case { id: id.into(), outcome }
}
