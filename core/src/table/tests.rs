mod policy;

use core::{net::SocketAddr, time::Duration};
use std::{
    collections::{BTreeMap, BTreeSet},
    format, vec,
    vec::Vec,
};
use std_alloc::sync::Arc;

use super::*;
use crate::{
    Seed, Time,
    balance::{Affinity, Method},
    forward::{NodeConfig, Proxy},
    model::{self, *},
    seed::mix,
};

fn port(number: u16) -> Port {
    Port::new(number).unwrap()
}

/// A load-balancer Service with everything there is.
fn service(name: &str, ip: &str) -> Service {
    let balancer = LoadBalancer {
        vips: vec!["203.0.113.1".parse().unwrap()],
        source_ranges: vec!["198.51.100.0/24".parse().unwrap()],
        ..LoadBalancer::default()
    };
    Service {
        external_ips: vec!["192.0.2.80".parse().unwrap()],
        ..Service::new(
            NamespacedName::new("shop", name),
            Exposure::LoadBalancer(ClusterIps::single(ip.parse().unwrap()), balancer),
            vec![ServicePort {
                name: "".into(),
                protocol: Protocol::Tcp,
                port: port(80),
                target: TargetPort::Number(port(8080)),
                node_port: Some(port(30080)),
                app_protocol: None,
            }],
        )
    }
}

/// Endpoints on this node `n1` and on `n2`, by the last part of their addresses.
fn slice(service: &str, here: &[u8], there: &[u8]) -> Change {
    let on = |node: &'static str, last: &u8| model::Endpoint {
        addresses: [[10, 244, 0, *last].into()].into(),
        conditions: Conditions::READY,
        hostname: None,
        node: Some(node.into()),
        zone: None,
        hints: None,
        pod: None,
    };
    let here = here.iter().map(|last| on("n1", last));
    Change::Slice(Arc::new(EndpointSlice {
        key: NamespacedName::new("shop", format!("{service}-1")),
        service: NamespacedName::new("shop", service),
        family: Family::V4,
        ports: vec![SlicePort {
            name: "".into(),
            protocol: Protocol::Tcp,
            port: Some(port(8080)),
            app_protocol: None,
        }],
        endpoints: here.chain(there.iter().map(|last| on("n2", last))).collect(),
    }))
}

/// A proxy, the table that follows it, and clients.
struct World {
    proxy: Proxy,
    publisher: Publisher,
    affinity: Affinity,
    now: Time,
    random: u64,
}

impl World {
    fn new(changes: impl IntoIterator<Item = Change>) -> Self {
        let node = NodeConfig {
            name: "n1".into(),
            addresses: vec!["192.168.1.1".parse().unwrap()],
            pod_cidrs: vec!["10.244.0.0/16".parse().unwrap()],
            ..NodeConfig::default()
        };
        let mut world = Self {
            proxy: Proxy::new(node, Seed([1; 4])),
            publisher: Publisher::new(Seed([5, 6, 7, 8])),
            affinity: Affinity::new(100, Seed([2; 4])),
            now: Time::default(),
            random: 0,
        };
        world.apply(changes);
        world
    }

    fn apply(&mut self, changes: impl IntoIterator<Item = Change>) {
        changes.into_iter().for_each(|change| self.proxy.apply(&change));
        self.proxy.apply(&Change::Synced);
        let changed = self.proxy.take_changed();
        self.publisher.follow(&self.proxy, &changed);
    }

    fn pick(&mut self, source: &str, address: &str) -> Outcome {
        let to: SocketAddr = address.parse().unwrap();
        self.random = mix(self.random);
        let flow = Flow {
            source: source.parse().unwrap(),
            address: to.ip(),
            port: port(to.port()),
            protocol: Protocol::Tcp,
        };
        self.publisher.publish().pick(&flow, &mut self.affinity, self.now, self.random)
    }

    /// Who answers in a number of connections, by the last part of the address; or why nobody does.
    fn reached(&mut self, source: &str, address: &str) -> Result<Vec<u8>, Outcome> {
        let mut reached = BTreeSet::new();
        for _ in 0..60 {
            match self.pick(source, address) {
                Outcome::Backend(pick) => match pick.backend {
                    SocketAddr::V4(addr) => reached.insert(addr.ip().octets()[3]),
                    SocketAddr::V6(_) => false,
                },
                other => return Err(other),
            };
        }
        Ok(reached.into_iter().collect())
    }
}

const OUTSIDE: &str = "198.51.100.7:1000";
const POD: &str = "10.244.0.99:1000";
const NODE: &str = "192.168.1.1:1000";

#[test]
fn destinations_lead_to_their_sets() {
    use TrafficPolicy::{Cluster, Local};
    let make = |(internal, external, here, there): (_, _, &[u8], &[u8])| {
        let mut service = service("web", "10.96.0.1");
        (service.internal_traffic, service.external_traffic) = (internal, external);
        World::new([Change::Service(service.into()), slice("web", here, there)])
    };
    let (all, here): (Result<Vec<u8>, Outcome>, _) = (Ok(vec![1, 2, 3]), Ok(vec![1]));
    let both = (Cluster, Cluster, &[1][..], &[2, 3][..]);
    let external = (Cluster, Local, &[1][..], &[2, 3][..]);
    let internal = (Local, Cluster, &[1][..], &[2, 3][..]);
    let away = (Local, Local, &[][..], &[2, 3][..]);
    let empty = (Local, Local, &[][..], &[][..]);
    let elsewhere = Ok(vec![2, 3]);
    let cases = [
        ("cluster IP", both, OUTSIDE, "10.96.0.1:80", all.clone()),
        ("external IP", both, OUTSIDE, "192.0.2.80:80", all.clone()),
        ("load balancer", both, OUTSIDE, "203.0.113.1:80", all.clone()),
        ("not in the source ranges", both, POD, "203.0.113.1:80", Err(Outcome::Dropped)),
        ("node port", both, OUTSIDE, "192.168.1.1:30080", all.clone()),
        ("port of nobody", both, OUTSIDE, "10.96.0.1:81", Err(Outcome::NotAService)),
        ("Local, cluster IP", external, OUTSIDE, "10.96.0.1:80", all.clone()),
        ("Local, outside", external, OUTSIDE, "192.168.1.1:30080", here.clone()),
        ("Local, pod", external, POD, "192.168.1.1:30080", all.clone()),
        ("Local, node", external, NODE, "192.0.2.80:80", all.clone()),
        ("internal Local", internal, POD, "10.96.0.1:80", here),
        ("internal Local, node port", internal, OUTSIDE, "192.168.1.1:30080", all),
        ("none here", away, POD, "10.96.0.1:80", Err(Outcome::Dropped)),
        ("none here, outside", away, OUTSIDE, "192.168.1.1:30080", Err(Outcome::Dropped)),
        ("none here, pod", away, POD, "192.168.1.1:30080", elsewhere),
        ("none at all", empty, POD, "10.96.0.1:80", Err(Outcome::NoEndpoints)),
    ];
    for (name, world, source, address, want) in cases {
        assert_eq!(make(world).reached(source, address), want, "{name}");
    }
}

#[test]
fn turns_survive_snapshots() {
    let mut world = World::new([
        Change::Service(service("web", "10.96.0.1").into()),
        slice("web", &[1, 2, 3], &[]),
    ]);
    let mut seen = vec![];
    for n in 0..6 {
        seen.push(world.pick(OUTSIDE, "10.96.0.1:80").backend());
        world.apply([Change::Service(service(&format!("other{n}"), "10.96.0.2").into())]);
    }
    assert_eq!(seen[..3], seen[3..]);
    assert_eq!(seen[..3].iter().collect::<BTreeSet<_>>().len(), 3);
}

#[test]
fn clients_stick_until_the_timeout_or_until_their_endpoint_leaves() {
    let mut sticky = service("web", "10.96.0.1");
    sticky.affinity = Some(model::Affinity { timeout: Duration::from_secs(10) });
    let mut world = World::new([Change::Service(sticky.into()), slice("web", &[1, 2, 3], &[])]);
    let first = world.reached(OUTSIDE, "10.96.0.1:80").unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(world.reached(OUTSIDE, "192.168.1.1:30080"), Ok(first.clone()), "node port too");
    let second = world.reached("198.51.100.8:1", "10.96.0.1:80").unwrap();
    assert_ne!(first, second, "another client, another turn");

    let without: Vec<u8> = [1, 2, 3].into_iter().filter(|last| *last != first[0]).collect();
    world.apply([slice("web", &without, &[])]);
    let moved = world.reached(OUTSIDE, "10.96.0.1:80").unwrap();
    assert!(moved.len() == 1 && moved != first);
    assert_eq!(world.reached("198.51.100.8:1", "10.96.0.1:80").unwrap(), second, "others stay");
    world.apply([slice("web", &[1, 2, 3], &[])]);
    assert_eq!(world.reached(OUTSIDE, "10.96.0.1:80").unwrap(), moved, "it does not go back");

    let mut met = BTreeSet::new();
    for n in 0..6 {
        world.now = Time::from_nanos(n * 10_000_000_000);
        met.extend(world.reached(OUTSIDE, "10.96.0.1:80").unwrap());
    }
    assert_eq!(met.len(), 3, "each timeout gives another turn");
}

#[test]
fn an_endpoint_that_comes_back_has_no_clients() {
    let mut sticky = service("web", "10.96.0.1");
    sticky.affinity = Some(model::Affinity { timeout: Duration::from_secs(10_000) });
    let mut world = World::new([Change::Service(sticky.into()), slice("web", &[1, 2], &[])]);
    let clients: Vec<_> = (0..40).map(|n| format!("198.51.100.{n}:1")).collect();
    for client in &clients {
        world.pick(client, "10.96.0.1:80");
    }
    world.apply([slice("web", &[2], &[])]);
    world.publisher.publish();
    world.apply([slice("web", &[1, 2], &[])]);
    let flow = |client: &str| Flow {
        source: client.parse().unwrap(),
        address: [10, 96, 0, 1].into(),
        port: port(80),
        protocol: Protocol::Tcp,
    };
    let snapshot = world.publisher.publish();
    let remembered = clients.iter().filter(|client| {
        let found = snapshot.find(&flow(client)).unwrap();
        let ip = flow(client).source.ip();
        let id = world.affinity.get(found.service_port().get(), ip, world.now);
        let again = found.pick_sticky(&mut world.affinity, world.now, 1);
        matches!(again, Outcome::Backend(pick) if Some(pick.endpoint) == id)
    });
    assert_eq!(remembered.count(), 20, "only those of the one that stayed");
}

#[test]
fn of_two_that_want_one_address_the_first_name_has_it() {
    let web = || Change::Service(service("web", "10.96.0.1").into());
    let api = || Change::Service(service("api", "10.96.0.2").into());
    let gone = |name| Change::ServiceGone(NamespacedName::new("shop", name));
    let slices = || [slice("web", &[1], &[]), slice("api", &[2], &[])];
    for order in [[web(), api()], [api(), web()]] {
        let mut world = World::new(order.into_iter().chain(slices()));
        assert_eq!(world.reached(OUTSIDE, "192.0.2.80:80"), Ok(vec![2]), "api before web");
        world.apply([gone("api")]);
        assert_eq!(world.reached(OUTSIDE, "192.0.2.80:80"), Ok(vec![1]));
        world.apply([api()]);
        assert_eq!(world.reached(OUTSIDE, "192.0.2.80:80"), Ok(vec![2]));
        world.apply([gone("web"), gone("api")]);
        assert_eq!(world.reached(OUTSIDE, "192.0.2.80:80"), Err(Outcome::NotAService));
        assert_eq!(world.publisher.publish().addresses(), 0);
    }
}

#[test]
fn methods_choose_their_way() {
    for method in Method::ALL {
        let mut world = World::new([
            Change::Service(service("web", "10.96.0.1").into()),
            slice("web", &[1, 2, 3, 4], &[]),
        ]);
        world.publisher.set_method(&NamespacedName::new("shop", "web"), method);
        let one = world.reached(OUTSIDE, "10.96.0.1:80").unwrap();
        assert_eq!(one.len(), if method.hashes() { 1 } else { 4 }, "{method}");
        let all: BTreeSet<u8> = (0..60)
            .flat_map(|n| {
                world.reached(&format!("198.51.100.7:{}", 1000 + n), "10.96.0.1:80").unwrap()
            })
            .collect();
        assert_eq!(all.len(), 4, "{method}");
    }
}

/// Many Services come, change and go; old snapshots stay as they were, and the last one tells the truth.
#[test]
fn snapshots_never_change() {
    let ip = |n: u64| format!("10.96.{}.{}", n / 250, n % 250 + 1);
    let name = |n: u64| format!("s{n}");
    let plain = |n: u64| {
        let mut service = service(&name(n), &ip(n));
        service.external_ips.clear();
        service.ports[0].node_port = None;
        service.exposure = Exposure::ClusterIp(ClusterIps::single(ip(n).parse().unwrap()));
        service
    };
    let mut world = World::new([]);
    let mut truth = vec![None; 600];
    let mut kept = vec![];
    for step in 0..4000_u64 {
        let random = mix(step);
        let (n, last) = (random % 600, (random >> 32) as u8 | 1);
        let slot = &mut truth[n as usize];
        if random >> 61 == 0 {
            *slot = None;
            world.apply([Change::ServiceGone(NamespacedName::new("shop", name(n)))]);
        } else {
            *slot = Some(last);
            world.apply([Change::Service(plain(n).into()), slice(&name(n), &[last], &[])]);
        }
        if step % 500 == 499 {
            kept.push((world.publisher.publish(), truth.clone()));
        }
    }
    for (snapshot, truth) in &kept {
        for (n, want) in (0..).zip(truth) {
            let flow = Flow {
                source: OUTSIDE.parse().unwrap(),
                address: ip(n).parse().unwrap(),
                port: port(80),
                protocol: Protocol::Tcp,
            };
            let want = want.map(|last| ([10, 244, 0, last], 8080).into());
            let name = ServicePortName {
                service: NamespacedName::new("shop", name(n)),
                port: "".into(),
                protocol: Protocol::Tcp,
            };
            let got = snapshot.find(&flow).ok().and_then(|found| found.pick(0).backend());
            assert_eq!(got, want, "{n} by address");
            let named = snapshot.find_service(&name, flow.source);
            assert_eq!(named.ok().and_then(|found| found.pick(0).backend()), want, "{n} by name");
        }
        assert_eq!(snapshot.addresses(), truth.iter().flatten().count());
    }
}

/// Ids of more than two bytes take another way through the arrays; it leads to the same endpoints.
#[test]
fn ids_grow_beyond_two_bytes() {
    for method in [Method::RoundRobin, Method::Random, Method::Maglev] {
        let web = service("web", "10.96.0.1");
        let mut world = World::new([Change::Service(web.into()), slice("web", &[], &[251])]);
        world.publisher.set_method(&NamespacedName::new("shop", "web"), method);
        let stays = ids(&mut world);
        let mut highest = 0;
        for turn in 0..530_u32 {
            let first = if turn % 2 == 0 { 1 } else { 126 };
            let lasts: Vec<u8> = (first..first + 125).chain([251]).collect();
            world.apply([slice("web", &[], &lasts)]);
            let near = !(2..520).contains(&turn);
            let seen = if near { ids(&mut world) } else { continue };
            let (least, most) = (*seen.keys().next().unwrap(), *seen.keys().last().unwrap());
            assert_eq!(stays.get(&least), seen.get(&least), "{method}: the one that stayed");
            let goes =
                |(last, addr): (&u8, &SocketAddr)| *addr == ([10, 244, 0, *last], 8080).into();
            assert!(lasts.iter().zip(seen.values().skip(1)).all(goes), "{method}: in order");
            assert!(most > highest, "{method}: never the same again");
            highest = most;
        }
        assert!(highest > 0x1_0000, "{method}: {highest}");
    }
}

/// The endpoints of `web` by their ids, which picks of all kinds agree with.
fn ids(world: &mut World) -> BTreeMap<u32, SocketAddr> {
    let flow = |source: u16| Flow {
        source: ([198, 51, 100, 7], source).into(),
        address: [10, 96, 0, 1].into(),
        port: port(80),
        protocol: Protocol::Tcp,
    };
    let snapshot = world.publisher.publish();
    let picks = snapshot.find(&flow(1)).unwrap().picks();
    let seen: BTreeMap<_, _> = picks.map(|pick| (pick.endpoint.get(), pick.backend)).collect();
    for n in 0..200 {
        let (flow, random) = (flow(n), mix(n.into()));
        let mut out = [Outcome::NotAService];
        snapshot.pick_batch(&[flow], &mut world.affinity, world.now, random, &mut out);
        for outcome in [out[0], snapshot.pick(&flow, &mut world.affinity, world.now, random)] {
            let Outcome::Backend(pick) = outcome else { panic!("{outcome:?}") };
            assert_eq!(seen.get(&pick.endpoint.get()), Some(&pick.backend));
        }
    }
    seen
}
