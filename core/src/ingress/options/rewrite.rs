//! What becomes of a path on its way to a pod.
//!
//! | path | target | `/web/x` becomes |
//! |---|---|---|
//! | `/web` | `/` | `/` |
//! | `/web(/|$)(.*)` | `/$2` | `/x` |
//! | `/web/(.*)` | `/app/$1` | `/app/x` |
//! | `/(web|api)/(.*)` | `/old/$1/$2` | `/old/web/x` |

use super::expression::{Group, Reading};
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

    /// What a `rewrite-target` does for a path that was read so; `None` when the rest of the path doesn't stand at its end,
    /// or when a group is missing.
    pub(in crate::ingress) fn read(target: &str, path: &Reading) -> Option<Self> {
        let mut text = String::with_capacity(target.len());
        let mut parts = target.split('$');
        text.push_str(parts.next()?);
        while let Some(part) = parts.next() {
            let number = part.get(..1)?.parse().ok()?;
            let after = part.get(1..)?;
            match path.group(number)? {
                Group::Text(group) => text.extend([group, after]),
                Group::Rest => {
                    let is_last = after.is_empty() && parts.next().is_none();
                    return is_last.then(|| Self::Rest(text.into()));
                }
            }
        }
        Some(Self::Full(text.into()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_by_their_numbers() {
        for (path, to, want) in [
            ("/web(/|$)(.*)", "/$2", Some("/a/b")),
            ("/web/(.*)", "/app/$1", Some("/app/a/b")),
            ("/web/?(.*)", "/$1", Some("/a/b")),
            ("^/web(.*)", "/$1", Some("/a/b")),
            ("/web", "/", Some("/")),
            ("/web/.*", "/x", Some("/x")),
            ("/(web)/(.*)", "/old/$1/$2", Some("/old/web/a/b")),
            ("/(web)/a/b$", "/$1.html", Some("/web.html")),
            ("/(web)(/|$)(.*)", "/$1/$1/$3", Some("/web/web/a/b")),
            ("/web(/|$)(.*)", "/$1", None),
            ("/web", "/$1", None),
            ("/web", "/$", None),
            ("/web", "/$x", None),
            ("/web(/|$)(.*)", "/$2/$1", None),
            ("/web/(.*)", "/$1.html", None),
            ("/web/(.*)", "/$1$1", None),
        ] {
            let reading = &Reading::all(path).unwrap()[0];
            let rewritten = Rewrite::read(to, reading)
                .map(|rewrite| rewrite.apply("/web/a/b", reading.path.len()));
            assert_eq!(rewritten.as_deref(), want, "{path} {to}");
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
