//! What becomes of manifests that look at one another.

use super::*;
use crate::{
    api::{
        Condition, EndpointAddress, EndpointSubset, Endpoints, Node, NodeAddress, Pod, Service,
        ServicePort, StringMap, SubsetPort,
    },
    finding::Severity,
    model::{Change, EndpointSlice, NamespacedName},
};
use std::{collections::BTreeMap, format, string::String, vec, vec::Vec};

/// A control plane, and the slices that its consumers know of.
struct World {
    control: ControlPlane,
    slices: BTreeMap<NamespacedName, Arc<EndpointSlice>>,
}

impl World {
    fn new() -> Self {
        let control = ControlPlane::new(Settings::default(), Seed([1; 4])).unwrap();
        Self { control, slices: BTreeMap::new() }
    }

    /// The errors, as `object path`.
    fn sync(&mut self, objects: &[Object]) -> Vec<String> {
        let synced = self.control.sync(objects, Time::default());
        for change in synced.changes {
            match change {
                Change::Slice(slice) => _ = self.slices.insert(slice.key.clone(), slice),
                Change::SliceGone(key) => _ = self.slices.remove(&key),
                _ => {}
            }
        }
        let errors = synced.findings.into_iter();
        let errors = errors.filter(|(_, finding)| finding.severity == Severity::Error);
        errors.map(|(id, finding)| format!("{id} {}", finding.path)).collect()
    }

    /// Each endpoint's address and zone hints, sorted.
    fn endpoints(&self) -> Vec<String> {
        let endpoints = self.slices.values().flat_map(|slice| &slice.endpoints);
        let mut shown: Vec<String> = endpoints
            .map(|endpoint| {
                format!("{} {}", endpoint.addresses[0], endpoint.zone_hints().join("+"))
            })
            .collect();
        shown.sort();
        shown
    }
}

fn service(selector: Option<&str>, annotation: Option<(&str, &str)>) -> Object {
    let mut service = Service::default();
    service.metadata.name = "web".into();
    service.metadata.namespace = "default".into();
    service.metadata.annotations.extend(annotation.map(|(key, value)| (key.into(), value.into())));
    service.spec.selector = selector.map(|app| StringMap::from([("app".into(), app.into())]));
    service.spec.ports.push(ServicePort { port: 80, ..ServicePort::default() });
    Object::Service(service.into())
}

fn endpoints(subsets: &[(&[&str], &[&str], &[i32])]) -> Object {
    let address = |ip: &&str| EndpointAddress { ip: (*ip).into(), ..EndpointAddress::default() };
    let mut endpoints = Endpoints::default();
    endpoints.metadata.name = "web".into();
    endpoints.metadata.namespace = "default".into();
    for (ready, not_ready, ports) in subsets {
        let port = |port: &i32| SubsetPort {
            name: format!("p{port}"),
            port: *port,
            ..SubsetPort::default()
        };
        endpoints.subsets.push(EndpointSubset {
            addresses: ready.iter().map(address).collect(),
            not_ready_addresses: not_ready.iter().map(address).collect(),
            ports: ports.iter().map(port).collect(),
        });
    }
    Object::Endpoints(endpoints.into())
}

fn pod(name: &str, ip: &str, node: &str, host_network: bool) -> Object {
    let mut pod = Pod::default();
    pod.metadata.name = name.into();
    pod.metadata.namespace = "default".into();
    pod.metadata.labels.insert("app".into(), "web".into());
    pod.spec.node_name = node.into();
    pod.spec.host_network = host_network;
    pod.spec.containers.push(crate::api::Container { name: "c".into(), ..Default::default() });
    pod.status.pod_ip = ip.into();
    Object::Pod(pod.into())
}

fn node(name: &str, zone: &str, ip: &str) -> Object {
    let mut node = Node::default();
    node.metadata.name = name.into();
    node.metadata.labels.insert(crate::api::LABEL_ZONE.into(), zone.into());
    let ready = Condition { r#type: "Ready".into(), status: "True".into(), ..Condition::default() };
    node.status.conditions.push(ready);
    node.status.allocatable.insert("cpu".into(), crate::api::Json::Int(4));
    node.status.addresses.push(NodeAddress { r#type: "InternalIP".into(), address: ip.into() });
    Object::Node(node.into())
}

#[test]
fn endpoints_are_mirrored_while_a_service_wants_them() {
    let written = || endpoints(&[(&["10.1.0.1"], &["10.1.0.2"], &[80])]);
    let mut world = World::new();
    assert_eq!(world.sync(&[written()]), Vec::<String>::new());
    assert_eq!(world.endpoints(), Vec::<String>::new(), "no Service");
    world.sync(&[written(), service(None, None)]);
    assert_eq!(world.endpoints(), ["10.1.0.1 ", "10.1.0.2 "]);
    world.sync(&[written(), service(Some("web"), None)]);
    assert_eq!(world.endpoints(), Vec::<String>::new(), "its slices come from pods");
    world.sync(&[written(), service(None, None)]);
    world.sync(&[service(None, None)]);
    assert_eq!(world.endpoints(), Vec::<String>::new(), "no Endpoints");
}

#[test]
fn subsets_are_packed_anew() {
    let mut world = World::new();
    let subsets: [(&[&str], &[&str], &[i32]); 3] = [
        (&["10.1.0.1", "fd00::1"], &[], &[80]),
        (&["10.1.0.1"], &[], &[443]),
        (&[], &["10.1.0.1"], &[443]),
    ];
    world.sync(&[endpoints(&subsets), service(None, None)]);
    let shown: Vec<String> = world
        .slices
        .values()
        .map(|slice| {
            let ports: Vec<String> =
                slice.ports.iter().filter_map(|port| Some(format!("{}", port.port?))).collect();
            let ready = slice.endpoints.iter().filter(|it| it.conditions.ready).count();
            format!("{} {} {ready}/{}", slice.family, ports.join("+"), slice.endpoints.len())
        })
        .collect();
    let has = |text: &str| shown.iter().any(|it| it == text);
    assert!(has("IPv4 443 0/1"), "not ready trumps ready: {shown:?}");
    assert!(has("IPv4 80 1/1") && has("IPv6 80 1/1") && shown.len() == 3, "{shown:?}");
}

#[test]
fn topology_hints_are_asked_for_by_annotation() {
    let mut world = World::new();
    let mut objects = vec![
        node("a", "za", "192.168.0.1"),
        node("b", "zb", "192.168.0.2"),
        service(Some("web"), None),
    ];
    let pods =
        (0..6).map(|n| pod(&format!("p{n}"), &format!("10.1.0.{n}"), ["a", "b"][n % 2], false));
    objects.extend(pods);
    assert_eq!(world.sync(&objects), Vec::<String>::new());
    assert!(world.endpoints().iter().all(|it| it.ends_with(' ')), "{:?}", world.endpoints());
    objects[2] = service(Some("web"), Some(("service.kubernetes.io/topology-mode", "Auto")));
    world.sync(&objects);
    let hinted = world.endpoints().iter().filter(|it| it.ends_with("za")).count();
    assert_eq!(hinted, 3, "{:?}", world.endpoints());
}

#[test]
fn pods_on_the_host_network_have_their_nodes_addresses() {
    let mut world = World::new();
    let objects =
        [node("a", "za", "192.168.0.7"), service(Some("web"), None), pod("p", "", "a", true)];
    world.sync(&objects);
    assert_eq!(world.endpoints(), ["192.168.0.7 "]);
}

#[test]
fn every_kind_is_judged() {
    let named = |mut object: Object, name: &str| {
        object.metadata_mut().name = name.into();
        object
    };
    let mut world = World::new();
    let objects = [
        named(Object::Namespace(Default::default()), "My_Shop"),
        named(Object::IngressClass(Default::default()), "ours"),
        named(Object::IpAddress(Default::default()), "10.0.0.01"),
        named(Object::ServiceCidr(Default::default()), "more"),
        named(node("x", "z", "192.168.0.1"), "Node_1"),
        named(pod("p", "", "", false), "P"),
    ];
    let mut came = world.sync(&objects);
    came.dedup();
    assert_eq!(
        came,
        [
            "Namespace My_Shop metadata.name",
            "Node Node_1 metadata.name",
            "ServiceCIDR more spec.cidrs",
            "Pod default/P metadata.name",
            "IngressClass ours spec.controller",
            "IPAddress 10.0.0.01 metadata.name",
            "IPAddress 10.0.0.01 spec.parentRef",
        ]
    );
    assert_eq!(world.control.given().count(), 0, "nothing of it counts");
}

#[test]
fn what_may_not_change_is_refused() {
    let range = |cidr: &str| {
        let mut range = crate::api::ServiceCidr::default();
        range.metadata.name = "more".into();
        range.spec.cidrs = vec![cidr.into()];
        Object::ServiceCidr(range.into())
    };
    let mut world = World::new();
    assert_eq!(world.sync(&[range("10.200.0.0/24")]), Vec::<String>::new());
    assert_eq!(world.sync(&[range("10.201.0.0/24")]), ["ServiceCIDR more spec.cidrs"]);
    assert_eq!(world.sync(&[range("10.200.0.0/24")]), Vec::<String>::new(), "as it was");
}
