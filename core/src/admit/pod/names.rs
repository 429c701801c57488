//! Rules on what a pod is called.

use crate::{
    admit::{
        field::{Field, Notes},
        syntax,
    },
    api::PodSpec,
};

/// The longest host name that Linux takes.
const HOSTNAME: usize = 64;

pub(super) fn rules(spec: &PodSpec, at: Field<'_>, notes: &mut Notes) {
    for (field, text) in [("hostname", &spec.hostname), ("subdomain", &spec.subdomain)] {
        if !text.is_empty() {
            notes.problems(at.child(field), text, syntax::rfc1123_label(text));
        }
    }
    if !spec.node_name.is_empty() {
        notes.problems(
            at.child("nodeName"),
            &spec.node_name,
            syntax::rfc1123_subdomain(&spec.node_name),
        );
    }
    if spec.host_network && spec.host_users == Some(false) {
        notes.forbidden(at.child("hostNetwork"), "must not be set when hostUsers is false");
    }
    hostname_override(spec, at, notes);
    let gates = at.child("readinessGates");
    for (i, gate) in spec.readiness_gates.iter().enumerate() {
        let at = gates.index(i);
        let problems = syntax::qualified_name(&gate.condition_type);
        notes.problems(at.child("conditionType"), &gate.condition_type, problems);
    }
}

fn hostname_override(spec: &PodSpec, at: Field<'_>, notes: &mut Notes) {
    let Some(name) = &spec.hostname_override else { return };
    let at = at.child("hostnameOverride");
    notes.problems(at, name, syntax::rfc1123_subdomain(name));
    if name.len() > HOSTNAME {
        notes.too_long(at, "must be no more than 64 bytes");
    }
    if spec.set_hostname_as_fqdn == Some(true) {
        notes.forbidden(at, "must not be set with setHostnameAsFQDN");
    }
    if spec.host_network {
        notes.forbidden(at, "must not be set on the host network");
    }
}
