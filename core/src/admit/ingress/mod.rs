//! Ingresses, of today and of both v1beta1 versions: defaults and rules.
//!
//! Objects of a v1beta1 version may use the old backend form (`serviceName`, `servicePort`, `spec.backend`), and
//! findings about them have its paths. Those versions tolerated malformed secret names, and anything at all under a
//! wildcard host; v1 tolerates either on update if the stored object has some already.
//!
//! A bug of Kubernetes is mended: a `servicePort` that is a number in quotes is taken for that number, with a
//! warning. Kubernetes' conversion makes a port *name* of it, which can't be valid.

mod backend;
mod rules;
mod status;

pub(super) use backend::object_reference;
pub use status::validate_status;

use super::{
    Gates,
    field::{Field, Notes, SPEC},
    metadata::{self, Naming},
    syntax,
};
use crate::{
    api::{ANNOTATION_INGRESS_CLASS, HttpIngressPath, Ingress, IngressBackend, IntOrString},
    finding::{Finding, Kind},
};
use std_alloc::vec::Vec;

/// Fills in what the author left out: in v1beta1 the path type, which v1 wants to be said.
pub fn default(ingress: &mut Ingress) {
    if !is_old(ingress) {
        return;
    }
    for path in ingress.spec.rules.iter_mut().filter_map(|rule| rule.http.as_mut()) {
        for HttpIngressPath { path_type, .. } in &mut path.paths {
            path_type.get_or_insert_with(|| "ImplementationSpecific".into());
        }
    }
}

/// Everything that refuses a new Ingress. Costs O(size of the object).
///
/// ```
/// use svckit::{admit::{Gates, ingress}, api::Ingress};
///
/// let mut web = Ingress::default();
/// web.metadata.name = "web".into();
/// web.metadata.namespace = "shop".into();
/// assert_eq!(ingress::validate(&web, &Gates::default())[0].path, "spec");
/// ```
#[must_use]
pub fn validate(ingress: &Ingress, gates: &Gates) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::create(&ingress.metadata, Naming::SUBDOMAIN, &mut notes);
    Rules::new(ingress, None, gates).spec(ingress, &mut notes);
    let annotation = ingress.metadata.annotations.get(ANNOTATION_INGRESS_CLASS);
    if let (Some(class), Some(annotation)) = (&ingress.spec.ingress_class_name, annotation)
        && class != annotation
    {
        // Kubernetes leaves `metadata.` and the brackets out here.
        let annotations = Field::root("annotations");
        let message = "must match spec.ingressClassName when both are there";
        notes.invalid(annotations.child(ANNOTATION_INGRESS_CLASS), annotation, message);
    }
    notes.0
}

/// Everything that refuses `new` in place of `old`.
#[must_use]
pub fn validate_update(new: &Ingress, old: &Ingress, gates: &Gates) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::update(&new.metadata, &old.metadata, &mut notes);
    Rules::new(new, Some(old), gates).spec(new, &mut notes);
    notes.0
}

/// What should be told to the author of an Ingress that is accepted.
#[must_use]
pub fn warnings(ingress: &Ingress) -> Vec<Finding> {
    let mut notes = Notes::default();
    let mut backend = |at: Field<'_>, backend: &IngressBackend| {
        if let Some(IntOrString::String(text)) = &backend.service_port
            && text.parse::<u16>().is_ok()
        {
            let message = "a number in quotes would be the name of a port; taken for the number";
            notes.warn(Kind::Invalid, at.child("servicePort"), text, message);
        }
    };
    if let Some(given) = &ingress.spec.backend {
        backend(SPEC.child("backend"), given);
    }
    let list = SPEC.child("rules");
    for (i, rule) in ingress.spec.rules.iter().enumerate() {
        let rule_at = list.index(i);
        let http = rule_at.child("http");
        let list = http.child("paths");
        for (j, path) in rule.http.iter().flat_map(|http| &http.paths).enumerate() {
            let at = list.index(j);
            backend(at.child("backend"), &path.backend);
        }
    }
    notes.0
}

/// Whether the object is of a v1beta1 version.
fn is_old(ingress: &Ingress) -> bool {
    ingress.api_version.ends_with("/v1beta1")
}

/// Which rules apply to one object.
#[derive(Clone, Copy)]
struct Rules<'a> {
    gates: &'a Gates,
    /// Paths and the backend form of v1beta1.
    old_form: bool,
    any_secret_name: bool,
    anything_under_wildcards: bool,
}

impl<'a> Rules<'a> {
    fn new(new: &Ingress, old: Option<&Ingress>, gates: &'a Gates) -> Self {
        let old_form = is_old(new);
        let strict =
            Self { gates, old_form, any_secret_name: false, anything_under_wildcards: false };
        let bad_secret = |old: &Ingress| {
            old.spec.tls.iter().any(|tls| {
                !tls.secret_name.is_empty()
                    && !syntax::rfc1123_subdomain(&tls.secret_name).is_empty()
            })
        };
        Self {
            any_secret_name: old_form || old.is_some_and(bad_secret),
            anything_under_wildcards: old_form
                || old.is_some_and(|old| strict.has_bad_wildcard_rule(old)),
            ..strict
        }
    }
}

#[cfg(test)]
mod tests;
