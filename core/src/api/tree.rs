//! A document as a tree that remembers its lines.
//!
//! Whatever reads text (YAML, JSON) builds one of these; [`super::decode()`] makes objects of it. A tree knows no
//! types: `80` is a number in it even where a field wants a text.

use std_alloc::{
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};

/// A value and the line it starts on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// From 1; 0 when there is no text.
    pub line: u32,
    /// The value.
    pub node: TreeNode,
    /// A number or truth value as it was written, where it prints differently: `yes`, `1.10`, `0777`.
    pub written: Option<Box<str>>,
}

/// A value of a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TreeNode {
    /// Nothing; for Kubernetes the same as an absent field.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// Keys in the order they were written; a key may stand there twice.
    Map(Vec<(Key, Tree)>),
}

/// A key and the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// From 1; 0 when there is no text.
    pub line: u32,
    /// The key.
    pub name: String,
}

impl Tree {
    /// A value that starts on a line, and prints as it was written.
    #[must_use]
    pub const fn new(line: u32, node: TreeNode) -> Self {
        Self { line, node, written: None }
    }

    /// A number, truth value or text as its author wrote it; empty for anything else.
    #[must_use]
    pub fn scalar(&self) -> String {
        match (&self.written, &self.node) {
            (Some(written), _) => written.to_string(),
            (None, TreeNode::Bool(value)) => value.to_string(),
            (None, TreeNode::Int(value)) => value.to_string(),
            (None, TreeNode::Float(value)) => value.to_string(),
            (None, TreeNode::Text(text)) => text.clone(),
            (None, TreeNode::Null | TreeNode::List(_) | TreeNode::Map(_)) => String::new(),
        }
    }

    /// The value under `key`, when this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.node {
            TreeNode::Map(fields) => {
                fields.iter().find(|(name, _)| name.name == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The text under `key`, when there is one.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.node {
            TreeNode::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The line of `path`, or of the closest thing above it that exists.
    ///
    /// Paths are those of findings: `spec.ports[0].port`, `metadata.labels[app.kubernetes.io/name]`.
    #[must_use]
    pub fn line_of(&self, path: &str) -> u32 {
        let mut at = self;
        let mut line = self.line;
        for step in steps(path) {
            let next = match &at.node {
                TreeNode::Map(fields) => fields
                    .iter()
                    .find(|(key, _)| key.name == step)
                    .map(|(key, value)| (key.line, value)),
                TreeNode::List(items) => step
                    .parse()
                    .ok()
                    .and_then(|n: usize| items.get(n))
                    .map(|item| (item.line, item)),
                _ => None,
            };
            let Some((found, value)) = next else { break };
            (line, at) = (found, value);
        }
        line
    }

    /// The word for this kind of value in a message.
    #[must_use]
    pub fn shape(&self) -> &'static str {
        match self.node {
            TreeNode::Null => "nothing",
            TreeNode::Bool(_) => "true or false",
            TreeNode::Int(_) | TreeNode::Float(_) => "a number",
            TreeNode::Text(_) => "a text",
            TreeNode::List(_) => "a list",
            TreeNode::Map(_) => "a map",
        }
    }
}

/// The steps of a finding's path; what stands in brackets is one step, dots and all.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split('[').enumerate().flat_map(|(n, part)| {
        let (bracket, rest) =
            if n == 0 { ("", part) } else { part.split_once(']').unwrap_or((part, "")) };
        core::iter::once(bracket).chain(rest.split('.')).filter(|step| !step.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        let got: Vec<_> = steps("metadata.labels[app.kubernetes.io/name].x[0].y").collect();
        assert_eq!(got, ["metadata", "labels", "app.kubernetes.io/name", "x", "0", "y"]);
        assert_eq!(steps("").count(), 0);
    }
}
