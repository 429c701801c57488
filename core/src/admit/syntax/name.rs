//! Names, labels and ports as text.

use super::{Problem, Problems};
use crate::select::{is_name_part, is_subdomain};

const LABEL: usize = 63;
const SUBDOMAIN: usize = 253;
const PORT_NAME: usize = 15;

const LABEL_SHAPE: &str = "must be lower-case letters, digits and '-', and start and end with a letter or digit, \
                           such as my-name or 123-abc";
const RFC1035_SHAPE: &str = "must be lower-case letters, digits and '-', start with a letter, and end with a letter \
                             or digit, such as my-name or abc-123";
const SUBDOMAIN_SHAPE: &str = "must be lower-case letters, digits, '-' and '.', and start and end with a letter or \
                               digit, such as example.com";
const NAME_PART_SHAPE: &str = "the name part must be letters, digits, '-', '_' and '.', and start and end with a \
                               letter or digit, such as MyName or my.name";

/// An RFC 1123 label: `[a-z0-9]([-a-z0-9]*[a-z0-9])?`, at most 63 bytes.
#[must_use]
pub fn rfc1123_label(text: &str) -> Problems {
    let problems = Problems::default().when(text.len() > LABEL, Problem::TooLong(LABEL));
    if is_label(text) {
        problems
    } else if is_subdomain(text) {
        problems.unless(false, "must not contain dots")
    } else {
        problems.unless(false, LABEL_SHAPE)
    }
}

/// An RFC 1035 label: `[a-z]([-a-z0-9]*[a-z0-9])?`, at most 63 bytes; the classic name of a Service.
#[must_use]
pub fn rfc1035_label(text: &str) -> Problems {
    let starts_with_letter = text.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
    Problems::default()
        .when(text.len() > LABEL, Problem::TooLong(LABEL))
        .unless(starts_with_letter && is_label(text), RFC1035_SHAPE)
}

/// An RFC 1123 subdomain: labels joined by dots, at most 253 bytes; single labels may exceed 63 bytes.
#[must_use]
pub fn rfc1123_subdomain(text: &str) -> Problems {
    Problems::default()
        .when(text.len() > SUBDOMAIN, Problem::TooLong(SUBDOMAIN))
        .unless(is_subdomain(text), SUBDOMAIN_SHAPE)
}

/// `*.` and a subdomain, at most 253 bytes together.
#[must_use]
pub fn wildcard_subdomain(text: &str) -> Problems {
    Problems::default().when(text.len() > SUBDOMAIN, Problem::TooLong(SUBDOMAIN)).unless(
        text.strip_prefix("*.").is_some_and(is_subdomain),
        "must be '*.' and a domain, such as *.example.com",
    )
}

/// An entry of a search list: a subdomain whose labels may start with, and contain, `_`; a final dot is allowed, as
/// is `.` alone.
#[must_use]
pub fn search_domain(text: &str) -> Problems {
    if text == "." {
        return Problems::default();
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        let rest = label.strip_prefix('_').unwrap_or(label);
        is_bounded(rest, is_lower, |b| is_lower(b) || b == b'-' || b == b'_')
    };
    Problems::default()
        .when(name.len() > SUBDOMAIN, Problem::TooLong(SUBDOMAIN))
        .unless(name.split('.').all(is_label), "must be a domain, such as example.com")
}

/// A fully qualified domain name: a subdomain of at least two labels of at most 63 bytes each; a final dot is
/// allowed.
#[must_use]
pub fn fully_qualified_domain(text: &str) -> Problems {
    let none = Problems::default();
    let name = text.strip_suffix('.').unwrap_or(text);
    if !is_subdomain(name) || name.len() > SUBDOMAIN {
        return none.unless(false, SUBDOMAIN_SHAPE);
    }
    none.unless(name.contains('.'), "must be a domain of at least two parts, such as example.com")
        .when(name.split('.').any(|label| label.len() > LABEL), Problem::TooLong(LABEL))
}

/// The name of a port (IANA): `[-a-z0-9]+`, at most 15 bytes, a letter, no `--`, no `-` at an end.
#[must_use]
pub fn port_name(text: &str) -> Problems {
    Problems::default()
        .when(text.len() > PORT_NAME, Problem::TooLong(PORT_NAME))
        .unless(
            !text.is_empty() && text.bytes().all(|b| is_lower(b) || b == b'-'),
            "must be lower-case letters, digits and '-'",
        )
        .unless(
            text.bytes().any(|b| b.is_ascii_lowercase()),
            "must have at least one letter from a to z",
        )
        .unless(!text.contains("--"), "must not have two hyphens in a row")
        .unless(
            !text.starts_with('-') && !text.ends_with('-'),
            "must not start or end with a hyphen",
        )
}

/// A port number: 1 to 65535.
#[must_use]
pub fn port_number(number: i64) -> Problems {
    Problems::default().unless((1..=65535).contains(&number), "must be from 1 to 65535")
}

/// A label key, also called qualified name: an optional subdomain and a slash, and
/// `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]` of at most 63 bytes.
///
/// A text can have several problems: one or two of the prefix, two of the name.
#[must_use]
pub fn qualified_name(text: &str) -> Problems {
    let none = Problems::default();
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if name.contains('/') {
        return none.unless(
            false,
            "must be a name with an optional domain and '/' before it, such as example.com/name",
        );
    }
    let with_prefix = match prefix {
        None => none,
        Some("") => none.unless(false, "the part before the slash must not be empty"),
        Some(prefix) => {
            none.when(prefix.len() > SUBDOMAIN, Problem::PrefixTooLong(SUBDOMAIN)).unless(
                is_subdomain(prefix),
                "the part before the slash must be a domain in lower case",
            )
        }
    };
    with_prefix
        .unless(!name.is_empty(), "the name part must not be empty")
        .when(name.len() > LABEL, Problem::NamePartTooLong(LABEL))
        .unless(is_name_part(name), NAME_PART_SHAPE)
}

/// The key of an annotation: a qualified name, but its domain may be in upper case.
#[must_use]
pub fn annotation_key(text: &str) -> Problems {
    match text.split_once('/') {
        Some((prefix, _)) if prefix.bytes().any(|b| b.is_ascii_uppercase()) => {
            qualified_name(&text.to_ascii_lowercase())
        }
        _ => qualified_name(text),
    }
}

/// The value of a label: empty, or as the name part of a key.
#[must_use]
pub fn label_value(text: &str) -> Problems {
    Problems::default().when(text.len() > LABEL, Problem::TooLong(LABEL)).unless(
        text.is_empty() || is_name_part(text),
        "must be empty, or letters, digits, '-', '_' and '.', and start and end with a letter or digit",
    )
}

/// A subdomain, a slash and characters of a path (RFC 3986): `example.com/ingress-controller`.
#[must_use]
pub fn domain_prefixed_path(text: &str) -> Problems {
    let none = Problems::default();
    match text.split_once('/') {
        Some((host, path)) if !host.is_empty() && !path.is_empty() => none
            .when(host.len() > SUBDOMAIN, Problem::PrefixTooLong(SUBDOMAIN))
            .unless(is_subdomain(host), "the part before the slash must be a domain in lower case")
            .unless(
                path.bytes().all(is_path_byte),
                "the path must be of letters, digits and the characters of a URL's path",
            ),
        _ => none.unless(false, "must be a domain and a path, such as example.com/name"),
    }
}

/// The name of an object of any kind, which becomes a part of a URL's path: not `.` or `..`, no `/`, no `%`.
#[must_use]
pub fn path_segment(text: &str) -> Problems {
    if text == "." || text == ".." {
        return Problems::default().unless(false, "must not be '.' or '..'");
    }
    Problems::default()
        .unless(!text.contains('/'), "must not contain '/'")
        .unless(!text.contains('%'), "must not contain '%'")
}

fn is_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Not empty; the first and last byte are an `end`, all others `inner`.
fn is_bounded(text: &str, end: impl Fn(u8) -> bool, inner: impl Fn(u8) -> bool) -> bool {
    match text.as_bytes() {
        [] => false,
        [only] => end(*only),
        [first, between @ .., last] => {
            end(*first) && end(*last) && between.iter().all(|byte| inner(*byte))
        }
    }
}

fn is_label(text: &str) -> bool {
    is_bounded(text, is_lower, |b| is_lower(b) || b == b'-')
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte)
}
