//! JSON as trees with lines, and what is wrong with a text that was meant to be JSON.
//!
//! JSON is a part of YAML's language, and [`super::yaml`] reads it as well, at a tenth of the pace. This reader takes what is
//! sound JSON, and both make the same of it (YAML wants a key on one line with its colon, JSON doesn't); anything else (a mistake, a merge key, nesting without end) it leaves to
//! the other. The items of a `List` become objects one by one, so that a large one never stands in memory as a tree.

use jiter::{Jiter, Peek};
use serde::de::IgnoredAny;
use svckit::api::{Decoded, Key, Tree, TreeNode, decode};

use super::yaml::{self, MAX_DEPTH};

/// What a text holds.
#[derive(Debug)]
pub(super) enum Document {
    /// One value.
    Tree(Tree),
    /// The objects of a `List`.
    List(Vec<Decoded>),
}

/// Reads a text that starts on `first_line`; `None` leaves it to the YAML reader.
pub(super) fn read(text: &str, first_line: u32) -> Option<Document> {
    Reader::whole(text, first_line, Reader::document)
}

/// The same, but a `List` stays a tree too.
pub(super) fn tree(text: &str, first_line: u32) -> Option<Tree> {
    Reader::whole(text, first_line, |reader| {
        let peek = reader.json.peek().ok()?;
        reader.value(peek, 0)
    })
}

/// A text on the way to a tree.
struct Reader<'a> {
    text: &'a str,
    json: Jiter<'a>,
    /// How far lines have been counted.
    counted: usize,
    /// The line there.
    line: u32,
}

impl<'a> Reader<'a> {
    /// What `read` makes of a text that is meant to be JSON, if nothing is left then.
    fn whole<T>(
        text: &'a str,
        first_line: u32,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        if !is_meant(text) {
            return None;
        }
        let json = Jiter::new(text.as_bytes());
        let mut reader = Self { text, json, counted: 0, line: first_line };
        let read = read(&mut reader)?;
        reader.json.finish().ok()?;
        Some(read)
    }

    /// The objects of a `List`, or else the value that stands there.
    fn document(&mut self) -> Option<Document> {
        let peek = self.json.peek().ok()?;
        if peek != Peek::Object {
            return self.value(peek, 0).map(Document::Tree);
        }
        let line = self.line_here();
        let (mut fields, mut items) = (Vec::new(), None);
        self.each_field(|reader, key, peek| {
            if key.name != "items" || peek != Peek::Array {
                fields.push((key, reader.value(peek, 1)?));
                return Some(());
            }
            let second = items.replace(reader.items()?).is_some();
            (!second).then_some(())
        })?;
        let tree = Tree::new(line, TreeNode::Map(fields));
        match items {
            None => Some(Document::Tree(tree)),
            Some(objects) => (tree.text("kind") == Some("List")).then_some(Document::List(objects)),
        }
    }

    /// The objects of what is probably a `List`: its kind may stand behind them.
    fn items(&mut self) -> Option<Vec<Decoded>> {
        let mut objects = Vec::new();
        self.each_item(|reader, peek| {
            objects.append(&mut decode(&reader.value(peek, 2)?));
            Some(())
        })?;
        Some(objects)
    }

    /// One value, inside of `depth` others.
    fn value(&mut self, peek: Peek, depth: usize) -> Option<Tree> {
        let line = self.line_here();
        let node = match peek {
            Peek::Object | Peek::Array if depth >= MAX_DEPTH => return None,
            Peek::Object => {
                let mut fields = Vec::new();
                self.each_field(|reader, key, peek| {
                    fields.push((key, reader.value(peek, depth + 1)?));
                    Some(())
                })?;
                TreeNode::Map(fields)
            }
            Peek::Array => {
                let mut items = Vec::new();
                self.each_item(|reader, peek| {
                    items.push(reader.value(peek, depth + 1)?);
                    Some(())
                })?;
                TreeNode::List(items)
            }
            Peek::String => TreeNode::Text(self.json.known_str().ok()?.into()),
            Peek::Null => self.json.known_null().ok().map(|()| TreeNode::Null)?,
            Peek::True | Peek::False => TreeNode::Bool(self.json.known_bool(peek).ok()?),
            _ => {
                let text = self.json.known_number_bytes(peek).ok()?;
                return Some(yaml::plain(line, str::from_utf8(text).ok()?));
            }
        };
        Some(Tree::new(line, node))
    }

    /// Hands each key of an object to `take`, which reads its value.
    fn each_field(
        &mut self,
        mut take: impl FnMut(&mut Self, Key, Peek) -> Option<()>,
    ) -> Option<()> {
        let mut next = self.json.known_object().ok()?.map(String::from);
        while let Some(name) = next {
            let key = self.key(name)?;
            let peek = self.json.peek().ok()?;
            take(self, key, peek)?;
            next = self.json.next_key().ok()?.map(String::from);
        }
        Some(())
    }

    /// Lets `take` read each item of an array.
    fn each_item(&mut self, mut take: impl FnMut(&mut Self, Peek) -> Option<()>) -> Option<()> {
        let mut next = self.json.known_array().ok()?;
        while let Some(peek) = next {
            take(self, peek)?;
            next = self.json.array_step().ok()?;
        }
        Some(())
    }

    /// A key that was just read, with its colon.
    fn key(&mut self, name: String) -> Option<Key> {
        // YAML would merge its value into the map.
        if name == "<<" {
            return None;
        }
        let read = self.text.get(..self.json.current_index())?;
        let end = read.trim_end().strip_suffix(':')?.trim_end().len();
        Some(Key { line: self.line_at(end), name })
    }

    fn line_here(&mut self) -> u32 {
        self.line_at(self.json.current_index())
    }

    /// The line of a place that is not before the last one asked for.
    fn line_at(&mut self, place: usize) -> u32 {
        let between = self.text.as_bytes().get(self.counted..place).unwrap_or_default();
        self.line += yaml::newlines(between);
        self.counted = place.max(self.counted);
        self.line
    }
}

/// Whether a text is meant to be a JSON object or list.
fn is_meant(text: &str) -> bool {
    let inside = text.trim_start().strip_prefix(['{', '[']);
    inside.is_some_and(|inside| inside.trim_start().starts_with(['"', '{', '[', '}', ']']))
}

/// The line and the mistake of a JSON text that starts on `first_line`; `None` when it is not meant to be JSON, or is
/// sound JSON.
pub(super) fn mistake(text: &str, first_line: u32) -> Option<(u32, String)> {
    if !is_meant(text) {
        return None;
    }
    let error = serde_json::from_str::<IgnoredAny>(text).err()?;
    let line = first_line - 1 + error.line() as u32;
    let message = error.to_string();
    let what = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
    Some(match error.column() {
        0 => (line, format!("not JSON: {what}")),
        column => (line, format!("not JSON: {what}, in column {column}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both readers, on one text.
    #[track_caller]
    fn both(text: &str) {
        let want = yaml::read(text, 7).unwrap();
        assert_eq!(tree(text, 7).as_ref(), Some(&want), "{text}");
        match read(text, 7).unwrap() {
            Document::Tree(came) => assert_eq!(came, want, "{text}"),
            Document::List(came) => {
                let want = decode(&want);
                assert_eq!(format!("{came:?}"), format!("{want:?}"), "{text}");
            }
        }
    }

    #[test]
    fn json_is_what_the_yaml_reader_makes_of_it() {
        both("{}");
        both("[]");
        both(" {\n\"a\"\n:\n 1 , \"b\": [\n], \"c\"  :{\n }\n}\n\n");
        both(
            r#"{"n": [0, -1, 1.10, 1e3, -2.5E-2, 123456789012345678901234567890, true, false, null]}"#,
        );
        both(r#"{"text": ["", "yes", "80", "a\"b\\c\/d", "\u00e9\n\t", "ö"], "a": 1, "a": 2}"#);
        both(
            "{\"apiVersion\": \"v1\", \"items\": [\n{\"kind\": \"Service\", \"apiVersion\": \"v1\",\n\
              \"spec\": {\"ports\": [{\"prot\": 53}]}}, {\"kind\": \"List\", \"items\": [{\"kind\": \"Odd\"}]}],\n\
              \"kind\": \"List\"}",
        );
        both(&format!("{{\"a\": {}{}}}", "[".repeat(MAX_DEPTH - 1), "]".repeat(MAX_DEPTH - 1)));
    }

    /// A JSON value of random shape, with blanks and new lines wherever they may stand.
    fn random(next: &mut impl FnMut(usize) -> usize, depth: usize) -> String {
        let blank = |next: &mut dyn FnMut(usize) -> usize| [" ", "", "\n", "", "\t"][next(5)];
        let texts = [
            "\"\"",
            "\"on\"",
            "\"a: b\"",
            "\"- x\"",
            "\"\\u00e9\\n\"",
            "\"#\"",
            "\"kind\"",
            "\"List\"",
        ];
        let plain = [
            "0",
            "-7",
            "80",
            "1.50",
            "1E2",
            "true",
            "false",
            "null",
            "1e-3",
            "12345678901234567890",
        ];
        let (open, close, named) = match next(if depth > 4 { 2 } else { 4 }) {
            0 => return texts[next(texts.len())].into(),
            1 => return plain[next(plain.len())].into(),
            2 => ('[', ']', false),
            _ => ('{', '}', true),
        };
        let items: Vec<String> = (0..next(4))
            .map(|_| {
                let key = if named {
                    format!("{}{}:", texts[next(texts.len())], blank(next))
                } else {
                    String::new()
                };
                let (before, value, after) = (blank(next), random(next, depth + 1), blank(next));
                format!("{}{key}{before}{value}{after}", blank(next))
            })
            .collect();
        format!("{open}{}{}{close}", blank(next), items.join(","))
    }

    #[test]
    fn both_readers_agree_on_random_documents() {
        let mut state = 7_u64;
        let mut next = |n: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % n
        };
        let mut read_both = 0;
        for _ in 0..20_000 {
            let text = format!("{{\"a\":{}}}", random(&mut next, 0));
            assert!(tree(&text, 7).is_some(), "{text}");
            // YAML wants a key on one line with its colon.
            if yaml::read(&text, 7).is_ok() {
                read_both += 1;
                both(&text);
            }
        }
        assert!(read_both > 15_000, "{read_both}");
    }

    #[test]
    fn what_is_not_sound_json_is_left_to_the_yaml_reader() {
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        let texts = [
            "kind: Service",
            "{kind: Service}",
            "{\"a\": 1,}",
            "{\"a\": 1} {}",
            "{\"a\": 01}",
            "{\"a\": NaN}",
            "{\"a\": \"\n\"}",
            "{\"<<\": {\"b\": 1}}",
            "{\"a\": [1, 2}",
            "{\"kind\": \"PodList\", \"items\": []}",
            "{\"kind\": \"List\", \"items\": [], \"items\": []}",
            &deep,
        ];
        for text in texts {
            assert!(read(text, 1).is_none(), "{text}");
        }
    }

    #[test]
    fn only_json_is_judged_as_json() {
        let cases = [
            ("kind: ]", None),
            ("{kind: ]", None),
            ("{\"kind\" 1}", Some((7, "not JSON: expected `:`, in column 9"))),
            ("\n [[1, 2", Some((8, "not JSON: EOF while parsing a list, in column 7"))),
            ("{}", None),
        ];
        for (text, want) in cases {
            let came = mistake(text, 7);
            let came = came.as_ref().map(|(line, message)| (*line, message.as_str()));
            assert_eq!(came, want, "{text:?}");
        }
    }
}
