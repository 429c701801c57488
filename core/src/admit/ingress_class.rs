//! IngressClasses: defaults and rules.

use super::{
    field::{Field, Notes, SPEC},
    ingress::object_reference,
    metadata::{self, Naming},
    syntax,
};
use crate::{
    api::{IngressClass, IngressClassParameters},
    finding::Finding,
};
use std_alloc::vec::Vec;

/// The longest name of a controller, in bytes.
const CONTROLLER: usize = 250;
const SCOPES: [&str; 2] = ["Cluster", "Namespace"];

/// Fills in what the author left out: parameters are for the whole cluster.
pub fn default(class: &mut IngressClass) {
    if let Some(parameters) = &mut class.spec.parameters {
        parameters.scope.get_or_insert_with(|| "Cluster".into());
    }
}

/// Everything that refuses a new class.
///
/// ```
/// use svckit::{admit::ingress_class, api::IngressClass};
///
/// let mut class = IngressClass::default();
/// class.metadata.name = "edge".into();
/// class.spec.controller = "edge".into();
/// assert_eq!(ingress_class::validate(&class)[0].path, "spec.controller");
/// ```
#[must_use]
pub fn validate(class: &IngressClass) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::create(&class.metadata, Naming::CLUSTER, &mut notes);
    rules(class, &mut notes);
    notes.0
}

/// Everything that refuses `new` in place of `old`: the controller may not change.
#[must_use]
pub fn validate_update(new: &IngressClass, old: &IngressClass) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::update(&new.metadata, &old.metadata, &mut notes);
    if new.spec.controller != old.spec.controller {
        notes.invalid(SPEC.child("controller"), &new.spec.controller, "may not change");
    }
    rules(new, &mut notes);
    notes.0
}

fn rules(class: &IngressClass, notes: &mut Notes) {
    let controller = class.spec.controller.as_str();
    let at = SPEC.child("controller");
    if controller.len() > CONTROLLER {
        notes.too_long(at, "must be no more than 250 bytes");
    }
    if controller.is_empty() {
        notes.required(at, "a class names its controller, such as example.com/ingress-controller");
    } else {
        notes.problems(at, controller, syntax::domain_prefixed_path(controller));
    }
    if let Some(given) = &class.spec.parameters {
        parameters(given, SPEC.child("parameters"), notes);
    }
}

fn parameters(given: &IngressClassParameters, at: Field<'_>, notes: &mut Notes) {
    object_reference(given.api_group.as_deref(), &given.kind, &given.name, at, notes);
    let namespace = at.child("namespace");
    match (given.scope.as_deref().unwrap_or_default(), given.namespace.as_deref()) {
        ("Cluster", Some(_)) => notes.forbidden(namespace, "scope Cluster has no namespace"),
        ("Namespace", None) => notes.required(namespace, "scope Namespace needs one"),
        ("Namespace", Some(text)) => notes.problems(namespace, text, syntax::rfc1123_label(text)),
        (scope, _) => notes.one_of(at.child("scope"), scope, &SCOPES),
    }
}
