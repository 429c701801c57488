//! What a node forwards, kept up to date.

use core::mem;
use hashbrown::{HashMap, HashTable, hash_table};
use std_alloc::{sync::Arc, vec::Vec};

use super::{
    Changed, Claim, Conflict, Desired, Destination, Frontend, FrontendKey, HostPortConflict, Item,
    NodeConfig, claims::Claims, compile, count::Counts, host_port::HostPorts,
};
use crate::{
    Seed,
    model::{Change, EndpointSlice, NamespacedName, Node, Pod, Service, ServiceKey},
    ordered::OrderedMap,
};

/// What one node forwards, kept up to date by the cluster's changes.
///
/// ```
/// use svckit::{Seed, model::Change};
/// use svckit::forward::{NodeConfig, Packet, Proxy, Verdict};
/// use svckit::model::{Affinity, ClusterIps, Exposure, NamespacedName, Port, Protocol, Service, ServicePort};
/// use svckit::model::{TargetPort, TrafficPolicy};
///
/// let mut proxy = Proxy::new(NodeConfig::default(), Seed([1, 2, 3, 4]));
/// let port = Port::new(80).ok_or("port")?;
/// proxy.apply(&Change::Service(std::sync::Arc::new(Service {
///     key: NamespacedName::new("shop", "cart"),
///     exposure: Exposure::ClusterIp(ClusterIps::single("10.96.0.10".parse()?)),
///     ports: vec![ServicePort {
///         name: "".into(),
///         protocol: Protocol::Tcp,
///         port,
///         target: TargetPort::Number(port),
///         node_port: None,
///         app_protocol: None,
///     }],
///     selector: None,
///     affinity: None::<Affinity>,
///     external_traffic: TrafficPolicy::Cluster,
///     internal_traffic: TrafficPolicy::Cluster,
///     external_ips: vec![],
///     publish_not_ready: false,
///     traffic_distribution: None,
///     proxy_name: None,
///     annotations: vec![],
/// })));
/// proxy.apply(&Change::Synced);
///
/// let packet = Packet {
///     source: "10.244.0.7".parse()?,
///     destination: "10.96.0.10".parse()?,
///     protocol: Protocol::Tcp,
///     port,
/// };
/// assert_eq!(proxy.decide(&packet).verdict, Verdict::Reject, "there is no endpoint");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Proxy {
    /// What the caller said.
    given: NodeConfig,
    /// The same, completed by the node's object.
    node: NodeConfig,
    own_node: Option<Arc<Node>>,
    services: OrderedMap<ServiceKey, Entry>,
    /// All slices by name, with its hash, or else a table that grows would look at each: each tells whose it is.
    slices: HashTable<(u64, Arc<EndpointSlice>)>,
    hasher: ahash::RandomState,
    claims: Claims,
    pub(super) counts: Counts,
    pub(super) host_ports: HostPorts,
    /// All pods that ask for ports of their node, wherever they run: the node's name may change.
    publishing: HashMap<NamespacedName, Arc<Pod>, ahash::RandomState>,
    changed: Changed,
    synced: bool,
}

/// All that is known about one Service's name.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) service: Option<Arc<Service>>,
    /// Sorted by their names.
    pub(super) slices: Vec<Arc<EndpointSlice>>,
    wishes: Vec<(Destination, Claim)>,
    frontends: Vec<Arc<Frontend>>,
}

impl Proxy {
    /// A proxy that knows nothing yet. `seed` keys its tables.
    #[must_use]
    pub fn new(node: NodeConfig, seed: Seed) -> Self {
        Self {
            given: node.clone(),
            node,
            own_node: None,
            services: OrderedMap::new(seed.derive(1)),
            slices: HashTable::new(),
            hasher: seed.derive(2).hasher(),
            claims: Claims::new(seed.derive(3)),
            counts: Counts::new(seed.derive(4)),
            host_ports: HostPorts::new(seed.derive(5)),
            publishing: HashMap::with_hasher(seed.derive(6).hasher()),
            changed: Changed::default(),
            synced: false,
        }
    }

    /// Takes note of a change.
    ///
    /// Costs O(endpoints of the Service it is about), however large the cluster is; a change of the node's own
    /// zone or addresses costs O(cluster). Nothing is forwarded before [`Change::Synced`]: half a cluster would
    /// refuse what the other half serves.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Service(service) => self.set_service(service),
            Change::ServiceGone(key) => self.remove_service(key),
            Change::Slice(slice) => self.set_slice(slice),
            Change::SliceGone(key) => self.remove_slice(key),
            Change::Pod(pod) => self.set_pod(pod),
            Change::PodGone(key) => self.remove_pod(key),
            Change::Node(node) if node.name == self.given.name => self.set_node(Some(node.clone())),
            Change::NodeGone(name) if *name == self.given.name => self.set_node(None),
            Change::Synced if !self.synced => {
                self.synced = true;
                self.compile_all();
            }
            _ => {}
        }
    }

    /// Makes this another node, or the same one with other settings. Costs O(cluster).
    pub fn configure(&mut self, node: NodeConfig) {
        if node.name != self.given.name {
            self.own_node = None;
        }
        self.given = node;
        self.set_own(self.own_node.clone());
    }

    /// The node, completed by what the cluster says about it.
    #[must_use]
    pub fn node(&self) -> &NodeConfig {
        &self.node
    }

    /// Whether the source has told everything it knows at least once.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    /// What has changed since the last call.
    pub fn take_changed(&mut self) -> Changed {
        mem::take(&mut self.changed)
    }

    /// A service port of one family, if it is forwarded.
    #[must_use]
    pub fn frontend(&self, key: &FrontendKey) -> Option<&Arc<Frontend>> {
        let entry = self.services.get(&key.name.service)?;
        entry.frontends.iter().find(|frontend| *frontend.key == *key)
    }

    /// All service ports that are forwarded, in no order.
    pub fn frontends(&self) -> impl Iterator<Item = &Arc<Frontend>> {
        self.services.iter().flat_map(|(_, entry)| &entry.frontends)
    }

    /// Who accepts traffic to a destination, and what the destination is to it.
    #[must_use]
    pub fn holder(&self, destination: Destination) -> Option<(&Claim, &Arc<Frontend>)> {
        let claim = self.claims.holder(destination)?;
        Some((claim, self.frontend(&claim.key)?))
    }

    /// What should be in the data plane for an item; `None`: nothing.
    #[must_use]
    pub fn desired(&self, item: &Item) -> Option<Desired> {
        match item {
            Item::Frontend(key) => self.frontend(key).cloned().map(Desired::Frontend),
            Item::ClusterIp(addr) => self.counts.cluster_ips.has(*addr).then_some(Desired::Present),
            Item::Hairpin(addr) => self.counts.hairpins.has(*addr).then_some(Desired::Present),
            Item::HostPort(key) => self.host_ports.target(*key).map(Desired::HostPort),
        }
    }

    /// Everything that should be in the data plane, in no order. Nothing before [`Change::Synced`].
    pub fn items(&self) -> impl Iterator<Item = (Item, Desired)> + '_ {
        let frontends = self.frontends().map(|frontend| {
            (Item::Frontend(frontend.key.clone()), Desired::Frontend(frontend.clone()))
        });
        let cluster_ips = self.counts.cluster_ips.all().map(Item::ClusterIp);
        let hairpins = self.counts.hairpins.all().map(Item::Hairpin);
        let host_ports = self.host_ports.keys().filter_map(|key| {
            Some((Item::HostPort(key), Desired::HostPort(self.host_ports.target(key)?)))
        });
        let present = cluster_ips.chain(hairpins).map(|item| (item, Desired::Present));
        let synced = self.synced;
        frontends.chain(present).chain(host_ports).filter(move |_| synced)
    }

    /// How many items there are at most.
    pub(crate) fn item_count(&self) -> usize {
        let frontends: usize = self.services.iter().map(|(_, entry)| entry.frontends.len()).sum();
        let addresses = self.counts.cluster_ips.len() + self.counts.hairpins.len();
        frontends + addresses + self.host_ports.keys().count()
    }

    /// The destinations that several service ports want.
    pub fn conflicts(&self) -> impl Iterator<Item = Conflict<'_>> {
        self.claims.conflicts()
    }

    /// The ports of this node that several of its pods want.
    pub fn host_port_conflicts(&self) -> impl Iterator<Item = HostPortConflict<'_>> {
        self.host_ports.conflicts()
    }

    /// All that is known about a Service's name.
    pub(super) fn entry(&self, key: &ServiceKey) -> Option<&Entry> {
        self.services.get(key)
    }

    /// All Services that there are, in no order.
    pub(super) fn known_services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.iter().filter_map(|(_, entry)| entry.service.as_ref())
    }

    fn set_service(&mut self, service: &Arc<Service>) {
        let Some(entry) = self.services.entry(&service.key, Entry::default) else { return };
        if entry.service.as_ref().is_some_and(|had| **had == **service) {
            return;
        }
        entry.service = Some(service.clone());
        self.refresh(&service.key);
    }

    fn remove_service(&mut self, key: &ServiceKey) {
        let Some(entry) = self.services.get_mut(key) else { return };
        entry.service = None;
        self.refresh(key);
        self.forget_if_empty(key);
    }

    fn set_slice(&mut self, slice: &Arc<EndpointSlice>) {
        let Self { slices, hasher, .. } = self;
        let hash = hasher.hash_one(&slice.key);
        let is_it =
            |(other, had): &(u64, Arc<EndpointSlice>)| *other == hash && had.key == slice.key;
        match slices.entry(hash, is_it, |(hash, _)| *hash) {
            hash_table::Entry::Vacant(free) => {
                free.insert((hash, slice.clone()));
            }
            hash_table::Entry::Occupied(had) if *had.get().1 == **slice => return,
            hash_table::Entry::Occupied(mut had) => {
                let before = mem::replace(&mut had.get_mut().1, slice.clone());
                if before.service != slice.service {
                    self.detach(&before);
                }
            }
        }
        let Some(entry) = self.services.entry(&slice.service, Entry::default) else { return };
        match entry.slices.binary_search_by(|had| had.key.cmp(&slice.key)) {
            Ok(place) => {
                if let Some(had) = entry.slices.get_mut(place) {
                    had.clone_from(slice);
                }
            }
            Err(place) => {
                // Most Services have one.
                entry.slices.reserve_exact(1);
                entry.slices.insert(place, slice.clone());
            }
        }
        self.rebuild(&slice.service);
    }

    fn remove_slice(&mut self, key: &NamespacedName) {
        let hash = self.hasher.hash_one(key);
        let is_it =
            |(other, slice): &(u64, Arc<EndpointSlice>)| *other == hash && slice.key == *key;
        if let Ok(found) = self.slices.find_entry(hash, is_it) {
            let ((_, slice), _) = found.remove();
            self.detach(&slice);
        }
    }

    /// Takes a slice away from its Service.
    fn detach(&mut self, slice: &EndpointSlice) {
        if let Some(entry) = self.services.get_mut(&slice.service) {
            entry.slices.retain(|had| had.key != slice.key);
        }
        self.rebuild(&slice.service);
        self.forget_if_empty(&slice.service);
    }

    fn set_pod(&mut self, pod: &Arc<Pod>) {
        if pod.ports.iter().all(|port| port.host_port.is_none()) {
            return self.remove_pod(&pod.key);
        }
        self.publishing.insert(pod.key.clone(), pod.clone());
        self.publish(pod);
    }

    fn remove_pod(&mut self, key: &NamespacedName) {
        if self.publishing.remove(key).is_some() {
            self.host_ports.remove(key, |item| self.changed.note(item));
        }
    }

    /// Opens the ports a pod asks for, if it runs here.
    fn publish(&mut self, pod: &Pod) {
        let here = !self.given.name.is_empty() && pod.node.as_ref() == Some(&self.given.name);
        if here {
            self.host_ports.set(pod, |item| self.changed.note(item));
        } else {
            self.host_ports.remove(&pod.key, |item| self.changed.note(item));
        }
    }

    fn set_node(&mut self, node: Option<Arc<Node>>) {
        if self.given.completed(node.as_deref()) == self.node {
            self.own_node = node;
        } else {
            self.set_own(node);
        }
    }

    fn set_own(&mut self, node: Option<Arc<Node>>) {
        self.node = self.given.completed(node.as_deref());
        self.own_node = node;
        for pod in self.publishing.values().cloned().collect::<Vec<_>>() {
            self.publish(&pod);
        }
        self.compile_all();
    }

    /// Everything anew: first who wants what, then, when it is known who has it, all frontends.
    fn compile_all(&mut self) {
        self.changed.note_all();
        if !self.synced {
            return;
        }
        let Self { services, claims, counts, node, changed, .. } = self;
        services.shrink();
        claims.reserve(services.len());
        counts.cluster_ips.reserve(services.len().saturating_sub(counts.cluster_ips.len()));
        for (_, entry) in services.iter_mut() {
            // Whoever gains or loses by it is compiled below.
            entry.claim(node, claims, &mut Vec::new());
        }
        for (_, entry) in services.iter_mut() {
            entry.rebuild(node, claims, counts, changed);
        }
    }

    /// Brings a Service's claims up to date, then its frontends, and those of whoever gained or lost by it.
    fn refresh(&mut self, key: &ServiceKey) {
        if !self.synced {
            return;
        }
        let Some(entry) = self.services.get_mut(key) else { return };
        let mut moved = Vec::new();
        entry.claim(&self.node, &mut self.claims, &mut moved);
        entry.rebuild(&self.node, &self.claims, &mut self.counts, &mut self.changed);
        moved.sort_unstable();
        moved.dedup();
        for other in moved.iter().map(|moved| &moved.name.service).filter(|other| *other != key) {
            self.rebuild(other);
        }
    }

    fn rebuild(&mut self, key: &ServiceKey) {
        if !self.synced {
            return;
        }
        let Self { services, claims, counts, node, changed, .. } = self;
        if let Some(entry) = services.get_mut(key) {
            entry.rebuild(node, claims, counts, changed);
        }
    }

    fn forget_if_empty(&mut self, key: &ServiceKey) {
        if self.services.get(key).is_some_and(|e| e.service.is_none() && e.slices.is_empty()) {
            self.services.remove(key);
        }
    }
}

impl Entry {
    /// Tells what the Service asks for; `moved` gets whoever gains or loses by it.
    fn claim(&mut self, node: &NodeConfig, claims: &mut Claims, moved: &mut Vec<Arc<FrontendKey>>) {
        let service = self.service.as_deref();
        let wishes = service.map(|s| compile::wishes(s, node)).unwrap_or_default();
        if wishes == self.wishes {
            return;
        }
        let old = mem::replace(&mut self.wishes, wishes);
        for (destination, claim) in &old {
            claims.remove(*destination, claim, moved);
        }
        for (destination, claim) in &self.wishes {
            claims.add(*destination, claim.clone(), moved);
        }
    }

    /// Compiles the Service's frontends anew and notes what that changes.
    fn rebuild(
        &mut self,
        node: &NodeConfig,
        claims: &Claims,
        counts: &mut Counts,
        changed: &mut Changed,
    ) {
        let old = mem::take(&mut self.frontends);
        if let Some(service) = &self.service {
            let service = (&**service, &*self.wishes);
            self.frontends = compile::frontends(service, &self.slices, node, claims, &old);
        }
        for was in &old {
            if !self.frontends.iter().any(|is| is.key == was.key) {
                counts.remove(was, changed);
                changed.note(Item::Frontend(was.key.clone()));
            }
        }
        for is in &self.frontends {
            let was = old.iter().find(|was| was.key == is.key);
            if was.is_some_and(|was| Arc::ptr_eq(was, is)) {
                continue;
            }
            counts.add(is, changed);
            if let Some(was) = was {
                counts.remove(was, changed);
            }
            changed.note(Item::Frontend(is.key.clone()));
        }
    }
}
