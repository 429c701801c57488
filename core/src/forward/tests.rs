//! The rules that vectors can't tell: changes over time, conflicts, both families, ports of the host.

use super::*;
use crate::{Seed, model::*};
use core::net::{IpAddr, SocketAddr};
use std::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec,
    vec::Vec,
};

fn port(number: u16) -> Port {
    Port::new(number).unwrap()
}

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// `cart`, a NodePort Service at 10.96.0.10 and fd00:96::10, port 80 and node port 30080.
fn service() -> Service {
    let ips = ClusterIps::dual(addr("10.96.0.10"), addr("fd00:96::10")).unwrap();
    Service::new(
        NamespacedName::new("shop", "cart"),
        Exposure::NodePort(ips),
        vec![ServicePort {
            name: "".into(),
            protocol: Protocol::Tcp,
            port: port(80),
            target: TargetPort::Number(port(8080)),
            node_port: Port::new(30080),
            app_protocol: None,
        }],
    )
}

fn endpoint(text: &str, node: &str) -> Endpoint {
    Endpoint {
        addresses: [addr(text)].into(),
        conditions: Conditions::READY,
        hostname: None,
        node: Some(node.into()),
        zone: None,
        hints: None,
        pod: None,
    }
}

fn slice(name: &str, endpoints: Vec<Endpoint>) -> Change {
    let family = endpoints.first().map_or(Family::V4, |e| Family::of(e.addresses[0]));
    let port = SlicePort {
        name: "".into(),
        protocol: Protocol::Tcp,
        port: Port::new(8080),
        app_protocol: None,
    };
    Change::Slice(Arc::new(EndpointSlice {
        key: NamespacedName::new("shop", name),
        service: NamespacedName::new("shop", "cart"),
        family,
        ports: vec![port],
        endpoints,
    }))
}

fn proxy(node: NodeConfig, changes: &[Change]) -> Proxy {
    let mut proxy = Proxy::new(node, Seed([1, 2, 3, 4]));
    changes.iter().for_each(|change| proxy.apply(change));
    proxy.apply(&Change::Synced);
    proxy
}

fn node() -> NodeConfig {
    NodeConfig {
        name: "here".into(),
        addresses: vec![addr("192.168.0.2"), addr("192.168.1.2"), addr("2001:db8::2")],
        pod_cidrs: vec!["10.0.0.0/8".parse().unwrap()],
        service_cidrs: vec!["10.96.0.0/16".parse().unwrap()],
        ..NodeConfig::default()
    }
}

fn with(change: impl FnOnce(&mut Service)) -> Change {
    let mut service = service();
    change(&mut service);
    Change::Service(Arc::new(service))
}

/// `10.0.0.7>10.96.0.10:80` as a packet; its fate as `dnat 10.0.0.1:8080,… +snat`, `reject`, ….
fn fate(proxy: &Proxy, flow: &str) -> String {
    let (source, to) = flow.split_once('>').unwrap();
    let to: SocketAddr = to.parse().unwrap();
    let packet = Packet {
        source: addr(source),
        destination: to.ip(),
        protocol: Protocol::Tcp,
        port: port(to.port()),
    };
    let decision = proxy.decide(&packet);
    assert!(!decision.steps.is_empty(), "{flow}: no reason given");
    let mut to: Vec<_> = decision.verdict.endpoints().iter().map(ToString::to_string).collect();
    to.sort();
    let snat = if decision.masquerades(&packet) { " +snat" } else { "" };
    format!("{} {}{snat}", decision.verdict.as_str(), to.join(",")).trim().into()
}

type Fate<'a> = (&'a str, NodeConfig, Change, &'a str, &'a str);

/// Each with one endpoint here and one there.
fn check(cases: &[Fate<'_>]) {
    let two = slice("a", vec![endpoint("10.0.0.1", "here"), endpoint("10.0.1.1", "there")]);
    for (name, node, service, flow, want) in cases {
        let proxy = proxy(node.clone(), &[service.clone(), two.clone()]);
        assert_eq!(fate(&proxy, flow), *want, "{name}");
    }
}

#[test]
fn at_cluster_ips() {
    let another = with(|s| s.proxy_name = Some("".into()));
    let headless = with(|s| s.exposure = Exposure::Headless(vec![Family::V4]));
    let plain = || with(|_| ());
    let both = "dnat 10.0.0.1:8080,10.0.1.1:8080";
    check(&[
        ("a pod", node(), plain(), "10.0.0.7>10.96.0.10:80", both),
        ("v6 has no endpoints", node(), plain(), "fd00::7>[fd00:96::10]:80", "reject"),
        ("another port", node(), plain(), "10.0.0.7>10.96.0.10:81", "reject"),
        ("nobody's address", node(), plain(), "10.0.0.7>10.96.0.11:80", "drop"),
        ("elsewhere", node(), plain(), "10.0.0.7>8.8.8.8:80", "pass"),
        ("another proxy's Service", node(), another, "10.0.0.7>10.96.0.10:80", "drop"),
        ("headless", node(), headless, "10.0.0.7>10.96.0.10:80", "drop"),
    ]);
}

#[test]
fn at_outside_addresses() {
    let vip = |proxies| {
        with(|s| {
            let ips = *s.cluster_ips().unwrap();
            let vip = vec![addr("1.2.3.4")];
            let (vips, proxies) = if proxies { (vec![], vip) } else { (vip, vec![]) };
            let source_ranges = vec!["9.0.0.0/8".parse().unwrap()];
            let told = LoadBalancer { vips, proxies, source_ranges, ..Default::default() };
            s.exposure = Exposure::LoadBalancer(ips, told);
        })
    };
    let localhost = || NodeConfig {
        localhost_node_ports: true,
        node_port_addresses: NodePortAddresses::All,
        ..node()
    };
    let local = with(|s| s.external_traffic = TrafficPolicy::Local);
    let plain = || with(|_| ());
    let both = "dnat 10.0.0.1:8080,10.0.1.1:8080 +snat";
    let here = "dnat 10.0.0.1:8080";
    check(&[
        ("primary address", node(), plain(), "9.9.9.9>192.168.0.2:30080", both),
        ("but not at the second", node(), plain(), "9.9.9.9>192.168.1.2:30080", "pass"),
        ("nor at loopback", node(), plain(), "127.0.0.1>127.0.0.1:30080", "pass"),
        ("unless asked for", localhost(), plain(), "127.0.0.1>127.0.0.1:30080", both),
        ("by strangers never", localhost(), plain(), "9.9.9.9>127.0.0.1:30080", "drop"),
        ("and never in IPv6", localhost(), plain(), "::1>[::1]:30080", "pass"),
        ("local policy", node(), local, "9.9.9.9>192.168.0.2:30080", here),
        ("a balancer's address", node(), vip(false), "9.9.9.9>1.2.3.4:80", both),
        ("outside its source ranges", node(), vip(false), "8.8.8.8>1.2.3.4:80", "drop"),
        ("a balancer that is a proxy", node(), vip(true), "9.9.9.9>1.2.3.4:80", "pass"),
    ]);
}

#[test]
fn nothing_is_forwarded_before_the_source_is_complete() {
    let mut proxy = Proxy::new(node(), Seed([1; 4]));
    proxy.apply(&with(|_| ()));
    assert_eq!(fate(&proxy, "10.0.0.7>10.96.0.10:80"), "pass");
    assert_eq!(proxy.items().count(), 0);
    proxy.apply(&Change::Synced);
    assert_eq!(fate(&proxy, "10.0.0.7>10.96.0.10:80"), "reject");
    assert!(proxy.take_changed().whole);
}

#[test]
fn changes_name_what_differs() {
    let mut proxy = proxy(node(), &[with(|_| ())]);
    assert_eq!(proxy.take_changed(), Changed { whole: true, ..Changed::default() });
    let mut names = |change: Change| {
        proxy.apply(&change);
        let items = proxy.take_changed().items;
        let name = |item: &Item| match item {
            Item::Frontend(key) => format!("{key}"),
            Item::ClusterIp(addr) => format!("cluster IP {addr}"),
            Item::Hairpin(addr) => format!("hairpin {addr}"),
            Item::HostPort(key) => format!("host port {}", key.port),
        };
        items.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    let (one, two) = (endpoint("10.0.0.1", "here"), endpoint("10.0.1.1", "there"));
    let unready = Endpoint {
        conditions: Conditions { ready: false, serving: false, terminating: false },
        ..endpoint("10.0.2.2", "there")
    };
    let gone = Change::SliceGone(NamespacedName::new("shop", "a"));
    let service_gone = Change::ServiceGone(NamespacedName::new("shop", "cart"));
    let steps = [
        ("the same again", with(|_| ()), ""),
        ("a first endpoint", slice("a", vec![one.clone()]), "shop/cart (IPv4), hairpin 10.0.0.1"),
        ("the same again", slice("a", vec![one.clone()]), ""),
        ("one that can't be used", slice("a", vec![one.clone(), unready]), ""),
        ("one elsewhere", slice("a", vec![one.clone(), two.clone()]), "shop/cart (IPv4)"),
        ("one of them in another slice too", slice("b", vec![two]), ""),
        ("a slice goes", gone, "shop/cart (IPv4), hairpin 10.0.0.1"),
        (
            "the Service goes",
            service_gone,
            "shop/cart (IPv4), shop/cart (IPv6), cluster IP 10.96.0.10, cluster IP fd00:96::10",
        ),
        ("a slice without one", slice("a", vec![one]), ""),
        (
            "and it comes back",
            with(|_| ()),
            "shop/cart (IPv4), shop/cart (IPv6), cluster IP 10.96.0.10, cluster IP fd00:96::10, \
             hairpin 10.0.0.1",
        ),
    ];
    for (name, change, want) in steps {
        assert_eq!(names(change), want, "{name}");
    }
}

#[test]
fn one_destination_has_one_holder() {
    let other = |name: &str, ip: &str| {
        with(|s| {
            s.key = NamespacedName::new("shop", name);
            s.exposure = Exposure::ClusterIp(ClusterIps::single(addr(ip)));
            s.ports[0].node_port = None;
            s.external_ips = vec![addr("10.96.0.10"), addr("5.5.5.5")];
        })
    };
    let mut proxy = proxy(node(), &[other("b", "10.96.0.2"), other("a", "10.96.0.1")]);
    let holder = |proxy: &Proxy, at: &str| {
        let at = Destination::Address(addr(at), Protocol::Tcp, port(80));
        format!("{}", proxy.holder(at).unwrap().1.key.name)
    };
    assert_eq!(holder(&proxy, "5.5.5.5"), "shop/a", "the first by name");
    assert_eq!(holder(&proxy, "10.96.0.10"), "shop/a");
    assert_eq!(proxy.conflicts().count(), 2);
    proxy.take_changed();

    proxy.apply(&with(|_| ()));
    assert_eq!(holder(&proxy, "10.96.0.10"), "shop/cart", "a cluster IP goes before external IPs");
    let changed = proxy.take_changed().items;
    let lost = |item: &Item| matches!(item, Item::Frontend(key) if *key.name.service.name == *"a");
    assert!(changed.iter().any(lost), "who lost an address has changed: {changed:?}");

    proxy.apply(&Change::ServiceGone(NamespacedName::new("shop", "a")));
    assert_eq!(holder(&proxy, "5.5.5.5"), "shop/b");
    proxy.apply(&Change::ServiceGone(NamespacedName::new("shop", "cart")));
    assert_eq!(holder(&proxy, "10.96.0.10"), "shop/b");
    assert_eq!(proxy.conflicts().count(), 0);
}

#[test]
fn host_ports_lead_to_pods_of_this_node() {
    let pod = |name: &str, node: &str, host_ip: Option<&str>, host_network: bool| Pod {
        key: NamespacedName::new("shop", name),
        uid: "".into(),
        labels: Default::default(),
        addresses: vec![addr("10.0.0.9"), addr("fd00::9")].into(),
        ready: true,
        terminating: false,
        node: Some(node.into()),
        host_network,
        hostname: None,
        subdomain: None,
        ports: vec![ContainerPort {
            name: "".into(),
            port: port(8080),
            protocol: Protocol::Tcp,
            host_port: Port::new(8081),
            host_ip: host_ip.map(addr),
        }],
    };
    let at = "9.9.9.9>192.168.1.2:8081";
    let cases = [
        ("any address", pod("a", "here", None, false), at, "dnat 10.0.0.9:8080"),
        (
            "its own family",
            pod("a", "here", None, false),
            "::9>[2001:db8::2]:8081",
            "dnat [fd00::9]:8080",
        ),
        ("that address", pod("a", "here", Some("192.168.1.2"), false), at, "dnat 10.0.0.9:8080"),
        ("0.0.0.0 is any", pod("a", "here", Some("0.0.0.0"), false), at, "dnat 10.0.0.9:8080"),
        ("another address", pod("a", "here", Some("192.168.0.2"), false), at, "pass"),
        ("another node", pod("a", "there", None, false), at, "pass"),
        ("on the host's network", pod("a", "here", None, true), at, "pass"),
        (
            "to itself",
            pod("a", "here", None, false),
            "10.0.0.9>192.168.1.2:8081",
            "dnat 10.0.0.9:8080 +snat",
        ),
    ];
    for (name, pod, flow, want) in cases {
        assert_eq!(fate(&proxy(node(), &[Change::Pod(Arc::new(pod))]), flow), want, "{name}");
    }

    let both = ["b", "a"].map(|name| Change::Pod(Arc::new(pod(name, "here", None, false))));
    let mut proxy = proxy(node(), &both);
    let conflicts: Vec<_> = proxy
        .host_port_conflicts()
        .map(|c| format!("{}: {} before {}", c.key.port, c.holder, c.others[0]))
        .collect();
    assert_eq!(conflicts, ["8081: shop/a before shop/b", "8081: shop/a before shop/b"]);
    proxy.apply(&Change::PodGone(NamespacedName::new("shop", "a")));
    assert_eq!(proxy.host_port_conflicts().count(), 0);
    proxy.apply(&Change::PodGone(NamespacedName::new("shop", "b")));
    assert_eq!(fate(&proxy, at), "pass");
}

#[test]
fn the_node_object_fills_in_what_the_configuration_leaves_out() {
    let hinted = |text: &str, zone: &str| Endpoint {
        hints: crate::model::Hints::new(vec![zone.into()], vec![]),
        ..endpoint(text, "there")
    };
    let slice = slice("a", vec![hinted("10.0.0.1", "east"), hinted("10.0.1.1", "west")]);
    let mut proxy = proxy(NodeConfig { addresses: vec![], ..node() }, &[with(|_| ()), slice]);
    let flow = "10.0.0.7>10.96.0.10:80";
    assert_eq!(fate(&proxy, flow), "dnat 10.0.0.1:8080,10.0.1.1:8080");
    proxy.take_changed();
    proxy.apply(&Change::Node(Arc::new(Node {
        name: "here".into(),
        zone: Some("west".into()),
        addresses: vec![addr("192.168.0.2")],
        pod_cidrs: vec![],
        ready: true,
        milli_cpu: 0,
        control_plane: false,
    })));
    assert_eq!(fate(&proxy, flow), "dnat 10.0.1.1:8080");
    assert_eq!(proxy.node().primary(Family::V4), Some(addr("192.168.0.2")));
    assert!(proxy.take_changed().whole);
    proxy.apply(&Change::NodeGone("here".into()));
    assert_eq!(fate(&proxy, flow), "dnat 10.0.0.1:8080,10.0.1.1:8080");
}

#[test]
fn health_checks_count_ready_endpoints_here() {
    let draining = Endpoint {
        conditions: Conditions { ready: false, serving: true, terminating: true },
        ..endpoint("10.0.0.2", "here")
    };
    let balanced = |external_traffic| {
        with(|s| {
            let told = LoadBalancer { health_check_port: Port::new(32000), ..Default::default() };
            s.exposure = Exposure::LoadBalancer(*s.cluster_ips().unwrap(), told);
            s.external_traffic = external_traffic;
        })
    };
    let one = endpoint("10.0.0.1", "here");
    let cases = [
        ("ready here", TrafficPolicy::Local, vec![one.clone()], Some(1)),
        ("draining doesn't count", TrafficPolicy::Local, vec![one.clone(), draining], Some(1)),
        ("elsewhere", TrafficPolicy::Local, vec![endpoint("10.0.0.1", "there")], Some(0)),
        ("policy Cluster", TrafficPolicy::Cluster, vec![one], None),
    ];
    for (name, policy, endpoints, want) in cases {
        let proxy = proxy(node(), &[balanced(policy), slice("a", endpoints)]);
        let checks = proxy.health_checks();
        assert_eq!(checks.first().map(|check| check.local_endpoints), want, "{name}");
    }
}

/// Data planes know no pods: a pod that has a share has it at its addresses, wherever they are now.
#[test]
fn weights_of_pods_become_those_of_addresses() {
    let of_pod = |text: &str, name: &str| Endpoint {
        pod: Some(NamespacedName::new("shop", name)),
        ..endpoint(text, "n1")
    };
    let weights = |proxy: &Proxy| {
        let frontends = proxy.frontends().next().unwrap().annotations.clone();
        frontends.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>()
    };
    let annotations = vec![
        ("svckit.io/weights".into(), "web-0=3, 10.0.0.9=0,gone=7".into()),
        ("svckit.io/balance".into(), "random".into()),
        ("other.io/weights".into(), "web-0=3".into()),
    ];
    let service = with(|service| service.annotations = annotations);
    let first = slice("a", vec![of_pod("10.0.0.1", "web-0"), of_pod("10.0.0.2", "web-1")]);
    let mut proxy = proxy(node(), &[service, first]);
    let random = "svckit.io/balance: random";
    let text = "svckit.io/weights: 10.0.0.1=3,web-0=3, 10.0.0.9=0,gone=7,";
    assert_eq!(weights(&proxy), [text, random]);
    proxy.apply(&slice("a", vec![of_pod("10.0.0.5", "web-0")]));
    let text = "svckit.io/weights: 10.0.0.5=3,web-0=3, 10.0.0.9=0,gone=7,";
    assert_eq!(weights(&proxy), [text, random]);
}
