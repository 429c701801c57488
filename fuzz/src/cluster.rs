//! Clusters out of bytes: nodes, Services of both families, their endpoints, and pods with host ports.

use std::{net::IpAddr, sync::Arc, time::Duration};
use svckit::{
    forward::{NodeConfig, NodePortAddresses},
    model::{
        Affinity, Change, ClusterIps, Conditions, ContainerPort, Endpoint, EndpointSlice, Exposure,
        Family, LoadBalancer, NamespacedName, Pod, Port, Protocol, Service, ServicePort, SlicePort,
        TargetPort, TrafficPolicy,
    },
};

/// Services have numbers below this.
pub(crate) const SERVICES: u8 = 4;

/// The last byte of the endpoints' addresses is below this; even ones are on this node.
pub(crate) const ENDPOINTS: u8 = 8;

/// What pods with host ports listen on, and nobody else.
const HOST_PORT_TARGET: u16 = 9090;

fn addr(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// The address with this last part in one of the networks that the cluster is made of.
pub(crate) fn at(network: Network, family: Family, last: u8) -> IpAddr {
    let (v4, v6) = match network {
        Network::ClusterIps => ([10, 96, 0, last], "fd00:96::"),
        Network::Pods => ([10, 244, 0, last], "fd00:244::"),
        Network::MorePods => ([10, 245, 0, last], "fd00:245::"),
        Network::Balancers => ([203, 0, 113, last], "2001:db8:113::"),
        Network::External => ([192, 0, 2, last], "2001:db8:2::"),
        Network::Node => ([192, 168, 1, last], "2001:db8:1::"),
        Network::Clients => ([198, 51, 100, last], "2001:db8:100::"),
    };
    match family {
        Family::V4 => v4.into(),
        Family::V6 => addr(&format!("{v6}{last:x}")),
    }
}

/// The networks that a cluster is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Network {
    ClusterIps,
    Pods,
    MorePods,
    Balancers,
    External,
    Node,
    Clients,
}

/// A node with the addresses 1 and 2.
pub(crate) fn node(bits: u8) -> NodeConfig {
    let ranges = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a range")).collect();
    let both = [Family::V4, Family::V6];
    NodeConfig {
        name: "here".into(),
        addresses: [1, 2].into_iter().flat_map(|n| both.map(|f| at(Network::Node, f, n))).collect(),
        pod_cidrs: match bits & 3 {
            0 => Vec::new(),
            1 => ranges(&["10.244.0.0/16"]),
            2 => ranges(&["10.244.0.0/16", "fd00:244::/32"]),
            _ => ranges(&["10.244.0.0/16", "10.245.0.0/16", "fd00:244::/32", "fd00:245::/32"]),
        },
        masquerade_all: bits & 0x0c == 0x0c,
        localhost_node_ports: bits & 0x10 != 0,
        service_cidrs: if bits & 0x20 == 0 {
            Vec::new()
        } else {
            ranges(&["10.96.0.0/16", "fd00:96::/64"])
        },
        node_port_addresses: match bits >> 6 {
            0 => NodePortAddresses::Primary,
            1 => NodePortAddresses::All,
            2 => NodePortAddresses::Ranges(ranges(&["192.168.1.2/31", "127.0.0.0/8"])),
            _ => NodePortAddresses::Ranges(ranges(&["127.0.0.0/8", "2001:db8:1::/64"])),
        },
        ..NodeConfig::default()
    }
}

/// A change out of three bytes.
pub(crate) fn change(what: u8, first: u8, second: u8) -> Change {
    let n = what >> 3 & (SERVICES - 1);
    match what & 7 {
        0 => Change::ServiceGone(name(n)),
        1 => Change::SliceGone(slice_name(n, family(first))),
        2 => Change::Pod(Arc::new(pod(n, first))),
        3 => Change::PodGone(NamespacedName::new("ns", format!("pod{n}"))),
        4 | 5 => Change::Slice(Arc::new(slice(n, first, second))),
        _ => Change::Service(Arc::new(service(n, first, second))),
    }
}

const fn family(bits: u8) -> Family {
    if bits & 1 == 0 { Family::V4 } else { Family::V6 }
}

fn name(n: u8) -> NamespacedName {
    NamespacedName::new("ns", format!("s{n}"))
}

fn slice_name(n: u8, family: Family) -> NamespacedName {
    NamespacedName::new("ns", format!("s{n}-{family}"))
}

/// Port 80 over TCP, and over UDP too; node ports 30000 + n.
fn service(n: u8, first: u8, second: u8) -> Service {
    let policy =
        |bit: u8| if first & bit != 0 { TrafficPolicy::Local } else { TrafficPolicy::Cluster };
    let exposed = first & 4 != 0;
    let both = [Family::V4, Family::V6];
    let [v4, v6] = both.map(|family| at(Network::ClusterIps, family, n));
    let ips = ClusterIps::dual(v4, v6).expect("of two families");
    let ranges: &[&str] = match second & 3 {
        0 => &[],
        1 => &["198.51.100.0/25", "2001:db8:100::/120"],
        2 => &["192.168.1.0/24", "10.244.0.4/32"],
        _ => &["198.51.100.7/32", "2001:db8:1::1/128", "10.0.0.0/8"],
    };
    let balancer = LoadBalancer {
        vips: both.map(|family| at(Network::Balancers, family, n >> 1)).into(),
        source_ranges: ranges.iter().map(|range| range.parse().expect("a range")).collect(),
        ..LoadBalancer::default()
    };
    let port = |protocol: Protocol| ServicePort {
        name: protocol.as_lower().into(),
        protocol,
        port: Port::new(80 + u16::from(second >> 2 & 1)).expect("not 0"),
        target: TargetPort::Name("http".into()),
        node_port: Port::new(30_000 + u16::from(n)).filter(|_| exposed),
        app_protocol: None,
    };
    let protocols = [Protocol::Tcp, Protocol::Udp];
    let count = if second & 8 == 0 { 1 } else { 2 };
    Service {
        key: name(n),
        exposure: match (exposed, second & 0x10 != 0) {
            (false, _) => Exposure::ClusterIp(ips),
            (true, false) => Exposure::NodePort(ips),
            (true, true) => Exposure::LoadBalancer(ips, balancer),
        },
        ports: protocols.into_iter().take(count).map(port).collect(),
        selector: None,
        affinity: (first & 8 != 0).then_some(Affinity { timeout: Duration::from_secs(60) }),
        external_traffic: policy(1),
        internal_traffic: policy(2),
        external_ips: match second >> 5 {
            0 | 1 => vec![at(Network::External, Family::V4, n)],
            2 => both.map(|family| at(Network::External, family, n)).into(),
            // The node's own.
            3 => vec![at(Network::Node, Family::V4, 2)],
            _ => Vec::new(),
        },
        publish_not_ready: false,
        traffic_distribution: None,
        proxy_name: None,
        annotations: Vec::new(),
    }
}

/// The endpoints whose bits are set; `conditions` says how they are.
fn slice(n: u8, chosen: u8, conditions: u8) -> EndpointSlice {
    let family = family(conditions);
    let endpoint = |last: u8| Endpoint {
        addresses: [at(Network::Pods, family, last)].into(),
        conditions: match conditions.rotate_left(last.into()) >> 5 {
            0 => Conditions { ready: false, serving: true, terminating: true },
            1 => Conditions { ready: false, serving: false, terminating: false },
            _ => Conditions::READY,
        },
        hostname: None,
        node: Some(if last.is_multiple_of(2) { "here" } else { "there" }.into()),
        zone: None,
        hints: None,
        pod: None,
    };
    let port = |protocol: Protocol| SlicePort {
        name: protocol.as_lower().into(),
        protocol,
        port: Port::new(8080),
        app_protocol: None,
    };
    EndpointSlice {
        key: slice_name(n, family),
        service: name(n),
        family,
        ports: [Protocol::Tcp, Protocol::Udp].map(port).into(),
        endpoints: (0..ENDPOINTS).filter(|last| chosen >> last & 1 == 1).map(endpoint).collect(),
    }
}

/// A pod of this node that asks for a port of it; for one that is also a node port, now and then.
fn pod(n: u8, bits: u8) -> Pod {
    let number = if bits & 3 == 0 { 30_000 } else { 8080 + u16::from(bits >> 2 & 1) };
    let port = ContainerPort {
        name: "".into(),
        port: Port::new(HOST_PORT_TARGET).expect("not 0"),
        protocol: Protocol::Tcp,
        host_port: Port::new(number),
        host_ip: match bits >> 4 & 3 {
            0 => Some(at(Network::Node, Family::V4, 1)),
            1 => Some(at(Network::Node, Family::V6, 2)),
            _ => None,
        },
    };
    Pod {
        key: NamespacedName::new("ns", format!("pod{n}")),
        uid: "".into(),
        labels: Default::default(),
        addresses: [Family::V4, Family::V6]
            .into_iter()
            .map(|f| at(Network::Pods, f, 100 + n))
            .collect(),
        ready: true,
        terminating: false,
        node: Some("here".into()),
        host_network: false,
        hostname: None,
        subdomain: None,
        ports: vec![port],
    }
}
