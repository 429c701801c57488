//! From bytes to documents, and from a finding's path back to its line.

use std::collections::HashMap;
use svckit::{
    api::{Decoded, Tree, TreeNode, decode},
    finding::{Finding, Kind},
};

use crate::source::{json, yaml};

/// The largest object that an API server takes, bytes; a `List` may be larger.
pub const MAX_OBJECT_BYTES: usize = 3 << 20;

/// The text of a file, and what is wrong with it: of one that isn't all UTF-8, the whole documents before that.
pub(super) fn text(bytes: &[u8]) -> (&str, Option<Finding>) {
    let error = match str::from_utf8(bytes) {
        Ok(text) => return (text, None),
        Err(error) => error,
    };
    let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
    let line = 1 + yaml::newlines(good);
    let message = format!("the file is not UTF-8 from byte {} on", good.len());
    let whole = good.get(..end_of_last_document(good)).unwrap_or_default();
    (str::from_utf8(whole).unwrap_or_default(), Some(wrong(Kind::Invalid, line, message)))
}

/// Reads one document, JSON or YAML, that starts on `first_line`: the object in it, or those of a `List`.
///
/// Costs O(size of the document); JSON goes by at 60 MB/s, YAML at 12.
///
/// # Errors
///
/// It is neither, or too large for an object.
///
/// ```
/// use svckit_adapters::source::files::decoded;
///
/// let list = r#"{"kind": "List", "items": [{"kind": "Service", "apiVersion": "v1"}]}"#;
/// assert!(decoded(list, 1).is_ok_and(|objects| objects.len() == 1));
/// assert_eq!(decoded("{\"kind\" 1}", 7).unwrap_err().line, 7);
/// ```
pub fn decoded(text: &str, first_line: u32) -> Result<Vec<Decoded>, Finding> {
    let tree = match json::read(text, first_line) {
        Some(json::Document::List(objects)) => return Ok(objects),
        Some(json::Document::Tree(tree)) => tree,
        None => yaml_tree(text, first_line)?,
    };
    if text.len() > MAX_OBJECT_BYTES && tree.text("kind") != Some("List") {
        let size = text.len();
        let message = format!("an object takes at most {MAX_OBJECT_BYTES} bytes, this one {size}");
        return Err(wrong(Kind::TooLong, tree.line, message));
    }
    Ok(decode(&tree))
}

fn yaml_tree(text: &str, first_line: u32) -> Result<Tree, Finding> {
    yaml::read(text, first_line).map_err(|error| {
        let (line, message) = json::mistake(text, first_line)
            .unwrap_or_else(|| (error.line, format!("not YAML: {}", error.message)));
        wrong(Kind::Invalid, line, message)
    })
}

fn wrong(kind: Kind, line: u32, message: String) -> Finding {
    Finding { line, ..Finding::error(kind, "", "", message) }
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
        for (line, part) in yaml::split(text(bytes).0) {
            let tree = json::tree(part, line).or_else(|| yaml::read(part, line).ok());
            tree.into_iter().for_each(|tree| enter(tree, &mut objects));
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
