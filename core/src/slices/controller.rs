//! Which Services an event touches, and what they should have.

use core::cmp::Ordering;
use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;
use std_alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use super::{
    Config, HintsOff,
    endpoint::{endpoint, ports},
    hints::{Capacity, is_auto},
    namespace::{Namespace, PodNumber, ServiceNumber},
    reconcile::{Group, Wanted, families, reconcile},
};
use crate::{
    Seed,
    model::{
        Change, Endpoint, EndpointSlice, Family, NamespacedName, Node, Pod, Service, ServiceKey,
        ServicePort, TargetPort,
    },
    select::Numbered,
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
    namespaces: Numbered<Arc<str>, Namespace>,
    last: Last,
    nodes: Map<Arc<str>, Arc<Node>>,
    /// Pods on each node, by the numbers of the namespace and the pod.
    pods_on: Map<Arc<str>, HashSet<PodNumber, ahash::RandomState>>,
    /// Services whose hints follow the nodes' CPU.
    auto: HashSet<ServiceNumber, ahash::RandomState>,
    hints_off: BTreeMap<(ServiceKey, Family), HintsOff>,
    /// Touched Services, each once.
    dirty: Vec<ServiceNumber>,
}

/// The namespace that was asked for last: lists of objects come sorted, so it is often the next one too, and called by
/// the same `Arc`.
#[derive(Debug, Default)]
struct Last {
    name: Option<Arc<str>>,
    number: u32,
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
            namespaces: Numbered::new(seed.hasher()),
            last: Last::default(),
            nodes: HashMap::with_hasher(seed.hasher()),
            pods_on: HashMap::with_hasher(seed.hasher()),
            auto: HashSet::with_hasher(seed.hasher()),
            hints_off: BTreeMap::new(),
            dirty: Vec::new(),
            seed,
        }
    }

    /// Takes note of a Service, a pod or a node; anything else changes nothing.
    ///
    /// Costs a look for each label of the pod, for each pod on the node, or for each term of the selector.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Service(service) => self.set_service(service),
            Change::ServiceGone(key) => self.remove_service(key),
            Change::Pod(pod) => self.set_pod(pod),
            Change::PodGone(key) => self.remove_pod(key),
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
        let (number, namespace) =
            namespace(&mut self.namespaces, &mut self.last, self.seed, &slice.service);
        let Some(namespace) = namespace else { return };
        let service = namespace.service(&slice.service.name);
        if let Some(entry) = namespace.services.get_mut(service) {
            entry.slices.insert(slice);
            entry.touch((number, service), &mut self.dirty);
        }
    }

    /// The writes that bring all touched Services to what they should have, in the order of their names; each
    /// Service's creates come first and its deletes last, so that no endpoint is missing in between.
    ///
    /// Costs O(n log n) in the endpoints of the touched Services. Without changes since the last call there are none.
    #[must_use = "what is not written now will not be told again"]
    pub fn take_writes(&mut self) -> Vec<Write> {
        let dirty = self.take_dirty();
        let mut writes = Vec::with_capacity(dirty.len());
        for number in dirty {
            self.settle(number, &mut writes);
        }
        writes
    }

    /// All slices as of the last `take_writes`, in no order.
    pub fn slices(&self) -> impl Iterator<Item = &Arc<EndpointSlice>> {
        let namespaces = self.namespaces.iter().map(|(_, _, namespace)| namespace);
        let entries = namespaces.flat_map(|namespace| namespace.services.iter());
        entries.flat_map(|(_, _, entry)| entry.slices.iter())
    }

    /// Why a Service that asks for topology hints has none in this family, as of the last `take_writes`.
    #[must_use]
    pub fn hints_off(&self, service: &ServiceKey, family: Family) -> Option<HintsOff> {
        self.hints_off.get(&(service.clone(), family)).copied()
    }

    fn set_service(&mut self, service: &Arc<Service>) {
        let key = &service.key;
        let (at, namespace) = namespace(&mut self.namespaces, &mut self.last, self.seed, key);
        let Some(namespace) = namespace else { return };
        let number = (at, namespace.service(&key.name));
        if !namespace.set_service(number.1, Some(service)) {
            return;
        }
        if let Some(entry) = namespace.services.get_mut(number.1) {
            entry.touch(number, &mut self.dirty);
        }
        if is_auto(service) {
            self.auto.insert(number);
        } else {
            self.auto.remove(&number);
        }
    }

    fn remove_service(&mut self, key: &ServiceKey) {
        let Some(at) = self.namespaces.number(&key.namespace) else { return };
        let Some(namespace) = self.namespaces.get_mut(at) else { return };
        let Some(service) = namespace.services.number(&key.name) else { return };
        namespace.set_service(service, None);
        self.auto.remove(&(at, service));
        if let Some(entry) = namespace.services.get_mut(service) {
            entry.touch((at, service), &mut self.dirty);
        }
    }

    fn set_pod(&mut self, pod: &Arc<Pod>) {
        let (at, namespace) = namespace(&mut self.namespaces, &mut self.last, self.seed, &pod.key);
        let changed = namespace.and_then(|namespace| namespace.set_pod(at, pod, &mut self.dirty));
        let Some((number, before)) = changed else { return };
        let before = before.as_ref().and_then(|pod| pod.node.as_ref());
        if before != pod.node.as_ref() {
            self.leave(before, (at, number));
            if let Some(node) = &pod.node {
                let empty = || HashSet::with_hasher(self.seed.hasher());
                self.pods_on.entry(node.clone()).or_insert_with(empty).insert((at, number));
            }
        }
    }

    fn remove_pod(&mut self, key: &NamespacedName) {
        let Some(at) = self.namespaces.number(&key.namespace) else { return };
        let Some(namespace) = self.namespaces.get_mut(at) else { return };
        let Some((number, before)) = namespace.remove_pod(at, &key.name, &mut self.dirty) else {
            return;
        };
        self.leave(before.node.as_ref(), (at, number));
    }

    /// Takes a pod from the node it was on.
    fn leave(&mut self, node: Option<&Arc<str>>, pod: PodNumber) {
        let Some(node) = node else { return };
        let Some(pods) = self.pods_on.get_mut(node) else { return };
        pods.remove(&pod);
        if pods.is_empty() {
            self.pods_on.remove(node);
        }
    }

    /// Marks the Services of the pods on a node that moved to another zone, came or went, and those whose hints
    /// follow its CPU.
    fn touch_node(&mut self, name: &Arc<str>, before: Option<&Node>, now: Option<&Node>) {
        let capacity = |node: &Node| (node.ready, node.control_plane, node.milli_cpu);
        let zone = |node: &Node| node.zone.clone();
        let moved = before.map(zone) != now.map(zone);
        let namespaces = &mut self.namespaces;
        if moved || before.map(capacity) != now.map(capacity) {
            for number in &self.auto {
                let namespace = namespaces.get_mut(number.0);
                if let Some(entry) = namespace.and_then(|n| n.services.get_mut(number.1)) {
                    entry.touch(*number, &mut self.dirty);
                }
            }
        }
        for (at, pod) in self.pods_on.get(name).filter(|_| moved).into_iter().flatten() {
            let Some(namespace) = namespaces.get_mut(*at) else { continue };
            let Some(now) = namespace.pod(*pod).cloned() else { continue };
            namespace.touch((*at, *pod), &now, &mut self.dirty);
        }
    }

    /// The touched Services, in the order of their names; none are touched then.
    fn take_dirty(&mut self) -> Vec<ServiceNumber> {
        let name = |(at, service): ServiceNumber| {
            let own = self.namespaces.get(at).and_then(|n| n.services.key(service));
            (self.namespaces.key(at), own)
        };
        let mut named: Vec<_> = core::mem::take(&mut self.dirty)
            .into_iter()
            .map(|number| {
                let (namespace, own) = name(number);
                (number, prefix(namespace), prefix(own))
            })
            .collect();
        named.sort_unstable_by(|(a, a_namespace, a_own), (b, b_namespace, b_own)| {
            let namespaces = if a.0 == b.0 {
                Ordering::Equal
            } else {
                a_namespace.cmp(b_namespace).then_with(|| name(*a).0.cmp(&name(*b).0))
            };
            namespaces.then(a_own.cmp(b_own)).then_with(|| name(*a).1.cmp(&name(*b).1))
        });
        named.into_iter().map(|(number, ..)| number).collect()
    }

    /// Brings one touched Service to what it should have.
    fn settle(&mut self, number: ServiceNumber, writes: &mut Vec<Write>) {
        let Some(namespace) = self.namespaces.get_mut(number.0) else { return };
        let Some(entry) = namespace.services.get_mut(number.1) else { return };
        entry.settle();
        let mut slices = core::mem::take(&mut entry.slices);
        let known = entry.service.is_some();
        let service = entry.service.clone().filter(|service| service.selector.is_some());
        let families = service.as_deref().map(families).unwrap_or_default();
        if let Some(service) = service.filter(|_| !families.is_empty()) {
            let wanted = self.wanted(number.0, &service, &families);
            reconcile(&service, &self.config, &families, wanted, &mut slices, writes);
            let namespace = self.namespaces.get_mut(number.0);
            if let Some(entry) = namespace.and_then(|n| n.services.get_mut(number.1)) {
                entry.slices = slices;
            }
            return;
        }
        writes.extend(slices.into_iter().map(|slice| Write::Delete(slice.key.clone())));
        let own = namespace.services.key(number.1).cloned();
        if !known {
            namespace.services.remove(number.1);
        }
        if let Some((namespace, name)) = self.namespaces.key(number.0).cloned().zip(own)
            && !self.hints_off.is_empty()
        {
            for family in [Family::V4, Family::V6] {
                let key = NamespacedName { namespace: namespace.clone(), name: name.clone() };
                self.hints_off.remove(&(key, family));
            }
        }
    }

    /// The endpoints a Service should have.
    fn wanted(&mut self, namespace: u32, service: &Service, families: &[Family]) -> Wanted {
        let mut wanted = self.endpoints(namespace, service, families);
        if is_auto(service) || !self.hints_off.is_empty() {
            self.hint(service, families, &mut wanted);
        }
        wanted
    }

    /// The same without hints of topology mode Auto.
    fn endpoints(&self, namespace: u32, service: &Service, families: &[Family]) -> Wanted {
        let mut pods: SmallVec<[&Pod; 16]> = SmallVec::new();
        if let Some(namespace) = self.namespaces.get(namespace) {
            namespace.pods_of(service, &mut pods);
        }
        if is_auto(service) {
            pods.sort_by(|a, b| a.key.name.cmp(&b.key.name));
        }
        let node = |pod: &Pod| pod.node.as_ref().and_then(|name| self.nodes.get(name));
        if self.config.require_nodes && !service.publish_not_ready {
            pods.retain(|pod| pod.node.is_none() || node(pod).is_some());
        }
        let of = |pod: &Pod, family| endpoint(service, pod, node(pod).map(|node| &**node), family);
        let fixed = |port: &ServicePort| matches!(port.target, TargetPort::Number(_));
        let mut wanted = Wanted::new();
        if let Some(first) = pods.first().filter(|_| service.ports.iter().all(fixed)) {
            for family in families {
                let mut endpoints = Vec::with_capacity(pods.len());
                endpoints.extend(pods.iter().filter_map(|pod| of(pod, *family)));
                if !endpoints.is_empty() {
                    wanted.push(((*family, ports(service, first)), endpoints));
                }
            }
            wanted.sort_by(|a, b| a.0.cmp(&b.0));
        } else {
            let mut groups: BTreeMap<Group, Vec<Endpoint>> = BTreeMap::new();
            for pod in pods {
                for family in families {
                    if let Some(endpoint) = of(pod, *family) {
                        groups.entry((*family, ports(service, pod))).or_default().push(endpoint);
                    }
                }
            }
            wanted.extend(groups);
        }
        wanted
    }

    /// Gives the ready endpoints of a Service that asks for it hints by CPU, each family by itself.
    fn hint(&mut self, service: &Service, families: &[Family], wanted: &mut Wanted) {
        let auto = is_auto(service);
        for family in families {
            let key = (service.key.clone(), *family);
            self.hints_off.remove(&key);
            if !auto {
                continue;
            }
            let groups = wanted.iter_mut().filter(|((of, _), _)| of == family);
            let endpoints = groups.flat_map(|(_, endpoints)| endpoints);
            let mut ready: Vec<_> = endpoints.filter(|e| e.conditions.ready).collect();
            let nodes = self.nodes.values().map(|node| &**node);
            if let Err(off) = Capacity::of(nodes).and_then(|capacity| capacity.hint(&mut ready)) {
                self.hints_off.insert(key, off);
            }
        }
    }
}

/// The namespace of an object and its number, which becomes the last one; it may be new.
fn namespace<'a>(
    namespaces: &'a mut Numbered<Arc<str>, Namespace>,
    last: &mut Last,
    seed: Seed,
    key: &NamespacedName,
) -> (u32, Option<&'a mut Namespace>) {
    let name = &key.namespace;
    if last.name.as_ref() != Some(name) {
        last.number = namespaces.number_or(name, || (name.clone(), Namespace::new(seed)));
    }
    if !last.name.as_ref().is_some_and(|last| Arc::ptr_eq(last, name)) {
        last.name = Some(name.clone());
    }
    (last.number, namespaces.get_mut(last.number))
}

/// The first eight bytes of a name as a number, which sorts as the name does until it is equal.
fn prefix(name: Option<&Arc<str>>) -> u64 {
    let mut first = [0; 8];
    let bytes = name.map_or(&[][..], |name| name.as_bytes());
    first.iter_mut().zip(bytes).for_each(|(first, byte)| *first = *byte);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests;
