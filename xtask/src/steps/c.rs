//! The C face: what the library exports is what the header declares, and C programs work.
//!
//! Every `.c` file in `bindings/c` is a program that ends with 0 when all is well. Each is built by two compilers in two
//! standards with warnings as errors; one of the results runs under valgrind, another with Clang's address and
//! undefined-behaviour sanitizers. The program of threads runs under helgrind too.

use super::{Fault, require};
use crate::{
    command::Command,
    dist::{LIBRARY, SYSTEM_LIBRARIES},
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
    let folder = workspace.built().join("c");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut sources = workspace.files()?;
    let program = |path: &PathBuf| {
        path.parent() == Some(Path::new(PROGRAMS)) && path.extension().is_some_and(|e| e == "c")
    };
    sources.retain(program);
    if sources.is_empty() {
        return Err(Fault::Wrong(format!("there is no program in {PROGRAMS}")));
    }
    for source in &sources {
        for words in ["gcc -std=c11", "clang -std=c99"] {
            compiler(workspace, words, source).arg("-fsyntax-only").run()?;
        }
        let name = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // Valgrind reads this form of debug information.
        let plain = folder.join(&name);
        build(workspace, "gcc -std=c99 -gdwarf-4", source, &plain)?;
        let watched = folder.join(format!("{name}-sanitized"));
        let sanitizers = "clang -std=c11 -g -fsanitize=address,undefined -fno-sanitize-recover=all";
        build(workspace, sanitizers, source, &watched)?;
        let valgrind = |tool: &str| {
            let command = Command::new("valgrind").words("-q --error-exitcode=9").words(tool);
            command.arg(&plain).within(&workspace.root)
        };
        valgrind("--leak-check=full").run()?;
        Command::new(&watched).within(&workspace.root).run()?;
        match name.as_str() {
            "threads" => valgrind("--tool=helgrind").run()?,
            "growth" => Command::new(&plain).arg("200000").within(&workspace.root).run()?,
            _ => {}
        }
    }
    Ok(())
}

/// A compiler, its options as `words`, on a source.
fn compiler(workspace: &Workspace, words: &str, source: &Path) -> Command {
    let (compiler, options) = words.split_once(' ').unwrap_or((words, ""));
    let command = Command::new(compiler).words(options).words(WARNINGS).words("-I ffi/include");
    command.arg(source).within(&workspace.root)
}

/// Builds a program against the library that was built for tests.
fn build(workspace: &Workspace, words: &str, source: &Path, to: &Path) -> Result<(), String> {
    let archive = workspace.built().join(format!("lib{LIBRARY}.a"));
    let command = compiler(workspace, words, source).arg(archive).words(SYSTEM_LIBRARIES);
    command.arg("-o").arg(to).run()
}
