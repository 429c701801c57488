//! Rules on backends, in both forms.

use super::Rules;
use crate::{
    admit::{
        field::{Field, Notes},
        service, syntax,
    },
    api::{IngressBackend, IngressServiceBackend, IntOrString, ServiceBackendPort},
    finding::{Finding, Kind},
    model::Port,
};
use std_alloc::{borrow::Cow, format, string::ToString};

impl Rules<'_> {
    /// A Service or another object, not both.
    pub(super) fn backend(self, given: &IngressBackend, at: Field<'_>, notes: &mut Notes) {
        let named = !given.service_name.is_empty();
        self.no_such_field(named, at.child("serviceName"), "service.name", notes);
        let numbered = given.service_port.is_some();
        self.no_such_field(numbered, at.child("servicePort"), "service.port", notes);
        match (service_of(given), &given.resource) {
            (Some(_), Some(_)) => {
                notes.invalid(at, "", "must not be both a Service and a resource")
            }
            (Some(service), None) => self.service(&service, at, notes),
            (None, Some(resource)) => {
                let group = resource.api_group.as_deref();
                object_reference(
                    group,
                    &resource.kind,
                    &resource.name,
                    at.child("resource"),
                    notes,
                );
            }
            (None, None) => notes.invalid(at, "", "must be a Service or a resource"),
        }
    }

    fn service(self, service: &IngressServiceBackend, backend: Field<'_>, notes: &mut Notes) {
        let new_form = backend.child("service");
        let at = if self.old_form { backend.child("serviceName") } else { new_form.child("name") };
        if service.name.is_empty() {
            notes.required(at, "a backend names its Service");
        } else if self.gates.relaxed_service_name_validation {
            notes.problems(at, &service.name, syntax::rfc1123_label(&service.name));
        } else {
            notes.problems(at, &service.name, syntax::rfc1035_label(&service.name));
        }
        let old_port = backend.child("servicePort");
        let new_port = new_form.child("port");
        let (name, number) = if self.old_form {
            (old_port, old_port)
        } else {
            (new_port.child("name"), new_port.child("number"))
        };
        match (service.port.name.as_str(), service.port.number) {
            ("", 0) => notes.required(backend, "a backend has a port by name or by number"),
            ("", port) => service::port_number(port, number, notes),
            (text, 0) => notes.problems(name, text, syntax::port_name(text)),
            _ => notes.invalid(backend, "", "must not have both the name and the number of a port"),
        }
    }

    /// A field of v1beta1 in an object of v1.
    pub(super) fn no_such_field(self, set: bool, at: Field<'_>, new: &str, notes: &mut Notes) {
        if set && !self.old_form {
            let message = format!("there is no such field in networking.k8s.io/v1; use {new}");
            notes.0.push(Finding::error(Kind::Unknown, at.to_string(), "", message));
        }
    }
}

/// The Service of a backend in either form.
fn service_of(given: &IngressBackend) -> Option<Cow<'_, IngressServiceBackend>> {
    if let Some(service) = &given.service {
        return Some(Cow::Borrowed(service));
    }
    let port = match given.service_port.as_ref() {
        None | Some(IntOrString::Int(0)) if given.service_name.is_empty() => return None,
        None => ServiceBackendPort::default(),
        Some(IntOrString::Int(number)) => {
            ServiceBackendPort { number: *number, ..ServiceBackendPort::default() }
        }
        Some(IntOrString::String(name)) => match name.parse::<Port>() {
            Ok(port) => {
                ServiceBackendPort { number: port.get().into(), ..ServiceBackendPort::default() }
            }
            Err(_) => ServiceBackendPort { name: name.clone(), number: 0 },
        },
    };
    Some(Cow::Owned(IngressServiceBackend { name: given.service_name.clone(), port }))
}

/// An object of a kind that only the embedder knows.
pub(in crate::admit) fn object_reference(
    group: Option<&str>,
    kind: &str,
    name: &str,
    at: Field<'_>,
    notes: &mut Notes,
) {
    if let Some(group) = group {
        notes.problems(at.child("apiGroup"), group, syntax::rfc1123_subdomain(group));
    }
    for (field, text) in [("kind", kind), ("name", name)] {
        if text.is_empty() {
            notes.required(at.child(field), &format!("a reference needs a {field}"));
        } else {
            notes.problems(at.child(field), text, syntax::path_segment(text));
        }
    }
}
