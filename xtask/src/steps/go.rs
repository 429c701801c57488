//! The Go face: format, vet, and tests with a collector that never rests.

use super::{Fault, c::library, require};
use crate::{command::Command, gate::Step, pkg_config, workspace::Workspace};
use std::path::Path;

pub(super) const STEPS: &[Step] = &[
    Step { name: "Go format", needs: &[], run: format },
    Step { name: "Go tests", needs: &["build"], run: tests },
];

const MODULE: &str = "bindings/go";

fn format(workspace: &Workspace) -> Result<(), Fault> {
    require(&["gofmt"])?;
    let unformatted = Command::new("gofmt").words("-l").arg(workspace.root.join(MODULE)).read()?;
    print!("{unformatted}");
    if unformatted.is_empty() { Ok(()) } else { Err(Fault::Wrong("run gofmt -w".into())) }
}

/// vet; tests with strict pointer checks and a collection at each turn; tests under the race detector.
fn tests(workspace: &Workspace) -> Result<(), Fault> {
    require(&["go", "gcc", "pkg-config"])?;
    new_enough(workspace)?;
    pkg_config::for_tests(workspace, &library(workspace)?)?;
    let module = workspace.root.join(MODULE);
    let go = |words: &str| go(workspace, &module, words);
    go("vet ./...").run()?;
    let strict = go("test -count=1 ./...").env("GOEXPERIMENT", "cgocheck2").env("GOGC", "1");
    strict.run()?;
    Ok(go("test -count=1 -race ./...").run()?)
}

/// Go in a folder, with the library that was built for tests.
fn go(workspace: &Workspace, folder: &Path, words: &str) -> Command {
    let built = workspace.built();
    let command = Command::new("go").words(words).within(folder);
    command.env("PKG_CONFIG_PATH", &built).env("LD_LIBRARY_PATH", &built)
}

/// Fails when Go is older than the module's manifest asks.
fn new_enough(workspace: &Workspace) -> Result<(), Fault> {
    let manifest = workspace.contents(&Path::new(MODULE).join("go.mod")).unwrap_or_default();
    let wanted = manifest.lines().find_map(|line| line.strip_prefix("go ")).map_or(0, minor);
    let installed = Command::new("go").words("env GOVERSION").read()?;
    if minor(&installed) >= wanted {
        return Ok(());
    }
    let installed = installed.trim();
    Err(Fault::Missing(format!("{installed} is too old; take 1.{wanted} or later from go.dev/dl")))
}

/// 26 for `go1.26.8` and for `1.26`; 0 for what isn't a release.
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
