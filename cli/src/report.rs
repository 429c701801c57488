//! Findings, for people and for programs.

use serde_json::{Value, json};
use std::io::{self, IsTerminal, Write};
use svckit_adapters::source::files::Located;

/// Writes findings to standard error, one line each: `file:line: error: object: path: kind: message`.
///
/// What is wrong stands out on a terminal, unless `NO_COLOR` is set.
pub(crate) fn print(findings: &[Located]) {
    let mut out = io::stderr().lock();
    let colour = out.is_terminal() && svckit_adapters::clock::environment("NO_COLOR").is_none();
    for located in findings {
        let line = located.to_string();
        let word = format!(" {}: ", located.finding.severity);
        let line = if colour {
            line.replacen(&word, &format!("\x1b[1;31m{word}\x1b[0m"), 1)
        } else {
            line
        };
        // Nobody reads: nothing to be done.
        let _ = writeln!(out, "{line}");
    }
}

/// Whether any finding refuses its object.
pub(crate) fn has_errors(findings: &[Located]) -> bool {
    findings.iter().any(|located| located.finding.is_error())
}

/// A finding as JSON.
pub(crate) fn json(located: &Located) -> Value {
    let finding = &located.finding;
    json!({
        "severity": finding.severity.as_str(),
        "object": finding.object,
        "file": located.file.display().to_string(),
        "line": finding.line,
        "path": finding.path,
        "kind": finding.kind.as_str(),
        "value": finding.value,
        "message": finding.message,
    })
}
