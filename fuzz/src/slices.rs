//! Slices: whatever comes and goes, they hold exactly the wanted endpoints, in slices that are not too large.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};
use svckit::{
    Seed,
    model::{
        Change, ClusterIps, ContainerPort, EndpointSlice, Exposure, Family, NamespacedName, Node,
        Pod, Port, Protocol, Service, ServicePort, TargetPort, TrafficDistribution, TrafficPolicy,
    },
    select::Selector,
    slices::{Config, Controller, Write},
};

/// The most endpoints of a slice here.
const MAX: usize = 3;

/// What the cluster holds, as told so far.
#[derive(Default)]
struct World {
    services: BTreeMap<NamespacedName, Arc<Service>>,
    pods: BTreeMap<NamespacedName, Arc<Pod>>,
    nodes: BTreeMap<Arc<str>, Arc<Node>>,
    slices: BTreeMap<NamespacedName, Arc<EndpointSlice>>,
}

/// One endpoint that should be there: Service, pod, address, port, zone, ready.
type Wanted = (NamespacedName, NamespacedName, IpAddr, Vec<u16>, Option<Arc<str>>, bool);

/// The first byte configures; each pair of bytes is one event.
pub fn controller(data: &[u8]) {
    let Some((first, steps)) = data.split_first() else { return };
    let mut config = Config::default();
    (config.max_endpoints, config.repack) = (MAX, first % 2 == 1);
    let new = || Controller::with_config(Seed([3; 4]), config.clone());
    let (mut controller, mut twin) = (new(), new());
    let mut world = World::default();
    for step in steps.chunks_exact(2) {
        let change = world.step(step[0], step[1]);
        controller.apply(&change);
        twin.apply(&change);
        if step[0] >= 192 {
            let writes = controller.take_writes();
            assert_eq!(writes, twin.take_writes(), "equal inputs, other writes");
            world.write(writes);
            world.check(config.repack);
        }
    }
    world.write(controller.take_writes());
    world.check(config.repack);
    assert!(controller.take_writes().is_empty(), "nothing is left to do");
    let mut heir = new();
    world.tell(&mut heir);
    let writes = heir.take_writes();
    assert!(writes.is_empty(), "a successor has nothing to do, but did {writes:?}");
}

impl World {
    fn step(&mut self, what: u8, how: u8) -> Change {
        let key =
            |name: u8| NamespacedName::new(["n1", "n2"][usize::from(name % 2)], format!("o{name}"));
        match what % 8 {
            0 => {
                let service = Arc::new(service(key(what / 8 % 4), how));
                self.services.insert(service.key.clone(), service.clone());
                Change::Service(service)
            }
            1 if how < 128 => {
                self.services.remove(&key(what / 8 % 4));
                Change::ServiceGone(key(what / 8 % 4))
            }
            2..=5 => {
                let pod = Arc::new(pod(key(what / 4 % 16), what / 4 % 16, how));
                self.pods.insert(pod.key.clone(), pod.clone());
                Change::Pod(pod)
            }
            6 => {
                self.pods.remove(&key(what / 4 % 16));
                Change::PodGone(key(what / 4 % 16))
            }
            _ => {
                let node = Arc::new(node(how));
                if how < 64 {
                    self.nodes.remove(&node.name);
                    return Change::NodeGone(node.name.clone());
                }
                self.nodes.insert(node.name.clone(), node.clone());
                Change::Node(node)
            }
        }
    }

    /// Carries writes out; each must fit what is there.
    fn write(&mut self, writes: Vec<Write>) {
        for write in writes {
            match write {
                Write::Create(slice) => {
                    assert!(
                        self.slices.insert(slice.key.clone(), slice).is_none(),
                        "created twice"
                    );
                }
                Write::Update(slice) => {
                    let before = self.slices.insert(slice.key.clone(), slice.clone()).unwrap();
                    assert_eq!(before.family, slice.family, "a slice's family never changes");
                    assert_ne!(before, slice, "an update changes something");
                }
                Write::Delete(key) => assert!(self.slices.remove(&key).is_some(), "deleted twice"),
            }
        }
    }

    /// The slices hold the wanted endpoints, each once, and are as few and as small as promised.
    fn check(&self, repack: bool) {
        let (mut have, mut sizes): (BTreeSet<Wanted>, BTreeMap<_, Vec<usize>>) = Default::default();
        for slice in self.slices.values() {
            assert!(slice.endpoints.len() <= MAX);
            let numbers: Vec<u16> =
                slice.ports.iter().map(|port| port.port.unwrap().get()).collect();
            for e in &slice.endpoints {
                let key = (slice.service.clone(), e.pod.clone().unwrap());
                let wanted = (key.0, key.1, e.addresses[0], numbers.clone(), e.zone.clone());
                let (a, b, c, d, z) = wanted;
                assert!(have.insert((a, b, c, d, z, e.conditions.ready)), "an endpoint twice");
            }
            let group = (slice.service.clone(), slice.family, numbers);
            sizes.entry(group).or_default().push(slice.endpoints.len());
        }
        assert_eq!(have, self.wanted());
        for service in self.services.values().filter(|service| service.selector.is_some()) {
            for family in families(service) {
                let of = |s: &&Arc<EndpointSlice>| s.service == service.key && s.family == family;
                let of: Vec<_> = self.slices.values().filter(of).collect();
                assert!(!of.is_empty(), "no slice of {} {family}", service.key);
                let empty = of.iter().filter(|slice| slice.endpoints.is_empty()).count();
                assert!(empty == 0 || of.len() == 1, "a placeholder stands alone");
            }
        }
        for (group, sizes) in sizes.iter().filter(|_| repack) {
            let all: usize = sizes.iter().sum();
            assert!(sizes.len() <= all.div_ceil(MAX).max(1), "{group:?}: {sizes:?}");
        }
    }

    /// Every pod against every Service.
    fn wanted(&self) -> BTreeSet<Wanted> {
        let mut wanted = BTreeSet::new();
        for service in self.services.values() {
            for pod in self.pods.values().filter(|pod| pod.key.namespace == service.key.namespace) {
                let Some(selector) = &service.selector else { continue };
                if !selector.matches(&pod.labels) {
                    continue;
                }
                let numbers = service.ports.iter().filter_map(|port| match &port.target {
                    TargetPort::Number(port) => Some(port.get()),
                    TargetPort::Name(name) => {
                        pod.ports.iter().find(|port| port.name == *name).map(|port| port.port.get())
                    }
                });
                let numbers: Vec<u16> = numbers.collect();
                let zone = pod.node.as_ref().and_then(|node| self.nodes.get(node)?.zone.clone());
                let ready = service.publish_not_ready || (pod.ready && !pod.terminating);
                for addr in &pod.addresses {
                    if families(service).contains(&Family::of(*addr)) {
                        let (service, pod) = (service.key.clone(), pod.key.clone());
                        let (numbers, zone) = (numbers.clone(), zone.clone());
                        wanted.insert((service, pod, *addr, numbers, zone, ready));
                    }
                }
            }
        }
        wanted
    }

    /// Tells a controller everything, the slices as an earlier run's.
    fn tell(&self, controller: &mut Controller) {
        self.slices.values().for_each(|slice| controller.adopt(slice.clone()));
        let nodes = self.nodes.values().cloned().map(Change::Node);
        let pods = self.pods.values().cloned().map(Change::Pod);
        let services = self.services.values().cloned().map(Change::Service);
        nodes.chain(pods).chain(services).for_each(|change| controller.apply(&change));
    }
}

fn families(service: &Service) -> Vec<Family> {
    match &service.exposure {
        Exposure::Headless(families) => families.clone(),
        _ => service.cluster_ips().into_iter().flat_map(|ips| ips.iter().map(Family::of)).collect(),
    }
}

fn service(key: NamespacedName, how: u8) -> Service {
    let target = match how & 1 {
        0 => TargetPort::Number(Port::new(80).unwrap()),
        _ => TargetPort::Name("http".into()),
    };
    let exposure = match how >> 1 & 3 {
        0 => Exposure::ClusterIp(ClusterIps::single([10, 96, 0, 1].into())),
        1 => Exposure::Headless(vec![Family::V4, Family::V6]),
        2 => Exposure::ExternalName("example.com".into()),
        _ => {
            let v6 = IpAddr::from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
            Exposure::NodePort(ClusterIps::dual(v6, [10, 96, 0, 1].into()).unwrap())
        }
    };
    let selector = match how >> 3 & 3 {
        0 => None,
        1 => Some(Selector::default()),
        2 => Some("app=a".parse().unwrap()),
        _ => Some("app in (a,b),!out".parse().unwrap()),
    };
    let port = ServicePort {
        name: "".into(),
        protocol: Protocol::Tcp,
        port: Port::new(80).unwrap(),
        target,
        node_port: None,
        app_protocol: None,
    };
    Service {
        key,
        exposure,
        ports: vec![port],
        selector,
        affinity: None,
        external_traffic: TrafficPolicy::Cluster,
        internal_traffic: TrafficPolicy::Cluster,
        external_ips: vec![],
        publish_not_ready: how & 32 != 0,
        traffic_distribution: (how & 64 != 0).then_some(TrafficDistribution::PreferSameNode),
        proxy_name: None,
        annotations: match how & 128 {
            0 => vec![],
            _ => vec![("service.kubernetes.io/topology-mode".into(), "Auto".into())],
        },
    }
}

fn pod(key: NamespacedName, number: u8, how: u8) -> Pod {
    let v4 = IpAddr::from([10, 1, how >> 7, number]);
    let v6 = IpAddr::from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, number]);
    let labels = ["app=a", "app=b", "app=a,out=1", ""][usize::from(how & 3)];
    Pod {
        key,
        uid: "".into(),
        labels: labels.parse().unwrap(),
        addresses: [vec![v4], vec![v4, v6], vec![], vec![v6]][usize::from(how >> 2 & 3)]
            .clone()
            .into(),
        ready: how & 16 == 0,
        terminating: how & 96 == 96,
        node: (how & 32 != 0).then(|| format!("w{}", how & 1).into()),
        host_network: false,
        hostname: None,
        subdomain: None,
        ports: match how >> 5 & 3 {
            0 => vec![],
            n => vec![ContainerPort {
                name: "http".into(),
                port: Port::new(8000 + u16::from(n)).unwrap(),
                protocol: Protocol::Tcp,
                host_port: None,
                host_ip: None,
            }],
        },
    }
}

fn node(how: u8) -> Node {
    Node {
        name: format!("w{}", how & 1).into(),
        zone: (how & 6 != 0).then(|| format!("z{}", how >> 1 & 3).into()),
        addresses: vec![],
        pod_cidrs: vec![],
        ready: how & 8 == 0,
        milli_cpu: u64::from(how >> 4) * 500,
        control_plane: false,
    }
}
