//! From bytes to documents, and from a finding's path back to its line.

use std::{fs, path::Path};
use svckit::{
    api::{Tree, TreeNode},
    finding::{Finding, Kind},
};

use super::yaml;

/// The largest object that an API server takes, bytes; a `List` may be larger.
pub const MAX_OBJECT_BYTES: usize = 3 << 20;

/// The documents of a file; what is wrong goes to `findings`.
pub(super) fn documents(bytes: &[u8], findings: &mut Vec<Finding>) -> Vec<Tree> {
    let mut note = |kind, line, message: String| {
        findings.push(Finding { line, ..Finding::error(kind, "", "", message) });
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count() as u32;
            note(Kind::Invalid, line, format!("the file is not UTF-8 from byte {} on", good.len()));
            let whole = good.get(..end_of_last_document(good)).unwrap_or_default();
            return documents(whole, findings);
        }
    };
    let mut trees = Vec::new();
    for (line, part) in yaml::split(text) {
        match yaml::read(part, line) {
            Err(error) => note(Kind::Invalid, error.line, format!("not YAML: {}", error.message)),
            Ok(tree) if part.len() > MAX_OBJECT_BYTES && tree.text("kind") != Some("List") => {
                let message = format!(
                    "an object takes at most {MAX_OBJECT_BYTES} bytes, this one {}",
                    part.len()
                );
                note(Kind::TooLong, tree.line, message);
            }
            Ok(tree) => trees.push(tree),
        }
    }
    trees
}

/// Where the last whole document of a text ends.
fn end_of_last_document(text: &[u8]) -> usize {
    text.windows(4).rposition(|window| window == b"\n---").map_or(0, |at| at + 1)
}

/// The line of `path` in the object that starts on `line` of `file`; `line` when it can't be told.
pub(super) fn line_of(file: &Path, line: u32, path: &str) -> u32 {
    let Ok(bytes) = fs::read(file) else { return line };
    let trees = documents(&bytes, &mut Vec::new());
    let found = trees.iter().find_map(|tree| object_on(tree, line));
    found.map_or(line, |object| object.line_of(path))
}

/// The object that starts on `line`: the document, or an item of a List.
fn object_on(tree: &Tree, line: u32) -> Option<&Tree> {
    if tree.text("kind") == Some("List") {
        let TreeNode::List(items) = &tree.get("items")?.node else { return None };
        return items.iter().find_map(|item| object_on(item, line));
    }
    (tree.line == line).then_some(tree)
}
