//! The tree as text: links that lead somewhere, no path of somebody's machine.

use super::Fault;
use crate::{gate::Step, workspace::Workspace};
use std::{env, path::Path};

pub(super) const STEPS: &[Step] = &[
    Step { name: "links", needs: &[], run: links },
    Step { name: "machine paths", needs: &[], run: machine_paths },
];

/// Every relative link of a Markdown file leads to a file or folder of the tree.
fn links(workspace: &Workspace) -> Result<(), Fault> {
    let mut wrong = Vec::new();
    for path in workspace.files()? {
        let Some(text) =
            workspace.contents(&path).filter(|_| path.extension().is_some_and(|e| e == "md"))
        else {
            continue;
        };
        let folder = workspace.root.join(path.parent().unwrap_or(path.as_path()));
        for (number, line) in text.lines().enumerate() {
            let dead = targets(line).filter(|target| !folder.join(target).exists());
            wrong.extend(dead.map(|target| format!("{}:{}: {target}", path.display(), number + 1)));
        }
    }
    report("links that lead nowhere", &wrong)
}

/// The files that a line of Markdown links to: `[text](file#part)`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next()).filter(
        |target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"),
    )
}

/// Folders that every machine has: to name them, or to have the tree in one, tells nothing of a machine.
const EVERYWHERE: &[&str] = &["/tmp", "/var/tmp", "/opt", "/srv", "/mnt", "/usr/src", "/var/lib"];

/// No file names a folder of the machine on which it was written.
fn machine_paths(workspace: &Workspace) -> Result<(), Fault> {
    let own = [Some(workspace.root.as_path()), workspace.root.parent()];
    let home = env::var("HOME").ok();
    let mut folders: Vec<String> = own
        .into_iter()
        .flatten()
        .chain(home.as_deref().map(Path::new))
        .filter(|folder| folder.components().count() > 1)
        .filter(|folder| !EVERYWHERE.iter().any(|known| folder == &Path::new(known)))
        .map(|folder| format!("{}/", folder.display()))
        .collect();
    // Homes of any machine. Spelt in pieces, so that this line is not one of them.
    folders.extend(
        [concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/ro", "ot/")].map(String::from),
    );
    let mut wrong = Vec::new();
    for path in workspace.files()?.iter().filter(|path| !path.starts_with("vectors")) {
        let Some(text) = workspace.contents(path) else { continue };
        let found = text.lines().enumerate().filter(|(_, line)| names_one(line, &folders));
        wrong.extend(
            found.map(|(number, line)| {
                format!("{}:{}: {}", path.display(), number + 1, line.trim())
            }),
        );
    }
    report("paths of a machine", &wrong)
}

/// Whether a path in `line` begins with one of `folders`.
fn names_one(line: &str, folders: &[String]) -> bool {
    folders.iter().any(|folder| {
        line.match_indices(folder.as_str()).any(|(at, _)| {
            // `https://host/home/page` holds a folder's name and is none.
            !line[..at]
                .ends_with(|before: char| before.is_alphanumeric() || "._-/:~".contains(before))
        })
    })
}

/// Prints what is wrong, and fails when something is.
fn report(what: &str, wrong: &[String]) -> Result<(), Fault> {
    for line in wrong {
        println!("{line}");
    }
    match wrong.len() {
        0 => Ok(()),
        number => Err(Fault::Wrong(format!("{number} {what}"))),
    }
}
