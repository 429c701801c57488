//! Which Services an event touches, and what they should have.

use hashbrown::HashMap;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use super::{
    endpoint::{endpoint, ports},
    reconcile::{Wanted, families, reconcile},
};
use crate::{
    Seed,
    model::{Change, EndpointSlice, NamespacedName, Node, Pod, Service, ServiceKey},
    select::Index,
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
#[derive(Debug)]
pub struct Controller {
    seed: Seed,
    services: Map<ServiceKey, Arc<Service>>,
    slices: Map<ServiceKey, BTreeMap<NamespacedName, Arc<EndpointSlice>>>,
    namespaces: Map<Arc<str>, Namespace>,
    nodes: Map<Arc<str>, Arc<Node>>,
    dirty: BTreeSet<ServiceKey>,
}

/// Pods and selectors of one namespace.
#[derive(Debug)]
struct Namespace {
    pods: BTreeMap<Arc<str>, Arc<Pod>>,
    selectors: Index<Arc<str>>,
}

impl Controller {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        let seed = seed.derive(0x511ce);
        Self {
            services: HashMap::with_hasher(seed.hasher()),
            slices: HashMap::with_hasher(seed.hasher()),
            namespaces: HashMap::with_hasher(seed.hasher()),
            nodes: HashMap::with_hasher(seed.hasher()),
            dirty: BTreeSet::new(),
            seed,
        }
    }

    /// Takes note of a Service, a pod or a node; anything else changes nothing.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Service(service) => self.set_service(service),
            Change::ServiceGone(key) => {
                self.services.remove(key);
                self.namespace(&key.namespace).selectors.remove(&key.name);
                self.dirty.insert(key.clone());
            }
            Change::Pod(pod) => {
                let namespace = self.namespace(&pod.key.namespace);
                let before = namespace.pods.insert(pod.key.name.clone(), pod.clone());
                if before.as_ref() != Some(pod) {
                    self.touch(before.as_deref());
                    self.touch(Some(pod));
                }
            }
            Change::PodGone(key) => {
                let before = self.namespace(&key.namespace).pods.remove(&key.name);
                self.touch(before.as_deref());
            }
            Change::Node(node) => {
                let before = self.nodes.insert(node.name.clone(), node.clone());
                let moved = before.is_none_or(|before| before.zone != node.zone);
                self.touch_node(moved.then_some(&node.name));
            }
            Change::NodeGone(name) => {
                self.nodes.remove(name);
                self.touch_node(Some(name));
            }
            _ => {}
        }
    }

    /// The writes that bring all touched Services to what they should have, in the order of their names.
    pub fn take_writes(&mut self) -> Vec<Write> {
        let mut writes = Vec::new();
        for key in core::mem::take(&mut self.dirty) {
            let mut slices = self.slices.remove(&key).unwrap_or_default();
            match self.services.get(&key).filter(|service| service.selector.is_some()) {
                Some(service) if !families(service).is_empty() => {
                    reconcile(service, self.wanted(service), &mut slices, &mut writes);
                    self.slices.insert(key, slices);
                }
                _ => writes.extend(slices.into_keys().map(Write::Delete)),
            }
        }
        writes
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
        self.dirty.insert(service.key.clone());
    }

    fn namespace(&mut self, name: &Arc<str>) -> &mut Namespace {
        let seed = self.seed;
        self.namespaces
            .entry(name.clone())
            .or_insert_with(|| Namespace { pods: BTreeMap::new(), selectors: Index::new(seed) })
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

    /// Marks the Services of all pods on a node whose zone has changed.
    fn touch_node(&mut self, node: Option<&Arc<str>>) {
        if node.is_none() {
            return;
        }
        let on_node = |pod: &&Arc<Pod>| pod.node.as_ref() == node;
        let pods: Vec<Arc<Pod>> = self
            .namespaces
            .values()
            .flat_map(|n| n.pods.values().filter(on_node).cloned())
            .collect();
        for pod in pods {
            self.touch(Some(&pod));
        }
    }

    /// The endpoints a Service should have.
    fn wanted(&self, service: &Service) -> Wanted {
        let mut wanted = Wanted::new();
        let Some(selector) = &service.selector else { return wanted };
        let Some(namespace) = self.namespaces.get(&service.key.namespace) else { return wanted };
        for pod in namespace.pods.values().filter(|pod| selector.matches(&pod.labels)) {
            let node = pod.node.as_ref().and_then(|name| self.nodes.get(name)).map(|node| &**node);
            for family in families(service) {
                if let Some(endpoint) = endpoint(service, pod, node, family) {
                    wanted.entry((family, ports(service, pod))).or_default().push(endpoint);
                }
            }
        }
        wanted
    }
}

#[cfg(test)]
mod tests;
