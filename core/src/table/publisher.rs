//! The writer's side.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use hashbrown::HashMap;
use ipnet::IpNet;
use std_alloc::{collections::BTreeMap, sync::Arc, vec, vec::Vec};

use super::{
    address::Address,
    cursors::Cursors,
    names::Names,
    plane::{Destination, Writer},
    record::{Extra, Kind, Record},
    snapshot::Snapshot,
};
use crate::{
    Seed,
    balance::{
        Connections, EndpointId, LeastConnections, Maglev, Method, Rendezvous, Scheme, TwoChoices,
        identity,
    },
    forward::ServicePort,
    model::{Family, ServiceKey, ServicePortName, TrafficPolicy},
};

/// Takes service ports as `forward` sees them, and makes snapshots for readers.
///
/// A change of a Service costs what the Service has: a few copied pages, and O(n log n) in its endpoints. Adding
/// Services costs O(services) each time their number doubles.
///
/// ```
/// use svckit::{Seed, table::{Flow, Outcome, Publisher}, model::{Port, Protocol}};
///
/// let mut publisher = Publisher::new(Seed([1, 2, 3, 4]));
/// let snapshot = publisher.publish();
/// let flow = Flow {
///     source: "192.0.2.1:5000".parse().unwrap(),
///     address: "10.96.0.1".parse().unwrap(),
///     port: Port::new(80).unwrap(),
///     protocol: Protocol::Tcp,
/// };
/// assert!(matches!(snapshot.find(&flow), Err(Outcome::NotAService)));
/// ```
#[derive(Debug)]
pub struct Publisher {
    v4: Writer<Ipv4Addr>,
    v6: Writer<Ipv6Addr>,
    names: Names,
    cursors: Cursors,
    services: HashMap<ServiceKey, Vec<Arc<ServicePort>>, ahash::RandomState>,
    methods: HashMap<ServiceKey, Method, ahash::RandomState>,
    node_addresses: Arc<[IpAddr]>,
    insiders: Arc<[IpNet]>,
    numbers: Numbers,
    generation: u64,
    last: Option<Arc<Snapshot>>,
}

/// The numbers of service ports, and of their endpoints.
#[derive(Debug, Default)]
struct Numbers {
    free: Vec<u32>,
    /// How many endpoints each service port has had; never goes back, even if another one takes its number.
    endpoints: Vec<u32>,
}

impl Numbers {
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.endpoints.push(0);
            self.endpoints.len() as u32 - 1
        })
    }

    fn endpoint(&mut self, number: u32) -> Option<EndpointId> {
        let last = self.endpoints.get_mut(number as usize)?;
        *last = last.wrapping_add(1).max(1);
        EndpointId::new(*last)
    }
}

impl Publisher {
    /// Knows no service port. `seed` keys the tables: clients choose what they connect to.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        let seed = seed.derive(0x7ab1e);
        Self {
            v4: Writer::new(seed.derive(4)),
            v6: Writer::new(seed.derive(6)),
            names: Names::new(seed),
            cursors: Cursors::default(),
            services: HashMap::with_hasher(seed.hasher()),
            methods: HashMap::with_hasher(seed.hasher()),
            node_addresses: Arc::new([]),
            insiders: Arc::new([]),
            numbers: Numbers::default(),
            generation: 0,
            last: None,
        }
    }

    /// Makes these the service ports of one Service, both families; none: the Service is gone.
    ///
    /// What [`crate::forward::Proxy::ports`] says about a touched Service goes in here as it is.
    pub fn set_service(&mut self, service: &ServiceKey, ports: &[Arc<ServicePort>]) {
        let before = self.services.remove(service).unwrap_or_default();
        let same = |a: &ServicePort, b: &ServicePort| a.name == b.name && a.family == b.family;
        for gone in before.iter().filter(|old| !ports.iter().any(|new| same(old, new))) {
            self.remove_port(&gone.name, gone.family);
        }
        for port in ports {
            let known = before.iter().find(|old| same(old, port));
            if known.is_none_or(|old| !Arc::ptr_eq(old, port) && old != port) {
                self.set_port(port);
            }
        }
        if !ports.is_empty() {
            self.services.insert(service.clone(), ports.to_vec());
        }
    }

    /// Makes these all the service ports there are. What is already so costs a comparison.
    pub fn replace<'a>(&mut self, ports: impl IntoIterator<Item = &'a Arc<ServicePort>>) {
        let mut wanted: BTreeMap<&ServiceKey, Vec<Arc<ServicePort>>> = BTreeMap::new();
        for port in ports {
            wanted.entry(&port.name.service).or_default().push(port.clone());
        }
        let gone = self.services.keys().filter(|key| !wanted.contains_key(key));
        for service in gone.cloned().collect::<Vec<_>>() {
            self.set_service(&service, &[]);
        }
        for (service, ports) in wanted {
            self.set_service(service, &ports);
        }
    }

    /// How connections to a Service are balanced; round robin unless set. Affinity comes before it.
    pub fn set_method(&mut self, service: &ServiceKey, method: Method) {
        let before = match method {
            Method::RoundRobin => self.methods.remove(service),
            _ => self.methods.insert(service.clone(), method),
        };
        if before.unwrap_or_default() != method {
            let ports = self.services.get(service).cloned().unwrap_or_default();
            ports.iter().for_each(|port| self.set_port(port));
        }
    }

    /// The addresses at which node ports are served; those of the node count as insiders too.
    pub fn set_node_addresses(&mut self, addresses: &[IpAddr]) {
        if *self.node_addresses != *addresses {
            self.node_addresses = addresses.into();
            let ports: Vec<_> = self.services.values().flatten().cloned().collect();
            ports.iter().for_each(|port| self.set_port(port));
            self.last = None;
        }
    }

    /// The ranges of pods: their traffic to external addresses reaches all endpoints, whatever the policy.
    pub fn set_pod_ranges(&mut self, ranges: &[IpNet]) {
        if *self.insiders != *ranges {
            self.insiders = ranges.into();
            self.last = None;
        }
    }

    /// The state as it is now, for readers. The same one again if nothing changed.
    pub fn publish(&mut self) -> Arc<Snapshot> {
        if let Some(last) = &self.last {
            return last.clone();
        }
        self.generation += 1;
        let snapshot = Arc::new(Snapshot {
            generation: self.generation,
            v4: self.v4.plane.clone(),
            v6: self.v6.plane.clone(),
            names: self.names.clone(),
            cursors: self.cursors.clone(),
            node_addresses: self.node_addresses.clone(),
            pod_ranges: self.insiders.clone(),
        });
        self.last = Some(snapshot.clone());
        snapshot
    }

    fn set_port(&mut self, port: &ServicePort) {
        self.last = None;
        let number = self.names.number(&port.name).unwrap_or_else(|| {
            let number = self.numbers.take();
            self.names.insert(&port.name, number);
            self.cursors.reserve(number as usize);
            number
        });
        let method = self.methods.get(&port.name.service).copied().unwrap_or_default();
        let nodes = &self.node_addresses;
        match port.family {
            Family::V4 => {
                write(&mut self.v4, number, port, (method, nodes), &mut self.numbers);
                self.v4.set_destinations(number, destinations(port, nodes), &self.names);
            }
            Family::V6 => {
                write(&mut self.v6, number, port, (method, nodes), &mut self.numbers);
                self.v6.set_destinations(number, destinations(port, nodes), &self.names);
            }
        }
    }

    fn remove_port(&mut self, name: &ServicePortName, family: Family) {
        let Some(number) = self.names.number(name) else { return };
        self.last = None;
        match family {
            Family::V4 => clear(&mut self.v4, number, &self.names),
            Family::V6 => clear(&mut self.v6, number, &self.names),
        }
        if !self.v4.record(number).present && !self.v6.record(number).present {
            self.names.remove(name, number);
            self.numbers.free.push(number);
        }
    }
}

/// Where clients connect to, those with the strictest rules first.
fn destinations<A: Address>(
    port: &ServicePort,
    nodes: &[IpAddr],
) -> impl Iterator<Item = Destination<A>> {
    let at = |kind, number| move |ip: &IpAddr| Some((*ip, number, kind));
    let nodes = nodes.iter().filter_map(move |ip| Some((*ip, port.node_port?, Kind::External)));
    core::iter::once((port.cluster_ip, port.port, Kind::ClusterIp))
        .chain(port.load_balancer_vips.iter().filter_map(at(Kind::LoadBalancer, port.port)))
        .chain(port.external_ips.iter().filter_map(at(Kind::External, port.port)))
        .chain(nodes)
        .filter_map(move |(ip, number, kind)| Some((A::of(ip)?, port.name.protocol, number, kind)))
}

fn write<A: Address<Key: core::hash::Hash>>(
    writer: &mut Writer<A>,
    number: u32,
    port: &ServicePort,
    (method, nodes): (Method, &[IpAddr]),
    numbers: &mut Numbers,
) {
    let old = writer.record(number);
    let mut ids = writer.members(&old);
    for addr in port.set(TrafficPolicy::Cluster).chain(port.set(TrafficPolicy::Local)) {
        let Some(key) = A::of(addr.ip()).map(|address| (address, addr.port())) else { continue };
        if !ids.contains_key(&key)
            && let Some(id) = numbers.endpoint(number)
        {
            ids.insert(key, id);
        }
    }
    let extra = extra(writer.extra(number), source_ranges::<A>(port, nodes), port, method, &ids);
    let seconds = port.affinity.map_or(0, |affinity| affinity.timeout.as_secs().max(1));
    let record = Record {
        cluster: writer.write_run(old.cluster, port.set(TrafficPolicy::Cluster), &ids),
        local: writer.write_run(old.local, port.set(TrafficPolicy::Local), &ids),
        affinity: u32::try_from(seconds).unwrap_or(u32::MAX),
        present: true,
        internal_local: port.policies.internal == TrafficPolicy::Local,
        external_local: port.policies.external == TrafficPolicy::Local,
        has_any: port.categories.has_any,
        random: method == Method::Random,
        extra: extra.is_some(),
    };
    writer.set_extra(number, extra.map(Arc::new));
    writer.set_record(number, record);
}

fn clear<A: Address<Key: core::hash::Hash>>(writer: &mut Writer<A>, number: u32, names: &Names) {
    let old = writer.record(number);
    writer.write_run(old.cluster, core::iter::empty(), &BTreeMap::new());
    writer.write_run(old.local, core::iter::empty(), &BTreeMap::new());
    writer.set_extra(number, None);
    writer.set_record(number, Record::default());
    writer.set_destinations(number, core::iter::empty(), names);
}

/// Who may use a load balancer's addresses; empty: everybody, as when a range of /0 is among them.
///
/// If the node itself may, so may its traffic that comes from a balancer's address which the node holds.
fn source_ranges<A: Address>(port: &ServicePort, nodes: &[IpAddr]) -> Vec<IpNet> {
    let all = port.load_balancer.as_ref().map_or(&[][..], |balancer| &balancer.source_ranges);
    let mut ranges: Vec<IpNet> =
        all.iter().filter(|range| A::of(range.addr()).is_some()).copied().collect();
    if ranges.iter().any(|range| range.prefix_len() == 0) {
        return vec![];
    }
    let primary = nodes.iter().find(|ip| A::of(**ip).is_some());
    if primary.is_some_and(|ip| ranges.iter().any(|range| range.contains(ip))) {
        ranges.extend(port.load_balancer_vips.iter().copied().map(IpNet::from));
    }
    ranges
}

/// What few service ports have; counters of endpoints that stay are kept.
fn extra<A: Address>(
    before: Option<&Arc<Extra>>,
    source_ranges: Vec<IpNet>,
    port: &ServicePort,
    method: Method,
    ids: &BTreeMap<(A, u16), EndpointId>,
) -> Option<Extra> {
    let counted = matches!(method, Method::LeastConnections | Method::TwoChoices);
    let hashed = matches!(method, Method::Maglev | Method::Rendezvous);
    if source_ranges.is_empty() && !counted && !hashed {
        return None;
    }
    let mut connections = vec![];
    if counted {
        let counter = |id| before.and_then(|extra| extra.counter(id)).cloned().unwrap_or_default();
        connections.extend(ids.values().map(|id| (*id, counter(*id))));
        connections.sort_unstable_by_key(|(id, _)| *id);
    }
    let mut extra = Extra {
        source_ranges: source_ranges.into(),
        connections: connections.into(),
        ..Extra::default()
    };
    extra.cluster = scheme(method, port.set(TrafficPolicy::Cluster), ids, &extra);
    extra.local = scheme(method, port.set(TrafficPolicy::Local), ids, &extra);
    Some(extra)
}

/// The balancer over one set, in the order in which the set is written.
fn scheme<A: Address>(
    method: Method,
    set: impl Iterator<Item = SocketAddr>,
    ids: &BTreeMap<(A, u16), EndpointId>,
    extra: &Extra,
) -> Option<Scheme> {
    let mut set: Vec<(EndpointId, SocketAddr)> =
        set.filter_map(|addr| Some((*ids.get(&(A::of(addr.ip())?, addr.port()))?, addr))).collect();
    set.sort_unstable_by_key(|(id, _)| *id);
    let hashed: Vec<_> = set.iter().map(|(_, addr)| (identity(*addr, 0), 1)).collect();
    let counted = || -> Vec<(Arc<Connections>, u16)> {
        set.iter().filter_map(|(id, _)| Some((extra.counter(*id)?.clone(), 1))).collect()
    };
    match method {
        Method::RoundRobin | Method::Random => None,
        Method::LeastConnections => {
            Some(Scheme::LeastConnections(LeastConnections::new(counted())))
        }
        Method::TwoChoices => Some(Scheme::TwoChoices(TwoChoices::new(counted()))),
        Method::Maglev => Some(Scheme::Maglev(Maglev::new(&hashed))),
        Method::Rendezvous => Some(Scheme::Rendezvous(Rendezvous::new(&hashed))),
    }
}
