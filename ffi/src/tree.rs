//! JSON as a tree, in the form in which the library reads objects.
//!
//! Lines are not kept: programs write this text, and what is wrong with it is said by path.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use svckit::api::{Key, Tree, TreeNode};

/// Reads JSON documents that follow one another: one object, a List, or one object a line.
///
/// # Errors
///
/// What is wrong with the text, and where.
pub(crate) fn documents(text: &[u8]) -> Result<Vec<Tree>, String> {
    let documents = serde_json::Deserializer::from_slice(text).into_iter::<Node>();
    documents.map(|node| Ok(node.map_err(|error| error.to_string())?.tree())).collect()
}

/// Reads one JSON document; an empty text is one that says nothing.
///
/// # Errors
///
/// What is wrong with the text, and where.
pub(crate) fn document(text: &[u8]) -> Result<Tree, String> {
    let mut documents = documents(text)?;
    match (documents.pop(), documents.is_empty()) {
        (None, _) => Ok(Tree::default()),
        (Some(tree), true) => Ok(tree),
        (Some(_), false) => Err("more than one document".into()),
    }
}

/// A value while it is read.
struct Node(TreeNode);

impl Node {
    fn tree(self) -> Tree {
        Tree::new(0, self.0)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Any).map(Self)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = TreeNode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<TreeNode, E> {
        Ok(TreeNode::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<TreeNode, E> {
        Ok(TreeNode::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<TreeNode, E> {
        Ok(TreeNode::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<TreeNode, E> {
        Ok(i64::try_from(value).map_or(TreeNode::Float(value as f64), TreeNode::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<TreeNode, E> {
        Ok(TreeNode::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<TreeNode, E> {
        Ok(TreeNode::Text(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<TreeNode, E> {
        Ok(TreeNode::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<TreeNode, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Node>()? {
            items.push(item.tree());
        }
        Ok(TreeNode::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TreeNode, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Node>()? {
            fields.push((Key { line: 0, name }, value.tree()));
        }
        Ok(TreeNode::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let cases = [
            ("nothing", "", Some(0)),
            ("one", r#"{"kind":"Service","kind":"Pod"}"#, Some(1)),
            ("two lines", "{}\n{}\n", Some(2)),
            ("no end", "{", None),
            ("deep", &"[".repeat(100_000), None),
        ];
        for (name, text, want) in cases {
            assert_eq!(documents(text.as_bytes()).ok().map(|all| all.len()), want, "{name}");
        }
        assert!(document(b"{} {}").is_err());
    }
}
