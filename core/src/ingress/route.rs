//! One path of one Ingress, ready to be matched.

use core::fmt;
use std_alloc::{string::String, sync::Arc};

use super::{Backend, BadPath, ImplementationSpecific, Rewrite, RouteOptions, Settings};
use crate::model::{NamespacedName, PathType};

/// One path of one Ingress and what is behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The Ingress.
    pub ingress: NamespacedName,
    /// Which of its rules, and which path of the rule, from 0.
    pub place: (usize, usize),
    /// The rule's host; `None`: every host.
    pub host: Option<Arc<str>>,
    /// The path as the Ingress has it.
    pub path: Arc<str>,
    /// Its type as the Ingress has it.
    pub path_type: PathType,
    /// Where requests go; routes of one Ingress that lead to the same port share it.
    pub backend: Arc<Backend>,
    /// How the path is matched.
    pub pattern: Pattern,
    /// What becomes of the path on its way.
    pub rewrite: Option<Rewrite>,
    /// What else is asked of it.
    pub options: Arc<RouteOptions>,
}

/// How a path is matched, in canonical form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// What it compares.
    pub kind: MatchKind,
    /// The text; of a prefix without its final slash, so that `/` is empty.
    pub text: Arc<str>,
}

/// What a path compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchKind {
    /// The whole path.
    Exact,
    /// Whole elements.
    Prefix,
    /// The start of the text.
    StringPrefix,
}

/// Where requests go that no path takes.
#[derive(Clone, Debug, PartialEq)]
pub struct DefaultRoute {
    /// Whose `defaultBackend` it is; `None`: the configured one.
    pub ingress: Option<NamespacedName>,
    /// What is behind it.
    pub backend: Arc<Backend>,
    /// What else is asked of it; paths are not rewritten.
    pub options: Arc<RouteOptions>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome<'r> {
    /// A path of an Ingress takes it.
    Route(Match<'r>),
    /// No path takes it, a default backend does.
    Default(&'r DefaultRoute),
    /// Nobody takes it: 404.
    NotFound,
}

/// A path that takes a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match<'r> {
    /// The path.
    pub route: &'r Route,
    /// How many bytes of the request's path it stands for; what follows is empty or, for prefixes of elements,
    /// starts with a slash.
    pub matched: usize,
    /// Other versions, which may take the request instead; with the number of the route they stand beside.
    pub canaries: &'r [(u32, Arc<Route>)],
}

impl Pattern {
    /// The pattern of a path.
    ///
    /// # Errors
    ///
    /// A path that no request can have.
    pub fn new(path: &str, path_type: PathType, settings: &Settings) -> Result<Self, BadPath> {
        Self::of(&path.into(), path_type, settings)
    }

    /// The same, sharing the path's memory where the pattern is the path as it is.
    pub(super) fn of(
        path: &Arc<str>,
        path_type: PathType,
        settings: &Settings,
    ) -> Result<Self, BadPath> {
        let whole = if settings.paths.has_form(path) {
            path.clone()
        } else {
            String::from_utf8(settings.paths.rule(path)?).unwrap_or_default().into()
        };
        let cut = |end: &str| whole.strip_suffix(end).map(shared);
        let (kind, text) = match (path_type, settings.implementation_specific) {
            (PathType::Exact, _) => (MatchKind::Exact, None),
            (PathType::Prefix, _) | (_, ImplementationSpecific::Prefix) => {
                (MatchKind::Prefix, cut("/"))
            }
            (_, ImplementationSpecific::Exact) => (MatchKind::Exact, None),
            (_, ImplementationSpecific::StringPrefix) => (MatchKind::StringPrefix, None),
            (_, ImplementationSpecific::Glob) if whole.ends_with("/*") => {
                (MatchKind::StringPrefix, cut("*"))
            }
            (_, ImplementationSpecific::Glob) => (MatchKind::Exact, None),
        };
        Ok(Self { kind, text: text.unwrap_or(whole) })
    }

    /// How many bytes of a canonical path it takes; `None` when it does not match.
    ///
    /// ```
    /// use svckit::{ingress::{Pattern, Settings}, model::PathType};
    ///
    /// let pattern = Pattern::new("/shop/", PathType::Prefix, &Settings::default()).unwrap();
    /// assert_eq!(pattern.matches("/shop"), Some(5));
    /// assert_eq!(pattern.matches("/shop/cart"), Some(5));
    /// assert_eq!(pattern.matches("/shopping"), None);
    /// ```
    #[must_use]
    pub fn matches(&self, path: &str) -> Option<usize> {
        let rest = path.starts_with('/').then_some(path)?.strip_prefix(&*self.text)?;
        let matched = match self.kind {
            MatchKind::Exact => rest.is_empty(),
            MatchKind::Prefix => rest.is_empty() || rest.starts_with('/'),
            MatchKind::StringPrefix => true,
        };
        matched.then_some(self.text.len())
    }
}

/// A text of its own; the empty one, which most hosts have, costs nothing.
fn shared(text: &str) -> Arc<str> {
    if text.is_empty() { Arc::default() } else { text.into() }
}

impl<'r> Outcome<'r> {
    /// Where the request goes; `None` for 404.
    #[must_use]
    pub fn backend(&self) -> Option<&'r Backend> {
        match self {
            Self::Route(found) => Some(&found.route.backend),
            Self::Default(default) => Some(&default.backend),
            Self::NotFound => None,
        }
    }
}

impl Route {
    /// Where it stands in its Ingress: `spec.rules[0].http.paths[1]`.
    #[must_use]
    pub fn field(&self) -> String {
        let (rule, path) = self.place;
        std_alloc::format!("spec.rules[{rule}].http.paths[{path}]")
    }
}

/// `shop.example.com/cart (Prefix) of Ingress shop/web`.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or("*");
        write!(f, "{host}{} ({:?}) of Ingress {}", self.path, self.path_type, self.ingress)
    }
}
