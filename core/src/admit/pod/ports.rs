//! Rules on the ports of containers.

use super::{Kind, side_by_side};
use crate::{
    admit::{
        Gates,
        field::{Field, Notes},
        service::{self, PROTOCOLS},
        syntax::{self, Level},
    },
    api::{Container, ContainerPort, PodSpec},
    finding,
};
use core::net::IpAddr;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    vec::Vec,
};

pub(super) fn rules(spec: &PodSpec, at: Field<'_>, kind: Kind, gates: &Gates, notes: &mut Notes) {
    for (field, containers) in
        [("containers", &spec.containers), ("initContainers", &spec.init_containers)]
    {
        let list = at.child(field);
        for (i, container) in containers.iter().enumerate() {
            let container_at = list.index(i);
            let list = container_at.child("ports");
            let mut names = BTreeSet::new();
            for (j, port) in container.ports.iter().enumerate() {
                let at = list.index(j);
                alone(port, at, gates, notes);
                if !port.name.is_empty() && !names.insert(&port.name) {
                    let message = "names of ports must be unique in a container";
                    notes.duplicate(at.child("name"), &port.name, message);
                }
                if spec.host_network {
                    on_the_host(port, kind, at, notes);
                }
            }
        }
    }
    host_ports(spec, at, notes);
}

fn alone(port: &ContainerPort, at: Field<'_>, gates: &Gates, notes: &mut Notes) {
    if !port.name.is_empty() {
        notes.problems(at.child("name"), &port.name, syntax::port_name(&port.name));
    }
    if port.container_port == 0 {
        notes.required(at.child("containerPort"), "a port has a number");
    } else {
        service::port_number(port.container_port, at.child("containerPort"), notes);
    }
    if port.host_port != 0 {
        service::port_number(port.host_port, at.child("hostPort"), notes);
    }
    if !port.host_ip.is_empty() {
        service::legacy_ip(&port.host_ip, &[], gates, at.child("hostIP"), notes);
    }
    notes.one_of(at.child("protocol"), &port.protocol, &PROTOCOLS);
}

/// On the host network the two numbers are one; in a template the host's may be left out.
fn on_the_host(port: &ContainerPort, kind: Kind, at: Field<'_>, notes: &mut Notes) {
    let left_out = kind == Kind::Template && port.host_port == 0;
    if port.host_port != port.container_port && !left_out {
        let message = "must be the containerPort on the host network";
        notes.invalid(at.child("hostPort"), port.host_port, message);
    }
}

/// No two containers that run side by side want one port of the host.
fn host_ports(spec: &PodSpec, at: Field<'_>, notes: &mut Notes) {
    let mut taken: BTreeMap<(i32, &str), Vec<Option<IpAddr>>> = BTreeMap::new();
    for (field, i, Container { ports, .. }) in side_by_side(spec) {
        let list = at.child(field);
        let container = list.index(i);
        let list = container.child("ports");
        for (j, port) in ports.iter().enumerate().filter(|(_, port)| port.host_port != 0) {
            let addr = syntax::ip(&port.host_ip, Level::Lenient).ok();
            let addr = addr.filter(|addr| !addr.is_unspecified());
            let others = taken.entry((port.host_port, &port.protocol)).or_default();
            if others.iter().any(|it| it.is_none() || addr.is_none() || *it == addr) {
                let value = format!("{}/{}", port.host_port, port.protocol);
                let at = list.index(j);
                notes.duplicate(at.child("hostPort"), value, "another port of the pod has it");
            }
            others.push(addr);
        }
    }
}

/// A name that two containers use for different ports.
pub(super) fn shared_names(spec: &PodSpec, at: Field<'_>, notes: &mut Notes) {
    let mut names: BTreeMap<(&str, &str), (i32, usize, &str)> = BTreeMap::new();
    for (field, i, container) in side_by_side(spec) {
        let list = at.child(field);
        let container_at = list.index(i);
        let list = container_at.child("ports");
        for (j, port) in
            container.ports.iter().enumerate().filter(|(_, port)| !port.name.is_empty())
        {
            let here = (port.container_port, i, field);
            let first = *names.entry((&port.name, &port.protocol)).or_insert(here);
            if first != here && first.0 != port.container_port {
                let message = format!(
                    "a Service that asks for this name finds port {} of another container",
                    first.0
                );
                let at = list.index(j);
                notes.warn(finding::Kind::Duplicate, at.child("name"), &port.name, &message);
            }
        }
    }
}
