//! Rules on hosts, paths and certificates.

use super::Rules;
use crate::{
    admit::{
        field::{Field, Notes, SPEC},
        syntax::{self, Level},
    },
    api::{HttpIngressPath, Ingress, IngressRule, IngressTls},
};
use std_alloc::format;

const PATH_TYPES: [&str; 3] = ["Exact", "ImplementationSpecific", "Prefix"];

impl Rules<'_> {
    pub(super) fn spec(self, ingress: &Ingress, notes: &mut Notes) {
        let spec = &ingress.spec;
        if spec.default_backend.is_none() && spec.backend.is_none() && spec.rules.is_empty() {
            notes.invalid(SPEC, "", "needs a defaultBackend or rules");
        }
        self.no_such_field(spec.backend.is_some(), SPEC.child("backend"), "defaultBackend", notes);
        let default = if self.old_form { "backend" } else { "defaultBackend" };
        if let Some(backend) = &spec.default_backend {
            self.backend(backend, SPEC.child(default), notes);
        }
        if let Some(backend) = spec.backend.as_ref().filter(|_| self.old_form) {
            self.backend(backend, SPEC.child(default), notes);
        }
        let list = SPEC.child("rules");
        for (i, rule) in spec.rules.iter().enumerate() {
            self.rule(rule, list.index(i), notes);
        }
        let list = SPEC.child("tls");
        for (i, tls) in spec.tls.iter().enumerate() {
            self.tls(tls, list.index(i), notes);
        }
        if let Some(class) = &spec.ingress_class_name {
            let at = SPEC.child("ingressClassName");
            notes.problems(at, class, syntax::rfc1123_subdomain(class));
        }
    }

    fn rule(self, rule: &IngressRule, at: Field<'_>, notes: &mut Notes) {
        let host = at.child("host");
        if syntax::ip(&rule.host, Level::Lenient).is_ok() {
            notes.invalid(host, &rule.host, "must be a DNS name, not an address");
        }
        domain(&rule.host, host, notes);
        if !(rule.host.contains('*') && self.anything_under_wildcards) {
            self.paths(rule, at, notes);
        }
    }

    fn paths(self, rule: &IngressRule, at: Field<'_>, notes: &mut Notes) {
        let Some(given) = &rule.http else { return };
        let http = at.child("http");
        let list = http.child("paths");
        if given.paths.is_empty() {
            notes.required(list, "http needs at least one path");
        }
        for (i, path) in given.paths.iter().enumerate() {
            self.path(path, list.index(i), notes);
        }
    }

    fn path(self, path: &HttpIngressPath, at: Field<'_>, notes: &mut Notes) {
        let Some(kind) = path.path_type.as_deref() else {
            let message = format!("must be one of {}", PATH_TYPES.join(", "));
            return notes.required(at.child("pathType"), &message);
        };
        let text = at.child("path");
        match kind {
            "Exact" | "Prefix" => canonical_path(&path.path, text, notes),
            "ImplementationSpecific" => {
                if !path.path.is_empty() && !path.path.starts_with('/') {
                    notes.invalid(text, &path.path, "must start with '/'");
                }
            }
            _ => notes.not_supported(at.child("pathType"), kind, &PATH_TYPES),
        }
        self.backend(&path.backend, at.child("backend"), notes);
    }

    fn tls(self, tls: &IngressTls, at: Field<'_>, notes: &mut Notes) {
        let list = at.child("hosts");
        for (i, host) in tls.hosts.iter().enumerate() {
            if host.is_empty() {
                notes.problems(list.index(i), host, syntax::rfc1123_subdomain(host));
            }
            domain(host, list.index(i), notes);
        }
        let secret = tls.secret_name.as_str();
        if !secret.is_empty() && !self.any_secret_name {
            notes.problems(at.child("secretName"), secret, syntax::rfc1123_subdomain(secret));
        }
    }

    /// Whether an object that is stored already breaks rules under a wildcard host.
    pub(super) fn has_bad_wildcard_rule(self, stored: &Ingress) -> bool {
        stored.spec.rules.iter().filter(|rule| rule.host.contains('*')).any(|rule| {
            let mut notes = Notes::default();
            self.paths(rule, SPEC, &mut notes);
            !notes.0.is_empty()
        })
    }
}

/// A name, or one with a star in place of its first label; empty is every host.
fn domain(host: &str, at: Field<'_>, notes: &mut Notes) {
    if host.contains('*') {
        notes.problems(at, host, syntax::wildcard_subdomain(host));
    } else if !host.is_empty() {
        notes.problems(at, host, syntax::rfc1123_subdomain(host));
    }
}

/// A path that means the same to everybody who reads it.
fn canonical_path(path: &str, at: Field<'_>, notes: &mut Notes) {
    if !path.starts_with('/') {
        notes.invalid(at, path, "must start with '/'");
    }
    for sequence in ["//", "/./", "/../", "%2f", "%2F"] {
        if path.contains(sequence) {
            notes.invalid(at, path, &format!("must not contain {sequence:?}"));
        }
    }
    for end in ["/..", "/."] {
        if path.ends_with(end) {
            notes.invalid(at, path, &format!("must not end with {end:?}"));
        }
    }
}
