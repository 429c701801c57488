//! Where a rule looks, and what it has to say about it.
//!
//! A [`Field`] is a chain of steps on the stack; its text is made when a rule is broken, so a valid object costs no
//! allocation for paths.

use core::fmt;
use std_alloc::{format, string::ToString, vec::Vec};

use super::syntax::Problem;
use crate::finding::{Finding, Kind};

/// A place in an object: `spec.ports[0].port`, `metadata.annotations[example.com/key]`.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    above: Option<&'a Self>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> Field<'a> {
    pub(super) const fn root(name: &'a str) -> Self {
        Self { above: None, step: Step::Name(name) }
    }

    pub(super) const fn child(&'a self, name: &'a str) -> Self {
        Self { above: Some(self), step: Step::Name(name) }
    }

    pub(super) const fn index(&'a self, index: usize) -> Self {
        Self { above: Some(self), step: Step::Index(index) }
    }

    pub(super) const fn key(&'a self, key: &'a str) -> Self {
        Self { above: Some(self), step: Step::Key(key) }
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            above.fmt(f)?;
        }
        match self.step {
            Step::Name(name) if self.above.is_none() => f.write_str(name),
            Step::Name(name) => write!(f, ".{name}"),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}

/// `metadata` of any object.
pub(super) const METADATA: Field<'static> = Field::root("metadata");
/// `spec` of any object.
pub(super) const SPEC: Field<'static> = Field::root("spec");
/// `status` of any object.
pub(super) const STATUS: Field<'static> = Field::root("status");

/// What the rules have found so far.
#[derive(Default)]
pub(super) struct Notes(pub(super) Vec<Finding>);

impl Notes {
    fn note(&mut self, kind: Kind, at: Field<'_>, value: &dyn fmt::Display, message: &str) {
        self.0.push(Finding::error(kind, at.to_string(), value.to_string(), message));
    }

    pub(super) fn required(&mut self, at: Field<'_>, message: &str) {
        self.note(Kind::Required, at, &"", message);
    }

    pub(super) fn invalid(&mut self, at: Field<'_>, value: impl fmt::Display, message: &str) {
        self.note(Kind::Invalid, at, &value, message);
    }

    pub(super) fn forbidden(&mut self, at: Field<'_>, message: &str) {
        self.note(Kind::Forbidden, at, &"", message);
    }

    pub(super) fn duplicate(&mut self, at: Field<'_>, value: impl fmt::Display, message: &str) {
        self.note(Kind::Duplicate, at, &value, message);
    }

    pub(super) fn too_long(&mut self, at: Field<'_>, message: &str) {
        self.note(Kind::TooLong, at, &"", message);
    }

    pub(super) fn too_many(&mut self, at: Field<'_>, count: usize, limit: usize) {
        self.note(Kind::TooMany, at, &count, &format!("must have at most {limit} items"));
    }

    /// `value` is not one of `supported`.
    pub(super) fn not_supported(&mut self, at: Field<'_>, value: &str, supported: &[&str]) {
        let message = format!("must be one of {}", supported.join(", "));
        self.note(Kind::NotSupported, at, &value, &message);
    }

    /// One Invalid finding for each problem of a text.
    pub(super) fn problems(
        &mut self,
        at: Field<'_>,
        value: &str,
        problems: impl IntoIterator<Item = Problem>,
    ) {
        for problem in problems {
            self.invalid(at, value, &problem.to_string());
        }
    }

    /// A text that must be there and one of a fixed list.
    pub(super) fn one_of(&mut self, at: Field<'_>, value: &str, supported: &[&str]) {
        if value.is_empty() {
            self.required(at, &format!("must be one of {}", supported.join(", ")));
        } else if !supported.contains(&value) {
            self.not_supported(at, value, supported);
        }
    }

    pub(super) fn warn(&mut self, kind: Kind, at: Field<'_>, value: &str, message: &str) {
        self.0.push(Finding::warning(kind, at.to_string(), value, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_kubernetes_paths() {
        let ports = SPEC.child("ports");
        let (first, annotations) = (ports.index(0), METADATA.child("annotations"));
        assert_eq!(first.child("nodePort").to_string(), "spec.ports[0].nodePort");
        assert_eq!(annotations.key("a.b/c").to_string(), "metadata.annotations[a.b/c]");
    }
}
