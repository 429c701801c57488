//! Regular expressions that stand for a few paths.
//!
//! ingress-nginx reads paths as regular expressions as soon as something is rewritten, and people use that for few things:
//! to take a prefix away, to name several prefixes at once, to leave something out. Such expressions are read here, and
//! become ordinary paths, which match whole elements and mind their case. Whatever would need to look at each octet of a
//! request's path (`[0-9]+`, `.*` before the end) is refused with a hint.
//!
//! | expression | paths |
//! |---|---|
//! | `/web(/|$)(.*)` | the prefix `/web`; group 2 is the rest |
//! | `/(api|admin)/(.*)` | the prefixes `/api`, where group 1 is `api`, and `/admin`; group 2 is the rest |
//! | `/v1(?:/beta)?/x` | the prefixes `/v1/x` and `/v1/beta/x` |
//! | `^/health/?$` | exactly `/health` and `/health/` |
//! | `/a\.html` | the prefix `/a.html` |

use crate::model::PathType;
use std_alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// Paths that one expression may stand for.
const MOST: usize = 64;

/// Ends that stand for the rest of a path, and which of their groups holds it.
const RESTS: [(&str, Option<usize>); 13] = [
    ("(/|$)(.*)$", Some(2)),
    ("(/|$)(.*)", Some(2)),
    ("(?:/|$)(.*)", Some(1)),
    ("/?(.*)", Some(1)),
    ("/(.*)$", Some(1)),
    ("/(.*)", Some(1)),
    ("(.*)", Some(1)),
    ("/.*", None),
    (".*", None),
    ("(/.*)?$", None),
    ("(/.*)?", None),
    ("(?:/|$)", None),
    ("(/|$)", None),
];

/// One of the paths that an expression stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::ingress) struct Reading {
    pub(in crate::ingress) path: String,
    exact: bool,
    /// What the groups before the rest hold, the first one first.
    groups: Vec<String>,
    /// The number of the group that holds the rest of the path.
    rest: Option<usize>,
}

/// What a number in a `rewrite-target` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group<'a> {
    Text(&'a str),
    Rest,
}

/// A part of an expression: what it may be, and whether it is a group that has a number.
struct Part {
    texts: Vec<String>,
    numbered: bool,
}

impl Reading {
    /// A path as it stands, which has no groups.
    pub(in crate::ingress) const fn plain() -> Self {
        Self { path: String::new(), exact: false, groups: Vec::new(), rest: None }
    }

    /// What becomes of an expression; `None` when it asks for more than a few paths.
    pub(in crate::ingress) fn all(expression: &str) -> Option<Vec<Self>> {
        let mut left = expression.strip_prefix('^').unwrap_or(expression);
        let mut all = Vec::from([Self::default()]);
        loop {
            if let Some((_, group)) = RESTS.iter().find(|(rest, _)| *rest == left) {
                for reading in &mut all {
                    reading.rest = group.map(|group| reading.groups.len() + group);
                }
                return Some(all);
            }
            match left {
                "" => return Some(all),
                "$" => {
                    all.iter_mut().for_each(|reading| reading.exact = true);
                    return Some(all);
                }
                _ => {}
            }
            let (part, after) = Part::first(left)?;
            match part.texts.as_slice() {
                [only] => all.iter_mut().for_each(|reading| reading.push(only, part.numbered)),
                several if all.len() * several.len() > MOST => return None,
                _ => all = all.iter().flat_map(|reading| reading.followed_by(&part)).collect(),
            }
            left = after;
        }
    }

    pub(in crate::ingress) const fn path_type(&self) -> PathType {
        if self.exact { PathType::Exact } else { PathType::Prefix }
    }

    /// What a number stands for.
    pub(super) fn group(&self, number: usize) -> Option<Group<'_>> {
        if self.rest == Some(number) {
            return Some(Group::Rest);
        }
        self.groups.get(number.checked_sub(1)?).map(|text| Group::Text(text))
    }

    fn followed_by(&self, part: &Part) -> impl Iterator<Item = Self> {
        part.texts.iter().map(|text| {
            let mut longer = self.clone();
            longer.push(text, part.numbered);
            longer
        })
    }

    fn push(&mut self, text: &str, numbered: bool) {
        self.path.push_str(text);
        if numbered {
            self.groups.push(text.into());
        }
    }
}

impl Part {
    /// The part with which an expression begins, and what comes after it.
    fn first(expression: &str) -> Option<(Self, &str)> {
        let (mut part, after) = match expression.strip_prefix('(') {
            Some(group) => {
                let (inner, after) = group.split_once(')')?;
                let (inner, numbered) = match inner.strip_prefix("?:") {
                    Some(inner) => (inner, false),
                    None => (inner, true),
                };
                (
                    Self { texts: inner.split('|').map(literal).collect::<Option<_>>()?, numbered },
                    after,
                )
            }
            None => {
                let (text, after) = character(expression)?;
                (Self { texts: Vec::from([text.to_string()]), numbered: false }, after)
            }
        };
        let Some(after) = after.strip_prefix('?') else { return Some((part, after)) };
        part.texts.push(String::new());
        Some((part, after))
    }
}

/// A text that stands for itself.
fn literal(mut expression: &str) -> Option<String> {
    let mut text = String::with_capacity(expression.len());
    while !expression.is_empty() {
        let (next, after) = character(expression)?;
        text.push(next);
        expression = after;
    }
    Some(text)
}

/// The first character, which stands for itself: plain, or a sign behind a backslash.
fn character(expression: &str) -> Option<(char, &str)> {
    let escaped = expression.strip_prefix('\\');
    let mut rest = escaped.unwrap_or(expression).chars();
    let next = rest.next()?;
    let is_itself = match escaped {
        Some(_) => next.is_ascii_punctuation(),
        None => !is_special_character(next),
    };
    is_itself.then_some((next, rest.as_str()))
}

/// Whether a path has characters that mean something in a regular expression.
pub(in crate::ingress) fn is_special(path: &str) -> bool {
    path.contains(is_special_character)
}

/// The dot does not count, since everybody writes it for itself.
fn is_special_character(character: char) -> bool {
    "^$*+?()[]{}|\\".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, vec};

    /// `/api 1=api 2=*`, or `=/api` when it is exact.
    fn said(expression: &str) -> Option<Vec<String>> {
        let one = |reading: &Reading| {
            let mut text = format!("{}{}", if reading.exact { "=" } else { "" }, reading.path);
            for number in 1..9 {
                match reading.group(number) {
                    Some(Group::Text(group)) => text.push_str(&format!(" {number}={group}")),
                    Some(Group::Rest) => text.push_str(&format!(" {number}=*")),
                    None => {}
                }
            }
            text
        };
        Reading::all(expression).map(|all| all.iter().map(one).collect())
    }

    #[test]
    fn a_few_paths_are_read() {
        for (expression, want) in [
            ("/web(/|$)(.*)", vec!["/web 2=*"]),
            ("^/web/(.*)$", vec!["/web 1=*"]),
            ("/(.*)", vec![" 1=*"]),
            ("/(api|admin)/(.*)", vec!["/api 1=api 2=*", "/admin 1=admin 2=*"]),
            ("/(?:api|admin)(/|$)(.*)", vec!["/api 2=*", "/admin 2=*"]),
            ("/(a|b)/(c|d)", vec!["/a/c 1=a 2=c", "/a/d 1=a 2=d", "/b/c 1=b 2=c", "/b/d 1=b 2=d"]),
            ("/v1(?:/beta)?/x", vec!["/v1/beta/x", "/v1/x"]),
            ("/v1(/beta)?/.*", vec!["/v1/beta 1=/beta", "/v1 1="]),
            ("^/health/?$", vec!["=/health/", "=/health"]),
            ("/a\\.html", vec!["/a.html"]),
            ("/a(\\.htm|\\.html)$", vec!["=/a.htm 1=.htm", "=/a.html 1=.html"]),
            ("/web(/.*)?", vec!["/web"]),
            ("/web(/|$)", vec!["/web"]),
            ("/plain", vec!["/plain"]),
        ] {
            let want = want.into_iter().map(String::from).collect();
            assert_eq!(said(expression), Some(want), "{expression}");
        }
    }

    #[test]
    fn what_needs_an_engine_is_not() {
        let many = "/(a|b|c|d)(a|b|c|d)(a|b|c|d)(a|b|c|d)";
        for expression in [
            "/a[0-9]",
            "/a/\\d+",
            "/a.*/b",
            "/a(/|$)(.*)x",
            "/a+",
            "/a{2}",
            "/a|/b",
            "/(a",
            "/a)",
            "/a\\",
            "/((a|b))",
            "/(a|b*)",
            "/a$b",
            "/(.*)/x",
            "/(?!a).*",
            many,
        ] {
            assert_eq!(said(expression), None, "{expression}");
        }
    }
}
