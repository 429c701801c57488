//! YAML and JSON as trees with lines.
//!
//! Kubernetes' rules, not YAML 1.2's: documents are split at lines that start with `---` before anything is parsed,
//! so a broken one costs only itself; `yes`, `on` and their friends are booleans and `0777` is octal, as in YAML 1.1;
//! keys are texts. JSON is a part of the language; files of it are read by a faster reader, which leaves mistakes to this one.
//!
//! Text comes from strangers: a document may nest [`MAX_DEPTH`] deep, and aliases may make it at most
//! [`MAX_ALIASED`] nodes larger than it was written ("billion laughs").

mod scalar;

pub(super) use scalar::plain;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::{HashMap, HashSet};
use svckit::api::{Key, Tree, TreeNode};

/// How deep maps and lists may nest.
pub const MAX_DEPTH: usize = 100;
/// How many nodes the aliases of one document may copy.
pub const MAX_ALIASED: usize = 100_000;

/// A text is not YAML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct SyntaxError {
    /// Where, from 1.
    pub line: u32,
    /// What is wrong, in one sentence.
    pub message: String,
}

/// Splits a text into documents, and reads each by itself.
///
/// Lines are counted in the whole text. Documents that hold nothing are left out.
///
/// ```
/// use svckit_adapters::source::yaml::documents;
///
/// let read: Vec<_> = documents("kind: Service\n---\nkind: ]").collect();
/// assert_eq!(read[0].as_ref().unwrap().text("kind"), Some("Service"));
/// assert_eq!(read[1].as_ref().unwrap_err().line, 3);
/// ```
pub fn documents(text: &str) -> impl Iterator<Item = Result<Tree, SyntaxError>> {
    split(text).filter_map(|(first_line, part)| match read(part, first_line) {
        Ok(tree) if tree.node == TreeNode::Null => None,
        read => Some(read),
    })
}

/// The documents of a text, each with the number of its first line.
pub fn split(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (part, after) = rest.split_at(end_of_document(rest));
        let start = line;
        line += newlines(part.as_bytes());
        rest = after;
        Some((start, part))
    })
}

/// How many lines end in a piece of text.
pub(super) fn newlines(text: &[u8]) -> u32 {
    text.iter().filter(|byte| **byte == b'\n').count() as u32
}

/// Where the next document starts: the next line after the first that begins with `---`.
fn end_of_document(text: &str) -> usize {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find("\n---")) {
        let after = from + found + 4;
        if text.as_bytes().get(after).is_none_or(u8::is_ascii_whitespace) {
            return from + found + 1;
        }
        from = after;
    }
    text.len()
}

/// Reads one document that starts on `first_line` of its text.
///
/// # Errors
///
/// It is not YAML, nests too deep, or its aliases make it too large.
pub fn read(text: &str, first_line: u32) -> Result<Tree, SyntaxError> {
    let mut builder = Builder { offset: first_line - 1, ..Builder::default() };
    let mut parser = Parser::new_from_str(text);
    loop {
        let (event, span) = match parser.next_event() {
            None => return Ok(builder.root.unwrap_or_default()),
            Some(Ok(event)) => event,
            Some(Err(error)) => {
                let line = first_line - 1 + error.marker().line() as u32;
                return Err(SyntaxError { line, message: error.info().into() });
            }
        };
        if builder.root.is_some() && matches!(event, Event::DocumentStart(_)) {
            let message =
                "one document ends here and another begins; separate them by a line of ---".into();
            return Err(SyntaxError { line: builder.line(span), message });
        }
        builder.take(event, span)?;
    }
}

/// Builds a tree of events, without recursion.
#[derive(Default)]
struct Builder {
    /// Added to the parser's lines.
    offset: u32,
    open: Vec<Open>,
    root: Option<Tree>,
    anchors: HashMap<usize, (Tree, usize)>,
    aliased: usize,
}

/// A map or list that has not ended yet.
struct Open {
    line: u32,
    anchor: usize,
    /// Nodes in it so far.
    size: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Tree>),
    Map(Vec<(Key, Tree)>, Option<Key>),
}

impl Builder {
    fn line(&self, span: Span) -> u32 {
        self.offset + span.start.line() as u32
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), SyntaxError> {
        let line = self.line(span);
        match event {
            Event::SequenceStart(anchor, _) => self.begin(line, anchor, Kind::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(line, anchor, Kind::Map(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Scalar(text, style, anchor, tag) => {
                let tree = match (style, tag) {
                    (ScalarStyle::Plain, None) if !self.expects_key() => scalar::plain(line, &text),
                    _ => Tree::new(line, TreeNode::Text(text.into_owned())),
                };
                self.put(tree, anchor, 1)
            }
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let (tree, size) = known.ok_or_else(|| SyntaxError {
                    line,
                    message: "an alias stands inside of what it names".into(),
                })?;
                self.aliased += size;
                if self.aliased > MAX_ALIASED {
                    let message =
                        format!("aliases make this document more than {MAX_ALIASED} values larger");
                    return Err(SyntaxError { line, message });
                }
                self.put(tree, 0, size)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    /// Whether the next value is a key: those are texts as they are written, `80`, `yes` and all.
    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { kind: Kind::Map(_, None), .. }))
    }

    fn begin(&mut self, line: u32, anchor: usize, kind: Kind) -> Result<(), SyntaxError> {
        if self.open.len() >= MAX_DEPTH {
            let message = format!("maps and lists nest more than {MAX_DEPTH} deep");
            return Err(SyntaxError { line, message });
        }
        self.open.push(Open { line, anchor, size: 1, kind });
        Ok(())
    }

    fn end(&mut self) -> Result<(), SyntaxError> {
        let Some(Open { line, anchor, size, kind }) = self.open.pop() else { return Ok(()) };
        let node = match kind {
            Kind::List(items) => TreeNode::List(items),
            Kind::Map(fields, _) => TreeNode::Map(merge(fields)),
        };
        self.put(Tree::new(line, node), anchor, size)
    }

    /// Puts a finished value where it belongs.
    fn put(&mut self, tree: Tree, anchor: usize, size: usize) -> Result<(), SyntaxError> {
        if anchor > 0 {
            self.anchors.insert(anchor, (tree.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(tree);
            return Ok(());
        };
        open.size += size;
        match &mut open.kind {
            Kind::List(items) => items.push(tree),
            Kind::Map(fields, key) => match key.take() {
                Some(key) => fields.push((key, tree)),
                None => *key = Some(as_key(tree)?),
            },
        }
        Ok(())
    }
}

/// Keys are texts; YAML would allow lists and maps as well.
fn as_key(tree: Tree) -> Result<Key, SyntaxError> {
    match tree {
        Tree { line, node: TreeNode::Text(name), .. } => Ok(Key { line, name }),
        Tree { line, .. } => Err(SyntaxError { line, message: "a key must be a text".into() }),
    }
}

/// Carries out YAML 1.1's merge key: `<<: *base` adds the fields of `base` that the map lacks.
fn merge(fields: Vec<(Key, Tree)>) -> Vec<(Key, Tree)> {
    let (bases, mut fields): (Vec<_>, Vec<_>) =
        fields.into_iter().partition(|(key, _)| key.name == "<<");
    if bases.is_empty() {
        return fields;
    }
    let mut own: HashSet<String> = fields.iter().map(|(key, _)| key.name.clone()).collect();
    let bases = bases.into_iter().flat_map(|(_, base)| match base.node {
        TreeNode::List(bases) => bases,
        _ => vec![base],
    });
    for base in bases {
        let TreeNode::Map(inherited) = base.node else { continue };
        fields.extend(inherited.into_iter().filter(|(key, _)| own.insert(key.name.clone())));
    }
    fields
}

#[cfg(test)]
mod tests;
