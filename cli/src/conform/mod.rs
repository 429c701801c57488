//! `svckit conform FILE…`: behaviour as data, run through the library's public functions.
//!
//! A vector file is JSON whose top-level `kind` names its schema. Each kind has one file here that turns cases into
//! calls; none of them decides anything itself.

mod allocator_bands;
mod dns;
mod expectation;
mod gateway_httproute;
mod ingress_conformance;
mod ingress_paths;
mod ip_families;
mod other_validation;
mod packet_flow;
mod selectors;
mod service_validation;
mod syntax;
mod topology;

use serde_json::Value;

/// Runs the cases of one vector file.
type Run = fn(&Value) -> Vec<Case>;

/// The kinds there are.
const KINDS: &[(&str, Run)] = &[
    ("allocator-bands", allocator_bands::run),
    ("dns", dns::run),
    ("gateway-httproute", gateway_httproute::run),
    ("ingress-conformance", ingress_conformance::run),
    ("ingress-paths", ingress_paths::run),
    ("ip-families", ip_families::run),
    ("other-validation", other_validation::run),
    ("packet-flow", packet_flow::run),
    ("selectors", selectors::run),
    ("service-validation", service_validation::run),
    ("syntax", syntax::run),
    ("topology", topology::run),
];

/// How one case went.
pub(crate) struct Case {
    /// Names the case in its file.
    pub(crate) id: String,
    /// What was expected and what came, when it failed.
    pub(crate) outcome: Result<(), String>,
}

impl Case {
    /// A case that passes when both sides are equal.
    pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(
        id: impl Into<String>,
        expected: &T,
        came: &T,
    ) -> Self {
        let outcome = if expected == came {
            Ok(())
        } else {
            Err(format!("expected {expected:?}, came {came:?}"))
        };
        Self { id: id.into(), outcome }
    }

    /// A case that could not be read, or that failed for a reason of its own.
    pub(crate) fn failed(id: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { id: id.into(), outcome: Err(reason.into()) }
    }
}

/// Runs vector files and prints what failed; returns the exit code.
pub(crate) fn run(files: &[std::path::PathBuf]) -> u8 {
    let (mut passed, mut failed) = (0, 0);
    for file in files {
        let (kind, cases) = match cases(file) {
            Ok(ran) => ran,
            Err(reason) => {
                eprintln!("{}: {reason}", file.display());
                return 1;
            }
        };
        let wrong: Vec<_> =
            cases.iter().filter_map(|case| Some((case, case.outcome.as_ref().err()?))).collect();
        for (case, reason) in &wrong {
            println!("FAIL {kind} {}: {reason}", case.id);
        }
        println!("{kind}: {} passed, {} failed", cases.len() - wrong.len(), wrong.len());
        passed += cases.len() - wrong.len();
        failed += wrong.len();
    }
    println!("{passed} passed, {failed} failed");
    u8::from(failed > 0)
}

/// Reads one file and runs its cases.
fn cases(file: &std::path::Path) -> Result<(String, Vec<Case>), String> {
    let text = std::fs::read(file).map_err(|error| error.to_string())?;
    let document: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let kind =
        document.get("kind").and_then(Value::as_str).ok_or("a vector file has a top-level kind")?;
    let known = || KINDS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let (_, run) = KINDS
        .iter()
        .find(|(name, _)| *name == kind)
        .ok_or_else(|| format!("unknown kind {kind:?}; there are {}", known()))?;
    Ok((kind.into(), run(&document)))
}
