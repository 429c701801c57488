//! The Go face: format, vet, and tests with a collector that never rests.

use super::{Fault, c::library, require};
use crate::{command::Command, gate::Step, workspace::Workspace};

pub(super) const STEPS: &[Step] = &[
    Step { name: "Go format", needs: &[], run: format },
    Step { name: "Go tests", needs: &["build"], run: tests },
];

const MODULE: &str = "bindings/go";

/// Whether the module is there.
fn has_module(workspace: &Workspace) -> bool {
    let there = workspace.root.join(MODULE).join("go.mod").is_file();
    if !there {
        println!("nothing to check: there is no {MODULE}/go.mod");
    }
    there
}

fn format(workspace: &Workspace) -> Result<(), Fault> {
    if !has_module(workspace) {
        return Ok(());
    }
    require(&["gofmt"])?;
    let unformatted = Command::new("gofmt").words("-l").arg(workspace.root.join(MODULE)).read()?;
    print!("{unformatted}");
    if unformatted.is_empty() { Ok(()) } else { Err(Fault::Wrong("run gofmt -w".into())) }
}

/// vet; tests with strict pointer checks and a collection at each turn; tests under the race detector.
fn tests(workspace: &Workspace) -> Result<(), Fault> {
    if !has_module(workspace) {
        return Ok(());
    }
    require(&["go", "gcc"])?;
    let built = workspace.built();
    let link = format!("-L{} -l{}", built.display(), library(workspace)?);
    let go = |words: &str| {
        Command::new("go")
            .words(words)
            .env("CGO_LDFLAGS", &link)
            .env("LD_LIBRARY_PATH", &built)
            .within(&workspace.root.join(MODULE))
    };
    go("vet ./...").run()?;
    let version = go("env GOVERSION").read()?;
    // The full check was a run-time switch up to Go 1.20, and is a build-time one since.
    let check = if minor(&version) > 20 {
        ("GOEXPERIMENT", "cgocheck2")
    } else {
        ("GODEBUG", "cgocheck=2")
    };
    go("test -count=1 ./...").env(check.0, check.1).env("GOGC", "1").run()?;
    Ok(go("test -count=1 -race ./...").run()?)
}

/// 26 for `go1.26.8`; 0 for what isn't a release.
fn minor(version: &str) -> u32 {
    version.trim().split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn minor_versions() {
        for (version, want) in [("go1.26.8\n", 26), ("go1.19", 19), ("devel", 0)] {
            assert_eq!(minor(version), want, "{version:?}");
        }
    }
}
