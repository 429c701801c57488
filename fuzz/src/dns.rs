//! DNS: any message gets a reply that others can read, and zones answer as a list of records would.

mod model;
mod wire;

pub use wire::{decoders, messages};

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use svckit::{
    Seed,
    dns::{Data, Message, Name, Options, Outcome, Peer, Rcode, Snapshot, Type, Zone},
    model::{
        Change, ClusterIps, Conditions, Endpoint, EndpointSlice, Exposure, Family, NamespacedName,
        Port, Protocol, Service, ServicePort, SlicePort, TargetPort,
    },
};

use model::Model;

const DOMAIN: &str = "cluster.local";
const NAMESPACES: [&str; 2] = ["shop", "bank"];
const SERVICES: [&str; 3] = ["a", "b", "c"];
const TARGETS: [&str; 5] = [
    "a.shop.svc.cluster.local",
    "b.shop.svc.cluster.local",
    "c.bank.svc.cluster.local",
    "none.shop.svc.cluster.local",
    "example.com",
];
const TYPES: [u16; 8] = [1, 28, 33, 12, 16, 5, 6, 65];

fn options() -> Options {
    let mut options = Options::new(DOMAIN.parse().unwrap());
    options.zones.push("10.in-addr.arpa".parse().unwrap());
    options
}

/// Three bytes are one change. What the zone answers at the end is what a plain list of records says, and the same
/// as a zone answers that never knew anything else; each export to etcd is the last one and its changes.
pub fn zones(data: &[u8]) {
    let mut zone = Zone::new(options(), Seed([1; 4]));
    let mut model = Model::default();
    let mut before = zone.snapshot();
    let mut etcd = BTreeMap::new();
    for step in data.chunks_exact(3) {
        let change = change(step[0], step[1], step[2]);
        model.apply(&change);
        zone.apply(&change);
        if step[0] & 0x80 != 0 {
            let after = zone.snapshot();
            follow(&before, &after, &mut etcd);
            before = after;
        }
    }
    zone.apply(&Change::Synced);
    let snapshot = zone.snapshot();
    follow(&before, &snapshot, &mut etcd);
    assert_eq!(etcd, snapshot.skydns_records("/skydns"));
    if data.len().is_multiple_of(5) {
        assert_fresh_is_the_same(&snapshot, &model);
    }
    let records = model.records();
    for name in names(data.len()) {
        check(&snapshot, &records, &name);
    }
}

/// A zone that was only told the end of the story holds the same records.
fn assert_fresh_is_the_same(snapshot: &Snapshot, model: &Model) {
    let mut fresh = Zone::new(options(), Seed([9; 4]));
    model.changes().iter().for_each(|change| fresh.apply(change));
    fresh.apply(&Change::Synced);
    let whole = |snapshot: &Snapshot| {
        let records = snapshot.transfer(&DOMAIN.parse().unwrap(), None).unwrap();
        let line = |record: svckit::dns::Record| match record.data {
            Data::Soa(_) => String::new(),
            _ => record.to_string(),
        };
        records.map(line).collect::<BTreeSet<_>>()
    };
    assert_eq!(whole(snapshot), whole(&fresh.snapshot()));
}

/// Takes over what is different in an export.
fn follow(before: &Snapshot, after: &Snapshot, etcd: &mut BTreeMap<String, String>) {
    for change in after.skydns_changes(before, "/skydns").into_iter().flatten() {
        match change.value {
            Some(value) => drop(etcd.insert(change.key, value)),
            None => drop(etcd.remove(&change.key)),
        }
    }
}

/// A tenth of all names that may exist, and some that don't.
fn names(which: usize) -> Vec<Name> {
    let mut texts: Vec<String> = ["", "svc.", "pod.", "x.", "dns-version.", "dns.", "ns.dns."]
        .map(|left| format!("{left}{DOMAIN}"))
        .into();
    let below = ["", "h0.", "h1.", "10-1-0-1.", "10-1-0-3.", "_tcp.", "_http._tcp.", "_dns._udp."];
    for namespace in NAMESPACES.into_iter().chain(["none"]) {
        texts.push(format!("{namespace}.svc.{DOMAIN}"));
        texts.push(format!("{namespace}.pod.{DOMAIN}"));
        texts.push(format!("10-1-0-9.{namespace}.pod.{DOMAIN}"));
        texts.push(format!("ten.{namespace}.pod.{DOMAIN}"));
        for service in SERVICES {
            texts.extend(below.map(|left| format!("{left}{service}.{namespace}.svc.{DOMAIN}")));
        }
    }
    texts.extend(
        ["10", "0.10", "0.1.10", "0.0.0.10", "9.0.0.10"].map(|net| format!("{net}.in-addr.arpa")),
    );
    texts.extend((0..5).map(|n| format!("{n}.0.1.10.in-addr.arpa")));
    texts.extend((0..3).map(|n| format!("{n}.0.96.10.in-addr.arpa")));
    let chosen = texts.iter().enumerate().filter(|(n, _)| n % 10 == which % 10);
    chosen.map(|(_, text)| text.parse().unwrap()).collect()
}

/// One name: its verdict for every type, its records, what stands above it, and what its records point to.
fn check(snapshot: &Snapshot, records: &model::Records, name: &Name) {
    let text = name.to_string();
    let exists = records.exist(&text);
    for qtype in TYPES {
        let want = records.answer(&text, qtype);
        let came = ask(snapshot, name, qtype);
        match (want, came) {
            (model::Answer::Elsewhere(target), Err(to)) => assert_eq!(to.to_string(), target),
            (model::Answer::Told(rcode, want), Ok(reply)) => {
                assert_eq!(reply.rcode, rcode, "{name} {}", Type(qtype));
                let mut data: Vec<_> = reply.answer.iter().map(model::line).collect();
                data.sort();
                assert_eq!(data, want, "{name} {}", Type(qtype));
                let denied = reply.answer.iter().all(|record| record.data.rtype() != Type(qtype));
                let soa =
                    reply.authority.iter().filter(|record| matches!(record.data, Data::Soa(_)));
                assert_eq!(soa.count(), usize::from(denied), "{name} {}: one SOA", Type(qtype));
                resolve(snapshot, &reply);
            }
            (want, came) => panic!("{name} {}: expected {want:?}, came {came:?}", Type(qtype)),
        }
    }
    if exists && let Some((_, above)) = text.split_once('.').filter(|(_, above)| above.len() > 14) {
        let rcode =
            ask(snapshot, &above.parse().unwrap(), 1).map_or(Rcode::NOERROR, |reply| reply.rcode);
        assert_eq!(rcode, Rcode::NOERROR, "{above} stands above {name}");
    }
}

/// What SRV and PTR records point to exists.
fn resolve(snapshot: &Snapshot, reply: &Message) {
    for record in &reply.answer {
        if let Data::Srv(svckit::dns::Srv { target, .. }) | Data::Ptr(target) = &record.data {
            let rcode = ask(snapshot, target, 1).map_or(Rcode::NOERROR, |reply| reply.rcode);
            assert_eq!(rcode, Rcode::NOERROR, "{record}");
        }
    }
}

/// The reply; or who has to be asked instead.
fn ask(snapshot: &Snapshot, name: &Name, qtype: u16) -> Result<Message, Name> {
    let question = Message::question(7, name, Type(qtype));
    let mut out = [0; 4096];
    match snapshot.answer(&question, Peer::tcp(3), &mut out) {
        Outcome::NeedUpstream(need) => Err(need.target),
        outcome => Ok(Message::decode(&out[..outcome.length().unwrap()]).unwrap()),
    }
}

fn key(bits: u8) -> NamespacedName {
    NamespacedName::new(NAMESPACES[usize::from(bits >> 2 & 1)], SERVICES[usize::from(bits & 3) % 3])
}

fn change(what: u8, who: u8, bits: u8) -> Change {
    let service = key(who);
    match what & 7 {
        0 => Change::ServiceGone(service),
        1 => Change::SliceGone(slice_key(&service, who)),
        2 if bits & 1 == 0 => Change::NamespaceGone(service.namespace),
        2 => Change::Namespace(service.namespace),
        3 | 4 => Change::Service(Arc::new(make_service(service, bits))),
        _ => Change::Slice(Arc::new(make_slice(service, who, bits))),
    }
}

fn slice_key(service: &NamespacedName, who: u8) -> NamespacedName {
    NamespacedName::new(&*service.namespace, format!("{}-{}", service.name, who >> 4 & 1))
}

fn make_service(key: NamespacedName, bits: u8) -> Service {
    let v4 = [10, 96, 0, bits & 3].into();
    let v6 = format!("fd00::{:x}", bits & 3).parse().unwrap();
    let port = |name: &str, protocol, number| ServicePort {
        name: name.into(),
        protocol,
        port: Port::new(number).unwrap(),
        target: TargetPort::Number(Port::new(number).unwrap()),
        node_port: None,
        app_protocol: None,
    };
    let ports = [port("http", Protocol::Tcp, 80), port("dns", Protocol::Udp, 53)];
    Service::new(
        key,
        match bits >> 2 & 7 {
            0 | 1 => Exposure::ClusterIp(ClusterIps::single(v4)),
            2 => Exposure::ClusterIp(ClusterIps::dual(v4, v6).unwrap()),
            3 => Exposure::ExternalName(TARGETS[usize::from(bits & 3)].into()),
            4 => Exposure::ExternalName(TARGETS[usize::from(bits & 3) + 1].into()),
            _ => Exposure::Headless(vec![Family::V4]),
        },
        ports.into_iter().take(usize::from(bits >> 5 & 3)).collect(),
    )
}

fn make_slice(service: NamespacedName, who: u8, bits: u8) -> EndpointSlice {
    let endpoint = |n: u8| Endpoint {
        addresses: [[10, 1, 0, n + (who >> 5 & 1)].into()].into(),
        conditions: match (bits >> 4 ^ n) & 3 {
            0 => Conditions { ready: false, serving: true, terminating: true },
            _ => Conditions::READY,
        },
        hostname: match (who >> 6) + n {
            1 => Some("h0".into()),
            2 => Some("h1".into()),
            _ => None,
        },
        node: None,
        zone: None,
        hints: None,
        pod: None,
    };
    let port = |name: &str, protocol, number| SlicePort {
        name: name.into(),
        protocol,
        port: Port::new(number),
        app_protocol: None,
    };
    let ports = [port("http", Protocol::Tcp, 8080), port("dns", Protocol::Udp, 5353)];
    EndpointSlice {
        key: slice_key(&service, who),
        service,
        family: Family::V4,
        ports: ports.into_iter().take(usize::from(bits >> 6)).collect(),
        endpoints: (0..4).filter(|n| bits >> n & 1 == 1).map(endpoint).collect(),
    }
}
