//! Behaviour as data: every file of `vectors/`, run by the command that users have.

use super::Fault;
use crate::{gate::Step, workspace::Workspace};
use std::{fs, path::PathBuf};

pub(super) const STEPS: &[Step] = &[Step { name: "vectors", needs: &["build"], run: vectors }];

/// Files whose kind the command does not know yet, and why. One that has come to pass must leave this list.
const PENDING: &[(&str, &str)] = &[];

fn vectors(workspace: &Workspace) -> Result<(), Fault> {
    let folder = workspace.root.join("vectors");
    let entries = fs::read_dir(&folder).map_err(|error| format!("vectors: {error}"))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let command = workspace.built().join("svckit");
    let run = |files: &[PathBuf]| crate::command::Command::new(&command).arg("conform").args(files);

    let mut wrong = Vec::new();
    for (name, reason) in PENDING {
        println!("left out: {name}: {reason}");
        match files.iter().position(|path| path.ends_with(name)) {
            None => wrong.push(format!("{name} is listed as pending and does not exist")),
            Some(at) if run(&[files.remove(at)]).succeeds() => {
                wrong.push(format!("{name} passes and is listed as pending"));
            }
            Some(_) => {}
        }
    }
    if !files.is_empty() {
        run(&files).run()?;
    }
    match wrong.first() {
        None => Ok(()),
        Some(first) => Err(Fault::Wrong(first.clone())),
    }
}
