//! What a validation case expects: `valid`, `errorCount`, and the kinds and paths of `errors`.

use super::Case;
use serde::de::DeserializeOwned;
use serde_json::Value;
use svckit::finding::Finding;

/// Reads the object under `key`.
pub(super) fn object<T: DeserializeOwned>(case: &Value, key: &str) -> Result<T, String> {
    let value = case.get(key).ok_or_else(|| format!("the case has no {key}"))?;
    T::deserialize(value).map_err(|error| format!("{key}: {error}"))
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
    let wanted = wanted(case)?;
    let mut came: Vec<(String, String)> = errors
        .iter()
        .map(|finding| (finding.kind.as_str().to_owned(), finding.path.clone()))
        .collect();
    came.sort();
    let matches = wanted.len() == came.len()
        && wanted.iter().zip(&came).all(|((kind, path), (came_kind, came_path))| {
            kind.as_ref().is_none_or(|kind| kind == came_kind) && path == came_path
        });
    (!matches).then(|| format!("expected {wanted:?}, came {}", told()))
}

/// Kinds and paths, sorted; a case that names only paths (`fields`, `field`) leaves the kind open.
fn wanted(case: &Value) -> Option<Vec<(Option<String>, String)>> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let path = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut wanted: Vec<_> = if let Some(errors) = case.get("errors").and_then(Value::as_array) {
        let error = |e: &Value| (text(e, "type"), text(e, "field").unwrap_or_default());
        errors.iter().map(error).collect()
    } else if let Some(fields) = case.get("fields").and_then(Value::as_array) {
        fields.iter().map(|field| (None, path(field))).collect()
    } else {
        Vec::from([(None, text(case, "field")?)])
    };
    wanted.sort();
    Some(wanted)
}
