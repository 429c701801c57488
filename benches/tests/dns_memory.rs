//! What names cost in memory: no allocation for an answer, and few octets for a name.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "fixtures of known size")]

use std::sync::Arc;
use svckit::{
    Seed,
    dns::{Message, Name, Options, Peer, Type, Zone},
    model::{
        Change, ClusterIps, Exposure, NamespacedName, Port, Protocol, Service, ServicePort,
        TargetPort,
    },
};

fn service(n: u32) -> Change {
    let port = Port::new(80).unwrap();
    let address = std::net::Ipv4Addr::from(0x0a60_0000 + n);
    Change::Service(Arc::new(Service::new(
        NamespacedName::new(format!("n{}", n % 50), format!("service-{n}")),
        Exposure::ClusterIp(ClusterIps::single(address.into())),
        vec![ServicePort {
            name: "http".into(),
            protocol: Protocol::Tcp,
            port,
            target: TargetPort::Number(port),
            node_port: None,
            app_protocol: None,
        }],
    )))
}

fn options() -> Options {
    let mut options = Options::new("cluster.local".parse().unwrap());
    options.zones.push("10.in-addr.arpa".parse().unwrap());
    options
}

/// Every kind of answer, and none of them asks the allocator.
#[test]
fn answers_allocate_nothing() {
    let mut zone = Zone::new(options(), Seed([7; 4]));
    (0..1_000).for_each(|n| zone.apply(&service(n)));
    zone.apply(&Change::Synced);
    let snapshot = zone.snapshot();
    for (name, qtype) in [
        ("service-7.n7.svc.cluster.local", 1),
        ("SERVICE-7.n7.svc.cluster.local", 28),
        ("_http._tcp.service-7.n7.svc.cluster.local", 33),
        ("none.n7.svc.cluster.local", 1),
        ("n7.svc.cluster.local", 1),
        ("10-1-2-3.n7.pod.cluster.local", 1),
        ("7.0.96.10.in-addr.arpa", 12),
        ("dns-version.cluster.local", 16),
        ("cluster.local", 6),
        ("example.com", 1),
    ] {
        let name: Name = name.parse().unwrap();
        let question = Message::question(1, &name, Type(qtype));
        let mut out = [0; 1_232];
        let used = allocation_counter::measure(|| {
            let outcome = snapshot.answer(&question, Peer::udp(1), &mut out);
            assert!(outcome.length().is_some());
        });
        assert_eq!(used.count_total, 0, "{name} {}", Type(qtype));
    }
}

/// A Service with one named port has a name for itself, one for its port, and one for its address.
#[test]
fn names_take_few_octets() {
    const SERVICES: u32 = 20_000;
    const NAMES: u64 = 3;
    let changes: Vec<Change> = (0..SERVICES).map(service).collect();
    let mut zone = Zone::new(options(), Seed([7; 4]));
    let mut held = None;
    let used = allocation_counter::measure(|| {
        changes.iter().for_each(|change| zone.apply(change));
        held = Some(zone.snapshot());
    });
    assert_eq!(held.unwrap().services(), SERVICES as usize);
    let each = used.bytes_current as u64 / u64::from(SERVICES);
    println!("{each} octets for each Service, {} for each name", each / NAMES);
    assert!(each / NAMES <= 200, "{each} octets for each Service");
}
