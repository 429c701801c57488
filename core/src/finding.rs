//! What is wrong with somebody's input, as data.
//!
//! Every compiler of user input (decoding, admission, forwarding, routes) returns a result that works *and* its
//! findings; one bad object never takes another one down. The kinds are those of an API server's field errors,
//! plus [`Kind::Unknown`] for a field that does not exist and [`Kind::Conflict`] for two objects that want one thing.

use core::fmt;
use std_alloc::string::String;

/// One thing that is wrong with one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the object can be used all the same.
    pub severity: Severity,
    /// What kind of mistake it is.
    pub kind: Kind,
    /// `Service shop/cart`: kind, namespace and name as far as they are known.
    pub object: String,
    /// Where in the object: `spec.ports[0].port`. Empty when it is about the object as a whole.
    pub path: String,
    /// What stands there, printed; empty when nothing does.
    pub value: String,
    /// What is wrong and what to do, one lower-case sentence without a full stop.
    pub message: String,
    /// Line of the text the object came from, from 1; 0 when it is not known.
    pub line: u32,
}

/// Whether an object with this finding can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The object works, though perhaps not as its author thinks.
    Warning,
    /// The object is refused.
    Error,
}

/// The kinds of mistakes; an API server's, and two of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A value is missing.
    Required,
    /// A value breaks its rule.
    Invalid,
    /// A value is not one of a fixed list.
    NotSupported,
    /// A value occurs twice where it must be unique.
    Duplicate,
    /// A field may not be set here.
    Forbidden,
    /// A text is longer than allowed.
    TooLong,
    /// A list has more items than allowed.
    TooMany,
    /// There is no such field or object.
    Unknown,
    /// Another object holds what this one asks for.
    Conflict,
}

impl Finding {
    /// An error at `path`; the object's name and the line are filled in by whoever knows them.
    pub fn error(
        kind: Kind,
        path: impl Into<String>,
        value: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            kind,
            object: String::new(),
            path: path.into(),
            value: value.into(),
            message: message.into(),
            line: 0,
        }
    }

    /// A warning at `path`.
    pub fn warning(
        kind: Kind,
        path: impl Into<String>,
        value: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(kind, path, value, message) }
    }

    /// Whether this finding refuses its object.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Kind {
    /// The word for it in JSON and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "Required",
            Self::Invalid => "Invalid",
            Self::NotSupported => "NotSupported",
            Self::Duplicate => "Duplicate",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "TooLong",
            Self::TooMany => "TooMany",
            Self::Unknown => "Unknown",
            Self::Conflict => "Conflict",
        }
    }
}

impl Severity {
    /// The word for it in JSON and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `error: Service shop/cart: spec.ports[0].port: Invalid: "x": must be a number`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.severity)?;
        if !self.object.is_empty() {
            write!(f, "{}: ", self.object)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}: ", self.kind)?;
        if !self.value.is_empty() {
            write!(f, "{:?}: ", self.value)?;
        }
        f.write_str(&self.message)
    }
}
