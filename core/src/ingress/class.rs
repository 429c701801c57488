//! Which Ingresses are ours: the class that each names, and the classes there are.
//!
//! An Ingress names its class with `spec.ingressClassName`, or with an older annotation. One without a class belongs
//! to the default class. An Ingress of a class that nobody here implements is left alone: no routes, no status.

use core::fmt;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::model::IngressClass;

/// Which classes an implementation takes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassSelection {
    /// Only these, whether or not there is such an IngressClass. Default: all that there are.
    pub names: Option<BTreeSet<Arc<str>>>,
    /// Only classes of this controller; not asked for classes in `names`. Default: any.
    pub controller: Option<Arc<str>>,
    /// Take Ingresses without a class when there is no default class. Default: true.
    pub unclassed: bool,
}

impl Default for ClassSelection {
    fn default() -> Self {
        Self { names: None, controller: None, unclassed: true }
    }
}

/// Why an Ingress is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotOurs {
    /// There is no IngressClass of this name.
    Unknown(Arc<str>),
    /// The class is another implementation's.
    Other(Arc<str>),
    /// It names no class, and there is no default class.
    Unclassed,
}

/// The IngressClasses there are.
///
/// ```
/// use svckit::{ingress::{ClassSelection, Classes}, model::IngressClass};
///
/// use std::sync::Arc;
///
/// let mut classes = Classes::new(ClassSelection::default());
/// classes.set(Arc::new(IngressClass {
///     name: "public".into(),
///     controller: "example.com/proxy".into(),
///     created: 0,
///     is_default: true,
/// }));
/// assert!(classes.takes(Some("public")).is_ok());
/// assert!(classes.takes(None).is_ok(), "the default class");
/// assert!(classes.takes(Some("other")).is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Classes {
    selection: ClassSelection,
    known: BTreeMap<Arc<str>, Arc<IngressClass>>,
}

impl Classes {
    /// No classes yet.
    #[must_use]
    pub const fn new(selection: ClassSelection) -> Self {
        Self { selection, known: BTreeMap::new() }
    }

    /// The class exists and looks like this now; whether that is news.
    pub fn set(&mut self, class: Arc<IngressClass>) -> bool {
        let before = self.known.insert(class.name.clone(), class.clone());
        before.as_ref() != Some(&class)
    }

    /// The class is gone; whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        self.known.remove(name).is_some()
    }

    /// The default class: of several the newest, then the one whose name comes first, as an API server chooses.
    #[must_use]
    pub fn default_class(&self) -> Option<&Arc<IngressClass>> {
        let defaults = self.known.values().filter(|class| class.is_default);
        defaults.min_by_key(|class| (core::cmp::Reverse(class.created), &class.name))
    }

    /// Whether an Ingress of this class is ours.
    ///
    /// # Errors
    ///
    /// Why it is not.
    pub fn takes(&self, class: Option<&str>) -> Result<(), NotOurs> {
        let Some(name) = class.or_else(|| self.default_class().map(|class| &*class.name)) else {
            return if self.selection.unclassed { Ok(()) } else { Err(NotOurs::Unclassed) };
        };
        if let Some(names) = &self.selection.names {
            return if names.contains(name) { Ok(()) } else { Err(NotOurs::Other(name.into())) };
        }
        let known = self.known.get(name).ok_or_else(|| NotOurs::Unknown(name.into()))?;
        match &self.selection.controller {
            Some(controller) if *controller != known.controller => Err(NotOurs::Other(name.into())),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(f, "there is no IngressClass {name:?}, so nobody serves it")
            }
            Self::Other(name) => write!(f, "class {name:?} is another implementation's"),
            Self::Unclassed => f.write_str("it names no class, and there is no default class"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, controller: &str, created: i64, is_default: bool) -> Arc<IngressClass> {
        let (name, controller) = (name.into(), controller.into());
        Arc::new(IngressClass { name, controller, created, is_default })
    }

    #[test]
    fn classes_choose() {
        let ours = || ClassSelection::default();
        let named = || ClassSelection { names: Some(["a".into()].into()), ..ours() };
        let controlled = || ClassSelection { controller: Some("me".into()), ..ours() };
        let classed = || ClassSelection { unclassed: false, ..ours() };
        let plain = &[class("a", "me", 1, false), class("b", "you", 1, false)];
        let default_b = &[class("a", "me", 1, false), class("b", "you", 1, true)];
        let (unknown, other) =
            (|n: &str| NotOurs::Unknown(n.into()), |n: &str| NotOurs::Other(n.into()));
        let cases = [
            ("present", ours(), &plain[..], Some("b"), Ok(())),
            ("absent", ours(), &plain[..], Some("c"), Err(unknown("c"))),
            ("none, no default", ours(), &plain[..], None, Ok(())),
            ("none, no default, strict", classed(), &plain[..], None, Err(NotOurs::Unclassed)),
            ("named without an object", named(), &plain[..0], Some("a"), Ok(())),
            ("not named", named(), &plain[..], Some("b"), Err(other("b"))),
            ("controller", controlled(), &plain[..], Some("a"), Ok(())),
            ("another controller", controlled(), &plain[..], Some("b"), Err(other("b"))),
            ("another's default", controlled(), &default_b[..], None, Err(other("b"))),
            ("any default", ours(), &default_b[..], None, Ok(())),
        ];
        for (name, selection, known, asked, want) in cases {
            let mut classes = Classes::new(selection);
            known.iter().for_each(|class| assert!(classes.set(class.clone())));
            assert_eq!(classes.takes(asked), want, "{name}");
        }
    }

    #[test]
    fn the_newest_default_wins() {
        let mut classes = Classes::default();
        for given in [class("b", "x", 5, true), class("a", "x", 3, true), class("c", "x", 5, true)]
        {
            classes.set(given);
        }
        assert_eq!(&*classes.default_class().unwrap().name, "b");
        assert!(classes.remove("b"));
        assert_eq!(&*classes.default_class().unwrap().name, "c");
    }
}
