//! The writer's side.

use core::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use hashbrown::HashMap;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    string::ToString,
    sync::Arc,
    vec::Vec,
};

use super::{
    address::Address,
    compose::{self, Draft},
    cursors::Cursors,
    here::Here,
    names::Names,
    numbers::Numbers,
    record::Kind,
    snapshot::Snapshot,
    writer::{Destination, Ids, Writer},
};
use crate::{
    Seed, Time,
    balance::{EndpointId, Method, Policy, slow_start},
    forward::{Changed, Frontend, FrontendKey, Item, NodeConfig, Proxy},
    model::{Family, ServiceKey},
    seed::mix,
};

/// Snapshots that the publisher holds while readers do.
const HELD: usize = 64;

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
    services: HashMap<ServiceKey, Vec<Arc<Frontend>>, ahash::RandomState>,
    policies: HashMap<ServiceKey, Arc<Policy>, ahash::RandomState>,
    node: Arc<NodeConfig>,
    numbers: Numbers,
    hashing_key: u64,
    now: Time,
    /// When endpoints came that grow slowly.
    born: BTreeMap<FrontendKey, BTreeMap<EndpointId, Time>>,
    /// Those of `born` that are still growing.
    young: BTreeSet<FrontendKey>,
    generation: u64,
    last: Option<Arc<Snapshot>>,
    /// Earlier ones that readers may still hold.
    earlier: Vec<Arc<Snapshot>>,
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
            policies: HashMap::with_hasher(seed.hasher()),
            node: Arc::new(NodeConfig::default()),
            numbers: Numbers::new(seed),
            hashing_key: 0,
            now: Time::default(),
            born: BTreeMap::new(),
            young: BTreeSet::new(),
            generation: 0,
            last: None,
            earlier: Vec::new(),
        }
    }

    /// A service port of one family exists and looks like this. What is already so costs a comparison.
    pub fn set(&mut self, frontend: &Arc<Frontend>) {
        let frontends = self.services.entry(frontend.key.name.service.clone()).or_default();
        match frontends.iter_mut().find(|known| known.key == frontend.key) {
            Some(known) if Arc::ptr_eq(known, frontend) || known == frontend => return,
            Some(known) => known.clone_from(frontend),
            None => frontends.push(frontend.clone()),
        }
        self.write(frontend);
    }

    /// A service port of one family is gone.
    pub fn remove(&mut self, key: &FrontendKey) {
        let service = &key.name.service;
        let Some(frontends) = self.services.get_mut(service) else { return };
        let before = frontends.len();
        frontends.retain(|frontend| *frontend.key != *key);
        let found = frontends.len() < before;
        if frontends.is_empty() {
            self.services.remove(service);
            self.numbers.forget(service);
        }
        if found {
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
        let known = self.services.values().flatten().map(|frontend| &frontend.key);
        let gone = known.filter(|key| !wanted.contains_key(key));
        for key in gone.cloned().collect::<Vec<_>>() {
            self.remove(&key);
        }
        wanted.values().for_each(|frontend| self.set(frontend));
    }

    /// All frontends there are.
    pub fn frontends(&self) -> impl Iterator<Item = &Arc<Frontend>> {
        self.services.values().flatten()
    }

    /// How connections to a Service are balanced; round robin unless set. Affinity comes before it.
    pub fn set_method(&mut self, service: &ServiceKey, method: Method) {
        let mut policy = self.policy(service).as_ref().clone();
        policy.method = method;
        self.set_policy(service, &policy);
    }

    /// The same with all that can be said about it. A Service that goes keeps its policy until another one is set.
    pub fn set_policy(&mut self, service: &ServiceKey, policy: &Policy) {
        if *self.policy(service) == *policy {
            return;
        }
        if *policy == Policy::default() {
            self.policies.remove(service);
        } else {
            self.policies.insert(service.clone(), Arc::new(policy.clone()));
        }
        self.rewrite(service);
    }

    /// The key of consistent hashing. Nodes that shall agree on where a client goes share it; whoever knows it can
    /// choose source ports that meet one endpoint. 0 unless set.
    pub fn set_hashing_key(&mut self, key: u64) {
        if self.hashing_key != key {
            self.hashing_key = key;
            self.retire();
        }
    }

    /// The node this is: which addresses are its own, where node ports answer, who is a pod.
    pub fn set_node(&mut self, node: &NodeConfig) {
        if *self.node != *node {
            self.node = Arc::new(node.clone());
            self.retire();
            self.v4.set_guarded(node.localhost_node_ports());
            // The node's address decides whether a balancer's address that it holds may enter, its zone who is near.
            let concerned = |frontend: &&Arc<Frontend>| {
                !frontend.source_ranges.is_empty()
                    || self.policies.get(&frontend.key.name.service).is_some_and(|it| it.near_zone)
            };
            let all: Vec<_> = self.services.values().flatten().filter(concerned).cloned().collect();
            all.iter().for_each(|frontend| self.write(frontend));
        }
    }

    /// Tells the time: endpoints that come later are as old as that, and those that grow slowly grow. Call it about
    /// every second if a policy has a slow start; costs nothing while nobody grows.
    pub fn set_time(&mut self, now: Time) {
        self.now = self.now.max(now);
        for key in core::mem::take(&mut self.young) {
            let frontends = self.services.get(&key.name.service);
            let found = frontends.and_then(|all| all.iter().find(|each| *each.key == key));
            if let Some(frontend) = found.cloned() {
                self.write(&frontend);
            }
        }
    }

    /// The state as it is now, for readers. The same one again if nothing changed.
    ///
    /// Earlier ones are held until no reader has them any more, so that it is a later call of this function that
    /// frees them, and never a reader.
    pub fn publish(&mut self) -> Arc<Snapshot> {
        if let Some(last) = &self.last {
            return last.clone();
        }
        self.earlier.retain(|snapshot| Arc::strong_count(snapshot) > 1);
        if self.earlier.len() >= HELD {
            // Readers that sleep: better that they free what they hold than that we hold more and more.
            self.earlier.clear();
        }
        self.generation += 1;
        let snapshot = Arc::new(Snapshot {
            generation: self.generation,
            v4: self.v4.plane.clone(),
            v6: self.v6.plane.clone(),
            names: self.names.clone(),
            cursors: self.cursors.clone(),
            here: Here::new(&self.node),
            node: self.node.clone(),
            hashing_key: self.hashing_key,
        });
        self.last = Some(snapshot.clone());
        snapshot
    }

    fn policy(&self, service: &ServiceKey) -> Arc<Policy> {
        self.policies.get(service).cloned().unwrap_or_default()
    }

    fn retire(&mut self) {
        self.earlier.extend(self.last.take());
    }

    /// Writes all frontends of a Service.
    fn rewrite(&mut self, service: &ServiceKey) {
        let frontends = self.services.get(service).cloned().unwrap_or_default();
        frontends.iter().for_each(|frontend| self.write(frontend));
    }

    fn write(&mut self, frontend: &Frontend) {
        self.retire();
        let name = &frontend.key.name;
        let number = self.names.number(name).unwrap_or_else(|| {
            let number = self.numbers.take();
            self.names.insert(name, number);
            self.cursors.reserve(number as usize);
            number
        });
        match frontend.key.family {
            Family::V4 => {
                self.write_family(number, frontend, |publisher| &mut publisher.v4);
            }
            Family::V6 => {
                self.write_family(number, frontend, |publisher| &mut publisher.v6);
            }
        }
    }

    fn write_family<A: Address<Key: core::hash::Hash>>(
        &mut self,
        number: u32,
        frontend: &Frontend,
        writer: fn(&mut Self) -> &mut Writer<A>,
    ) {
        let (policy, zone) = (self.policy(&frontend.key.name.service), self.node.zone.clone());
        let before = {
            let writer = writer(self);
            let record = writer.record(number);
            // Ids of a Service's pods mean nothing to a service port by itself.
            if record.sticky == number { writer.members(&record) } else { Ids::new() }
        };
        let (sticky, ids) = self.ids(number, frontend, &policy, before);
        let ages = self.ages(&frontend.key, &policy, ids.values());
        let weights = |id, addr| weight(&policy, &ages, id, addr);
        let draft = Draft {
            number,
            sticky,
            frontend,
            policy: &policy,
            allowed: frontend.allowed_sources(&self.node),
            ids,
            weights: &weights,
            start: mix(self.generation) as u32,
            zone: zone.as_deref(),
        };
        let names = self.names.clone();
        let writer = writer(self);
        draft.write(writer);
        writer.set_destinations(number, destinations(frontend), &names);
    }

    /// The number that a service port's clients are remembered by, and its endpoints' ids: who stays keeps its own.
    fn ids<A: Address>(
        &mut self,
        number: u32,
        frontend: &Frontend,
        policy: &Policy,
        before: Ids<A>,
    ) -> (u32, Ids<A>) {
        let endpoints = &frontend.endpoints;
        let addrs = endpoints.cluster.iter().chain(endpoints.local.iter()).copied();
        let addrs = addrs.filter_map(|addr| Some((A::of(addr.ip())?, addr.port())));
        if policy.whole_service && frontend.affinity.is_some() {
            let service = &frontend.key.name.service;
            let all: BTreeSet<IpAddr> = self.pods(service).collect();
            let pods = self.numbers.pods(service, |ip| all.contains(&ip));
            let ids = addrs.filter_map(|key| Some((key, pods.id(key.0.into())?))).collect();
            return (pods.sticky, ids);
        }
        let mut ids = Ids::new();
        for key in addrs {
            let known = ids.get(&key).or_else(|| before.get(&key)).copied();
            if let Some(id) = known.or_else(|| self.numbers.endpoint(number)) {
                ids.insert(key, id);
            }
        }
        (number, ids)
    }

    /// The addresses of a Service's pods.
    fn pods(&self, service: &ServiceKey) -> impl Iterator<Item = IpAddr> + '_ {
        let frontends = self.services.get(service).into_iter().flatten();
        frontends
            .flat_map(|frontend| {
                frontend.endpoints.cluster.iter().chain(frontend.endpoints.local.iter())
            })
            .map(SocketAddr::ip)
    }

    /// How long endpoints have been there that grow slowly; those that don't aren't named.
    fn ages<'a>(
        &mut self,
        key: &FrontendKey,
        policy: &Policy,
        ids: impl Iterator<Item = &'a EndpointId>,
    ) -> BTreeMap<EndpointId, Duration> {
        if policy.slow_start.is_zero() {
            self.born.remove(key);
            self.young.remove(key);
            return BTreeMap::new();
        }
        let before = self.born.remove(key).unwrap_or_default();
        let now = self.now;
        let born: BTreeMap<EndpointId, Time> =
            ids.map(|id| (*id, before.get(id).copied().unwrap_or(now))).collect();
        let ages: BTreeMap<_, _> =
            born.iter().map(|(id, born)| (*id, now.saturating_since(*born))).collect();
        if ages.values().any(|age| *age < policy.slow_start) {
            self.young.insert(key.clone());
        }
        self.born.insert(key.clone(), born);
        ages
    }

    fn clear(&mut self, key: &FrontendKey) {
        let Some(number) = self.names.number(&key.name) else { return };
        self.retire();
        self.born.remove(key);
        self.young.remove(key);
        match key.family {
            Family::V4 => {
                compose::clear(&mut self.v4, number);
                self.v4.set_destinations(number, core::iter::empty(), &self.names);
            }
            Family::V6 => {
                compose::clear(&mut self.v6, number);
                self.v6.set_destinations(number, core::iter::empty(), &self.names);
            }
        }
        if !self.v4.record(number).present && !self.v6.record(number).present {
            self.names.remove(&key.name, number);
            self.numbers.give(number);
        }
    }
}

/// The share of an endpoint, as the policy and its age have it.
fn weight(
    policy: &Policy,
    ages: &BTreeMap<EndpointId, Duration>,
    id: EndpointId,
    addr: SocketAddr,
) -> u16 {
    let weight = if policy.weights.is_empty() {
        1
    } else {
        let (ip, whole) = (addr.ip().to_string(), addr.to_string());
        policy.weight([whole.as_str(), ip.as_str()])
    };
    match ages.get(&id) {
        Some(age) => slow_start(weight, *age, policy.slow_start),
        None => weight,
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
