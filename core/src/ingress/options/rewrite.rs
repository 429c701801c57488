//! What becomes of a path on its way to a pod.
//!
//! ingress-nginx reads paths as regular expressions as soon as something is rewritten. People use that for one thing:
//! to take a prefix away. The forms that do so are read here; they become ordinary prefixes, which match whole
//! elements and mind their case. Any other expression is refused with a hint.
//!
//! | path | target | `/web/x` becomes |
//! |---|---|---|
//! | `/web` | `/` | `/` |
//! | `/web(/|$)(.*)` | `/$2` | `/x` |
//! | `/web/(.*)` | `/app/$1` | `/app/x` |
//! | `/web/?(.*)` | `/$1` | `/x` |

use crate::ingress::{BadPath, PathPolicy};
use std_alloc::{string::String, sync::Arc};

/// What becomes of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// This path, whatever it was.
    Full(Arc<str>),
    /// This text, then what follows the match without its first slash.
    Rest(Arc<str>),
    /// The match is replaced by this one, with one slash between it and the rest (Gateway API).
    Prefix(Arc<str>),
}

impl Rewrite {
    /// The new path of a request whose path matched with so many bytes.
    ///
    /// ```
    /// use svckit::ingress::Rewrite;
    ///
    /// assert_eq!(Rewrite::Full("/new".into()).apply("/web/x", 4), "/new");
    /// assert_eq!(Rewrite::Rest("/".into()).apply("/web/x", 4), "/x");
    /// assert_eq!(Rewrite::Prefix("/app/".into()).apply("/web", 4), "/app");
    /// ```
    #[must_use]
    pub fn apply(&self, path: &str, matched: usize) -> String {
        let rest = path.get(matched..).unwrap_or_default();
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let (start, joint) = match self {
            Self::Full(target) => return String::from(&**target),
            Self::Rest(start) => (&**start, ""),
            Self::Prefix(start) if rest.is_empty() && path.len() == matched => {
                (start.trim_end_matches('/'), "")
            }
            Self::Prefix(start) => (start.trim_end_matches('/'), "/"),
        };
        let new = [start, joint, rest].concat();
        // What follows the match may begin with more slashes, when they are not merged.
        if new.is_empty() { String::from("/") } else { new }
    }

    /// What a `rewrite-target` does, when `group` holds the rest of the path; `None` when it asks for anything else.
    pub(in crate::ingress) fn read(target: &str, group: Option<u8>) -> Option<Self> {
        let Some((before, number)) = target.split_once('$') else {
            return Some(Self::Full(target.into()));
        };
        let wanted = group.map(|group| char::from(b'0' + group));
        let is_rest = wanted.is_some_and(|wanted| number.len() == 1 && number.starts_with(wanted));
        is_rest.then(|| Self::Rest(before.into()))
    }

    /// The same with its text in the form of paths.
    pub(in crate::ingress) fn canonical(self, policy: &PathPolicy) -> Result<Self, BadPath> {
        let form = |text: &str| {
            let form = policy.rule(text).map(|form| String::from_utf8(form).unwrap_or_default());
            form.map(Arc::from)
        };
        Ok(match self {
            Self::Full(text) => Self::Full(form(&text)?),
            Self::Rest(text) => Self::Rest(form(&text)?),
            Self::Prefix(text) => Self::Prefix(form(&text)?),
        })
    }
}

/// A regular expression as the prefix it stands for, and the number of the group that holds the rest.
pub(in crate::ingress) fn regex(path: &str) -> Option<(&str, Option<u8>)> {
    const FORMS: [(&str, Option<u8>); 9] = [
        ("(/|$)(.*)$", Some(2)),
        ("(/|$)(.*)", Some(2)),
        ("(?:/|$)(.*)", Some(1)),
        ("/?(.*)", Some(1)),
        ("/(.*)$", Some(1)),
        ("/(.*)", Some(1)),
        ("(.*)", Some(1)),
        ("/.*", None),
        (".*", None),
    ];
    let path = path.strip_prefix('^').unwrap_or(path);
    let form =
        |(form, group): &(&str, Option<u8>)| path.strip_suffix(form).map(|left| (left, *group));
    let (prefix, group) = FORMS.iter().find_map(form).unwrap_or((path, None));
    (!is_special(prefix)).then_some((prefix, group))
}

/// Whether a path has characters that mean something in a regular expression; the dot does not count, since everybody
/// writes it for itself.
pub(in crate::ingress) fn is_special(path: &str) -> bool {
    path.bytes().any(|byte| b"^$*+?()[]{}|\\".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_expressions_are_prefixes() {
        let cases = [
            ("/web(/|$)(.*)", "/$2", "/web", Some("/a/b")),
            ("/web/(.*)", "/app/$1", "/web", Some("/app/a/b")),
            ("/web/?(.*)", "/$1", "/web", Some("/a/b")),
            ("^/web(.*)", "/$1", "/web", Some("/a/b")),
            ("/web", "/", "/web", Some("/")),
            ("/web/.*", "/x", "/web", Some("/x")),
            ("/(.*)", "/$1", "", Some("/web/a/b")),
            ("/web(/|$)(.*)", "/$1", "/web", None),
            ("/web", "/$1", "/web", None),
            ("/web(/|$)(.*)", "/$2/$1", "/web", None),
        ];
        for (path, to, prefix, want) in cases {
            let (came, group) = regex(path).unwrap();
            assert_eq!(came, prefix, "{path}");
            let rewritten =
                Rewrite::read(to, group).map(|rewrite| rewrite.apply("/web/a/b", prefix.len()));
            assert_eq!(rewritten.as_deref(), want, "{path} {to}");
        }
        for path in ["/a[0-9]", "/(a|b)/(.*)", "/a/\\d+", "/a.*/b", "/a(/|$)(.*)x"] {
            assert_eq!(regex(path), None, "{path}");
        }
    }

    #[test]
    fn prefixes_are_replaced_as_gateways_do() {
        let cases = [
            ("/foo/bar", 4, "/xyz", "/xyz/bar"),
            ("/foo/bar", 4, "/xyz/", "/xyz/bar"),
            ("/foo", 4, "/xyz", "/xyz"),
            ("/foo/", 4, "/xyz", "/xyz/"),
            ("/foo", 4, "/", "/"),
            ("/foo/bar", 4, "/", "/bar"),
            ("/foo/bar", 4, "", "/bar"),
            ("/bar", 0, "/xyz", "/xyz/bar"),
        ];
        for (path, matched, to, want) in cases {
            assert_eq!(Rewrite::Prefix(to.into()).apply(path, matched), want, "{path} to {to}");
        }
    }
}
