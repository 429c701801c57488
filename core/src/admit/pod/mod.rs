//! Pods, as far as Services and DNS see them: defaults and rules.
//!
//! The rest of a pod is not looked at. Three gaps of Kubernetes are closed: the host ports of sidecars follow the
//! same rules as those of containers; a host address that can't be read is refused; and host ports collide across
//! containers, with an empty address, `0.0.0.0` and `::` all meaning every address.

mod dns;
mod names;
mod ports;
mod status;

use super::{
    Gates,
    field::{Field, Notes, SPEC},
    metadata::{self, Naming},
};
use crate::{
    api::{Container, Pod, PodSpec},
    finding::Finding,
};
use std_alloc::vec::Vec;

/// Fills in what the author left out. On the host network each port is a host port.
///
/// ```
/// use svckit::{admit::pod, api::{Container, ContainerPort, Pod}};
///
/// let mut web = Pod::default();
/// web.spec.host_network = true;
/// let ports = vec![ContainerPort { container_port: 80, ..Default::default() }];
/// web.spec.containers.push(Container { ports, ..Default::default() });
/// pod::default(&mut web);
/// assert_eq!(web.spec.containers[0].ports[0].host_port, 80);
/// assert_eq!(web.spec.dns_policy, "ClusterFirst");
/// ```
pub fn default(pod: &mut Pod) {
    let spec = &mut *pod.spec;
    default_template(spec);
    if spec.host_network {
        let containers = spec.containers.iter_mut().chain(&mut spec.init_containers);
        for port in containers.flat_map(|container| &mut container.ports) {
            if port.host_port == 0 {
                port.host_port = port.container_port;
            }
        }
    }
}

/// The same for the template of a controller: its host ports are filled in when a pod is made of it.
pub fn default_template(spec: &mut PodSpec) {
    let text = |field: &mut std_alloc::string::String, default: &str| {
        if field.is_empty() {
            field.push_str(default);
        }
    };
    text(&mut spec.dns_policy, "ClusterFirst");
    text(&mut spec.restart_policy, "Always");
    spec.enable_service_links.get_or_insert(true);
    let containers = spec.containers.iter_mut().chain(&mut spec.init_containers);
    for port in containers.flat_map(|container| &mut container.ports) {
        text(&mut port.protocol, "TCP");
    }
}

/// Everything that refuses a new pod, as far as it is looked at. The object must have its defaults.
#[must_use]
pub fn validate(pod: &Pod, gates: &Gates) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::create(&pod.metadata, Naming::SUBDOMAIN, &mut notes);
    spec(&pod.spec, SPEC, Kind::Pod, gates, &mut notes);
    status::rules(pod, gates, &mut notes);
    notes.0
}

/// What should be told to the author of a pod, or of a template at `spec.template.spec`, that is accepted: containers
/// that call their ports by the same name, of which a Service finds the first only.
#[must_use]
pub fn warnings(spec: &PodSpec) -> Vec<Finding> {
    let mut notes = Notes::default();
    ports::shared_names(spec, SPEC, &mut notes);
    notes.0
}

/// Whose spec it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Pod,
    Template,
}

/// Rules on the spec of a pod or of a template.
pub(super) fn spec(spec: &PodSpec, at: Field<'_>, kind: Kind, gates: &Gates, notes: &mut Notes) {
    ports::rules(spec, at, kind, gates, notes);
    names::rules(spec, at, notes);
    dns::rules(spec, at, gates, notes);
}

/// Containers that run side by side: the regular ones, then sidecars; with the name and position of each list.
fn side_by_side(spec: &PodSpec) -> impl Iterator<Item = (&'static str, usize, &Container)> {
    let regular = spec.containers.iter().enumerate().map(|(i, it)| ("containers", i, it));
    let sidecar = |it: &Container| it.restart_policy.as_deref() == Some("Always");
    let init = spec.init_containers.iter().enumerate();
    regular.chain(init.filter(move |(_, it)| sidecar(it)).map(|(i, it)| ("initContainers", i, it)))
}

#[cfg(test)]
mod tests;
