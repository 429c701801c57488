//! What two objects want and only one can have.
//!
//! Cluster IPs and node ports are not here: who comes second is refused by admission. Host ports are a matter of the
//! node that a pod runs on, and nobody refuses the pod; external addresses are given out by nobody at all.

use core::net::{IpAddr, SocketAddr};
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{Cluster, ControlPlane};
use crate::{
    api::{Container, ContainerPort, Object, ObjectId, Pod},
    finding::{Finding, Kind},
    forward::{Conflict, Destination},
    model::NamespacedName,
};

/// Where host ports are unique: a node, a protocol, a number.
type Place<'a> = (&'a str, &'a str, i32);

/// A pod that wants a host port, and where it says so.
struct Wish<'a> {
    pod: NamespacedName,
    /// `None`: all addresses of the node.
    address: Option<IpAddr>,
    path: String,
    value: &'a ContainerPort,
}

impl Cluster {
    /// What two objects want and only one can have, and what is wrong with Ingresses beyond each one's own text.
    ///
    /// Costs O(n log n) in the pods there are.
    #[must_use]
    pub fn conflicts(&mut self) -> Vec<Finding> {
        let mut findings = self.control.host_port_conflicts();
        for Conflict { destination, holder, others } in self.proxy.conflicts() {
            let holder = &holder.key.name.service;
            let others = others.iter().map(|other| &other.key.name.service);
            findings.extend(others.filter(|other| *other != holder).map(|other| {
                let message = format!(
                    "{} leads to Service {holder}; this one is not served there",
                    place(&destination)
                );
                let finding = Finding::warning(Kind::Conflict, "spec", "", message);
                Finding { object: format!("Service {other}"), ..finding }
            }));
        }
        findings.extend(self.router.findings());
        findings.extend_from_slice(self.gateways.findings());
        findings
    }
}

impl ControlPlane {
    /// Pods of one node that want one of its ports: the first by name has it, each other object is told.
    ///
    /// Where the manifests describe several nodes, a pod that doesn't say on which one it runs is left out: whoever
    /// places it will see to it. Costs O(n log n) in the pods there are.
    #[must_use]
    pub fn host_port_conflicts(&self) -> Vec<Finding> {
        let mut places: BTreeMap<Place<'_>, Vec<Wish<'_>>> = BTreeMap::new();
        for pod in self.pods().filter(|pod| pod.status.phase == "Running") {
            for (path, value) in host_ports(pod) {
                let place = (pod.spec.node_name.as_str(), value.protocol.as_str(), value.host_port);
                let address = value.host_ip.parse().ok().filter(|ip: &IpAddr| !ip.is_unspecified());
                let meta = &pod.metadata;
                let pod = NamespacedName::new(meta.namespace.as_str(), meta.name.as_str());
                places.entry(place).or_default().push(Wish { pod, address, path, value });
            }
        }
        places.retain(|_, wishes| wishes.len() > 1);
        if places.is_empty() {
            return Vec::new();
        }
        let owners = self.owners();
        let mut told = BTreeSet::new();
        let mut findings = Vec::new();
        for ((node, protocol, port), mut wishes) in places {
            wishes.sort_by(|a, b| (&a.pod, &a.path).cmp(&(&b.pod, &b.path)));
            for (n, wish) in wishes.iter().enumerate() {
                let clash = |other: &&Wish<'_>| {
                    other.pod != wish.pod
                        && (other.address.is_none()
                            || wish.address.is_none()
                            || other.address == wish.address)
                };
                let Some(holder) = wishes.iter().take(n).find(clash) else { continue };
                let (object, path) = self.author(wish, &owners);
                if !self.is_placed(&object) || !told.insert((object.clone(), path.clone())) {
                    continue;
                }
                let message = format!(
                    "pods {} and {} both want port {port}/{protocol} of node {node}; the first has it",
                    holder.pod, wish.pod
                );
                let value = wish.value.host_port.to_string();
                let finding = Finding::error(Kind::Conflict, path, value, message);
                findings.push(Finding { object: object.to_string(), ..finding });
            }
        }
        findings
    }

    /// The workload of each pod that has one.
    fn owners(&self) -> BTreeMap<&NamespacedName, &ObjectId> {
        let pods = self.workloads().iter();
        pods.flat_map(|(id, pods)| pods.iter().map(move |pod| (pod, id))).collect()
    }

    /// Which object says what a pod wants, and where in it.
    fn author(
        &self,
        wish: &Wish<'_>,
        owners: &BTreeMap<&NamespacedName, &ObjectId>,
    ) -> (ObjectId, String) {
        match owners.get(&wish.pod) {
            Some(owner) => ((*owner).clone(), format!("spec.template.{}", wish.path)),
            None => {
                let (namespace, name) = (wish.pod.namespace.to_string(), wish.pod.name.to_string());
                (ObjectId { kind: "Pod", namespace, name }, wish.path.clone())
            }
        }
    }

    /// Whether an object's pods are known to run where they were put.
    fn is_placed(&self, object: &ObjectId) -> bool {
        let nodes = self.given().filter(|(id, _)| id.kind == "Node").count();
        let says = |object: &Object| match object {
            Object::Pod(pod) => !pod.spec.node_name.is_empty(),
            Object::ReplicationController(it) => {
                it.spec.template.as_ref().is_some_and(|it| !it.spec.node_name.is_empty())
            }
            Object::ReplicaSet(it) => !it.spec.template.spec.node_name.is_empty(),
            Object::Deployment(it) => !it.spec.template.spec.node_name.is_empty(),
            Object::StatefulSet(it) => !it.spec.template.spec.node_name.is_empty(),
            _ => false,
        };
        nodes < 2 || self.object(object).is_some_and(says)
    }
}

/// `10.0.0.1:80/TCP`, or `node port 30080/TCP`.
fn place(destination: &Destination) -> String {
    match destination {
        Destination::Address(addr, protocol, port) => {
            format!("{}/{}", SocketAddr::new(*addr, port.get()), protocol.as_str())
        }
        Destination::NodePort(_, protocol, port) => {
            format!("node port {port}/{}", protocol.as_str())
        }
    }
}

/// The host ports of a pod and where they stand in it: those of its containers, and of sidecars.
fn host_ports(pod: &Pod) -> impl Iterator<Item = (String, &ContainerPort)> {
    let sidecar = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let regular = pod.spec.containers.iter().enumerate().map(|(i, it)| ("containers", i, it));
    let sidecars = pod.spec.init_containers.iter().enumerate();
    let sidecars = sidecars.filter(move |(_, it)| sidecar(it));
    let all = regular.chain(sidecars.map(|(i, it)| ("initContainers", i, it)));
    all.flat_map(|(list, i, container)| {
        let ports = container.ports.iter().enumerate().filter(|(_, port)| port.host_port != 0);
        ports.map(move |(j, port)| (format!("spec.{list}[{i}].ports[{j}].hostPort"), port))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Seed, Time, cluster::Settings};
    use std::vec;

    fn pod(name: &str, node: &str, host_ip: &str, port: i32) -> Object {
        let mut pod = Pod::default();
        pod.metadata.name = name.into();
        pod.metadata.namespace = "default".into();
        pod.spec.node_name = node.into();
        let port = ContainerPort {
            container_port: 8080,
            host_port: port,
            host_ip: host_ip.into(),
            protocol: "TCP".into(),
            ..ContainerPort::default()
        };
        let container = Container { name: "c".into(), ports: vec![port], ..Container::default() };
        pod.spec.containers.push(container);
        Object::Pod(pod.into())
    }

    #[test]
    fn host_ports_are_unique_on_a_node() {
        // (case, two pods as node, address and port, whether they are in each other's way)
        let cases = [
            ("one port", ("n", "", 80), ("n", "", 80), true),
            ("two ports", ("n", "", 80), ("n", "", 81), false),
            ("two nodes", ("n", "", 80), ("m", "", 80), false),
            ("two addresses", ("n", "10.0.0.1", 80), ("n", "10.0.0.2", 80), false),
            ("one address and all", ("n", "10.0.0.1", 80), ("n", "0.0.0.0", 80), true),
            ("nobody says where", ("", "", 80), ("", "", 80), true),
        ];
        for (case, a, b, want) in cases {
            let mut cluster = ControlPlane::new(Settings::default(), Seed([1; 4])).unwrap();
            let objects = [pod("a", a.0, a.1, a.2), pod("b", b.0, b.1, b.2)];
            let synced = cluster.sync(&objects, Time::default());
            assert_eq!(synced.findings, [], "{case}");
            let findings = cluster.host_port_conflicts();
            assert_eq!(!findings.is_empty(), want, "{case}: {findings:?}");
            for finding in findings {
                assert_eq!(finding.object, "Pod default/b", "{case}");
                assert_eq!(finding.path, "spec.containers[0].ports[0].hostPort", "{case}");
            }
        }
    }
}
