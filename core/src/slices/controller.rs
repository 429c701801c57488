//! Which Services an event touches, and what they should have.

use hashbrown::HashMap;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use super::{
    Config, HintsOff,
    endpoint::{endpoint, ports},
    hints::{Capacity, is_auto},
    reconcile::{Slices, Wanted, families, reconcile},
};
use crate::{
    Seed,
    model::{Change, EndpointSlice, Family, NamespacedName, Node, Pod, Service, ServiceKey},
    select::{Index, Objects},
};

/// One write to the slices of a cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// The slice is new.
    Create(Arc<EndpointSlice>),
    /// The slice has changed.
    Update(Arc<EndpointSlice>),
    /// The slice is gone.
    Delete(NamespacedName),
}

type Map<K, V> = HashMap<K, V, ahash::RandomState>;

/// Keeps the EndpointSlices of Services with a selector up to date.
///
/// ```
/// use svckit::{Seed, model::{Change, NamespacedName}, slices::Controller};
///
/// let mut controller = Controller::new(Seed([1; 4]));
/// controller.apply(&Change::PodGone(NamespacedName::new("shop", "web-1")));
/// assert!(controller.take_writes().is_empty(), "no Service was touched");
/// ```
#[derive(Debug)]
pub struct Controller {
    seed: Seed,
    config: Config,
    services: Map<ServiceKey, Arc<Service>>,
    slices: Map<ServiceKey, Slices>,
    namespaces: Map<Arc<str>, Namespace>,
    nodes: Map<Arc<str>, Arc<Node>>,
    pods_on: Map<Arc<str>, BTreeSet<NamespacedName>>,
    /// Services whose hints follow the nodes' CPU.
    auto: BTreeSet<ServiceKey>,
    hints_off: BTreeMap<(ServiceKey, Family), HintsOff>,
    dirty: BTreeSet<ServiceKey>,
}

/// Pods and selectors of one namespace.
#[derive(Debug)]
struct Namespace {
    pods: Map<Arc<str>, Arc<Pod>>,
    labels: Objects<Arc<str>>,
    selectors: Index<Arc<str>>,
}

impl Controller {
    /// Knows nothing yet, and does as [`Config`] says when nothing is set.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self::with_config(seed, Config::default())
    }

    /// Knows nothing yet.
    #[must_use]
    pub fn with_config(seed: Seed, config: Config) -> Self {
        let seed = seed.derive(0x511ce);
        Self {
            config,
            services: HashMap::with_hasher(seed.hasher()),
            slices: HashMap::with_hasher(seed.hasher()),
            namespaces: HashMap::with_hasher(seed.hasher()),
            nodes: HashMap::with_hasher(seed.hasher()),
            pods_on: HashMap::with_hasher(seed.hasher()),
            auto: BTreeSet::new(),
            hints_off: BTreeMap::new(),
            dirty: BTreeSet::new(),
            seed,
        }
    }

    /// Takes note of a Service, a pod or a node; anything else changes nothing.
    ///
    /// Costs a look for each label of the pod, for each pod on the node, or for each term of the selector.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Service(service) => self.set_service(service),
            Change::ServiceGone(key) => {
                self.services.remove(key);
                self.auto.remove(key);
                self.namespace(&key.namespace).selectors.remove(&key.name);
                self.dirty.insert(key.clone());
            }
            Change::Pod(pod) => self.set_pod(&pod.key, Some(pod)),
            Change::PodGone(key) => self.set_pod(key, None),
            Change::Node(node) => {
                let before = self.nodes.insert(node.name.clone(), node.clone());
                self.touch_node(&node.name, before.as_deref(), Some(node));
            }
            Change::NodeGone(name) => {
                let before = self.nodes.remove(name);
                self.touch_node(name, before.as_deref(), None);
            }
            _ => {}
        }
    }

    /// Takes over a slice that an earlier run has written: its endpoints stay where they are wanted, and it is
    /// deleted when its Service is not there. To be called for all of them before the first `take_writes`.
    pub fn adopt(&mut self, slice: Arc<EndpointSlice>) {
        self.dirty.insert(slice.service.clone());
        self.slices.entry(slice.service.clone()).or_default().insert(slice.key.clone(), slice);
    }

    /// The writes that bring all touched Services to what they should have, in the order of their names; each
    /// Service's creates come first and its deletes last, so that no endpoint is missing in between.
    ///
    /// Costs O(n log n) in the endpoints of the touched Services. Without changes since the last call there are none.
    #[must_use = "what is not written now will not be told again"]
    pub fn take_writes(&mut self) -> Vec<Write> {
        let mut writes = Vec::new();
        for key in core::mem::take(&mut self.dirty) {
            let mut slices = self.slices.remove(&key).unwrap_or_default();
            let service = self.services.get(&key).filter(|service| service.selector.is_some());
            match service.cloned().filter(|service| !families(service).is_empty()) {
                Some(service) => {
                    let wanted = self.wanted(&service);
                    writes.extend(reconcile(&service, &self.config, wanted, &mut slices));
                    self.slices.insert(key, slices);
                }
                None => {
                    for family in [Family::V4, Family::V6] {
                        self.hints_off.remove(&(key.clone(), family));
                    }
                    writes.extend(slices.into_keys().map(Write::Delete));
                }
            }
        }
        writes
    }

    /// All slices as of the last `take_writes`, in no order.
    pub fn slices(&self) -> impl Iterator<Item = &Arc<EndpointSlice>> {
        self.slices.values().flat_map(Slices::values)
    }

    /// Why a Service that asks for topology hints has none in this family, as of the last `take_writes`.
    #[must_use]
    pub fn hints_off(&self, service: &ServiceKey, family: Family) -> Option<HintsOff> {
        self.hints_off.get(&(service.clone(), family)).copied()
    }

    fn set_service(&mut self, service: &Arc<Service>) {
        let before = self.services.insert(service.key.clone(), service.clone());
        if before.as_ref() == Some(service) {
            return;
        }
        let selectors = &mut self.namespace(&service.key.namespace).selectors;
        match &service.selector {
            Some(selector) => selectors.insert(service.key.name.clone(), selector.clone()),
            None => selectors.remove(&service.key.name),
        }
        if is_auto(service) {
            self.auto.insert(service.key.clone());
        } else {
            self.auto.remove(&service.key);
        }
        self.dirty.insert(service.key.clone());
    }

    /// `pod` is what it looks like now, or `None` when it is gone.
    fn set_pod(&mut self, key: &NamespacedName, pod: Option<&Arc<Pod>>) {
        let namespace = self.namespace(&key.namespace);
        let before = match pod {
            Some(pod) => namespace.pods.insert(key.name.clone(), pod.clone()),
            None => namespace.pods.remove(&key.name),
        };
        if before.as_ref() == pod {
            return;
        }
        match pod {
            Some(pod) => namespace.labels.insert(key.name.clone(), pod.labels.clone()),
            None => namespace.labels.remove(&key.name),
        }
        if let Some(node) = before.as_ref().and_then(|pod| pod.node.as_ref())
            && let Some(pods) = self.pods_on.get_mut(node)
        {
            pods.remove(key);
            if pods.is_empty() {
                self.pods_on.remove(node);
            }
        }
        if let Some(node) = pod.and_then(|pod| pod.node.as_ref()) {
            self.pods_on.entry(node.clone()).or_default().insert(key.clone());
        }
        let relabelled = before.as_deref().map(|pod| &pod.labels) != pod.map(|pod| &pod.labels);
        self.touch(before.as_deref().filter(|_| relabelled));
        self.touch(pod.map(|pod| &**pod));
    }

    fn namespace(&mut self, name: &Arc<str>) -> &mut Namespace {
        let seed = self.seed;
        self.namespaces.entry(name.clone()).or_insert_with(|| Namespace {
            pods: HashMap::with_hasher(seed.hasher()),
            labels: Objects::new(seed),
            selectors: Index::new(seed),
        })
    }

    /// Marks the Services that select this pod.
    fn touch(&mut self, pod: Option<&Pod>) {
        let Some(pod) = pod else { return };
        let Some(namespace) = self.namespaces.get(&pod.key.namespace) else { return };
        let services = namespace.selectors.matching(&pod.labels).into_iter();
        self.dirty.extend(
            services.map(|name| NamespacedName { namespace: pod.key.namespace.clone(), name }),
        );
    }

    /// Marks the Services of the pods on a node that moved to another zone, came or went, and those whose hints
    /// follow its CPU.
    fn touch_node(&mut self, name: &Arc<str>, before: Option<&Node>, now: Option<&Node>) {
        let capacity = |node: &Node| (node.ready, node.control_plane, node.milli_cpu);
        let zone = |node: &Node| node.zone.clone();
        let moved = before.map(zone) != now.map(zone);
        if moved || before.map(capacity) != now.map(capacity) {
            self.dirty.extend(self.auto.iter().cloned());
        }
        for key in self.pods_on.get(name).filter(|_| moved).cloned().into_iter().flatten() {
            let namespace = self.namespaces.get(&key.namespace);
            let pod = namespace.and_then(|namespace| namespace.pods.get(&key.name)).cloned();
            self.touch(pod.as_deref());
        }
    }

    /// The endpoints a Service should have.
    fn wanted(&mut self, service: &Service) -> Wanted {
        let mut wanted = Wanted::new();
        let Some(selector) = &service.selector else { return wanted };
        let Some(namespace) = self.namespaces.get(&service.key.namespace) else { return wanted };
        let names = namespace.labels.matching(selector);
        for pod in names.iter().filter_map(|name| namespace.pods.get(name)) {
            let node = pod.node.as_ref().and_then(|name| self.nodes.get(name)).map(|node| &**node);
            let lost = pod.node.is_some() && node.is_none() && !service.publish_not_ready;
            if lost && self.config.require_nodes {
                continue;
            }
            for family in families(service) {
                if let Some(endpoint) = endpoint(service, pod, node, family) {
                    wanted.entry((family, ports(service, pod))).or_default().push(endpoint);
                }
            }
        }
        self.hint(service, &mut wanted);
        wanted
    }

    /// Gives the ready endpoints of a Service that asks for it hints by CPU, each family by itself.
    fn hint(&mut self, service: &Service, wanted: &mut Wanted) {
        let auto = is_auto(service);
        for family in families(service) {
            let key = (service.key.clone(), family);
            self.hints_off.remove(&key);
            if !auto {
                continue;
            }
            let groups = wanted.iter_mut().filter(|((of, _), _)| *of == family);
            let endpoints = groups.flat_map(|(_, endpoints)| endpoints);
            let mut ready: Vec<_> = endpoints.filter(|e| e.conditions.ready).collect();
            let nodes = self.nodes.values().map(|node| &**node);
            if let Err(off) = Capacity::of(nodes).and_then(|capacity| capacity.hint(&mut ready)) {
                self.hints_off.insert(key, off);
            }
        }
    }
}

#[cfg(test)]
mod tests;
