//! A cluster with one of everything: both families, each policy, affinity, source ranges, host ports.
#![allow(dead_code, reason = "no test needs all of it")]

use std::{net::IpAddr, sync::Arc, time::Duration};
use svckit::{
    forward::{NodeConfig, NodePortAddresses},
    model::{
        Affinity, Change, ClusterIps, Conditions, ContainerPort, Endpoint, EndpointSlice, Exposure,
        Family, LoadBalancer, NamespacedName, Pod, Port, Protocol, Service, ServicePort, SlicePort,
        TargetPort, TrafficPolicy,
    },
};

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Nodes that need different rules.
pub(crate) fn nodes() -> Vec<(&'static str, NodeConfig)> {
    let plain = NodeConfig {
        name: "here".into(),
        addresses: vec![addr("192.168.50.1"), addr("fd00:50::1")],
        pod_cidrs: vec!["10.244.0.0/16".parse().unwrap(), "fd00:244::/32".parse().unwrap()],
        service_cidrs: vec!["10.96.0.0/16".parse().unwrap(), "fd00:96::/64".parse().unwrap()],
        ..NodeConfig::default()
    };
    let localhost = NodeConfig {
        localhost_node_ports: true,
        node_port_addresses: NodePortAddresses::All,
        masquerade_all: true,
        ..plain.clone()
    };
    let undetected = NodeConfig { pod_cidrs: vec![], ..plain.clone() };
    vec![("plain", plain), ("localhost", localhost), ("no pod ranges", undetected)]
}

/// The Service `10.96.0.<n>` and `fd00:96::<n>` with a port of each protocol.
pub(crate) fn service(n: u16, change: impl FnOnce(&mut Service)) -> Change {
    let ips = ClusterIps::dual(addr(&format!("10.96.0.{n}")), addr(&format!("fd00:96::{n:x}")));
    let port = |protocol: Protocol| ServicePort {
        name: protocol.as_lower().into(),
        protocol,
        port: Port::new(80).unwrap(),
        target: TargetPort::Number(Port::new(8080).unwrap()),
        node_port: Port::new(30_000 + n),
        app_protocol: None,
    };
    let mut service = Service::new(
        NamespacedName::new("lab", format!("s{n}")),
        Exposure::NodePort(ips.unwrap()),
        [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].map(port).into(),
    );
    change(&mut service);
    Change::Service(Arc::new(service))
}

/// Endpoints of a Service, by number; odd ones are here.
pub(crate) fn slice(n: u16, family: Family, endpoints: &[u16]) -> Change {
    let port = |protocol: Protocol| SlicePort {
        name: protocol.as_lower().into(),
        protocol,
        port: Port::new(8080),
        app_protocol: None,
    };
    let endpoint = |e: &u16| Endpoint {
        addresses: [match family {
            Family::V4 => addr(&format!("10.244.1.{e}")),
            Family::V6 => addr(&format!("fd00:244:1::{e:x}")),
        }]
        .into(),
        conditions: Conditions::READY,
        hostname: None,
        node: Some(if e % 2 == 1 { "here" } else { "there" }.into()),
        zone: None,
        hints: None,
        pod: None,
    };
    Change::Slice(Arc::new(EndpointSlice {
        key: NamespacedName::new("lab", format!("s{n}-{family}")),
        service: NamespacedName::new("lab", format!("s{n}")),
        family,
        ports: [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].map(port).into(),
        endpoints: endpoints.iter().map(endpoint).collect(),
    }))
}

/// Gives a Service annotations about balancing.
fn annotated(pairs: &[(&str, &str)]) -> impl FnOnce(&mut Service) {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, value)| (format!("svckit.io/{key}").into(), (*value).into()))
        .collect();
    move |service| service.annotations = pairs
}

/// The whole cluster.
#[expect(clippy::too_many_lines, reason = "a cluster, spelt out")]
pub(crate) fn changes() -> Vec<Change> {
    let balanced = |s: &mut Service| {
        let told = LoadBalancer {
            vips: vec![addr("5.5.5.5"), addr("2001:db8:5::5")],
            source_ranges: vec![
                "192.168.50.0/24".parse().unwrap(),
                "9.9.9.9/32".parse().unwrap(),
                "2001:db8::/48".parse().unwrap(),
            ],
            ..LoadBalancer::default()
        };
        s.exposure = Exposure::LoadBalancer(*s.cluster_ips().unwrap(), told);
        s.external_ips = vec![addr("6.6.6.6")];
    };
    let sticky = |s: &mut Service| s.affinity = Some(Affinity { timeout: Duration::from_secs(60) });
    let many: Vec<u16> = (1..=25).collect();
    let host_port = |host_ip: Option<&str>, number| ContainerPort {
        name: "".into(),
        port: Port::new(8080).unwrap(),
        protocol: Protocol::Tcp,
        host_port: Port::new(number),
        host_ip: host_ip.map(addr),
    };
    let mut all = vec![
        service(1, |_| ()),
        service(2, |_| ()),
        service(3, |s| s.external_traffic = TrafficPolicy::Local),
        service(4, |s| {
            s.internal_traffic = TrafficPolicy::Local;
            sticky(s);
        }),
        service(5, sticky),
        service(6, balanced),
        service(7, |s| {
            s.external_traffic = TrafficPolicy::Local;
            sticky(s);
        }),
        service(
            8,
            annotated(&[("balance", "maglev"), ("hash-slots", "7"), ("weights", "10.244.1.1=2")]),
        ),
        service(9, |s| {
            annotated(&[("balance", "round-robin")])(s);
            s.external_traffic = TrafficPolicy::Local;
        }),
        service(10, |s| {
            annotated(&[("balance", "maglev"), ("hash-slots", "11")])(s);
            sticky(s);
        }),
        Change::Pod(Arc::new(Pod {
            key: NamespacedName::new("lab", "one"),
            uid: "".into(),
            labels: Default::default(),
            addresses: vec![addr("10.244.1.1"), addr("fd00:244:1::1")].into(),
            ready: true,
            terminating: false,
            node: Some("here".into()),
            host_network: false,
            hostname: None,
            subdomain: None,
            ports: vec![host_port(None, 8081), host_port(Some("192.168.50.1"), 8082)],
        })),
    ];
    for family in [Family::V4, Family::V6] {
        all.push(slice(1, family, &many));
        (3..=10).for_each(|n| all.push(slice(n, family, &[1, 2, 3])));
    }
    all.push(Change::Synced);
    all
}
