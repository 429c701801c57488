//! The C face: what the library exports is what the header declares, and C programs work.
//!
//! Every `.c` file below `bindings/c` is a program that ends with 0 when all is well. Each is built by two compilers in
//! two standards with warnings as errors, and runs under valgrind.

use super::{Fault, require};
use crate::{
    command::Command,
    gate::Step,
    header::{HEADER, declared},
    pkg_config::SYSTEM_LIBRARIES,
    workspace::{Workspace, text},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

pub(super) const STEPS: &[Step] = &[
    Step { name: "C header", needs: &[], run: |workspace| Ok(crate::header::check(workspace)?) },
    Step { name: "C symbols", needs: &["build"], run: symbols },
    Step { name: "C header as C++", needs: &[], run: header_as_cpp },
    Step { name: "C programs", needs: &["build"], run: programs },
];

const PROGRAMS: &str = "bindings/c";
const WARNINGS: &str = "-Wall -Wextra -Wpedantic -Werror";

/// The library's name: `svckit_ffi` for `libsvckit_ffi.a`.
pub(super) fn library(workspace: &Workspace) -> Result<String, Fault> {
    let targets = workspace.package("svckit-ffi")?.get("targets").and_then(Value::as_array);
    let mut linked = targets.into_iter().flatten().filter(|target| {
        let kinds = target.get("kind").and_then(Value::as_array);
        kinds.into_iter().flatten().any(|kind| kind == "staticlib")
    });
    let target = linked.next().ok_or_else(|| "svckit-ffi builds no static library".to_owned())?;
    Ok(text(target, "name").replace('-', "_"))
}

/// Whether the header is there; without one there is no C face to check.
fn has_face(workspace: &Workspace) -> bool {
    let there = workspace.root.join(HEADER).is_file();
    if !there {
        println!("nothing to check: there is no {HEADER}");
    }
    there
}

/// The dynamic library exports what the header declares, and nothing else.
fn symbols(workspace: &Workspace) -> Result<(), Fault> {
    if !has_face(workspace) {
        return Ok(());
    }
    require(&["nm"])?;
    let file = workspace.built().join(format!("lib{}.so", library(workspace)?));
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
    if !has_face(workspace) {
        return Ok(());
    }
    require(&["g++"])?;
    let command = Command::new("g++").words("-std=c++11 -fsyntax-only -x c++").words(WARNINGS);
    Ok(command.arg(HEADER).within(&workspace.root).run()?)
}

fn programs(workspace: &Workspace) -> Result<(), Fault> {
    if !has_face(workspace) {
        return Ok(());
    }
    require(&["gcc", "clang", "valgrind"])?;
    let archive = workspace.built().join(format!("lib{}.a", library(workspace)?));
    let folder = workspace.built().join("c");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut sources = workspace.files()?;
    sources.retain(|path| path.starts_with(PROGRAMS) && path.extension().is_some_and(|e| e == "c"));
    if sources.is_empty() {
        return Err(Fault::Wrong(format!("there is no program in {PROGRAMS}")));
    }
    for source in &sources {
        for (compiler, standard) in
            [("gcc", "c99"), ("gcc", "c11"), ("clang", "c99"), ("clang", "c11")]
        {
            let name = source.file_stem().unwrap_or_default().to_string_lossy();
            let program: PathBuf = folder.join(format!("{name}-{compiler}-{standard}"));
            let build = Command::new(compiler).arg(format!("-std={standard}")).words(WARNINGS);
            // Valgrind reads this form of debug information from both compilers.
            let build = build.words("-gdwarf-4 -I ffi/include").arg(source).arg(&archive);
            build.words(SYSTEM_LIBRARIES).arg("-o").arg(&program).within(&workspace.root).run()?;
            let check = Command::new("valgrind").words("-q --leak-check=full --error-exitcode=9");
            check.arg(&program).within(&workspace.root).run()?;
        }
    }
    Ok(())
}
