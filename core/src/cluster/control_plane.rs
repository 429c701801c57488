//! What an API server and its controllers make of manifests, in one place and without a clock.
//!
//! ```text
//! manifests ──sync──▶ admission ──▶ Services, with addresses and node ports
//!                     pods of workloads, with addresses ──▶ EndpointSlices
//!                                                       └──▶ one stream of model changes
//! ```
//!
//! An object that is refused changes nothing: what was there before stays. There is no storage in here; a caller
//! that wants allocations to survive its restart keeps [`ControlPlane::allocation`] and gives it back through
//! [`ControlPlane::remember`].

use core::{borrow::Borrow, net::IpAddr};
use hashbrown::HashMap;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};

use super::{Settings, namespaces::Namespaces, pods, pods::PodAddresses, ranges::Ranges, workload};
use crate::{
    Seed, Time,
    admit::{self, Allocation, Registry, SettingsError},
    api::{Object, ObjectId, Pod, Service},
    finding::{Finding, Kind},
    model::{self, Change, EndpointSlice, NamespacedName, ServiceKey},
    slices::{Controller, Write},
};

/// The objects of a cluster, admitted, and what controllers make of them.
#[derive(Debug)]
pub struct ControlPlane {
    settings: Settings,
    pub(super) registry: Registry,
    pub(super) controller: Controller,
    addresses: PodAddresses,
    namespaces: Namespaces,
    /// Objects as their manifests have them; the last ones that were admitted.
    given: BTreeMap<ObjectId, Arc<Object>>,
    /// Pods with all that was filled in.
    pods: HashMap<NamespacedName, Arc<Pod>, ahash::RandomState>,
    /// The pod that came last, as consumers see it.
    last_pod: Option<Arc<model::Pod>>,
    /// The pods that each workload has.
    workloads: BTreeMap<ObjectId, Vec<NamespacedName>>,
    /// The slices of hand-written Endpoints.
    pub(super) mirrored: BTreeMap<NamespacedName, Vec<Arc<EndpointSlice>>>,
    pub(super) ranges: Ranges,
    /// Whether consumers have been told that they know everything.
    synced: bool,
}

/// What came of a [`ControlPlane::sync`].
#[derive(Debug, Default)]
#[must_use = "consumers live on the changes"]
pub struct Synced {
    /// What is different now, in an order that consumers can follow.
    pub changes: Vec<Change>,
    /// Objects that were refused, and warnings about others.
    pub findings: Vec<(ObjectId, Finding)>,
}

impl ControlPlane {
    /// An empty cluster.
    ///
    /// # Errors
    ///
    /// The settings' ranges can't be used.
    pub fn new(settings: Settings, seed: Seed) -> Result<Self, SettingsError> {
        let registry = Registry::new(settings.admission(), seed)?;
        let addresses =
            PodAddresses::new(&settings.pod_cidrs, seed).map_err(SettingsError::Range)?;
        Ok(Self {
            registry,
            addresses,
            controller: Controller::new(seed),
            namespaces: Namespaces::new(seed),
            given: BTreeMap::new(),
            pods: HashMap::with_hasher(seed.derive(0x90d).hasher()),
            last_pod: None,
            workloads: BTreeMap::new(),
            mirrored: BTreeMap::new(),
            synced: false,
            ranges: Ranges::new(&settings.service_cidrs),
            settings,
        })
    }

    /// Makes the cluster hold `desired` and nothing else.
    ///
    /// Takes objects, or `Arc`s of them, which are then shared instead of copied. Costs a comparison for each object
    /// (none for an `Arc` that is the same as before), and the work for those that differ. Objects that ask for fixed
    /// numbers are admitted before those that leave the choice to us, whatever their order.
    pub fn sync<'a, O>(&mut self, desired: impl IntoIterator<Item = &'a O>, now: Time) -> Synced
    where
        O: Borrow<Object> + Clone + Into<Arc<Object>> + 'a,
    {
        let mut synced = Synced::default();
        let mut gone: BTreeSet<ObjectId> = self.given.keys().cloned().collect();
        let mut fresh: Vec<(ObjectId, &O)> = Vec::new();
        for desired in desired {
            let object: &Object = desired.borrow();
            let id = object.id();
            gone.remove(&id);
            if !self.is_given(&id, object) {
                fresh.push((id, desired));
            }
        }
        for id in gone {
            self.remove(&id, now, &mut synced);
        }
        self.set_all(fresh, now, &mut synced);
        self.finish(&mut synced);
        synced
    }

    /// Takes in objects that are new or have changed; the others stay. Costs what these objects cost.
    ///
    /// The first call tells consumers that they know everything: start with all there is.
    pub fn apply<'a, O>(&mut self, objects: impl IntoIterator<Item = &'a O>, now: Time) -> Synced
    where
        O: Borrow<Object> + Clone + Into<Arc<Object>> + 'a,
    {
        let mut synced = Synced::default();
        let fresh = objects.into_iter().map(|object| (object.borrow().id(), object));
        let fresh = fresh.filter(|(id, object)| !self.is_given(id, (*object).borrow())).collect();
        self.set_all(fresh, now, &mut synced);
        self.finish(&mut synced);
        synced
    }

    /// Takes objects away; those that aren't there are gone already. Costs what these objects cost.
    pub fn delete<'a>(&mut self, ids: impl IntoIterator<Item = &'a ObjectId>, now: Time) -> Synced {
        let mut synced = Synced::default();
        ids.into_iter().for_each(|id| self.remove(id, now, &mut synced));
        self.write_slices(&mut synced);
        synced
    }
}

impl ControlPlane {
    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A Service as it was admitted, with all that was filled in and allocated.
    #[must_use]
    pub fn service(&self, key: &ServiceKey) -> Option<&Arc<Service>> {
        self.registry.get(key)
    }

    /// All admitted Services, by namespace and name.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.registry.iter()
    }

    /// All pods, those of workloads included, in no order.
    pub fn pods(&self) -> impl Iterator<Item = &Pod> {
        self.pods.values().map(|pod| &**pod)
    }

    /// All objects as their manifests have them, by kind, namespace and name.
    pub fn given(&self) -> impl Iterator<Item = (&ObjectId, &Object)> {
        self.given.iter().map(|(id, object)| (id, &**object))
    }

    /// Whether this object is there.
    #[must_use]
    pub fn holds(&self, id: &ObjectId) -> bool {
        self.given.contains_key(id)
    }

    /// An object as its manifest has it.
    #[must_use]
    pub fn object(&self, id: &ObjectId) -> Option<&Object> {
        self.given.get(id).map(|object| &**object)
    }

    /// The pods of each workload.
    pub(super) const fn workloads(&self) -> &BTreeMap<ObjectId, Vec<NamespacedName>> {
        &self.workloads
    }

    /// What admission would say of an object, warnings included; nothing changes.
    #[must_use]
    pub fn check(&self, object: &Object, now: Time) -> Vec<Finding> {
        let mut findings = admit::warnings(object);
        let refused = match object {
            Object::Service(service) => self.registry.dry_run((**service).clone(), now).err(),
            _ => self.admit(object).err(),
        };
        findings.extend(refused.into_iter().flatten());
        findings
    }

    /// What admission would make of a Service, allocations included; nothing changes.
    ///
    /// # Errors
    ///
    /// Everything that refuses it.
    pub fn dry_run(&self, service: &Service, now: Time) -> Result<Arc<Service>, Vec<Finding>> {
        self.registry.dry_run(service.clone(), now).map(|admitted| admitted.object)
    }

    /// The object with its defaults, or why it is refused, by itself or as a change of the one there is.
    fn admit(&self, object: &Object) -> Result<Object, Vec<Finding>> {
        let gates = self.settings.gates();
        let mut object = object.clone();
        admit::default(&mut object);
        let findings = match self.given.get(&object.id()) {
            Some(old) => admit::validate_update(&object, old, &gates),
            None => admit::validate(&object, &gates),
        };
        if findings.is_empty() { Ok(object) } else { Err(findings) }
    }

    /// What a Service holds, to be kept across a restart.
    #[must_use]
    pub fn allocation(&self, key: &ServiceKey) -> Option<Allocation> {
        self.registry.allocation(key)
    }

    /// The addresses that were given to a pod, to be kept across a restart.
    #[must_use]
    pub fn pod_addresses(&self, pod: &NamespacedName) -> &[IpAddr] {
        self.addresses.of(pod)
    }

    /// What a Service held in an earlier life: nobody else gets it before that Service had its turn.
    pub fn remember(&mut self, key: ServiceKey, allocation: Allocation) {
        self.registry.remember(key, allocation);
    }

    /// The addresses of a pod in an earlier life.
    pub fn remember_pod(&mut self, pod: NamespacedName, addresses: &[IpAddr]) {
        self.addresses.remember(pod, addresses);
    }

    /// Takes in objects that are new or have changed, in the order in which they build on each other.
    fn set_all<O>(&mut self, mut fresh: Vec<(ObjectId, &O)>, now: Time, synced: &mut Synced)
    where
        O: Borrow<Object> + Clone + Into<Arc<Object>>,
    {
        fresh.sort_by_key(|(_, object)| rank((*object).borrow()));
        for (id, object) in fresh {
            self.set(id, object.clone().into(), now, synced);
        }
    }

    /// Whether the manifest of this object is just so already.
    fn is_given(&self, id: &ObjectId, object: &Object) -> bool {
        let same =
            |given: &Arc<Object>| core::ptr::eq(&raw const **given, object) || **given == *object;
        self.given.get(id).is_some_and(same)
    }

    /// Lets controllers write, and tells consumers once that they know everything.
    fn finish(&mut self, synced: &mut Synced) {
        self.drain_ranges(synced);
        self.write_slices(synced);
        if !core::mem::replace(&mut self.synced, true) {
            synced.changes.push(Change::Synced);
        }
    }

    /// Takes in one object that is new or has changed.
    fn set(&mut self, id: ObjectId, object: Arc<Object>, now: Time, synced: &mut Synced) {
        let about = |finding: Finding| (id.clone(), finding);
        synced.findings.extend(admit::warnings(&object).into_iter().map(about));
        let admitted = match &*object {
            Object::Service(service) => self.set_service(service, now, synced),
            other => {
                self.admit(other).and_then(|admitted| self.set_admitted(&id, admitted, now, synced))
            }
        };
        match admitted {
            Ok(()) => {
                let before = self.given.insert(id.clone(), object);
                if before.is_none() && !id.namespace.is_empty() {
                    synced.changes.extend(self.namespaces.enter(&id.namespace));
                }
            }
            Err(findings) => synced.findings.extend(findings.into_iter().map(about)),
        }
    }

    /// Takes in an object that has its defaults and breaks no rule of its own.
    fn set_admitted(
        &mut self,
        id: &ObjectId,
        object: Object,
        now: Time,
        synced: &mut Synced,
    ) -> Result<(), Vec<Finding>> {
        let key = NamespacedName::new(id.namespace.as_str(), id.name.as_str());
        match object {
            Object::Pod(pod) => self.set_pod(*pod, now, synced),
            Object::ReplicationController(_)
            | Object::ReplicaSet(_)
            | Object::Deployment(_)
            | Object::StatefulSet(_) => self.set_workload(id, object, now, synced),
            Object::EndpointSlice(slice) => admit::model::endpoint_slice(&slice).map(|slice| {
                let gone = || Change::SliceGone(key);
                let change = slice.map_or_else(gone, |slice| Change::Slice(slice.into()));
                synced.changes.push(change);
            }),
            Object::Endpoints(endpoints) => self.mirror(Some(&endpoints), &key, synced),
            Object::Node(node) => {
                admit::model::node(&node).map(|node| self.tell(Change::Node(node.into()), synced))
            }
            Object::Ingress(ingress) => admit::model::ingress(&ingress)
                .map(|ingress| synced.changes.push(Change::Ingress(ingress.into()))),
            Object::Namespace(namespace) => {
                synced.changes.extend(self.namespaces.enter(&namespace.metadata.name));
                Ok(())
            }
            Object::IngressClass(class) => {
                let class = admit::model::ingress_class(&class);
                synced.changes.push(Change::IngressClass(class.into()));
                Ok(())
            }
            Object::Secret(secret) => admit::model::tls_secret(&secret).map(|secret| {
                let change = secret.map(|secret| Change::Secret(secret.into()));
                synced.changes.push(change.unwrap_or(Change::SecretGone(key)));
            }),
            Object::Gateway(gateway) => admit::model::gateway(&gateway)
                .map(|gateway| synced.changes.push(Change::Gateway(gateway.into()))),
            Object::HttpRoute(route) => admit::model::http_route(&route)
                .map(|route| synced.changes.push(Change::HttpRoute(route.into()))),
            Object::ReferenceGrant(grant) => {
                let grant = admit::model::reference_grant(&grant);
                synced.changes.push(Change::ReferenceGrant(grant.into()));
                Ok(())
            }
            Object::ServiceCidr(ranges) => self.set_ranges(&ranges),
            Object::Service(_) | Object::IpAddress(_) | Object::GatewayClass(_) => Ok(()),
        }
    }

    /// Takes one object away.
    fn remove(&mut self, id: &ObjectId, now: Time, synced: &mut Synced) {
        let Some(object) = self.given.remove(id) else { return };
        let key = NamespacedName::new(id.namespace.as_str(), id.name.as_str());
        match &*object {
            Object::Service(_) => {
                self.registry.delete(&key, now);
                self.mirror_again(&key, synced);
                self.tell(Change::ServiceGone(key), synced);
            }
            Object::Pod(_) => self.remove_pod(&key, now, synced),
            Object::EndpointSlice(_) => synced.changes.push(Change::SliceGone(key)),
            Object::Endpoints(_) => {
                // Nothing is refused where nothing is left.
                let _ = self.mirror(None, &key, synced);
            }
            Object::Node(_) => self.tell(Change::NodeGone(key.name), synced),
            Object::Ingress(_) => synced.changes.push(Change::IngressGone(key)),
            Object::IngressClass(_) => synced.changes.push(Change::IngressClassGone(key.name)),
            Object::Secret(_) => synced.changes.push(Change::SecretGone(key)),
            Object::Gateway(_) => synced.changes.push(Change::GatewayGone(key)),
            Object::HttpRoute(_) => synced.changes.push(Change::HttpRouteGone(key)),
            Object::ReferenceGrant(_) => synced.changes.push(Change::ReferenceGrantGone(key)),
            Object::Namespace(_) => synced.changes.extend(self.namespaces.leave(&id.name)),
            Object::ServiceCidr(_) => self.leave_ranges(&id.name, |_| true),
            _ => {
                for pod in self.workloads.remove(id).unwrap_or_default() {
                    self.remove_pod(&pod, now, synced);
                }
            }
        }
        if !id.namespace.is_empty() {
            synced.changes.extend(self.namespaces.leave(&id.namespace));
        }
    }

    fn set_service(
        &mut self,
        service: &Service,
        now: Time,
        synced: &mut Synced,
    ) -> Result<(), Vec<Finding>> {
        let admitted = self.registry.apply(service.clone(), now)?;
        let key = admitted.model.key.clone();
        self.tell(Change::Service(admitted.model), synced);
        self.mirror_again(&key, synced);
        Ok(())
    }

    fn set_pod(
        &mut self,
        mut pod: Pod,
        now: Time,
        synced: &mut Synced,
    ) -> Result<(), Vec<Finding>> {
        let key = NamespacedName::new(pod.metadata.namespace.as_str(), pod.metadata.name.as_str());
        let node = self.settings.node_name();
        let own = self.node_addresses(if pod.spec.node_name.is_empty() {
            node
        } else {
            &pod.spec.node_name
        });
        self.addresses.place(&mut pod, &key, node, &own, now).map_err(|error| {
            Vec::from([Finding::error(Kind::Invalid, "status.podIP", "", pods::no_address(&error))])
        })?;
        match admit::model::pod(&pod)? {
            Some(mut model) => {
                // Objects come in the order of their names, so it is often of the same workload.
                if let Some(before) = &self.last_pod {
                    model.share_with(before);
                }
                let model = Arc::new(model);
                self.last_pod = Some(model.clone());
                self.tell(Change::Pod(model), synced);
            }
            None => self.tell(Change::PodGone(key.clone()), synced),
        }
        self.pods.insert(key, pod.into());
        Ok(())
    }

    /// What pods on the host network of a node have as their own: the settings know this node's addresses, its Node
    /// object those of any node.
    fn node_addresses(&self, node: &str) -> Vec<IpAddr> {
        if node == self.settings.node_name() && !self.settings.node_addresses.is_empty() {
            return self.settings.node_addresses.clone();
        }
        let id = ObjectId { kind: "Node", namespace: String::new(), name: node.into() };
        match self.object(&id) {
            Some(Object::Node(node)) => one_of_each_family(
                admit::model::node(node).map(|node| node.addresses).unwrap_or_default(),
            ),
            _ => Vec::new(),
        }
    }

    fn remove_pod(&mut self, key: &NamespacedName, now: Time, synced: &mut Synced) {
        self.addresses.release(key, now);
        self.pods.remove(key);
        self.tell(Change::PodGone(key.clone()), synced);
    }

    fn set_workload(
        &mut self,
        id: &ObjectId,
        mut object: Object,
        now: Time,
        synced: &mut Synced,
    ) -> Result<(), Vec<Finding>> {
        workload::place_on(&mut object, self.settings.node_name());
        let before = self.workloads.remove(id).unwrap_or_default();
        let mut pods = Vec::new();
        let mut wrong = Vec::new();
        for pod in workload::pods_of(&object) {
            pods.push(NamespacedName::new(
                pod.metadata.namespace.as_str(),
                pod.metadata.name.as_str(),
            ));
            if let Err(findings) = self.set_pod(pod, now, synced) {
                wrong = findings;
            }
        }
        let kept: BTreeSet<&NamespacedName> = pods.iter().collect();
        for gone in before.iter().filter(|pod| !kept.contains(pod)) {
            self.remove_pod(gone, now, synced);
        }
        self.workloads.insert(id.clone(), pods);
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// Tells the slice controller, then everybody else.
    fn tell(&mut self, change: Change, synced: &mut Synced) {
        self.controller.apply(&change);
        synced.changes.push(change);
    }

    /// Lets the slice controller write what it has to write.
    fn write_slices(&mut self, synced: &mut Synced) {
        synced.changes.extend(self.controller.take_writes().into_iter().map(|write| match write {
            Write::Create(slice) | Write::Update(slice) => Change::Slice(slice),
            Write::Delete(key) => Change::SliceGone(key),
        }));
    }
}

/// The first address of each family.
fn one_of_each_family(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut first: Vec<IpAddr> = Vec::new();
    for addr in addresses {
        if !first.iter().any(|other| other.is_ipv4() == addr.is_ipv4()) {
            first.push(addr);
        }
    }
    first
}

/// In which order kinds are admitted: what others build on comes first, and among Services those that ask for
/// fixed numbers.
fn rank(object: &Object) -> u8 {
    match object {
        Object::Namespace(_) => 0,
        Object::Node(_) => 1,
        Object::ServiceCidr(_) => 2,
        Object::Service(service) => {
            let fixed_address = !matches!(service.spec.cluster_ip.as_str(), "" | "None");
            let fixed_port = service.spec.ports.iter().any(|port| port.node_port != 0);
            if fixed_address || fixed_port { 3 } else { 4 }
        }
        Object::Pod(pod) if !pod.status.pod_ip.is_empty() => 5,
        Object::Pod(_) => 6,
        _ => 7,
    }
}
