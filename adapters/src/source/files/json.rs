//! What is wrong with a text that was meant to be JSON.
//!
//! JSON is read by the YAML reader, whose language it is a part of; but that reader's complaints are about YAML, so
//! a text that it refuses and that starts like JSON is read once more, by a JSON reader, for its words.

use serde::de::IgnoredAny;

/// The line and the mistake of a JSON text that starts on `first_line`; `None` when it is not meant to be JSON, or is
/// sound JSON.
pub(super) fn mistake(text: &str, first_line: u32) -> Option<(u32, String)> {
    let inside = text.trim_start().strip_prefix(['{', '['])?;
    if !inside.trim_start().starts_with(['"', '{', '[', '}', ']']) {
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
