//! From bytes to documents, and from a finding's path back to its line.

use std::collections::HashMap;
use svckit::{
    api::{Tree, TreeNode},
    finding::{Finding, Kind},
};

use super::{json, yaml};

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
            Err(error) => {
                let (line, message) = json::mistake(part, line)
                    .unwrap_or_else(|| (error.line, format!("not YAML: {}", error.message)));
                note(Kind::Invalid, line, message);
            }
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

/// Where things stand in a file: findings say which field of an object they are about, not on which line.
pub(super) struct Lines(HashMap<u32, Tree>);

impl Lines {
    /// Reads a file once more: findings are rare, and trees are not kept.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut objects = HashMap::new();
        for tree in documents(bytes, &mut Vec::new()) {
            enter(tree, &mut objects);
        }
        Self(objects)
    }

    /// The line of `path` in the object that starts on `line`; `line` when it can't be told.
    pub(super) fn line_of(&self, line: u32, path: &str) -> u32 {
        self.0.get(&line).map_or(line, |object| object.line_of(path))
    }
}

/// Notes the objects of a document by the line each starts on: the document itself, or the items of a List.
fn enter(mut tree: Tree, objects: &mut HashMap<u32, Tree>) {
    let is_list = tree.text("kind") == Some("List");
    let TreeNode::Map(fields) = &mut tree.node else { return };
    if !is_list {
        objects.entry(tree.line).or_insert(tree);
        return;
    }
    for (_, items) in fields.iter_mut().filter(|(key, _)| key.name == "items") {
        let TreeNode::List(items) = &mut items.node else { continue };
        items.drain(..).for_each(|item| enter(item, objects));
    }
}
