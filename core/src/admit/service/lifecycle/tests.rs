use super::*;
use crate::api::ServicePort;
use std::{string::String, vec};

fn texts(list: &str) -> Vec<String> {
    list.split_whitespace().map(String::from).collect()
}

fn addressed(kind: &str, single: &str, list: &str) -> Service {
    let mut service = Service::default();
    service.spec.r#type = kind.into();
    service.spec.cluster_ip = single.into();
    service.spec.cluster_ips = texts(list);
    service
}

fn ports(kind: &str, ports: &[(&str, i32)]) -> Service {
    let mut service = addressed(kind, "", "");
    for (name, node_port) in ports {
        let port =
            ServicePort { name: (*name).into(), node_port: *node_port, ..Default::default() };
        service.spec.ports.push(port);
    }
    service
}

fn numbers(service: &Service) -> Vec<i32> {
    service.spec.ports.iter().map(|port| port.node_port).collect()
}

#[test]
fn singular_and_plural_agree() {
    // (case, new, old, wanted list)
    let cases = [
        ("create: list follows", ("10.0.0.1", ""), None, "10.0.0.1"),
        ("create: headless", ("None", ""), None, "None"),
        ("create: list alone stays", ("", "10.0.0.1"), None, "10.0.0.1"),
        (
            "update: old client",
            ("10.0.0.1", ""),
            Some(("10.0.0.1", "10.0.0.1 fd00::1")),
            "10.0.0.1 fd00::1",
        ),
        ("update: cleared", ("", "10.0.0.1"), Some(("10.0.0.1", "10.0.0.1")), ""),
        ("update: changed", ("10.0.0.2", "10.0.0.1"), Some(("10.0.0.1", "10.0.0.1")), "10.0.0.2"),
        (
            "update: both changed",
            ("10.0.0.2", "10.0.0.3"),
            Some(("10.0.0.1", "10.0.0.1")),
            "10.0.0.3",
        ),
        ("update: first address", ("10.0.0.2", ""), Some(("", "")), "10.0.0.2"),
        ("update: nothing", ("", ""), Some(("", "")), ""),
    ];
    for (case, (single, list), old, want) in cases {
        let mut new = addressed("ClusterIP", single, list);
        let old = old.map(|(single, list)| addressed("ClusterIP", single, list));
        normalize(&mut new, old.as_ref());
        assert_eq!(new.spec.cluster_ips, texts(want), "{case}");
    }
}

#[test]
fn node_ports_are_taken_over_by_name() {
    let cases = [
        ("same name", &[("a", 0)][..], &[("a", 30001)][..], &[30001][..]),
        ("unnamed", &[("", 0)], &[("", 30001)], &[30001]),
        ("renamed", &[("b", 0)], &[("a", 30001)], &[0]),
        ("author's number wins", &[("a", 30009)], &[("a", 30001)], &[30009]),
        ("number moved to another port", &[("a", 0), ("b", 30001)], &[("a", 30001)], &[0, 30001]),
        ("swapped order", &[("b", 0), ("a", 0)], &[("a", 1), ("b", 2)], &[2, 1]),
    ];
    for (case, new, old, want) in cases {
        for kind in ["NodePort", "LoadBalancer"] {
            let mut new = ports(kind, new);
            carry_over(&mut new, &ports("NodePort", old));
            assert_eq!(numbers(&new), want, "{case} {kind}");
        }
        let mut plain = ports("ClusterIP", new);
        carry_over(&mut plain, &ports("NodePort", old));
        assert_eq!(
            numbers(&plain),
            numbers(&ports("ClusterIP", new)),
            "{case}: ClusterIP takes none"
        );
    }
}

#[test]
fn addresses_are_not_taken_over_from_or_to_external_names() {
    for (new, old, want) in [
        ("ClusterIP", "NodePort", "10.0.0.1"),
        ("ExternalName", "ClusterIP", ""),
        ("ClusterIP", "ExternalName", ""),
    ] {
        let mut service = addressed(new, "", "");
        carry_over(&mut service, &addressed(old, "10.0.0.1", "10.0.0.1"));
        assert_eq!(service.spec.cluster_ip, want, "{old} to {new}");
        assert_eq!(service.spec.cluster_ips, texts(want), "{old} to {new}");
    }
}

#[test]
fn a_health_port_is_taken_over_while_it_is_needed() {
    let balancer = |policy: &str, port| {
        let mut service = addressed("LoadBalancer", "", "");
        service.spec.external_traffic_policy = policy.into();
        service.spec.health_check_node_port = port;
        service
    };
    for (policy, want) in [("Local", 30_100), ("Cluster", 0)] {
        let mut new = balancer(policy, 0);
        carry_over(&mut new, &balancer("Local", 30_100));
        assert_eq!(new.spec.health_check_node_port, want, "{policy}");
    }
}

#[test]
fn node_ports_go_with_the_type_unless_changed() {
    let cases = [
        ("unchanged", "ClusterIP", &[("a", 1), ("b", 2)][..], vec![0, 0]),
        ("one changed: all stay, to be refused", "ClusterIP", &[("a", 1), ("b", 3)], vec![1, 3]),
        ("external name", "ExternalName", &[("a", 1)], vec![0]),
        ("still needed", "LoadBalancer", &[("a", 1)], vec![1]),
    ];
    for (case, kind, new, want) in cases {
        let mut new = ports(kind, new);
        drop_type_dependent(&mut new, &ports("NodePort", &[("a", 1), ("b", 2)]));
        assert_eq!(numbers(&new), want, "{case}");
    }
    let mut unallocated = ports("LoadBalancer", &[("a", 1)]);
    unallocated.spec.allocate_load_balancer_node_ports = Some(false);
    drop_type_dependent(&mut unallocated, &ports("LoadBalancer", &[("a", 1)]));
    assert_eq!(numbers(&unallocated), [1], "numbers stay until their author zeroes them");
}

#[test]
fn what_only_a_balancer_has_goes_with_it() {
    let full = |kind: &str| {
        let mut service = addressed(kind, "10.0.0.1", "10.0.0.1");
        let spec = &mut service.spec;
        spec.load_balancer_class = Some("example.com/lb".into());
        spec.allocate_load_balancer_node_ports = Some(true);
        spec.external_traffic_policy = "Local".into();
        spec.health_check_node_port = 30_100;
        service.status.load_balancer.ingress.push(Default::default());
        service
    };
    let old = full("LoadBalancer");
    let mut new = full("ClusterIP");
    drop_type_dependent(&mut new, &old);
    assert_eq!(new, addressed("ClusterIP", "10.0.0.1", "10.0.0.1"));

    let mut typed = full("ClusterIP");
    typed.spec.load_balancer_class = Some("example.com/other".into());
    drop_type_dependent(&mut typed, &old);
    assert_eq!(typed.spec.load_balancer_class.as_deref(), Some("example.com/other"));

    let mut named = full("ExternalName");
    drop_type_dependent(&mut named, &old);
    assert_eq!(named, addressed("ExternalName", "", ""));
}
