//! Reads objects from a [`Tree`], and finds everything that is wrong with their shape.
//!
//! An ordinary deserialiser stops at the first mistake. This one writes the mistake down, with path and line, and
//! goes on with the field's zero value: it is a `serde` deserialiser, so the structs of [`crate::api`] need nothing
//! but their derives, and the derives tell it the field names that a misspelt one may have meant.
//!
//! The rules are an API server's strict ones: unknown and repeated fields are refused, names are case-sensitive, a
//! number is no text and a text no number, `null` is the same as absent.

use super::{Json, Object, Tree, TreeNode};
use crate::finding::{Finding, Kind};
use core::{cell::RefCell, fmt};
use serde::{
    Deserialize,
    de::{
        self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor,
        value::{BorrowedStrDeserializer, MapDeserializer, SeqDeserializer, UnitDeserializer},
    },
};
use std_alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec::Vec,
};

/// One object of a document, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The object, with zero values where something was wrong; `None` when its kind is not known.
    pub object: Option<Object>,
    /// What is wrong with its shape, in the order of the text.
    pub findings: Vec<Finding>,
    /// The line it starts on.
    pub line: u32,
}

/// Reads a document: one object, or a `List` of them.
///
/// Costs O(size of the document). A document that holds nothing gives nothing.
///
/// ```
/// use svckit::api::{Key, Tree, TreeNode, decode};
///
/// let field = |name: &str, node| (Key { line: 1, name: name.into() }, Tree::new(1, node));
/// let fields = vec![
///     field("apiVersion", TreeNode::Text("v1".into())),
///     field("kind", TreeNode::Text("Service".into())),
///     field("sepc", TreeNode::Null),
/// ];
/// let document = Tree::new(1, TreeNode::Map(fields));
/// let decoded = decode(&document);
/// assert_eq!(decoded[0].findings[0].message, "there is no such field; perhaps spec?");
/// ```
#[must_use]
pub fn decode(document: &Tree) -> Vec<Decoded> {
    match document.text("kind") {
        _ if document.node == TreeNode::Null => Vec::new(),
        Some("List") => match document.get("items").map(|items| &items.node) {
            Some(TreeNode::List(items)) => items.iter().flat_map(decode).collect(),
            None | Some(TreeNode::Null) => Vec::new(),
            Some(_) => {
                let wrong = Finding::error(Kind::Invalid, "items", "", "must be a list of objects");
                let line = document.line_of("items");
                Vec::from([Decoded {
                    object: None,
                    findings: Vec::from([Finding { line, object: "List".into(), ..wrong }]),
                    line: document.line,
                }])
            }
        },
        _ => Vec::from([Object::decode(document)]),
    }
}

/// Reads any struct as strictly as the objects: its zero values stand where something is wrong.
pub fn decode_as<'de, T: Deserialize<'de> + Default>(tree: &'de Tree) -> (T, Vec<Finding>) {
    let mut findings = Vec::new();
    let value = object(tree, &mut findings);
    (value, findings)
}

/// Reads one struct; mistakes go to `findings`.
pub(super) fn object<'de, T: Deserialize<'de> + Default>(
    tree: &'de Tree,
    findings: &mut Vec<Finding>,
) -> T {
    let notes = Notes { path: RefCell::default(), findings: RefCell::default() };
    let value = T::deserialize(At { tree, notes: &notes });
    findings.append(&mut notes.findings.into_inner());
    value.unwrap_or_else(|Wrong(message)| {
        findings
            .push(Finding { line: tree.line, ..Finding::error(Kind::Invalid, "", "", message) });
        T::default()
    })
}

/// Where the decoder is, and what it has found.
struct Notes {
    path: RefCell<String>,
    findings: RefCell<Vec<Finding>>,
}

impl Notes {
    fn note(&self, kind: Kind, line: u32, value: String, message: String) {
        let path = self.path.borrow().clone();
        self.findings
            .borrow_mut()
            .push(Finding { line, ..Finding::error(kind, path, value, message) });
    }

    /// Runs `body` one step further down.
    fn under<T>(&self, step: fmt::Arguments<'_>, body: impl FnOnce() -> T) -> T {
        let length = self.path.borrow().len();
        // Writing to a String can't fail.
        let _ = fmt::write(&mut *self.path.borrow_mut(), step);
        let done = body();
        self.path.borrow_mut().truncate(length);
        done
    }

    fn under_key<T>(&self, key: &str, free_form: bool, body: impl FnOnce() -> T) -> T {
        let at_the_top = self.path.borrow().is_empty();
        match (free_form, at_the_top) {
            (true, _) => self.under(format_args!("[{key}]"), body),
            (false, true) => self.under(format_args!("{key}"), body),
            (false, false) => self.under(format_args!(".{key}"), body),
        }
    }
}

/// A mistake that could not be stepped over.
#[derive(Debug)]
struct Wrong(String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// A place in the tree.
#[derive(Clone, Copy)]
struct At<'a, 'de> {
    tree: &'de Tree,
    notes: &'a Notes,
}

impl<'de> At<'_, 'de> {
    /// Notes that the value here should have been `wanted`.
    fn mismatch(self, wanted: &str) {
        let value = self.tree.scalar();
        let hint = match &self.tree.node {
            TreeNode::Int(_) | TreeNode::Float(_) | TreeNode::Bool(_) if wanted == TEXT => {
                format!("; write it in quotes: \"{value}\"")
            }
            TreeNode::Text(t) if wanted != TEXT && t.parse::<i64>().is_ok() => {
                String::from("; take the quotes away")
            }
            _ => String::new(),
        };
        let shape = self.tree.shape();
        self.notes.note(
            Kind::Invalid,
            self.tree.line,
            value,
            format!("must be {wanted}, not {shape}{hint}"),
        );
    }

    fn integer(self, range: core::ops::RangeInclusive<i64>) -> i64 {
        match self.tree.node {
            TreeNode::Int(n) if range.contains(&n) => n,
            TreeNode::Int(n) => {
                let message = format!("must be between {} and {}", range.start(), range.end());
                self.notes.note(Kind::Invalid, self.tree.line, n.to_string(), message);
                0
            }
            TreeNode::Null => 0,
            _ => {
                self.mismatch("a whole number");
                0
            }
        }
    }
}

const TEXT: &str = "a text";

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            visitor.$visit(self.integer(<$type>::MIN.into()..=<$type>::MAX.into()) as $type)
        }
    )*};
}

impl<'de> Deserializer<'de> for At<'_, 'de> {
    type Error = Wrong;

    integers! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_u64(self.integer(0..=i64::MAX).unsigned_abs())
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.tree.node {
            TreeNode::Null => visitor.visit_unit(),
            TreeNode::Bool(value) => visitor.visit_bool(*value),
            TreeNode::Int(value) => visitor.visit_i64(*value),
            TreeNode::Float(value) => visitor.visit_f64(*value),
            TreeNode::Text(value) => visitor.visit_borrowed_str(value),
            TreeNode::List(_) => self.deserialize_seq(visitor),
            TreeNode::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.tree.node {
            TreeNode::Bool(value) => visitor.visit_bool(value),
            _ => {
                self.mismatch("true or false");
                visitor.visit_bool(false)
            }
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.tree.node {
            TreeNode::Text(text) => visitor.visit_borrowed_str(text),
            _ => {
                self.mismatch(TEXT);
                visitor.visit_borrowed_str("")
            }
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.tree.node {
            TreeNode::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match (name, &self.tree.node) {
            ("IntOrString", TreeNode::Int(n)) if i32::try_from(*n).is_err() => {
                visitor.visit_i64(self.integer(i32::MIN.into()..=i32::MAX.into()))
            }
            ("IntOrString", TreeNode::Int(_) | TreeNode::Text(_)) => {
                visitor.visit_newtype_struct(self)
            }
            ("IntOrString", _) => {
                self.mismatch("a number or a name");
                visitor.visit_i64(0)
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let items: &[Tree] = match &self.tree.node {
            TreeNode::List(items) => items,
            _ => {
                self.mismatch("a list");
                return visitor
                    .visit_seq(SeqDeserializer::<_, Wrong>::new(core::iter::empty::<()>()));
            }
        };
        visitor.visit_seq(Items { items: items.iter(), next: 0, notes: self.notes })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.fields(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.fields(Some(fields), visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier
    }
}

impl<'de> At<'_, 'de> {
    fn fields<V: Visitor<'de>>(
        self,
        known: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match &self.tree.node {
            TreeNode::Map(fields) => visitor.visit_map(Fields {
                known,
                fields,
                next: 0,
                value: None,
                seen: BTreeSet::new(),
                notes: self.notes,
            }),
            TreeNode::Null => {
                visitor.visit_map(MapDeserializer::<_, Wrong>::new(core::iter::empty::<((), ())>()))
            }
            _ => {
                self.mismatch("a map");
                visitor.visit_map(MapDeserializer::<_, Wrong>::new(core::iter::empty::<((), ())>()))
            }
        }
    }
}

/// The items of a list.
struct Items<'a, 'de> {
    items: core::slice::Iter<'de, Tree>,
    next: usize,
    notes: &'a Notes,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some(tree) = self.items.next() else { return Ok(None) };
        let at = At { tree, notes: self.notes };
        let value = self.notes.under(format_args!("[{}]", self.next), || seed.deserialize(at));
        self.next += 1;
        value.map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// So many keys are compared with each other; a stranger's map may have a million, which are put in order.
const FEW: usize = 32;

/// The fields of a map; `known` are the names a struct has, `None` for a free map.
struct Fields<'a, 'de> {
    known: Option<&'static [&'static str]>,
    fields: &'de [(super::Key, Tree)],
    next: usize,
    value: Option<(&'de str, &'de Tree)>,
    /// Those of a map of more than [`FEW`].
    seen: BTreeSet<&'de str>,
    notes: &'a Notes,
}

impl<'de> Fields<'_, 'de> {
    /// Whether a key, the one before `next`, stands further up already.
    fn is_second(&mut self, key: &'de str) -> bool {
        if self.fields.len() > FEW {
            return !self.seen.insert(key);
        }
        let before = self.fields.iter().take(self.next.saturating_sub(1));
        before.into_iter().any(|(other, _)| other.name == key)
    }

    /// Whether a field is to be handed on; if not, says why.
    fn usable(&mut self, key: &'de super::Key, tree: &Tree) -> bool {
        let free_form = self.known.is_none();
        if self.is_second(&key.name) {
            self.notes.under_key(&key.name, free_form, || {
                self.notes.note(
                    Kind::Duplicate,
                    key.line,
                    String::new(),
                    "the field stands here twice".into(),
                );
            });
            return false;
        }
        match self.known {
            Some(known) if !known.contains(&key.name.as_str()) => {
                let message = match closest(&key.name, known) {
                    Some(name) => format!("there is no such field; perhaps {name}?"),
                    None => format!("there is no such field; there are {}", list(known)),
                };
                self.notes.under_key(&key.name, free_form, || {
                    self.notes.note(Kind::Unknown, key.line, String::new(), message);
                });
                false
            }
            Some(_) => tree.node != TreeNode::Null,
            None => true,
        }
    }
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        while let Some((key, tree)) = self.fields.get(self.next) {
            self.next += 1;
            if self.usable(key, tree) {
                self.value = Some((&key.name, tree));
                return seed.deserialize(BorrowedStrDeserializer::new(&key.name)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        match self.value.take() {
            Some((key, tree)) => self.notes.under_key(key, self.known.is_none(), || {
                seed.deserialize(At { tree, notes: self.notes })
            }),
            None => seed.deserialize(UnitDeserializer::new()),
        }
    }
}

/// The known word that is most like `word`, if one is like it at all.
pub(crate) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = 1 + word.len() / 3;
    known
        .iter()
        .map(|name| (distance(word, name), *name))
        .filter(|(distance, name)| *distance <= limit && *distance < name.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edits between two words: insert, delete, replace, swap of neighbours; case counts half of nothing.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<u8>, Vec<u8>) = (
        a.bytes().map(|c| c.to_ascii_lowercase()).collect(),
        b.bytes().map(|c| c.to_ascii_lowercase()).collect(),
    );
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = Vec::from([i + 1]);
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best =
                (at(&row, j + 1) + 1).min(at(&next, j) + 1).min(at(&row, j) + usize::from(x != y));
            if i > 0 && j > 0 && Some(x) == b.get(j - 1) && a.get(i - 1) == Some(y) {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = core::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

/// A few of the names, for a message.
fn list(known: &[&str]) -> String {
    let few: Vec<&str> = known.iter().copied().take(8).collect();
    let more = if known.len() > few.len() { ", …" } else { "" };
    format!("{}{more}", few.join(", "))
}

impl From<&Tree> for Json {
    /// The tree without its lines.
    fn from(tree: &Tree) -> Self {
        match &tree.node {
            TreeNode::Null => Self::Null,
            TreeNode::Bool(value) => Self::Bool(*value),
            TreeNode::Int(value) => Self::Int(*value),
            TreeNode::Float(value) => Self::Float(*value),
            TreeNode::Text(value) => Self::String(value.clone()),
            TreeNode::List(items) => Self::List(items.iter().map(Self::from).collect()),
            TreeNode::Map(fields) => Self::Map(
                fields.iter().map(|(key, value)| (key.name.clone(), value.into())).collect(),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
