use super::*;
use std::{string::String, vec::Vec};

/// Name, policy, path, its form.
type Case = (&'static str, PathPolicy, &'static [u8], Result<&'static str, BadPath>);

fn form(policy: PathPolicy, raw: &[u8]) -> Result<String, BadPath> {
    policy.canonical(raw, &mut Vec::new()).map(String::from)
}

#[test]
fn paths_have_one_form() {
    let cases: &[(&str, &[u8], Result<&str, BadPath>)] = &[
        ("root", b"/", Ok("/")),
        ("plain", b"/shop/cart", Ok("/shop/cart")),
        ("a trailing slash stays", b"/shop/", Ok("/shop/")),
        ("slashes merge", b"//foo///bar//", Ok("/foo/bar/")),
        ("dot", b"/a/./b/.", Ok("/a/b/")),
        ("dot dot", b"/a/b/../c/..", Ok("/a/")),
        ("dot dot to the root", b"/a/..", Ok("/")),
        ("dot dot after merged slashes", b"/a//../b", Ok("/b")),
        ("hidden files are not dots", b"/.well-known/..x/...", Ok("/.well-known/..x/...")),
        ("escaped dots are dots", b"/a/%2e%2E/b", Ok("/b")),
        ("above the root", b"/..", Err(BadPath::AboveRoot)),
        ("above the root at last", b"/a/../../b", Err(BadPath::AboveRoot)),
        ("dot with a parameter", b"/a/..;/b", Err(BadPath::DotParameter)),
        ("escaped dot with a parameter", b"/a/%2e;x=1", Err(BadPath::DotParameter)),
        ("parameters are data", b"/a;x=1/b", Ok("/a;x=1/b")),
        ("unreserved unescaped", b"/%7eann%2Dx", Ok("/~ann-x")),
        ("other escapes in upper case", b"/a%2fb%3a%c3%a9", Ok("/a%2Fb%3A%C3%A9")),
        ("one level only", b"/a%252e%252e", Ok("/a%252e%252e")),
        ("escaped slash separates nothing", b"/a/..%2fb", Ok("/a/..%2Fb")),
        ("backslash is data", b"/a\\..\\b", Ok("/a%5C..%5Cb")),
        ("odd bytes are escaped", b"/{a|b}^`\"<>[]", Ok("/%7Ba%7Cb%7D%5E%60%22%3C%3E%5B%5D")),
        ("space", b"/a b", Err(BadPath::Byte(b' '))),
        ("newline", b"/a\r\nX: y", Err(BadPath::Byte(b'\r'))),
        ("fragment", b"/a#b", Err(BadPath::Byte(b'#'))),
        ("not ASCII", b"/caf\xc3\xa9", Err(BadPath::Byte(0xc3))),
        ("NUL", b"/a%00", Err(BadPath::Nul)),
        ("broken escape", b"/a%zz", Err(BadPath::Escape)),
        ("cut escape", b"/a%2", Err(BadPath::Escape)),
        ("no slash", b"foo", Err(BadPath::NotAbsolute)),
        ("nothing", b"", Err(BadPath::NotAbsolute)),
    ];
    for (name, raw, want) in cases {
        assert_eq!(form(PathPolicy::default(), raw), want.map(String::from), "{name}");
    }
}

#[test]
fn policies_differ_where_servers_do() {
    let plain = PathPolicy::default();
    let strict = PathPolicy { merge_slashes: false, ..plain };
    let reject = PathPolicy { escaped_slash: EscapedSlash::Reject, ..plain };
    let decode = PathPolicy { escaped_slash: EscapedSlash::Decode, ..plain };
    let lax = PathPolicy { escape_non_ascii: true, ..plain };
    let cases: &[Case] = &[
        ("unmerged", strict, b"/a//b/./c", Ok("/a//b/c")),
        ("unmerged, one element up", strict, b"/a//../b", Ok("/a/b")),
        ("rejected slash", reject, b"/a%2Fb", Err(BadPath::EscapedSlash)),
        ("rejected backslash", reject, b"/a\\b", Err(BadPath::EscapedSlash)),
        ("rejected escaped backslash", reject, b"/a%5cb", Err(BadPath::EscapedSlash)),
        ("decoded slash", decode, b"/pub/..%2fraw/z", Ok("/raw/z")),
        ("decoded slash merges", decode, b"/a/%2Fb", Ok("/a/b")),
        ("decoded once", decode, b"/a%252Fb", Ok("/a%252Fb")),
        ("escaped bytes", lax, b"/caf\xc3\xa9", Ok("/caf%C3%A9")),
    ];
    for (name, policy, raw, want) in cases {
        assert_eq!(form(*policy, raw), want.map(String::from), "{name}");
    }
}

#[test]
fn rules_are_read_as_their_authors_mean_them() {
    let cases: &[(&str, &str, Result<&str, BadPath>)] = &[
        ("space", "/my docs", Ok("/my%20docs")),
        ("percent", "/100%", Ok("/100%25")),
        ("escape", "/my%20docs", Ok("/my%20docs")),
        ("question mark", "/what?", Ok("/what%3F")),
        ("not ASCII", "/café", Ok("/caf%C3%A9")),
        ("never sent", "/a/../b", Err(BadPath::NeverSent)),
        ("never sent either", "/a//b", Err(BadPath::NeverSent)),
    ];
    for (name, rule, want) in cases {
        let came = PathPolicy::default().rule(rule).map(|path| String::from_utf8(path).unwrap());
        assert_eq!(came, want.map(String::from), "{name}");
    }
}
