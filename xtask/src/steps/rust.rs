//! Rust: format, lints, docs, tests, features.
//!
//! Everything that runs is built once, in the test profile, with the features that the whole workspace asks for. A
//! command that names one package would unify features differently and build the world again; so each command names
//! the workspace and picks its targets.

use super::Fault;
use crate::{command::Command, gate::Step, workspace::Workspace};
use serde_json::Value;

pub(super) const STEPS: &[Step] = &[
    Step { name: "format", needs: &[], run: format },
    Step { name: "lints", needs: &[], run: lints },
    Step { name: "core features", needs: &[], run: core_features },
    Step { name: "docs", needs: &[], run: docs },
    Step { name: "build", needs: &[], run: build },
    Step { name: "tests", needs: &["build"], run: tests },
    Step { name: "fuzz replay", needs: &["build"], run: fuzz_replay },
    Step { name: "benches once", needs: &["build"], run: benches_once },
    Step { name: "doc tests", needs: &["build"], run: doc_tests },
];

/// The one test of `fuzz/tests/replay.rs`; it has a step of its own.
const REPLAY: &str = "bodies_hold";

fn format(workspace: &Workspace) -> Result<(), Fault> {
    component("rustfmt", "fmt")?;
    Ok(workspace.cargo("fmt --all --check").run()?)
}

fn lints(workspace: &Workspace) -> Result<(), Fault> {
    component("clippy", "clippy")?;
    Ok(workspace.cargo("clippy --workspace --all-targets -- -D warnings").run()?)
}

/// The core without features, and with each one alone: no feature may need another by accident.
fn core_features(workspace: &Workspace) -> Result<(), Fault> {
    component("clippy", "clippy")?;
    let features = workspace.package("svckit")?.get("features").and_then(Value::as_object);
    let named = features.into_iter().flat_map(|map| map.keys()).filter(|name| *name != "default");
    let choices =
        std::iter::once(String::new()).chain(named.map(|name| format!("--features {name}")));
    for choice in choices {
        let words = format!("clippy -p svckit --lib --no-default-features {choice} -- -D warnings");
        workspace.cargo(&words).run()?;
    }
    Ok(())
}

/// Broken links and missing docs, in private items too.
fn docs(workspace: &Workspace) -> Result<(), Fault> {
    let words = "doc --workspace --no-deps --document-private-items";
    Ok(workspace.cargo(words).env("RUSTDOCFLAGS", "-D warnings").run()?)
}

fn build(workspace: &Workspace) -> Result<(), Fault> {
    Ok(workspace.cargo("build --workspace --all-targets --profile test").run()?)
}

fn tests(workspace: &Workspace) -> Result<(), Fault> {
    let words = "test --workspace --no-fail-fast --lib --bins --tests --examples -- --skip";
    Ok(workspace.cargo(words).arg(REPLAY).run()?)
}

fn fuzz_replay(workspace: &Workspace) -> Result<(), Fault> {
    Ok(workspace.cargo("test --workspace --test replay --").arg(REPLAY).run()?)
}

/// Each bench body once, so that none rots; it measures nothing.
fn benches_once(workspace: &Workspace) -> Result<(), Fault> {
    Ok(workspace.cargo("test --workspace --bench *").run()?)
}

fn doc_tests(workspace: &Workspace) -> Result<(), Fault> {
    Ok(workspace.cargo("test --workspace --doc --no-fail-fast").run()?)
}

/// Fails when a component of the toolchain is absent.
fn component(name: &str, verb: &str) -> Result<(), Fault> {
    if Command::cargo(verb).arg("--version").succeeds() {
        return Ok(());
    }
    Err(Fault::Missing(format!("{name} is not installed (rustup component add {name})")))
}
