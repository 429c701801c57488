//! Rules on ports.

use super::CLUSTER_IP;
use crate::{
    admit::{
        field::{Field, Notes, SPEC},
        syntax,
    },
    api::{IntOrString, Service, ServicePort},
};
use std_alloc::{collections::BTreeSet, format};

/// The protocols that Services know.
pub(in crate::admit) const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

pub(super) fn rules(service: &Service, notes: &mut Notes) {
    let ports = &service.spec.ports;
    let list = SPEC.child("ports");
    let mut names = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    let mut node_ports = BTreeSet::new();
    for (i, port) in ports.iter().enumerate() {
        let at = list.index(i);
        name(port, ports.len() > 1, at, notes);
        if !port.name.is_empty() && !names.insert(&port.name) {
            notes.duplicate(at.child("name"), &port.name, "names of ports must be unique");
        }
        alone(port, at, notes);
        if service.spec.r#type == CLUSTER_IP && port.node_port != 0 {
            notes.forbidden(at.child("nodePort"), "must not be set for type ClusterIP");
        }
        if port.node_port != 0 && !node_ports.insert((&port.protocol, port.node_port)) {
            let twice = "another port of the Service has the same node port and protocol";
            notes.duplicate(at.child("nodePort"), port.node_port, twice);
        }
        if !numbers.insert((&port.protocol, port.port)) {
            let twice = "another port of the Service has the same number and protocol";
            notes.duplicate(at, format!("{}/{}", port.port, port.protocol), twice);
        }
    }
}

fn name(port: &ServicePort, required: bool, at: Field<'_>, notes: &mut Notes) {
    let at = at.child("name");
    if !port.name.is_empty() {
        notes.problems(at, &port.name, syntax::rfc1123_label(&port.name));
    } else if required {
        notes.required(at, "a Service with several ports needs a name for each");
    }
}

/// Rules on one port that need no other.
fn alone(port: &ServicePort, at: Field<'_>, notes: &mut Notes) {
    number(port.port, at.child("port"), notes);
    notes.one_of(at.child("protocol"), &port.protocol, &PROTOCOLS);
    let target = at.child("targetPort");
    match &port.target_port {
        None => number(0, target, notes),
        Some(IntOrString::Int(port)) => number(*port, target, notes),
        Some(IntOrString::String(name)) => notes.problems(target, name, syntax::port_name(name)),
    }
    if let Some(protocol) = &port.app_protocol {
        notes.problems(at.child("appProtocol"), protocol, syntax::qualified_name(protocol));
    }
}

/// A port number, wherever one stands.
pub(in crate::admit) fn number(number: i32, at: Field<'_>, notes: &mut Notes) {
    for problem in syntax::port_number(number.into()) {
        notes.invalid(at, number, &format!("{problem}"));
    }
}
