//! Pods.

use super::read;
use crate::{
    admit::field::{Field, Notes, SPEC, STATUS},
    api,
    finding::Finding,
    model::{Addresses, ContainerPort, Family, Pod},
    select::Labels,
};
use std_alloc::vec::Vec;

/// A pod in checked form; `None` when it has finished (phase Succeeded or Failed).
///
/// Of init containers only sidecars (`restartPolicy: Always`) keep their ports. On the host network each port is a
/// host port. A `hostIP` of `0.0.0.0` or `::` means all addresses of the node, as an absent one does.
///
/// # Errors
///
/// What can't be read.
pub fn pod(object: &api::Pod) -> Result<Option<Pod>, Vec<Finding>> {
    if matches!(object.status.phase.as_str(), "Succeeded" | "Failed") {
        return Ok(None);
    }
    let mut notes = Notes::default();
    let (spec, status) = (&object.spec, &object.status);
    let addresses = addresses(status, &mut notes);
    let ports = ports(spec, &mut notes);
    let labels = &object.metadata.labels;
    let is_ready =
        |condition: &api::Condition| condition.r#type == "Ready" && condition.status == "True";
    notes.or(Some(Pod {
        key: read::key(&object.metadata),
        uid: object.metadata.uid.as_str().into(),
        labels: labels
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect::<Labels>(),
        addresses,
        ready: status.conditions.iter().any(is_ready),
        terminating: object.metadata.deletion_timestamp.is_some(),
        node: read::text(&spec.node_name),
        host_network: spec.host_network,
        hostname: read::text(&spec.hostname),
        subdomain: read::text(&spec.subdomain),
        ports,
    }))
}

/// `podIPs`, or `podIP` alone where an older writer left the list out.
fn addresses(status: &api::PodStatus, notes: &mut Notes) -> Addresses {
    let list = STATUS.child("podIPs");
    if status.pod_ips.is_empty() {
        let single = (!status.pod_ip.is_empty())
            .then(|| read::ip(&status.pod_ip, STATUS.child("podIP"), notes));
        return single.flatten().into_iter().collect();
    }
    let addresses: Addresses = read::ips(status.pod_ips.iter().map(|ip| &ip.ip), list, notes);
    let mut families: Vec<Family> = addresses.iter().map(|addr| Family::of(*addr)).collect();
    families.sort_unstable();
    families.dedup();
    if families.len() < addresses.len() {
        notes.invalid(list, "", "must hold at most one address of each family");
    }
    addresses
}

fn ports(spec: &api::PodSpec, notes: &mut Notes) -> Vec<ContainerPort> {
    let sidecar =
        |container: &api::Container| container.restart_policy.as_deref() == Some("Always");
    let regular = spec.containers.iter().enumerate().map(|(i, c)| ("containers", i, c));
    let sidecars = spec.init_containers.iter().enumerate().filter(|(_, c)| sidecar(c));
    let all = regular.chain(sidecars.map(|(i, c)| ("initContainers", i, c)));
    let mut ports = Vec::new();
    for (field, i, container) in all {
        let list = SPEC.child(field);
        let container_at = list.index(i);
        let list = container_at.child("ports");
        for (j, port) in container.ports.iter().enumerate() {
            ports.extend(container_port(port, spec.host_network, list.index(j), notes));
        }
    }
    ports.shrink_to_fit();
    ports
}

fn container_port(
    port: &api::ContainerPort,
    host_network: bool,
    at: Field<'_>,
    notes: &mut Notes,
) -> Option<ContainerPort> {
    let number = read::port(port.container_port, at.child("containerPort"), notes);
    let protocol = read::protocol(&port.protocol, at.child("protocol"), notes);
    let host_port = read::optional_port(port.host_port, at.child("hostPort"), notes);
    let host_ip = if port.host_ip.is_empty() {
        None
    } else {
        read::ip(&port.host_ip, at.child("hostIP"), notes)
    };
    Some(ContainerPort {
        name: port.name.as_str().into(),
        port: number?,
        protocol: protocol?,
        host_port: if host_network { host_port.or(number) } else { host_port },
        host_ip: host_ip.filter(|addr| !addr.is_unspecified()),
    })
}
