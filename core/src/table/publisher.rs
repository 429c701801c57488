//! The writer's side.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
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
    forward::{Changed, Frontend, FrontendKey, Item, NodeConfig, Proxy},
    model::{Family, ServiceKey, TrafficPolicy},
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
    frontends: HashMap<FrontendKey, Arc<Frontend>, ahash::RandomState>,
    methods: HashMap<ServiceKey, Method, ahash::RandomState>,
    node: Arc<NodeConfig>,
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
            frontends: HashMap::with_hasher(seed.hasher()),
            methods: HashMap::with_hasher(seed.hasher()),
            node: Arc::new(NodeConfig::default()),
            numbers: Numbers::default(),
            generation: 0,
            last: None,
        }
    }

    /// A service port of one family exists and looks like this. What is already so costs a comparison.
    pub fn set(&mut self, frontend: &Arc<Frontend>) {
        let before = self.frontends.insert(frontend.key.clone(), frontend.clone());
        if before.is_none_or(|before| !Arc::ptr_eq(&before, frontend) && before != *frontend) {
            self.write(frontend);
        }
    }

    /// A service port of one family is gone.
    pub fn remove(&mut self, key: &FrontendKey) {
        if self.frontends.remove(key).is_some() {
            self.clear(key);
        }
    }

    /// Follows a proxy: takes over what [`Proxy::take_changed`] says has changed.
    pub fn follow(&mut self, proxy: &Proxy, changed: &Changed) {
        if changed.whole {
            self.set_node(proxy.node());
            self.replace(proxy.frontends());
        }
        for item in &changed.items {
            let Item::Frontend(key) = item else { continue };
            match proxy.frontend(key) {
                Some(frontend) => self.set(frontend),
                None => self.remove(key),
            }
        }
    }

    /// Makes these all the frontends there are.
    pub fn replace<'a>(&mut self, frontends: impl IntoIterator<Item = &'a Arc<Frontend>>) {
        let wanted: BTreeMap<_, _> = frontends.into_iter().map(|each| (&each.key, each)).collect();
        let gone = self.frontends.keys().filter(|key| !wanted.contains_key(key));
        for key in gone.cloned().collect::<Vec<_>>() {
            self.remove(&key);
        }
        wanted.values().for_each(|frontend| self.set(frontend));
    }

    /// How connections to a Service are balanced; round robin unless set. Affinity comes before it.
    ///
    /// Cheapest before the Service's frontends are there; afterwards it looks through all of them.
    pub fn set_method(&mut self, service: &ServiceKey, method: Method) {
        let before = match method {
            Method::RoundRobin => self.methods.remove(service),
            _ => self.methods.insert(service.clone(), method),
        };
        if before.unwrap_or_default() != method {
            self.rewrite(|frontend| frontend.key.name.service == *service);
        }
    }

    /// The node this is: which addresses are its own, where node ports answer, who is a pod.
    pub fn set_node(&mut self, node: &NodeConfig) {
        if *self.node != *node {
            self.node = Arc::new(node.clone());
            self.last = None;
            // The node's address decides whether a balancer's address that it holds may enter.
            self.rewrite(|frontend| !frontend.source_ranges.is_empty());
        }
    }

    fn rewrite(&mut self, which: impl Fn(&Frontend) -> bool) {
        let all: Vec<_> = self.frontends.values().filter(|each| which(each)).cloned().collect();
        all.iter().for_each(|frontend| self.write(frontend));
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
            node: self.node.clone(),
        });
        self.last = Some(snapshot.clone());
        snapshot
    }

    fn write(&mut self, frontend: &Frontend) {
        self.last = None;
        let name = &frontend.key.name;
        let number = self.names.number(name).unwrap_or_else(|| {
            let number = self.numbers.take();
            self.names.insert(name, number);
            self.cursors.reserve(number as usize);
            number
        });
        let method = self.methods.get(&name.service).copied().unwrap_or_default();
        let allowed = frontend.allowed_sources(&self.node);
        match frontend.key.family {
            Family::V4 => {
                write(&mut self.v4, number, frontend, (method, allowed), &mut self.numbers);
                self.v4.set_destinations(number, destinations(frontend), &self.names);
            }
            Family::V6 => {
                write(&mut self.v6, number, frontend, (method, allowed), &mut self.numbers);
                self.v6.set_destinations(number, destinations(frontend), &self.names);
            }
        }
    }

    fn clear(&mut self, key: &FrontendKey) {
        let Some(number) = self.names.number(&key.name) else { return };
        self.last = None;
        match key.family {
            Family::V4 => clear(&mut self.v4, number, &self.names),
            Family::V6 => clear(&mut self.v6, number, &self.names),
        }
        if !self.v4.record(number).present && !self.v6.record(number).present {
            self.names.remove(&key.name, number);
            self.numbers.free.push(number);
        }
    }
}

/// Where clients connect to, those with the strictest rules first. A node port stands under no address.
fn destinations<A: Address>(frontend: &Frontend) -> impl Iterator<Item = Destination<A>> {
    let (port, protocol) = (frontend.port, frontend.protocol());
    let vips = frontend.vips.iter().map(|ip| (*ip, Kind::LoadBalancer));
    let external = frontend.external_ips.iter().map(|ip| (*ip, Kind::External));
    let addresses = frontend.cluster_ip.map(|ip| (ip, Kind::ClusterIp)).into_iter();
    addresses
        .chain(vips)
        .chain(external)
        .filter_map(move |(ip, kind)| Some((A::of(ip)?, protocol, port, kind)))
        .chain(frontend.node_port.map(|port| (A::NONE, protocol, port, Kind::External)))
}

fn write<A: Address<Key: core::hash::Hash>>(
    writer: &mut Writer<A>,
    number: u32,
    frontend: &Frontend,
    (method, allowed): (Method, Vec<IpNet>),
    numbers: &mut Numbers,
) {
    let old = writer.record(number);
    let mut ids = writer.members(&old);
    let (cluster, local) = (&frontend.endpoints.cluster, &frontend.endpoints.local);
    for addr in cluster.iter().chain(local.iter()) {
        let Some(key) = A::of(addr.ip()).map(|address| (address, addr.port())) else { continue };
        if !ids.contains_key(&key)
            && let Some(id) = numbers.endpoint(number)
        {
            ids.insert(key, id);
        }
    }
    let extra = extra(writer.extra(number), allowed, frontend, method, &ids);
    let seconds = frontend.affinity.map_or(0, |timeout| timeout.as_secs().max(1));
    let record = Record {
        cluster: writer.write_run(old.cluster, cluster.iter().copied(), &ids),
        local: writer.write_run(old.local, local.iter().copied(), &ids),
        affinity: u32::try_from(seconds).unwrap_or(u32::MAX),
        present: true,
        internal_local: frontend.internal == TrafficPolicy::Local,
        external_local: frontend.external == TrafficPolicy::Local,
        has_any: frontend.endpoints.has_any,
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

/// What few service ports have; counters of endpoints that stay are kept.
fn extra<A: Address>(
    before: Option<&Arc<Extra>>,
    source_ranges: Vec<IpNet>,
    frontend: &Frontend,
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
    extra.cluster = scheme(method, frontend.endpoints.cluster.iter().copied(), ids, &extra);
    extra.local = scheme(method, frontend.endpoints.local.iter().copied(), ids, &extra);
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
