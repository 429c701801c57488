//! `svckit check` on the examples: each broken file is told what is wrong with it, and the good ones are good.
//!
//! What is printed stands beside each file, as `FILE.expected`; `UPDATE=1` writes those files anew.
#![allow(clippy::unwrap_used, reason = "an example that can't be read should stop the test")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// Runs `svckit check` in `folder`.
fn check(folder: &Path, path: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svckit"));
    command.args(["check", "-f", path]).current_dir(folder).output().unwrap()
}

#[test]
fn each_mistake_is_told() {
    let folder = examples().join("broken");
    let update = env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for file in files(&folder) {
        let output = check(&folder, &file);
        let told = String::from_utf8(output.stderr).unwrap();
        let expected = folder.join(format!("{file}.expected"));
        if update {
            fs::write(&expected, &told).unwrap();
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        if told != wanted {
            wrong.push(format!("{file}: expected\n{wanted}came\n{told}"));
        }
        let code = i32::from(told.contains(": error: "));
        if output.status.code() != Some(code) {
            wrong.push(format!(
                "{file}: expected exit code {code}, came {:?}",
                output.status.code()
            ));
        }
        if told.is_empty() {
            wrong.push(format!("{file}: nothing is said about it"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The manifests of a folder, in order.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|name| name.ends_with(".yaml") || name.ends_with(".json")).collect();
    names.sort();
    assert!(names.len() > 20, "the folder has its files");
    names
}

#[test]
fn good_examples_are_good() {
    for folder in ["walkthrough", "shop"] {
        let output = check(&examples(), folder);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((told.as_str(), output.status.code()), ("", Some(0)), "{folder}");
    }
}
