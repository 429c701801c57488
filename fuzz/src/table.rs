//! The table: whatever changes, a pick is one that `forward::decide` allows, and a snapshot never changes.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use svckit::{
    Seed, Time,
    balance::{self, Method, Policy},
    forward::{NodeConfig, NodePortAddresses, Packet, Proxy, Step, Verdict},
    model::{
        Affinity, Change, ClusterIps, Conditions, Endpoint, EndpointSlice, Exposure, Family,
        LoadBalancer, NamespacedName, Port, Protocol, Service, ServicePort, TargetPort,
        TrafficPolicy,
    },
    table::{Flow, Outcome, Publisher, Snapshot},
};

const SERVICES: [&str; 3] = ["a", "b", "c"];
const SOURCES: [&str; 5] =
    ["198.51.100.7", "203.0.113.1", "10.244.0.9", "192.168.1.1", "127.0.0.1"];
const DESTINATIONS: [&str; 9] = [
    "10.96.0.0:80",
    "10.96.0.1:80",
    "10.96.0.2:81",
    "192.0.2.80:80",
    "203.0.113.1:80",
    "192.168.1.1:30080",
    "192.168.1.2:30080",
    "127.0.0.1:30080",
    "10.96.0.200:80",
];

/// The first byte configures the node; each pair of bytes is one change, looked at now or together with later ones.
pub fn decisions(data: &[u8]) {
    let Some((first, steps)) = data.split_first() else { return };
    let mut proxy = Proxy::new(node(*first), Seed([1; 4]));
    proxy.apply(&Change::Synced);
    let mut publisher = Publisher::new(Seed([u64::from(*first), 2, 3, 4]));
    let mut affinity = balance::Affinity::new(4, Seed([5; 4]));
    let mut before: Option<(Arc<Snapshot>, Vec<Seen>)> = None;
    for (n, step) in (0..).zip(steps.chunks_exact(2)) {
        match step[0] % 8 {
            7 => publisher.set_policy(&key(step[1] % 3), &policy(step[0] >> 4, step[1] / 3)),
            _ => proxy.apply(&change(step[0], step[1])),
        }
        if step[0] & 0x30 != 0 {
            continue;
        }
        let changed = proxy.take_changed();
        publisher.set_time(Time::from_nanos(n * 700_000_000));
        publisher.follow(&proxy, &changed);
        let snapshot = publisher.publish();
        let now = Time::from_nanos(n * 700_000_000);
        let seen = check(&proxy, &snapshot, &mut affinity, now);
        if let Some((old, then)) = before.replace((snapshot, seen)) {
            assert_eq!(look(&old), then, "an old snapshot changed");
        }
    }
}

/// All methods, with and without weights, slow start, near endpoints and affinity for a whole Service.
fn policy(more: u8, method: u8) -> Policy {
    let mut policy = Policy::default();
    policy.method = Method::ALL[usize::from(method) % 8];
    if more & 4 != 0 {
        policy.weights = [("10.244.0.1".into(), 3), ("10.244.0.2:8080".into(), 0)].into();
    }
    if more & 8 != 0 {
        policy.slow_start = Duration::from_secs(5);
    }
    policy.spill_over = u32::from(method / 8 % 3);
    policy.whole_service = !(method / 24).is_multiple_of(2);
    if method / 48 != 0 {
        policy.client_prefix = (24, 64);
    }
    policy
}

/// What a snapshot says about one flow: the endpoints, or why there are none.
type Seen = Result<BTreeSet<SocketAddr>, Outcome>;

fn flows() -> impl Iterator<Item = Flow> + Clone {
    DESTINATIONS.into_iter().flat_map(|to| {
        let to: SocketAddr = to.parse().unwrap();
        SOURCES.into_iter().map(move |from| Flow {
            source: (from.parse::<IpAddr>().unwrap(), 1000).into(),
            address: to.ip(),
            port: Port::new(to.port()).unwrap(),
            protocol: Protocol::Tcp,
        })
    })
}

fn look(snapshot: &Snapshot) -> Vec<Seen> {
    flows().map(|flow| snapshot.find(&flow).map(|found| found.endpoints().collect())).collect()
}

fn check(
    proxy: &Proxy,
    snapshot: &Snapshot,
    affinity: &mut balance::Affinity,
    now: Time,
) -> Vec<Seen> {
    let seen = look(snapshot);
    for (flow, seen) in flows().zip(&seen) {
        let Flow { source, address, port, protocol } = flow;
        let packet = Packet { source: source.ip(), destination: address, protocol, port };
        let decision = proxy.decide(&packet);
        let want = match &decision.verdict {
            Verdict::Dnat(to) => Ok(to.iter().copied().collect()),
            Verdict::Reject if decision.service.is_some() => Err(Outcome::NoEndpoints),
            Verdict::Drop if decision.service.is_some() => Err(Outcome::Dropped),
            Verdict::Drop if decision.steps == [Step::Martian] => Err(Outcome::Dropped),
            _ => Err(Outcome::NotAService),
        };
        assert_eq!(*seen, want, "{flow:?}: {:?}", decision.steps);
        let entropy = (u64::MAX / 3) ^ now.as_nanos();
        let picked = snapshot.pick(&flow, affinity, now, entropy);
        match (picked.backend(), &want) {
            (Some(backend), Ok(allowed)) => assert!(allowed.contains(&backend), "{flow:?}"),
            (None, Err(why)) => assert_eq!(picked, *why, "{flow:?}"),
            other => panic!("{flow:?}: {other:?}"),
        }
        if let Ok(found) = snapshot.find(&flow)
            && found.affinity().is_some()
        {
            let again = snapshot.pick(&flow, affinity, now, !entropy);
            assert_eq!(again, picked, "{flow:?} sticks");
        }
    }
    in_batches(snapshot, now, &seen);
    seen
}

/// A batch says of each flow what the table allows, and the same as a pick where there is no choice.
fn in_batches(snapshot: &Snapshot, now: Time, seen: &[Seen]) {
    let flows: Vec<Flow> = flows().cycle().take(150).collect();
    let mut affinity = balance::Affinity::new(4, Seed([6; 4]));
    let mut out = vec![Outcome::NotAService; flows.len()];
    snapshot.pick_batch(&flows, &mut affinity, now, now.as_nanos(), &mut out);
    for ((flow, seen), picked) in flows.iter().zip(seen.iter().cycle()).zip(&out) {
        match (picked.backend(), seen) {
            (Some(backend), Ok(allowed)) => assert!(allowed.contains(&backend), "{flow:?}"),
            (None, Err(why)) => assert_eq!(picked, why, "{flow:?}"),
            other => panic!("{flow:?}: {other:?}"),
        }
    }
}

pub(crate) fn node(bits: u8) -> NodeConfig {
    let pods = (bits & 1 != 0).then(|| "10.244.0.0/16".parse().unwrap());
    NodeConfig {
        name: "n1".into(),
        addresses: vec!["192.168.1.1".parse().unwrap(), "192.168.1.2".parse().unwrap()],
        pod_cidrs: pods.into_iter().collect(),
        node_port_addresses: match bits & 2 {
            0 => NodePortAddresses::Primary,
            _ => NodePortAddresses::All,
        },
        localhost_node_ports: bits & 4 != 0,
        ..NodeConfig::default()
    }
}

fn key(service: u8) -> NamespacedName {
    NamespacedName::new("ns", SERVICES[usize::from(service % 3)])
}

pub(crate) fn change(what: u8, bits: u8) -> Change {
    let service = key(what >> 6);
    match what % 8 {
        0 => Change::ServiceGone(service),
        1 => Change::SliceGone(NamespacedName::new("ns", format!("{}-1", service.name))),
        2..4 => Change::Service(Arc::new(make_service(service, what, bits))),
        _ => Change::Slice(Arc::new(make_slice(service, bits))),
    }
}

fn make_service(key: NamespacedName, what: u8, bits: u8) -> Service {
    let local =
        |bit: u8| if bits & bit != 0 { TrafficPolicy::Local } else { TrafficPolicy::Cluster };
    let number = key.name.as_bytes()[0] - b'a';
    let range = match bits & 0x30 {
        0 => None,
        0x10 => Some("198.51.100.0/24"),
        0x20 => Some("192.168.1.0/24"),
        _ => Some("10.0.0.0/8"),
    };
    let balancer = LoadBalancer {
        vips: vec!["203.0.113.1".parse().unwrap()],
        source_ranges: range.into_iter().map(|range| range.parse().unwrap()).collect(),
        ..LoadBalancer::default()
    };
    let ips = ClusterIps::single([10, 96, 0, number].into());
    Service {
        affinity: (bits & 8 != 0).then_some(Affinity { timeout: Duration::from_secs(2) }),
        external_traffic: local(1),
        internal_traffic: local(2),
        external_ips: (bits & 0x40 != 0).then(|| [192, 0, 2, 80].into()).into_iter().collect(),
        ..Service::new(
            key,
            match bits & 4 {
                0 => Exposure::ClusterIp(ips),
                _ => Exposure::LoadBalancer(ips, balancer),
            },
            vec![ServicePort {
                name: "".into(),
                protocol: Protocol::Tcp,
                port: Port::new(80 + u16::from(what >> 4 & 1)).unwrap(),
                target: TargetPort::Name("http".into()),
                node_port: Port::new(30080).filter(|_| bits & 4 != 0),
                app_protocol: None,
            }],
        )
    }
}

fn make_slice(service: NamespacedName, bits: u8) -> EndpointSlice {
    let endpoint = |n: u8| Endpoint {
        addresses: [[10, 244, 0, n].into()].into(),
        conditions: match (bits.rotate_left(n.into())) >> 6 {
            0 => Conditions { ready: false, serving: true, terminating: true },
            1 => Conditions { ready: false, serving: false, terminating: false },
            _ => Conditions::READY,
        },
        hostname: None,
        node: Some(if n.is_multiple_of(2) { "n1" } else { "n2" }.into()),
        zone: None,
        hints: None,
        pod: None,
    };
    EndpointSlice {
        key: NamespacedName::new("ns", format!("{}-1", service.name)),
        service,
        family: Family::V4,
        ports: vec![svckit::model::SlicePort {
            name: "".into(),
            protocol: Protocol::Tcp,
            port: Port::new(8080),
            app_protocol: None,
        }],
        endpoints: (0..8).filter(|n| bits >> n & 1 == 1).map(endpoint).collect(),
    }
}
