//! What a validation case expects: `valid`, `errorCount`, and the kinds and paths of `errors`.

use super::Case;
use serde::de::DeserializeOwned;
use serde_json::Value;
use svckit::finding::Finding;

/// Reads the object under `key`.
pub(super) fn object<T: DeserializeOwned>(case: &Value, key: &str) -> Result<T, String> {
    let value = case.get(key).ok_or_else(|| format!("the case has no {key}"))?;
    read(value).map_err(|error| format!("{key}: {error}"))
}

/// Reads a value.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}

/// `id`, else `description`, else the position.
pub(super) fn name(section: &str, position: usize, case: &Value) -> String {
    let text = |key| case.get(key).and_then(Value::as_str);
    match (text("id"), text("description")) {
        (Some(id), _) => id.into(),
        (None, Some(description)) => format!("{section}[{position}] {description}"),
        (None, None) => format!("{section}[{position}]"),
    }
}

/// Compares findings with everything that the case says about them; warnings refuse nothing and don't count.
pub(super) fn compare(id: String, case: &Value, findings: &[Finding]) -> Case {
    let outcome = difference(case, findings);
    Case { id, outcome: outcome.map_or(Ok(()), Err) }
}

fn difference(case: &Value, findings: &[Finding]) -> Option<String> {
    let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.is_error()).collect();
    let told = || errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let Some(valid) = case.get("valid").and_then(Value::as_bool) else {
        return Some("the case does not say whether it is valid".into());
    };
    if valid != errors.is_empty() {
        return Some(format!("expected valid: {valid}, came {}", told()));
    }
    if let Some(count) = case.get("errorCount")
        && count.as_u64() != Some(errors.len() as u64)
    {
        return Some(format!("expected {count} errors, came {}: {}", errors.len(), told()));
    }
    let mut came: Vec<(Option<String>, String)> = errors
        .iter()
        .map(|finding| (Some(finding.kind.as_str().to_owned()), finding.path.clone()))
        .collect();
    let wanted = match case.get("errors").and_then(Value::as_array) {
        Some(wanted) => kinds_and_paths(wanted),
        None => {
            // Only paths, each of which may have several errors.
            came.iter_mut().for_each(|(kind, _)| *kind = None);
            came.sort();
            came.dedup();
            paths(case)?
        }
    };
    came.sort();
    (wanted != came).then(|| format!("expected {wanted:?}, came {}", told()))
}

fn kinds_and_paths(errors: &[Value]) -> Vec<(Option<String>, String)> {
    let text = |error: &Value, key| error.get(key).and_then(Value::as_str).map(str::to_owned);
    let error = |error| (text(error, "type"), text(error, "field").unwrap_or_default());
    let mut wanted: Vec<_> = errors.iter().map(error).collect();
    wanted.sort();
    wanted
}

/// `fields`, or the only `field`; `None` when the case says neither.
fn paths(case: &Value) -> Option<Vec<(Option<String>, String)>> {
    let list = match case.get("fields") {
        Some(fields) => fields.as_array()?.iter().collect(),
        None => vec![case.get("field")?],
    };
    let path = |field: &Value| (None, field.as_str().unwrap_or_default().to_owned());
    let mut wanted: Vec<_> = list.into_iter().map(path).collect();
    wanted.sort();
    wanted.dedup();
    Some(wanted)
}
