//! Rules on `metadata`, the same for every kind.
//!
//! One quirk of Kubernetes is mended: of a `generateName` only its final `-` is ignored, not the byte before it too,
//! so `a_-` is refused.

use std_alloc::{format, string::String};

use super::{
    field::{Field, METADATA, Notes},
    syntax::{self, Problems},
};
use crate::api::{ObjectMeta, OwnerReference, StringMap};

/// Keys and values of all annotations together, in bytes.
const ANNOTATIONS: usize = 256 * 1024;

/// How names of one kind are written, and whether its objects live in a namespace.
#[derive(Clone, Copy)]
pub(super) struct Naming {
    pub(super) name: fn(&str) -> Problems,
    pub(super) namespaced: bool,
}

impl Naming {
    /// Objects of a namespace whose name is a subdomain: most kinds.
    pub(super) const SUBDOMAIN: Self = Self { name: syntax::rfc1123_subdomain, namespaced: true };
    /// Objects outside namespaces whose name is a subdomain.
    pub(super) const CLUSTER: Self = Self { name: syntax::rfc1123_subdomain, namespaced: false };
}

/// Rules for a new object.
pub(super) fn create(meta: &ObjectMeta, naming: Naming, notes: &mut Notes) {
    let name = METADATA.child("name");
    if !meta.generate_name.is_empty() {
        let problems = generated(&meta.generate_name, naming.name);
        notes.problems(METADATA.child("generateName"), &meta.generate_name, problems);
    }
    if meta.name.is_empty() {
        notes.required(name, "an object needs a name");
    } else {
        notes.problems(name, &meta.name, (naming.name)(&meta.name));
    }
    let namespace = METADATA.child("namespace");
    match (naming.namespaced, meta.namespace.as_str()) {
        (true, "") => notes.required(namespace, "an object of this kind lives in a namespace"),
        (true, text) => notes.problems(namespace, text, syntax::rfc1123_label(text)),
        (false, "") => {}
        (false, _) => notes.forbidden(namespace, "objects of this kind live in no namespace"),
    }
    always(meta, notes);
}

/// Rules for an object that is there already. Its name is not looked at again, so it survives stricter rules.
pub(super) fn update(new: &ObjectMeta, old: &ObjectMeta, notes: &mut Notes) {
    let mut same = |field: &'static str, new: &str, old: &str, may_be_left_out: bool| {
        if new != old && !(may_be_left_out && new.is_empty()) {
            notes.invalid(METADATA.child(field), new, "may not change");
        }
    };
    same("name", &new.name, &old.name, false);
    same("namespace", &new.namespace, &old.namespace, false);
    same("uid", &new.uid, &old.uid, true);
    let text = |time: &Option<String>| time.clone().unwrap_or_default();
    same("creationTimestamp", &text(&new.creation_timestamp), &text(&old.creation_timestamp), true);
    same("deletionTimestamp", &text(&new.deletion_timestamp), &text(&old.deletion_timestamp), true);
    let grace = new.deletion_grace_period_seconds;
    if grace.is_some() && grace != old.deletion_grace_period_seconds {
        notes.invalid(
            METADATA.child("deletionGracePeriodSeconds"),
            grace.unwrap_or_default(),
            "may not change",
        );
    }
    if new.resource_version.is_empty() {
        notes.invalid(METADATA.child("resourceVersion"), "", "must be given for an update");
    }
    if new.generation < old.generation {
        notes.invalid(METADATA.child("generation"), new.generation, "must not be decremented");
    }
    let added = |finalizer: &&String| !old.finalizers.contains(*finalizer);
    if old.deletion_timestamp.is_some() && new.finalizers.iter().any(|f| added(&f)) {
        notes.forbidden(
            METADATA.child("finalizers"),
            "no finalizer may be added while the object is being deleted",
        );
    }
    always(new, notes);
}

/// Rules for every write.
fn always(meta: &ObjectMeta, notes: &mut Notes) {
    if meta.generation < 0 {
        notes.invalid(METADATA.child("generation"), meta.generation, "must not be negative");
    }
    labels(&meta.labels, METADATA.child("labels"), notes);
    annotations(&meta.annotations, notes);
    owners(&meta.owner_references, notes);
    let finalizers = METADATA.child("finalizers");
    for (i, finalizer) in meta.finalizers.iter().enumerate() {
        notes.problems(finalizers.index(i), finalizer, syntax::qualified_name(finalizer));
    }
}

/// The name with its final `-` masked, as the server will complete it.
fn generated(start: &str, name: fn(&str) -> Problems) -> Problems {
    match start.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => name(&format!("{rest}a")),
        _ => name(start),
    }
}

/// Keys and values of labels; all at the path of the map, as Kubernetes reports them.
pub(super) fn labels(labels: &StringMap, at: Field<'_>, notes: &mut Notes) {
    for (key, value) in labels {
        notes.problems(at, key, syntax::qualified_name(key));
        notes.problems(at, value, syntax::label_value(value));
    }
}

fn annotations(annotations: &StringMap, notes: &mut Notes) {
    let at = METADATA.child("annotations");
    let mut size = 0_usize;
    for (key, value) in annotations {
        notes.problems(at, key, syntax::annotation_key(key));
        size = size.saturating_add(key.len()).saturating_add(value.len());
    }
    if size > ANNOTATIONS {
        notes.too_long(at, "keys and values together must be no more than 262144 bytes");
    }
}

fn owners(owners: &[OwnerReference], notes: &mut Notes) {
    let list = METADATA.child("ownerReferences");
    for (i, owner) in owners.iter().enumerate() {
        let at = list.index(i);
        let fields = [
            ("apiVersion", &owner.api_version),
            ("kind", &owner.kind),
            ("name", &owner.name),
            ("uid", &owner.uid),
        ];
        for (field, value) in fields {
            if value.is_empty() {
                notes.invalid(at.child(field), "", "must not be empty");
            }
        }
    }
    if owners.iter().filter(|owner| owner.controller == Some(true)).count() > 1 {
        notes.invalid(list, "", "only one owner can be the controller");
    }
}
