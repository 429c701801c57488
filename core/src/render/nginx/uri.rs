//! What nginx matches locations against: its own reading of a request's path.
//!
//! nginx decodes every escape once (`%2F` becomes a slash), merges slashes and resolves dots, and compares locations
//! with the outcome, whatever it sends on. Rules are written for it in this form.

use std_alloc::vec::Vec;

/// nginx answers this request with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nginx refuses this request target")]
pub struct BadUri;

/// The path that nginx 1.22 matches for a request target, with `merge_slashes on`.
///
/// # Errors
///
/// What nginx refuses: control bytes and spaces, broken escapes, `%00`, and dots that climb above the root.
///
/// ```
/// use svckit::render::nginx::{BadUri, normalised_uri};
///
/// assert_eq!(normalised_uri(b"/pub/..%2fraw//z?q"), Ok(b"/raw/z".to_vec()));
/// assert_eq!(normalised_uri(b"/foo%00"), Err(BadUri));
/// ```
pub fn normalised_uri(target: &[u8]) -> Result<Vec<u8>, BadUri> {
    if target.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return Err(BadUri);
    }
    let path = path(target).ok_or(BadUri)?;
    let mut uri = Vec::with_capacity(path.len());
    for element in decode(path)?.split(|byte| *byte == b'/').skip(1) {
        // What came last stays open: a slash is written only when something follows it.
        match element {
            b"" | b"." => close(&mut uri),
            b".." => {
                close(&mut uri);
                uri.pop();
                let parent = uri.iter().rposition(|byte| *byte == b'/').ok_or(BadUri)?;
                uri.truncate(parent + 1);
            }
            name => {
                close(&mut uri);
                uri.extend_from_slice(name);
            }
        }
    }
    Ok(uri)
}

/// Ends the path with a slash.
fn close(uri: &mut Vec<u8>) {
    if uri.last() != Some(&b'/') {
        uri.push(b'/');
    }
}

/// The path of a target, without authority, query and fragment.
fn path(target: &[u8]) -> Option<&[u8]> {
    let path = match target.first() {
        Some(b'/') => target,
        _ => {
            let rest = target.strip_prefix(b"http://");
            let rest = rest.or_else(|| target.strip_prefix(b"https://"))?;
            let slash = rest.iter().position(|byte| *byte == b'/');
            slash.and_then(|at| rest.get(at..)).unwrap_or(b"/")
        }
    };
    let end = path.iter().position(|byte| matches!(byte, b'?' | b'#'));
    path.get(..end.unwrap_or(path.len()))
}

/// One level of escapes decoded.
fn decode(path: &[u8]) -> Result<Vec<u8>, BadUri> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let (value, after) =
            crate::ingress::escape(after).filter(|(value, _)| *value != 0).ok_or(BadUri)?;
        decoded.push(value);
        rest = after;
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    #[test]
    fn uris_are_read_as_nginx_reads_them() {
        let cases = [
            ("plain", "/foo", Some("/foo")),
            ("root", "/", Some("/")),
            ("slashes", "//foo//bar//", Some("/foo/bar/")),
            ("dots", "/x/../foo/./bar/.", Some("/foo/bar/")),
            ("dots at the end", "/foo/..", Some("/")),
            ("dots after slashes", "/a//../b", Some("/b")),
            ("escaped dots", "/foo/%2e%2e/admin", Some("/admin")),
            ("escaped slash", "/foo%2Fbar", Some("/foo/bar")),
            ("escaped specials are data", "/foo%3f%23%25", Some("/foo?#%")),
            ("one level", "/foo%252e", Some("/foo%2e")),
            ("parameters are data", "/foo/..;/admin", Some("/foo/..;/admin")),
            ("query", "/foo?/../x", Some("/foo")),
            ("fragment", "/foo#x", Some("/foo")),
            ("absolute", "http://h/foo", Some("/foo")),
            ("above the root", "/..", None),
            ("above the root later", "/a/../../b", None),
            ("NUL", "/foo%00", None),
            ("space", "/foo bar", None),
            ("broken escape", "/foo%zz", None),
            ("cut escape", "/foo%2", None),
            ("no slash", "foo", None),
        ];
        for (name, raw, want) in cases {
            let uri = normalised_uri(raw.as_bytes()).ok();
            let uri = uri.map(|uri| String::from_utf8(uri).unwrap());
            assert_eq!(uri.as_deref(), want, "{name}");
        }
    }
}
