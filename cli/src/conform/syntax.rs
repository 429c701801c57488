//! `syntax`: string formats.

use super::Case;
use serde_json::Value;
use svckit::admit::syntax::{self, Level, Problems};

/// Runs every section of the file.
pub(crate) fn run(document: &Value) -> Vec<Case> {
    let mut cases = Vec::new();
    for (section, content) in document.as_object().into_iter().flatten() {
        match section.as_str() {
            "kind" | "schema" | "about" | "source" => {}
            "ip" => {
                levels(section, content, |text, level| syntax::ip(text, level).is_ok(), &mut cases)
            }
            "cidr" => {
                levels(
                    section,
                    content,
                    |text, level| syntax::cidr(text, level).is_ok(),
                    &mut cases,
                );
            }
            "interfaceAddress" => {
                lists(section, content, &is_interface_address, &mut cases);
                non_canonical(section, content, &mut cases);
            }
            _ => match format(section) {
                Some(check) => lists(section, content, &|value| passes(value, check), &mut cases),
                None => cases.push(Case::failed(section, "there is no such format")),
            },
        }
    }
    cases
}

/// The function for a section of valid and invalid texts.
fn format(section: &str) -> Option<fn(&str) -> Problems> {
    Some(match section {
        "rfc1123Label" => syntax::rfc1123_label,
        "rfc1123Subdomain" => syntax::rfc1123_subdomain,
        "rfc1035Label" => syntax::rfc1035_label,
        "wildcardSubdomain" => syntax::wildcard_subdomain,
        "portName" => syntax::port_name,
        "portNumber" => |_| syntax::port_number(0),
        "labelKeyOrQualifiedName" => syntax::qualified_name,
        "labelValue" => syntax::label_value,
        "fullyQualifiedDomain" => syntax::fully_qualified_domain,
        "domainPrefixedPath" => syntax::domain_prefixed_path,
        _ => return None,
    })
}

/// Whether a value passes; numbers are port numbers.
fn passes(value: &Value, check: fn(&str) -> Problems) -> Result<bool, String> {
    match value {
        Value::String(text) => Ok(check(text).is_empty()),
        Value::Number(number) => {
            let number = number.as_i64().ok_or("not a whole number")?;
            Ok(syntax::port_number(number).is_empty())
        }
        _ => Err("neither a text nor a number".into()),
    }
}

fn is_interface_address(value: &Value) -> Result<bool, String> {
    let text = value.as_str().ok_or("not a text")?;
    Ok(syntax::interface_address(text).is_some_and(|address| address.to_string() == text))
}

/// The lists `valid` and `invalid`.
fn lists(
    section: &str,
    content: &Value,
    check: &dyn Fn(&Value) -> Result<bool, String>,
    cases: &mut Vec<Case>,
) {
    for (list, wanted) in [("valid", true), ("invalid", false)] {
        for value in content.get(list).and_then(Value::as_array).into_iter().flatten() {
            let id = format!("{section} {value}");
            cases.push(match check(value) {
                Ok(came) => Case::equal(id, &wanted, &came),
                Err(reason) => Case::failed(id, reason),
            });
        }
    }
}

/// Texts and what they should have been.
fn non_canonical(section: &str, content: &Value, cases: &mut Vec<Case>) {
    let texts = content.get("nonCanonical").and_then(Value::as_object);
    for (text, canonical) in texts.into_iter().flatten() {
        let came = syntax::interface_address(text).map(|address| address.to_string());
        let id = format!("{section} {text}");
        match canonical.as_str() {
            Some(wanted) if wanted != text => {
                cases.push(Case::equal(id, &Some(wanted.to_owned()), &came));
            }
            _ => cases.push(Case::failed(id, "the canonical form is another text")),
        }
    }
}

/// Texts that pass at some levels and not at others.
fn levels(section: &str, content: &Value, check: fn(&str, Level) -> bool, cases: &mut Vec<Case>) {
    let columns =
        [("canonical", Level::Canonical), ("strict", Level::Strict), ("lenient", Level::Lenient)];
    for case in content.as_array().into_iter().flatten() {
        let Some(text) = case.get("value").and_then(Value::as_str) else {
            cases.push(Case::failed(section, "a case has a value"));
            continue;
        };
        for (column, level) in columns {
            let id = format!("{section} {text:?} {column}");
            match case.get(column).and_then(Value::as_bool) {
                Some(wanted) => cases.push(Case::equal(id, &wanted, &check(text, level))),
                None => cases.push(Case::failed(id, "the column is missing")),
            }
        }
    }
}
