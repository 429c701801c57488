//! The C face: what the library exports is what the header declares, and C programs work.
//!
//! Every `.c` file in `bindings/c` is a program that ends with 0 when all is well. Each is compiled by two compilers in
//! three standards with warnings as errors; one of the results runs under valgrind, another with Clang's address and
//! undefined-behaviour sanitizers. The program of threads runs under helgrind too, and the one of growth makes a million
//! calls. They are linked with the shared library; the static one is linked where the package is tried. What lies in
//! `bindings/c/conform` is built and driven by the tests of vectors.

use super::{Fault, go::package, require};
use crate::{
    command::Command,
    dist::LIBRARY,
    gate::Step,
    header::{HEADER, declared},
    programs,
    workspace::Workspace,
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

pub(super) const STEPS: &[Step] = &[
    Step { name: "C header", needs: &[], run: |workspace| Ok(crate::header::check(workspace)?) },
    Step { name: "C symbols", needs: &["build"], run: symbols },
    Step { name: "C header as C++", needs: &[], run: header_as_cpp },
    Step { name: "C programs", needs: &["build"], run: run_programs },
];

const PROGRAMS: &str = "bindings/c";
const CONFORM: &str = "bindings/c/conform";
const WARNINGS: &str = "-Wall -Wextra -Wpedantic -Werror";

/// The dynamic library exports what the header declares, and nothing else.
fn symbols(workspace: &Workspace) -> Result<(), Fault> {
    require(&["nm"])?;
    let file = workspace.built().join(format!("lib{LIBRARY}.so"));
    let listed = Command::new("nm").words("-D --defined-only").arg(&file).read()?;
    let exported: BTreeSet<&str> =
        listed.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    let header = workspace.contents(Path::new(HEADER)).unwrap_or_default();
    let declared = declared(&header);
    for name in declared.difference(&exported) {
        println!("declared, not exported: {name}");
    }
    for name in exported.difference(&declared) {
        println!("exported, not declared: {name}");
    }
    println!("{} functions", declared.len());
    if declared == exported {
        Ok(())
    } else {
        Err(Fault::Wrong("the header and the library differ".into()))
    }
}

fn header_as_cpp(workspace: &Workspace) -> Result<(), Fault> {
    require(&["g++"])?;
    let command = Command::new("g++").words("-std=c++11 -fsyntax-only -x c++").words(WARNINGS);
    Ok(command.arg(HEADER).within(&workspace.root).run()?)
}

fn run_programs(workspace: &Workspace) -> Result<(), Fault> {
    require(&["gcc", "clang", "valgrind"])?;
    if !programs::has_sanitizers() {
        return Err(Fault::Missing(
            "clang's sanitizers are not installed (libclang-rt-dev)".into(),
        ));
    }
    let lib = package(workspace)?.join("lib");
    let folder = workspace.built().join("c");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let sources = sources(workspace)?;
    for source in &sources {
        for words in ["gcc -std=c11", "gcc -std=c2x", "clang -std=c99"] {
            compiler(workspace, words, source).arg("-fsyntax-only").run()?;
        }
    }
    for source in sources.iter().filter(|source| source.parent() == Some(Path::new(PROGRAMS))) {
        let name = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // Valgrind reads this form of debug information.
        let plain = folder.join(&name);
        build(workspace, "gcc -std=c99 -gdwarf-4", source, &plain, &lib)?;
        let watched = folder.join(format!("{name}-sanitized"));
        let sanitizers = "clang -std=c11 -g -fsanitize=address,undefined -fno-sanitize-recover=all";
        build(workspace, sanitizers, source, &watched, &lib)?;
        let here = |program: &Path| {
            Command::new(program).within(&workspace.root).env("LD_LIBRARY_PATH", &lib)
        };
        let valgrind = |tool: &str| {
            let command = here(Path::new("valgrind")).words("-q --error-exitcode=9").words(tool);
            command.arg(&plain)
        };
        valgrind("--leak-check=full").run()?;
        here(&watched).run()?;
        match name.as_str() {
            "threads" => valgrind("--tool=helgrind").run()?,
            "growth" => here(&plain).arg("1000000").run()?,
            _ => {}
        }
    }
    Ok(())
}

/// The C sources that are tests, those of the vectors' program among them.
fn sources(workspace: &Workspace) -> Result<Vec<PathBuf>, Fault> {
    let mut sources = workspace.files()?;
    let folders = [Path::new(PROGRAMS), Path::new(CONFORM)];
    sources.retain(|path| {
        let place = path.parent().is_some_and(|folder| folders.contains(&folder));
        place && path.extension().is_some_and(|extension| extension == "c")
    });
    if sources.is_empty() {
        return Err(Fault::Wrong(format!("there is no program in {PROGRAMS}")));
    }
    Ok(sources)
}

/// A compiler, its options as `words`, on a source.
fn compiler(workspace: &Workspace, words: &str, source: &Path) -> Command {
    let (compiler, options) = words.split_once(' ').unwrap_or((words, ""));
    let command = Command::new(compiler).words(options).words(WARNINGS).words("-I ffi/include");
    command.arg(source).within(&workspace.root)
}

/// Builds a program against the shared library in `lib`.
fn build(
    workspace: &Workspace,
    words: &str,
    source: &Path,
    to: &Path,
    lib: &Path,
) -> Result<(), String> {
    let command = compiler(workspace, words, source).arg("-o").arg(to).arg("-L").arg(lib);
    command.words("-lsvckit -lpthread").run()
}
