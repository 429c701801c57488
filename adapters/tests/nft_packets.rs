//! Real packets through the kernel rules that svckit writes, in network namespaces made for it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics to report"
)]

mod lab;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use lab::{Answers, Lab, PODS};
use svckit::{
    Seed,
    forward::{NodeConfig, NodePortAddresses, Proxy},
    model::{
        Affinity, Change, ClusterIps, Conditions, ContainerPort, Endpoint, EndpointSlice, Exposure,
        Family, LoadBalancer, NamespacedName, Pod, Port, Protocol, Service, ServicePort, SlicePort,
        TargetPort, TrafficPolicy,
    },
};
use svckit_adapters::sink::nft::Nft;

/// How long an answer may take; what is dropped takes as long.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Runs only inside a namespace of the lab, as a server or a client.
#[test]
fn role() {
    let Ok(role) = std::env::var("SVCKIT_TEST_ROLE") else { return };
    match *role.split(' ').collect::<Vec<_>>() {
        ["serve", name] => serve(name),
        ["tcp", to, times] => ask(times, || tcp(to.parse().unwrap())),
        ["udp", to, times] => ask(times, || udp(to.parse().unwrap())),
        _ => panic!("no such role: {role}"),
    }
}

/// Says its name, and who asks, on port 8080 of every address.
fn serve(name: &str) {
    let answer = |from: SocketAddr| {
        let from = match from.ip() {
            IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4),
            ip => ip,
        };
        format!("{name} {from}")
    };
    let listener = TcpListener::bind("[::]:8080").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let _ = stream.peer_addr().map(|from| stream.write_all(answer(from).as_bytes()));
            }
        });
        let socket = UdpSocket::bind("[::]:8080").unwrap();
        let mut buffer = [0; 64];
        while let Ok((_, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(answer(from).as_bytes(), from);
        }
    });
}

fn ask(times: &str, question: impl Fn() -> std::io::Result<String>) {
    for _ in 0..times.parse().unwrap() {
        let answer = question().unwrap_or_else(|error| format!("{:?}", error.kind()));
        println!("ANSWER {answer}");
    }
}

fn tcp(to: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn udp(to: SocketAddr) -> std::io::Result<String> {
    let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(to)?;
    socket.send(b"who?")?;
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The Service `10.96.0.<n>` and `fd00:96::<n>`: port 80 and node port 30000 + n, TCP and UDP.
fn service(n: u16, change: impl FnOnce(&mut Service)) -> Change {
    let ips = ClusterIps::dual(addr(&format!("10.96.0.{n}")), addr(&format!("fd00:96::{n}")));
    let port = |name: &str, protocol| ServicePort {
        name: name.into(),
        protocol,
        port: Port::new(80).unwrap(),
        target: TargetPort::Number(Port::new(8080).unwrap()),
        node_port: Port::new(30_000 + n),
        app_protocol: None,
    };
    let mut service = Service {
        key: NamespacedName::new("lab", format!("s{n}")),
        exposure: Exposure::NodePort(ips.unwrap()),
        ports: vec![port("tcp", Protocol::Tcp), port("udp", Protocol::Udp)],
        selector: None,
        affinity: None,
        external_traffic: TrafficPolicy::Cluster,
        internal_traffic: TrafficPolicy::Cluster,
        external_ips: vec![],
        publish_not_ready: false,
        traffic_distribution: None,
        proxy_name: None,
        annotations: vec![],
    };
    change(&mut service);
    Change::Service(Arc::new(service))
}

/// The named pods as the endpoints of a Service; `far` is on another node.
fn slice(n: u16, family: Family, pods: &[&str]) -> Change {
    let port = |name: &str, protocol| SlicePort {
        name: name.into(),
        protocol,
        port: Port::new(8080),
        app_protocol: None,
    };
    let endpoints = PODS.iter().filter(|(name, _)| pods.contains(name)).map(|(name, host)| {
        let v4 = family == Family::V4;
        let at = if v4 { format!("10.244.{host}.2") } else { format!("fd00:244:{host}::2") };
        Endpoint {
            addresses: vec![addr(&at)],
            conditions: Conditions::READY,
            hostname: None,
            node: Some(if *name == "far" { "another" } else { "here" }.into()),
            zone: None,
            zone_hints: vec![],
            node_hints: vec![],
            pod: None,
        }
    });
    Change::Slice(Arc::new(EndpointSlice {
        key: NamespacedName::new("lab", format!("s{n}-{family}")),
        service: NamespacedName::new("lab", format!("s{n}")),
        family,
        ports: vec![port("tcp", Protocol::Tcp), port("udp", Protocol::Udp)],
        endpoints: endpoints.collect(),
    }))
}

fn node() -> NodeConfig {
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
fn cluster() -> Vec<Change> {
    let balanced = |s: &mut Service| {
        let told = LoadBalancer {
            vips: vec![addr("5.5.5.5")],
            source_ranges: vec!["192.168.50.0/24".parse().unwrap()],
            ..LoadBalancer::default()
        };
        s.exposure = Exposure::LoadBalancer(*s.cluster_ips().unwrap(), told);
    };
    let sticky = Some(Affinity { timeout: Duration::from_secs(60) });
    let host_port = ContainerPort {
        name: "".into(),
        port: Port::new(8080).unwrap(),
        protocol: Protocol::Tcp,
        host_port: Port::new(8081),
        host_ip: None,
    };
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
        service(7, balanced),
        slice(7, v4, &["one"]),
        service(8, |_| ()),
        slice(8, v4, &["one"]),
        Change::Pod(Arc::new(Pod {
            key: NamespacedName::new("lab", "one"),
            uid: "".into(),
            labels: Default::default(),
            addresses: vec![addr("10.244.1.2")],
            ready: true,
            terminating: false,
            node: Some("here".into()),
            host_network: false,
            hostname: None,
            subdomain: None,
            ports: vec![host_port],
        })),
        Change::Synced,
    ]
}

/// Who asks what, and the set of answers over several tries.
const CASES: &[(&str, &str, &str, &[&str])] = &[
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
    ("node ports have no source ranges", "two", "tcp 192.168.50.1:30007 1", &["one 10.244.1.1"]),
    ("a host port", "client", "tcp 192.168.50.1:8081 2", &["one 192.168.50.2"]),
    ("a host port at another address", "client", "tcp 10.244.2.1:8081 2", &["one 192.168.50.2"]),
    ("its own host port", "two", "tcp 192.168.50.1:8081 2", &["one 10.244.2.2"]),
];

#[test]
fn packets_go_where_they_should() {
    if std::env::var("SVCKIT_TEST_ROLE").is_ok() {
        return;
    }
    let Some(lab) = Lab::new() else { return };
    let mut proxy = Proxy::new(node(), Seed([1, 2, 3, 4]));
    cluster().iter().for_each(|change| proxy.apply(change));
    let node = lab.name("node");
    let mut nft = Nft::in_namespace(&namespace(&node), Seed([5, 6, 7, 8])).unwrap();
    assert!(nft.sync(&mut proxy).unwrap().unwrap().full);
    assert_eq!(nft.sync(&mut proxy).unwrap(), None);

    let mut wrong = Vec::new();
    for (name, from, question, want) in CASES {
        let came: BTreeSet<String> = lab.ask(from, question).into_iter().collect();
        let want: BTreeSet<String> = want.iter().map(ToString::to_string).collect();
        if came != want {
            wrong.push(format!("{name}: {from} asks {question}: wanted {want:?}, came {came:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    balance(&lab);
    affinity(&lab, &mut proxy, &mut nft);
    changes(&lab, &mut proxy, &mut nft);
}

fn namespace(name: &str) -> PathBuf {
    Path::new("/run/netns").join(name)
}

fn counts(answers: Answers) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        let pod = answer.split(' ').next().unwrap_or_default().to_owned();
        *counts.entry(pod).or_insert(0) += 1;
    }
    counts
}

/// 300 connections over three endpoints: each gets its share, give or take five standard deviations.
fn balance(lab: &Lab) {
    let counts = counts(lab.ask("client", "tcp 10.96.0.1:80 300"));
    assert!(counts.len() == 3 && counts.values().all(|n| (60..=140).contains(n)), "{counts:?}");
}

/// A client stays with its endpoint, also when another one leaves; and finds another when its own does.
fn affinity(lab: &Lab, proxy: &mut Proxy, nft: &mut Nft) {
    for question in ["tcp 10.96.0.5:80 20", "tcp 192.168.50.1:30005 20"] {
        let all = counts(lab.ask("client", question));
        assert_eq!(all.len(), 1, "{question}: {all:?}");
    }
    let question = "tcp 10.96.0.5:80 20";
    let first = counts(lab.ask("client", question)).into_keys().next().unwrap();
    let others: Vec<_> = PODS.iter().map(|(name, _)| *name).filter(|name| *name != first).collect();
    proxy.apply(&slice(5, Family::V4, &[first.as_str(), others[0]]));
    assert!(!nft.sync(proxy).unwrap().unwrap().full);
    let stays = counts(lab.ask("client", question));
    assert_eq!(stays.keys().collect::<Vec<_>>(), [&first], "another endpoint has left");
    proxy.apply(&slice(5, Family::V4, &others));
    nft.sync(proxy).unwrap();
    let moved = counts(lab.ask("client", question));
    assert!(moved.len() == 1 && !moved.contains_key(&first), "{first} has left: {moved:?}");
}

/// Endpoints, Services and addresses come and go.
fn changes(lab: &Lab, proxy: &mut Proxy, nft: &mut Nft) {
    let steps: &[(&str, Change, &[&str])] = &[
        ("a first endpoint", slice(2, Family::V4, &["one"]), &["one"]),
        ("another one", slice(2, Family::V4, &["two"]), &["two"]),
        ("two", slice(2, Family::V4, &["two", "far"]), &["far", "two"]),
        ("none again", slice(2, Family::V4, &[]), &["ConnectionRefused"]),
        ("all at once", slice(2, Family::V4, &["one", "two", "far"]), &["far", "one", "two"]),
        ("the Service goes", Change::ServiceGone(NamespacedName::new("lab", "s2")), &["TimedOut"]),
        ("and comes back", service(2, |_| ()), &["far", "one", "two"]),
    ];
    for (name, change, want) in steps {
        proxy.apply(change);
        let synced = nft.sync(proxy).unwrap().unwrap();
        assert!(!synced.full, "{name}");
        let times = if want.len() == 1 { 1 } else { 40 };
        for protocol in ["tcp", "udp"] {
            let question = format!("{protocol} 10.96.0.2:80 {times}");
            let came = counts(lab.ask("client", &question));
            let came: Vec<_> =
                came.keys().map(|word| word.replace("WouldBlock", "TimedOut")).collect();
            assert_eq!(came, *want, "{name}: {question}");
        }
    }
    nft.clear().unwrap();
    assert!(nft.sync(proxy).unwrap().unwrap().full);
}
