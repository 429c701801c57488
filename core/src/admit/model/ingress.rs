//! Ingresses, of today and of both v1beta1 versions.

use super::{read, timestamp};
use crate::{
    admit::field::{Field, METADATA, Notes, SPEC},
    api::{self, ANNOTATION_INGRESS_CLASS, IntOrString},
    finding::Finding,
    model::{
        Ingress, IngressBackend, IngressPath, IngressRule, IngressTls, PathType, ServicePortRef,
    },
};
use std_alloc::{sync::Arc, vec::Vec};

/// An Ingress in checked form: hosts in lower case, the class from the field or else from the older annotation.
///
/// Of the old form (`serviceName`, `servicePort`), a port number in quotes is taken for the number it is; Kubernetes'
/// own conversion makes a port *name* of it, which no Service can have.
///
/// # Errors
///
/// What can't be read.
pub fn ingress(object: &api::Ingress) -> Result<Ingress, Vec<Finding>> {
    let mut notes = Notes::default();
    let (meta, spec) = (&object.metadata, &object.spec);
    let old_form = object.api_version.ends_with("/v1beta1");
    let created = created(meta, &mut notes);
    let default_backend = match (&spec.default_backend, &spec.backend) {
        (Some(given), _) => backend(given, SPEC.child("defaultBackend"), &mut notes),
        (None, Some(given)) => backend(given, SPEC.child("backend"), &mut notes),
        (None, None) => None,
    };
    let list = SPEC.child("rules");
    let rules = spec.rules.iter().enumerate();
    let rules = rules.map(|(i, given)| rule(given, old_form, list.index(i), &mut notes)).collect();
    let annotation = meta.annotations.get(ANNOTATION_INGRESS_CLASS).map(|class| class.as_str());
    notes.or(Ingress {
        key: read::key(meta),
        created,
        uid: meta.uid.as_str().into(),
        class: spec.ingress_class_name.as_deref().or(annotation).and_then(read::text),
        default_backend,
        rules,
        tls: spec.tls.iter().map(tls).collect(),
        annotations: meta
            .annotations
            .iter()
            .map(|(key, value)| (key.as_str().into(), value.as_str().into()))
            .collect(),
    })
}

fn created(meta: &api::ObjectMeta, notes: &mut Notes) -> i64 {
    let Some(text) = meta.creation_timestamp.as_deref() else { return 0 };
    timestamp::seconds(text).unwrap_or_else(|| {
        notes.invalid(METADATA.child("creationTimestamp"), text, "must be a time of RFC 3339");
        0
    })
}

fn rule(given: &api::IngressRule, old_form: bool, at: Field<'_>, notes: &mut Notes) -> IngressRule {
    let http = at.child("http");
    let list = http.child("paths");
    let paths = given.http.as_ref().map_or(&[][..], |http| &http.paths).iter().enumerate();
    IngressRule {
        host: read::text(&given.host.to_ascii_lowercase()),
        paths: paths.filter_map(|(i, given)| path(given, old_form, list.index(i), notes)).collect(),
    }
}

fn path(
    given: &api::HttpIngressPath,
    old_form: bool,
    at: Field<'_>,
    notes: &mut Notes,
) -> Option<IngressPath> {
    let backend = backend(&given.backend, at.child("backend"), notes);
    let path_type = match given.path_type.as_deref() {
        Some("Exact") => Some(PathType::Exact),
        Some("Prefix") => Some(PathType::Prefix),
        Some("ImplementationSpecific") => Some(PathType::ImplementationSpecific),
        None if old_form => Some(PathType::ImplementationSpecific),
        other => {
            let known = ["Exact", "ImplementationSpecific", "Prefix"];
            notes.one_of(at.child("pathType"), other.unwrap_or_default(), &known);
            None
        }
    };
    let text = if given.path.is_empty() { "/" } else { &given.path };
    if !text.starts_with('/') {
        notes.invalid(at.child("path"), text, "must start with '/'");
    }
    Some(IngressPath { path: text.into(), path_type: path_type?, backend: backend? })
}

/// Either form of a backend.
fn backend(
    given: &api::IngressBackend,
    at: Field<'_>,
    notes: &mut Notes,
) -> Option<IngressBackend> {
    if let Some(service) = &given.service {
        let name = service.name.as_str().into();
        let service_at = at.child("service");
        let number = service_at.child("port");
        let port = match service.port.name.as_str() {
            "" => read::port(service.port.number, number.child("number"), notes)
                .map(ServicePortRef::Number),
            name => Some(ServicePortRef::Name(name.into())),
        };
        return Some(IngressBackend::Service { name, port: port? });
    }
    if let Some(resource) = &given.resource {
        return Some(IngressBackend::Resource {
            group: resource.api_group.as_deref().unwrap_or_default().into(),
            kind: resource.kind.as_str().into(),
            name: resource.name.as_str().into(),
        });
    }
    if given.service_name.is_empty() {
        notes.required(at, "a backend is a Service or a resource");
        return None;
    }
    let number = at.child("servicePort");
    let port =
        match given.service_port.as_ref() {
            None => read::port(0, number, notes).map(ServicePortRef::Number),
            Some(IntOrString::Int(port)) => {
                read::port(*port, number, notes).map(ServicePortRef::Number)
            }
            Some(IntOrString::String(name)) => Some(name.parse().map_or_else(
                |_| ServicePortRef::Name(name.as_str().into()),
                ServicePortRef::Number,
            )),
        };
    Some(IngressBackend::Service { name: given.service_name.as_str().into(), port: port? })
}

fn tls(given: &api::IngressTls) -> IngressTls {
    let hosts = given.hosts.iter().filter(|host| !host.is_empty());
    IngressTls {
        hosts: hosts.map(|host| Arc::from(host.to_ascii_lowercase())).collect(),
        secret: read::text(&given.secret_name),
    }
}
