//! What is written for one Service of each kind.

use super::*;
use crate::{Seed, forward::NodeConfig, model::*};
use core::time::Duration;
use std::{string::String, vec};

/// A balanced Service with everything, and a sticky one of UDP without endpoints.
#[expect(clippy::too_many_lines, reason = "a fixture, spelt out")]
fn proxy(external: TrafficPolicy) -> Proxy {
    let node = NodeConfig {
        name: "here".into(),
        addresses: vec!["192.168.1.1".parse().unwrap(), "192.168.1.2".parse().unwrap()],
        ..NodeConfig::default()
    };
    let mut proxy = Proxy::new(node, Seed([1; 4]));
    let port = |name: &str, protocol, node_port| ServicePort {
        name: name.into(),
        protocol,
        port: Port::new(80).unwrap(),
        target: TargetPort::Name("http".into()),
        node_port: Port::new(node_port),
        app_protocol: None,
    };
    let service = |n: u8, exposure, port| Service {
        affinity: (n == 2).then_some(Affinity { timeout: Duration::from_secs(60) }),
        external_traffic: external,
        external_ips: if n == 1 { vec![[192, 0, 2, 80].into()] } else { vec![] },
        ..Service::new(NamespacedName::new("shop", std::format!("s{n}")), exposure, vec![port])
    };
    let ips = |n| ClusterIps::single([10, 96, 0, n].into());
    let balancer = LoadBalancer {
        vips: vec![[203, 0, 113, 1].into()],
        source_ranges: vec!["198.51.100.0/24".parse().unwrap(), "192.168.1.1/32".parse().unwrap()],
        health_check_port: Port::new(32_000),
        ..LoadBalancer::default()
    };
    let endpoint = |host: u8, node: &str| Endpoint {
        addresses: [[10, 244, 0, host].into()].into(),
        conditions: Conditions::READY,
        hostname: None,
        node: Some(node.into()),
        zone: None,
        hints: None,
        pod: None,
    };
    let changes = [
        Change::Service(Arc::new(service(
            1,
            Exposure::LoadBalancer(ips(1), balancer),
            port("http", Protocol::Tcp, 30_001),
        ))),
        Change::Service(Arc::new(service(
            2,
            Exposure::ClusterIp(ips(2)),
            port("", Protocol::Udp, 0),
        ))),
        Change::Slice(Arc::new(EndpointSlice {
            key: NamespacedName::new("shop", "s1-1"),
            service: NamespacedName::new("shop", "s1"),
            family: Family::V4,
            ports: vec![SlicePort {
                name: "http".into(),
                protocol: Protocol::Tcp,
                port: Port::new(8080),
                app_protocol: None,
            }],
            endpoints: vec![endpoint(4, "here"), endpoint(5, "there")],
        })),
        Change::Synced,
    ];
    changes.iter().for_each(|change| proxy.apply(change));
    proxy
}

#[test]
fn virtual_servers() {
    let mut text = String::new();
    servers(&proxy(TrafficPolicy::Local), Family::V4, &mut text).unwrap();
    assert_eq!(
        text,
        "\
-A -t 10.96.0.1:80 -s rr
-a -t 10.96.0.1:80 -r 10.244.0.4:8080 -m -w 1
-a -t 10.96.0.1:80 -r 10.244.0.5:8080 -m -w 1
-A -t 203.0.113.1:80 -s rr
-a -t 203.0.113.1:80 -r 10.244.0.4:8080 -m -w 1
-A -t 192.0.2.80:80 -s rr
-a -t 192.0.2.80:80 -r 10.244.0.4:8080 -m -w 1
-A -t 192.168.1.1:30001 -s rr
-a -t 192.168.1.1:30001 -r 10.244.0.4:8080 -m -w 1
-A -u 10.96.0.2:80 -s rr -p 60
"
    );
}

#[test]
fn sets_of_a_local_balancer() {
    let mut text = String::new();
    let proxy = proxy(TrafficPolicy::Local);
    sets(&proxy, Family::V4, &mut text).unwrap();
    let added: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("add KUBE-")).collect();
    assert_eq!(
        added,
        [
            "LOOP-BACK 10.244.0.4,tcp:8080,10.244.0.4",
            "CLUSTER-IP 10.96.0.1,tcp:80",
            "CLUSTER-IP 10.96.0.2,udp:80",
            "EXTERNAL-IP 192.0.2.80,tcp:80",
            "EXTERNAL-IP-LOCAL 192.0.2.80,tcp:80",
            "LOAD-BALANCER 203.0.113.1,tcp:80",
            "LOAD-BALANCER-LOCAL 203.0.113.1,tcp:80",
            "LOAD-BALANCER-FW 203.0.113.1,tcp:80",
            "LOAD-BALANCER-SOURCE-IP 203.0.113.1,tcp:80,192.168.1.1",
            "LOAD-BALANCER-SOURCE-IP 203.0.113.1,tcp:80,203.0.113.1",
            "LOAD-BALANCER-SOURCE-CIDR 203.0.113.1,tcp:80,198.51.100.0/24",
            "NODE-PORT-TCP 30001",
            "NODE-PORT-LOCAL-TCP 30001",
            "HEALTH-CHECK-NODE-PORT 32000",
            "IPVS-IPS 10.96.0.1",
            "IPVS-IPS 10.96.0.2",
            "IPVS-IPS 192.0.2.80",
            "IPVS-IPS 203.0.113.1",
        ]
    );
    assert!(text.contains(
        "create KUBE-LOAD-BALANCER-SOURCE-CIDR hash:ip,port,net family inet hashsize 1024 maxelem 65536\n"
    ));
    assert!(text.contains("create KUBE-NODE-PORT-TCP bitmap:port range 0-65535\n"));
    assert_eq!(addresses(&proxy, Family::V4).len(), 4);
}

#[test]
fn policy_cluster_has_no_local_sets() {
    let mut text = String::new();
    sets(&proxy(TrafficPolicy::Cluster), Family::V4, &mut text).unwrap();
    assert!(!text.lines().any(|line| line.starts_with("add") && line.contains("-LOCAL")), "{text}");
    let mut text = String::new();
    sets(&proxy(TrafficPolicy::Cluster), Family::V6, &mut text).unwrap();
    assert!(text.contains("create KUBE-6-IPVS-IPS hash:ip family inet6"), "{text}");
}
