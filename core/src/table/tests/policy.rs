//! What annotations make of a Service's connections.

use super::*;
use core::net::IpAddr;

/// A Service with annotations, affinity if asked for, and two ports; its pods are `web-<last>`.
fn annotated(annotations: &[(&str, &str)], sticky: bool) -> Change {
    let mut service = service("web", "10.96.0.1");
    service.exposure = Exposure::ClusterIp(ClusterIps::single([10, 96, 0, 1].into()));
    service.affinity = sticky.then_some(model::Affinity { timeout: Duration::from_secs(3600) });
    service.annotations =
        annotations.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let mut second = service.ports[0].clone();
    (service.ports[0].name, second.name, second.port) = ("web".into(), "admin".into(), port(81));
    second.node_port = None;
    service.ports.push(second);
    Change::Service(service.into())
}

fn pods(lasts: &[u8]) -> Change {
    let Change::Slice(slice) = slice("web", &[], lasts) else { unreachable!() };
    let mut slice = slice.as_ref().clone();
    for (endpoint, last) in slice.endpoints.iter_mut().zip(lasts) {
        endpoint.pod = Some(NamespacedName::new("shop", format!("web-{last}")));
    }
    let mut second = slice.ports[0].clone();
    (slice.ports[0].name, second.name, second.port) =
        ("web".into(), "admin".into(), Some(port(9090)));
    slice.ports.push(second);
    Change::Slice(slice.into())
}

/// A world whose policies are read from annotations.
struct Annotated(World, Policies);

impl Annotated {
    fn new(changes: impl IntoIterator<Item = Change>) -> Self {
        let mut world = Self(World::new([]), Policies::default());
        world.apply(changes);
        world
    }

    fn apply(&mut self, changes: impl IntoIterator<Item = Change>) {
        let changes: Vec<_> = changes.into_iter().collect();
        changes.iter().for_each(|change| self.1.apply(change));
        self.1.tell(&mut self.0.publisher);
        self.0.apply(changes);
    }

    /// How many of a number of connections each pod gets, by the last part of its address.
    fn shares(&mut self, of: u32) -> [u32; 5] {
        let mut shares = [0; 5];
        for n in 0..of {
            let source = format!("198.51.100.{}:{}", n % 250, 1000 + n);
            let Some(SocketAddr::V4(to)) = self.0.pick(&source, "10.96.0.1:80").backend() else {
                continue;
            };
            shares[usize::from(to.ip().octets()[3])] += 1;
        }
        shares
    }
}

#[test]
fn shares_follow_weights_by_pod_or_address() {
    for method in Method::ALL {
        let weights = ("svckit.io/weights", "web-1=3, 10.244.0.2=0, 10.244.0.3:8080=1");
        let balance = ("svckit.io/balance", method.as_str());
        let mut world = Annotated::new([annotated(&[weights, balance], false), pods(&[1, 2, 3])]);
        let shares = world.shares(4000);
        assert_eq!(shares[2], 0, "{method}: draining");
        // Nothing is counted as open here, so the two that compare loads look at weights alone.
        let even = method.counts() || (2700..3300).contains(&shares[1]);
        assert!(even && shares[1] > shares[3], "{method}: {shares:?}");
        world.apply([pods(&[2])]);
        assert_eq!(world.shares(50)[2], 50, "{method}: nobody else is there");
        world.apply([annotated(&[], false), pods(&[1, 2, 3])]);
        assert_eq!(world.shares(600), [0, 200, 200, 200, 0], "{method}: the default again");
    }
}

#[test]
fn a_client_may_have_one_pod_for_all_ports() {
    let whole = [("svckit.io/affinity-scope", "service"), ("svckit.io/client-prefix", "24/64")];
    let mut world = Annotated::new([annotated(&whole, true), pods(&[1, 2, 3])]);
    let mut met = BTreeSet::new();
    for net in 0..30 {
        let one = world.0.reached(&format!("198.51.{net}.7:1"), "10.96.0.1:80").unwrap();
        let other = world.0.reached(&format!("198.51.{net}.99:1"), "10.96.0.1:81").unwrap();
        assert_eq!(one, other, "another port, another address of the same net");
        met.extend(one);
    }
    assert_eq!(met.len(), 3);
    let first = world.0.reached("198.51.1.7:1", "10.96.0.1:80").unwrap();
    let left: Vec<u8> = [1, 2, 3].into_iter().filter(|last| *last != first[0]).collect();
    world.apply([pods(&left)]);
    let moved = world.0.reached("198.51.1.7:1", "10.96.0.1:81").unwrap();
    assert_ne!(moved, first);
    world.apply([pods(&[1, 2, 3])]);
    assert_eq!(world.0.reached("198.51.1.8:1", "10.96.0.1:80").unwrap(), moved, "it stays there");
}

#[test]
fn new_endpoints_come_up_slowly() {
    let slow = [("svckit.io/slow-start", "16s"), ("svckit.io/balance", "random")];
    let mut world = Annotated::new([annotated(&slow, false), pods(&[1, 2])]);
    let at = |seconds: u64| Time::from_nanos(seconds * 1_000_000_000);
    world.0.publisher.set_time(at(100));
    world.apply([pods(&[1, 2, 3])]);
    let shares = world.shares(3300);
    assert!((50..160).contains(&shares[3]), "a sixteenth of the others': {shares:?}");
    world.0.publisher.set_time(at(108));
    let shares = world.shares(3300);
    assert!((620..820).contains(&shares[3]), "9 sixteenths: {shares:?}");
    world.0.publisher.set_time(at(116));
    let before = world.0.publisher.publish().generation();
    world.0.publisher.set_time(at(117));
    assert_eq!(world.0.publisher.publish().generation(), before, "nobody grows any more");
    let shares = world.shares(3300);
    assert!((1000..1200).contains(&shares[3]), "full-grown: {shares:?}");
}

#[test]
fn table_sizes_stay_and_the_key_decides() {
    let maglev = [("svckit.io/balance", "maglev")];
    let mut world = Annotated::new([annotated(&maglev, false), pods(&[1, 2, 3])]);
    let who = |world: &mut Annotated, n: u32| {
        world.0.pick(&format!("198.51.100.9:{}", 1000 + n), "10.96.0.1:80").backend()
    };
    let before: Vec<_> = (0..300).map(|n| who(&mut world, n)).collect();
    let again: Vec<_> = (0..300).map(|n| who(&mut world, n)).collect();
    assert_eq!(before, again);
    world.apply([pods(&[1, 2, 3, 4])]);
    world.apply([pods(&[1, 2, 3])]);
    let back: Vec<_> = (0..300).map(|n| who(&mut world, n)).collect();
    assert_eq!(before, back, "the table is as it was");
    world.0.publisher.set_hashing_key(99);
    let other: Vec<_> = (0..300).map(|n| who(&mut world, n)).collect();
    let same = before.iter().zip(&other).filter(|(was, is)| was == is).count();
    assert!((60..140).contains(&same), "{same} of 300 by chance");
}

/// A slice whose endpoints are in zones, by the last part of their addresses.
fn zoned(zones: &[(u8, &str)]) -> Change {
    let lasts: Vec<u8> = zones.iter().map(|(last, _)| *last).collect();
    let Change::Slice(slice) = pods(&lasts) else { unreachable!() };
    let mut slice = slice.as_ref().clone();
    for (endpoint, (_, zone)) in slice.endpoints.iter_mut().zip(zones) {
        endpoint.zone = Some((*zone).into());
    }
    Change::Slice(slice.into())
}

#[test]
fn a_zone_spills_over_when_it_is_busy() {
    let near = [("svckit.io/spill-over", "3"), ("svckit.io/near", "zone")];
    let mut world =
        Annotated::new([annotated(&near, false), zoned(&[(1, "a"), (2, "a"), (3, "b")])]);
    let mut node = NodeConfig::default();
    let open = |world: &mut Annotated| {
        let flow = Flow {
            source: OUTSIDE.parse().unwrap(),
            address: [10, 96, 0, 1].into(),
            port: port(80),
            protocol: Protocol::Tcp,
        };
        let snapshot = world.0.publisher.publish();
        let held: Vec<_> = (0..9)
            .map(|n| {
                let found = snapshot.find(&flow).unwrap();
                let Outcome::Backend(pick) = found.pick(mix(n)) else {
                    panic!("somebody is there")
                };
                let IpAddr::V4(ip) = pick.backend.ip() else { panic!("IPv4") };
                (ip.octets()[3], found.connections(pick.endpoint).unwrap().open())
            })
            .collect();
        held.iter().map(|(last, _)| *last).collect::<Vec<_>>()
    };
    node.zone = Some("a".into());
    world.0.publisher.set_node(&node);
    let met = open(&mut world);
    assert!(met[..5].iter().all(|last| *last < 3), "the zone first: {met:?}");
    assert!(met[6..].contains(&3), "then the others too: {met:?}");
    world.apply([zoned(&[(1, "b"), (2, "a"), (3, "b")])]);
    assert_eq!(open(&mut world)[..3], [2; 3], "an endpoint is in another zone now");
    node.zone = Some("b".into());
    world.0.publisher.set_node(&node);
    assert!(!open(&mut world)[..5].contains(&2), "the node is in another zone now");
    world.apply([annotated(&near[..1], false)]);
    assert_eq!(open(&mut world).iter().collect::<BTreeSet<_>>().len(), 3, "nobody is on this node");
}
