//! What the workspace stands on: licences, sources, and the short list that the core may use.

use super::Fault;
use crate::{
    gate::Step,
    workspace::{Workspace, text},
};
use serde_json::Value;

pub(super) const STEPS: &[Step] = &[Step { name: "dependencies", needs: &[], run: dependencies }];

/// Licences under which anybody may link us into anything.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Copyleft limited to its own files: fine in a tool that is built and thrown away, not in what people link.
const TOOL_LICENCES: &[(&str, &str)] = &[("cbindgen", "MPL-2.0")];

/// All that the core may name: each works without an operating system. `sha2` makes the names of kube-proxy's iptables
/// chains; a hash of our own would be one more to trust. `smallvec` keeps lists that mostly hold one thing in place, an
/// endpoint's addresses for example, which takes unsafe code.
const CORE: &[&str] = &["ahash", "hashbrown", "ipnet", "serde", "sha2", "smallvec", "thiserror"];

fn dependencies(workspace: &Workspace) -> Result<(), Fault> {
    let packages = workspace.packages();
    let mut wrong: Vec<String> = packages.iter().filter_map(licence_fault).collect();
    wrong.extend(packages.iter().filter_map(source_fault));
    wrong.extend(core_faults(workspace.package("svckit")?));
    for line in &wrong {
        println!("{line}");
    }
    println!("{} packages", packages.len());
    if wrong.is_empty() { Ok(()) } else { Err(Fault::Wrong(format!("{} faults", wrong.len()))) }
}

/// Why a package's licence won't do.
fn licence_fault(package: &Value) -> Option<String> {
    let (name, licence) = (text(package, "name"), text(package, "license"));
    let tool = TOOL_LICENCES.contains(&(name, licence));
    (!tool && !is_free(licence)).then(|| format!("{name}: licence {licence:?} is not on the list"))
}

/// Whether an SPDX expression leaves a choice that is on the list: `OR` asks for one side, `AND` for both.
fn is_free(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
    // Nested expressions are read from the left as a row of AND groups; the few there are have this form.
    flat.split(" AND ")
        .all(|group| group.split(" OR ").any(|licence| LICENCES.contains(&licence.trim())))
}

/// Why a package's source won't do: only the registry can be checked against the lock file.
fn source_fault(package: &Value) -> Option<String> {
    let source = text(package, "source");
    let fine = source.is_empty() || source.starts_with("registry+");
    (!fine).then(|| format!("{}: comes from {source}, not a registry", text(package, "name")))
}

/// What the core names and may not, by mistake or by default features.
fn core_faults(core: &Value) -> Vec<String> {
    let named = core.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    let mut wrong = Vec::new();
    // What only tests need has a kind, "dev".
    for dependency in named.filter(|dependency| text(dependency, "kind").is_empty()) {
        let name = text(dependency, "name");
        if !CORE.contains(&name) {
            wrong.push(format!("svckit: {name} is not among what the core may use"));
        }
        if dependency.get("uses_default_features") != Some(&Value::Bool(false)) {
            wrong.push(format!("svckit: {name} has its default features"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::is_free;

    #[test]
    fn licences() {
        let cases = [
            ("one", "MIT", true),
            ("a choice", "MIT OR GPL-3.0-only", true),
            ("an old choice", "MIT/Apache-2.0", true),
            ("both needed", "MIT AND GPL-3.0-only", false),
            ("a choice and one more", "(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("an exception", "Apache-2.0 WITH LLVM-exception OR GPL-2.0-only", true),
            ("none", "", false),
        ];
        for (name, expression, free) in cases {
            assert_eq!(is_free(expression), free, "{name}: {expression}");
        }
    }
}
