//! The cluster that packets are sent through, and where they must arrive.

use std::{net::IpAddr, sync::Arc, time::Duration};
use svckit::{
    forward::{NodeConfig, NodePortAddresses},
    model::{
        Affinity, Change, ClusterIps, Conditions, ContainerPort, Endpoint, EndpointSlice, Exposure,
        Family, LoadBalancer, NamespacedName, Pod, Port, Protocol, Service, ServicePort, SlicePort,
        TargetPort, TrafficPolicy,
    },
};

use crate::lab::PODS;

pub(crate) fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The Service `10.96.0.<n>` and `fd00:96::<n>`: port 80 and node port 30000 + n, over TCP, UDP and SCTP.
pub(crate) fn service(n: u16, change: impl FnOnce(&mut Service)) -> Change {
    let ips = ClusterIps::dual(addr(&format!("10.96.0.{n}")), addr(&format!("fd00:96::{n}")));
    let port = |name: &str, protocol, number| ServicePort {
        name: name.into(),
        protocol,
        port: Port::new(number).unwrap(),
        target: TargetPort::Name(name.into()),
        node_port: Port::new(30_000 + n).filter(|_| number == 80),
        app_protocol: None,
    };
    let mut service = Service::new(
        NamespacedName::new("lab", format!("s{n}")),
        Exposure::NodePort(ips.unwrap()),
        vec![
            port("tcp", Protocol::Tcp, 80),
            port("udp", Protocol::Udp, 80),
            port("sctp", Protocol::Sctp, 80),
            port("echo", Protocol::Tcp, 90),
        ],
    );
    change(&mut service);
    Change::Service(Arc::new(service))
}

/// The named pods as the endpoints of a Service; `far` is on another node.
pub(crate) fn slice(n: u16, family: Family, pods: &[&str]) -> Change {
    slice_with(n, family, pods, &[])
}

/// The same, with pods that are about to end.
pub(crate) fn slice_with(n: u16, family: Family, pods: &[&str], draining: &[&str]) -> Change {
    let port = |name: &str, protocol, number| SlicePort {
        name: name.into(),
        protocol,
        port: Port::new(number),
        app_protocol: None,
    };
    let used = |name| pods.contains(name) || draining.contains(name);
    let ending = Conditions { ready: false, serving: true, terminating: true };
    let endpoints = PODS.iter().filter(|(name, _)| used(name)).map(|(name, host)| {
        let v4 = family == Family::V4;
        let at = if v4 { format!("10.244.{host}.2") } else { format!("fd00:244:{host}::2") };
        Endpoint {
            addresses: [addr(&at)].into(),
            conditions: if pods.contains(name) { Conditions::READY } else { ending },
            hostname: None,
            node: Some(if *name == "far" { "another" } else { "here" }.into()),
            zone: None,
            hints: None,
            pod: None,
        }
    });
    Change::Slice(Arc::new(EndpointSlice {
        key: NamespacedName::new("lab", format!("s{n}-{family}")),
        service: NamespacedName::new("lab", format!("s{n}")),
        family,
        ports: vec![
            port("tcp", Protocol::Tcp, 8080),
            port("udp", Protocol::Udp, 8080),
            port("sctp", Protocol::Sctp, 8080),
            port("echo", Protocol::Tcp, 9090),
        ],
        endpoints: endpoints.collect(),
    }))
}

pub(crate) fn node() -> NodeConfig {
    NodeConfig {
        name: "here".into(),
        addresses: vec![addr("192.168.50.1"), addr("fd00:50::1")],
        pod_cidrs: vec!["10.244.0.0/16".parse().unwrap(), "fd00:244::/32".parse().unwrap()],
        service_cidrs: vec!["10.96.0.0/16".parse().unwrap(), "fd00:96::/64".parse().unwrap()],
        node_port_addresses: NodePortAddresses::Primary,
        ..NodeConfig::default()
    }
}

/// What the cases below are asked of.
pub(crate) fn cluster() -> Vec<Change> {
    let balanced = |s: &mut Service, vip: &str, ranges: &[&str]| {
        let told = LoadBalancer {
            vips: vec![addr(vip)],
            source_ranges: ranges.iter().map(|range| range.parse().unwrap()).collect(),
            ..LoadBalancer::default()
        };
        s.exposure = Exposure::LoadBalancer(*s.cluster_ips().unwrap(), told);
    };
    let sticky = Some(Affinity { timeout: Duration::from_secs(60) });
    // The second is also the node port of a Service without endpoints, and must not get what is refused there.
    let host_ports = [8081, 30_002].map(|number| ContainerPort {
        name: "".into(),
        port: Port::new(8080).unwrap(),
        protocol: Protocol::Tcp,
        host_port: Port::new(number),
        host_ip: None,
    });
    let all = ["one", "two", "far"];
    let (v4, v6) = (Family::V4, Family::V6);
    vec![
        service(1, |_| ()),
        slice(1, v4, &all),
        slice(1, v6, &all),
        service(2, |_| ()),
        service(3, |s| s.external_traffic = TrafficPolicy::Local),
        slice(3, v4, &["two", "far"]),
        service(4, |s| s.external_traffic = TrafficPolicy::Local),
        slice(4, v4, &["far"]),
        service(5, |s| s.affinity = sticky),
        slice(5, v4, &all),
        service(6, |s| s.internal_traffic = TrafficPolicy::Local),
        slice(6, v4, &["far"]),
        service(7, |s| balanced(s, "5.5.5.5", &["192.168.50.0/24"])),
        slice(7, v4, &["one"]),
        service(8, |s| s.external_ips = vec![addr("6.6.6.6"), addr("2001:db8:6::6")]),
        slice(8, v4, &["one"]),
        slice(8, v6, &["two"]),
        service(9, |_| ()),
        slice_with(9, v4, &[], &["one", "far"]),
        slice_with(9, v6, &["two"], &["one", "far"]),
        service(10, |s| {
            balanced(s, "5.5.5.6", &[]);
            s.external_traffic = TrafficPolicy::Local;
        }),
        slice(10, v4, &["two", "far"]),
        Change::Pod(Arc::new(Pod {
            key: NamespacedName::new("lab", "one"),
            uid: "".into(),
            labels: Default::default(),
            addresses: [addr("10.244.1.2")].into(),
            ready: true,
            terminating: false,
            node: Some("here".into()),
            host_network: false,
            hostname: None,
            subdomain: None,
            ports: host_ports.into(),
        })),
        Change::Synced,
    ]
}

/// Who asks what, and the set of answers over several tries.
pub(crate) const CASES: &[(&str, &str, &str, &[&str])] = &[
    (
        "a pod, balanced",
        "one",
        "tcp 10.96.0.1:80 40",
        &["one 10.244.1.1", "two 10.244.1.2", "far 10.244.1.2"],
    ),
    (
        "a client, masqueraded",
        "client",
        "tcp 10.96.0.1:80 40",
        &["one 10.244.1.1", "two 10.244.2.1", "far 10.244.3.1"],
    ),
    (
        "UDP",
        "client",
        "udp 10.96.0.1:80 40",
        &["one 10.244.1.1", "two 10.244.2.1", "far 10.244.3.1"],
    ),
    (
        "IPv6",
        "two",
        "tcp [fd00:96::1]:80 40",
        &["one fd00:244:2::2", "two fd00:244:2::1", "far fd00:244:2::2"],
    ),
    (
        "IPv6 UDP",
        "client",
        "udp [fd00:96::1]:80 40",
        &["one fd00:244:1::1", "two fd00:244:2::1", "far fd00:244:3::1"],
    ),
    (
        "SCTP",
        "client",
        "sctp 10.96.0.1:80 40",
        &["one 10.244.1.1", "two 10.244.2.1", "far 10.244.3.1"],
    ),
    (
        "SCTP over IPv6, from a pod",
        "one",
        "sctp [fd00:96::1]:80 40",
        &["one fd00:244:1::1", "two fd00:244:1::2", "far fd00:244:1::2"],
    ),
    (
        "SCTP at a node port, external Local",
        "client",
        "sctp 192.168.50.1:30003 6",
        &["two 192.168.50.2"],
    ),
    ("SCTP without endpoints", "client", "sctp 10.96.0.2:80 1", &["ConnectionRefused"]),
    (
        "the node itself",
        "node",
        "tcp 10.96.0.1:80 40",
        &["one 10.244.1.1", "two 10.244.2.1", "far 10.244.3.1"],
    ),
    (
        "a node port",
        "client",
        "tcp 192.168.50.1:30001 40",
        &["one 10.244.1.1", "two 10.244.2.1", "far 10.244.3.1"],
    ),
    (
        "a node port over IPv6",
        "client",
        "tcp [fd00:50::1]:30001 40",
        &["one fd00:244:1::1", "two fd00:244:2::1", "far fd00:244:3::1"],
    ),
    ("not at another address", "client", "tcp 10.244.1.1:30001 1", &["ConnectionRefused"]),
    ("to itself", "one", "tcp 10.96.0.8:80 3", &["one 10.244.1.1"]),
    ("no endpoints: refused at once", "client", "tcp 10.96.0.2:80 1", &["ConnectionRefused"]),
    ("no endpoints, from a pod over UDP", "one", "udp 10.96.0.2:80 1", &["ConnectionRefused"]),
    ("no endpoints at the node port", "client", "tcp 192.168.50.1:30002 1", &["ConnectionRefused"]),
    ("no endpoints in IPv6", "two", "tcp [fd00:96::3]:80 1", &["ConnectionRefused"]),
    ("no endpoints, from the node", "node", "tcp 10.96.0.2:80 1", &["ConnectionRefused"]),
    ("another port", "client", "tcp 10.96.0.1:81 1", &["ConnectionRefused"]),
    ("nobody's address", "client", "tcp 10.96.7.7:80 1", &["TimedOut"]),
    (
        "external Local keeps the client's address",
        "client",
        "tcp 192.168.50.1:30003 12",
        &["two 192.168.50.2"],
    ),
    (
        "external Local, from a pod: everywhere",
        "one",
        "tcp 192.168.50.1:30003 40",
        &["two 10.244.1.2", "far 10.244.1.2"],
    ),
    (
        "external Local, from the node: everywhere",
        "node",
        "tcp 192.168.50.1:30003 40",
        &["two 10.244.2.1", "far 10.244.3.1"],
    ),
    ("external Local without endpoints here", "client", "tcp 192.168.50.1:30004 1", &["TimedOut"]),
    ("which pods can use", "one", "tcp 192.168.50.1:30004 2", &["far 10.244.1.2"]),
    ("internal Local without endpoints here", "one", "tcp 10.96.0.6:80 1", &["TimedOut"]),
    ("inside the source ranges", "client", "tcp 5.5.5.5:80 2", &["one 10.244.1.1"]),
    ("outside the source ranges", "two", "tcp 5.5.5.5:80 1", &["TimedOut"]),
    (
        "a load balancer's address, external Local: the client is seen",
        "client",
        "tcp 5.5.5.6:80 12",
        &["two 192.168.50.2"],
    ),
    ("an external IP", "client", "tcp 6.6.6.6:80 3", &["one 10.244.1.1"]),
    ("an external IP over IPv6", "client", "udp [2001:db8:6::6]:80 3", &["two fd00:244:2::1"]),
    ("a pod at an external IP", "two", "udp 6.6.6.6:80 3", &["one 10.244.1.1"]),
    (
        "only draining endpoints are left",
        "two",
        "tcp 10.96.0.9:80 30",
        &["one 10.244.2.2", "far 10.244.2.2"],
    ),
    (
        "draining endpoints rest while others are ready",
        "one",
        "tcp [fd00:96::9]:80 12",
        &["two fd00:244:1::2"],
    ),
    ("node ports have no source ranges", "two", "tcp 192.168.50.1:30007 1", &["one 10.244.1.1"]),
    ("a host port", "client", "tcp 192.168.50.1:8081 2", &["one 192.168.50.2"]),
    ("a host port at another address", "client", "tcp 10.244.2.1:8081 2", &["one 192.168.50.2"]),
    ("its own host port", "two", "tcp 192.168.50.1:8081 2", &["one 10.244.2.2"]),
];
