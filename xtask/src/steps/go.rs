//! The Go face: format, vet, and tests with a collector that never rests.

use super::{Fault, require};
use crate::{command::Command, dist, gate::Step, go, workspace::Workspace};
use std::path::{Path, PathBuf};

pub(super) const STEPS: &[Step] = &[
    Step { name: "Go format", needs: &[], run: format },
    Step { name: "Go tests", needs: &["build"], run: tests },
];

const MODULE: &str = "bindings/go";

/// The module that pins tools.
const TOOLS: &str = "bindings/go/tools";
const STATICCHECK: &str = "honnef.co/go/tools/cmd/staticcheck";

/// Modules of their own, because they stand on others' modules.
const BESIDE: [&str; 2] = ["bindings/go/k8s", "bindings/go/examples/agent"];

fn format(workspace: &Workspace) -> Result<(), Fault> {
    require(&["gofmt"])?;
    let unformatted = Command::new("gofmt").words("-l").arg(workspace.root.join(MODULE)).read()?;
    print!("{unformatted}");
    if unformatted.is_empty() { Ok(()) } else { Err(Fault::Wrong("run gofmt -w".into())) }
}

/// vet and staticcheck; tests with strict pointer checks and a collection at each turn; tests under the race detector.
fn tests(workspace: &Workspace) -> Result<(), Fault> {
    require(&["go", "gcc", "pkg-config"])?;
    new_enough(workspace)?;
    let package = package(workspace)?;
    let module = workspace.root.join(MODULE);
    let go = |words: &str| go(&package, &module, words);
    go("vet ./...").run()?;
    staticcheck(workspace, &package, &module)?;
    go("test -count=1 ./...").run()?;
    // Vectors are about answers, and have run; what is left is about memory and threads.
    let strict = go("test -count=1 -skip TestVectors ./...");
    strict.env("GOEXPERIMENT", "cgocheck2").env("GOGC", "1").run()?;
    go("test -count=1 -race -skip TestVectors ./...").run()?;
    for folder in BESIDE {
        let folder = workspace.root.join(folder);
        let go = |words: &str| self::go(&package, &folder, words);
        go("vet ./...").run()?;
        staticcheck(workspace, &package, &folder)?;
        go("test -count=1 ./...").run()?;
    }
    Ok(())
}

/// Runs staticcheck, which a module of its own pins, so that those of the library don't depend on it.
fn staticcheck(workspace: &Workspace, package: &Path, folder: &Path) -> Result<(), String> {
    let tools = workspace.root.join(TOOLS);
    let program = workspace.built().join("staticcheck");
    let build = Command::new("go").words("build -o").arg(&program).arg(STATICCHECK).within(&tools);
    build.run()?;
    let command = Command::new(&program).arg("./...").within(folder);
    let lib = package.join("lib");
    command.env("PKG_CONFIG_PATH", lib.join("pkgconfig")).env("LD_LIBRARY_PATH", &lib).run()
}

/// The library as it was built for tests, laid out as it is installed.
pub(super) fn package(workspace: &Workspace) -> Result<PathBuf, String> {
    let folder = workspace.built().join("package");
    dist::lay_out(workspace, &workspace.built(), &folder)?;
    Ok(folder)
}

/// Go in a folder, with the library from a package.
fn go(package: &Path, folder: &Path, words: &str) -> Command {
    let lib = package.join("lib");
    let command = Command::new("go").words(words).within(folder);
    command.env("PKG_CONFIG_PATH", lib.join("pkgconfig")).env("LD_LIBRARY_PATH", &lib)
}

/// Fails when Go is older than the module's manifest asks.
fn new_enough(workspace: &Workspace) -> Result<(), Fault> {
    let manifest = workspace.contents(&Path::new(MODULE).join("go.mod")).unwrap_or_default();
    let wanted = manifest.lines().find_map(|line| line.strip_prefix("go ")).map_or(0, go::minor);
    let installed = Command::new("go").words("env GOVERSION").read()?;
    if go::minor(&installed) >= wanted {
        return Ok(());
    }
    let installed = installed.trim();
    Err(Fault::Missing(format!(
        "{installed} is too old, 1.{wanted} is needed; `cargo xtask setup` fetches one"
    )))
}
