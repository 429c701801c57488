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

use core::net::IpAddr;
use hashbrown::HashMap;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use super::{Settings, namespaces::Namespaces, pods, pods::PodAddresses};
use crate::{
    Seed, Time,
    admit::{self, Allocation, Registry, SettingsError},
    api::{Object, ObjectId, Pod, Service},
    finding::{Finding, Kind},
    model::{Change, NamespacedName, ServiceKey},
    slices::{Controller, Write},
};

/// The objects of a cluster, admitted, and what controllers make of them.
#[derive(Debug)]
pub struct ControlPlane {
    settings: Settings,
    registry: Registry,
    controller: Controller,
    addresses: PodAddresses,
    namespaces: Namespaces,
    /// Objects as their manifests have them; the last ones that were admitted.
    given: BTreeMap<ObjectId, Object>,
    /// Pods with all that was filled in, and the workload that each belongs to.
    pods: HashMap<NamespacedName, Pod, ahash::RandomState>,
    workloads: BTreeMap<ObjectId, Vec<NamespacedName>>,
    mirrored: BTreeMap<ObjectId, Vec<NamespacedName>>,
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
            workloads: BTreeMap::new(),
            mirrored: BTreeMap::new(),
            synced: false,
            settings,
        })
    }

    /// Makes the cluster hold `desired` and nothing else.
    ///
    /// Costs a comparison for each object, and the work for those that differ. Objects that ask for fixed numbers
    /// are admitted before those that leave the choice to us, whatever their order.
    pub fn sync<'a>(&mut self, desired: impl IntoIterator<Item = &'a Object>, now: Time) -> Synced {
        let mut synced = Synced::default();
        let mut gone: BTreeSet<ObjectId> = self.given.keys().cloned().collect();
        let mut fresh: Vec<(ObjectId, &Object)> = Vec::new();
        for object in desired {
            let id = object.id();
            gone.remove(&id);
            if self.given.get(&id) != Some(object) {
                fresh.push((id, object));
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
    pub fn apply<'a>(
        &mut self,
        objects: impl IntoIterator<Item = &'a Object>,
        now: Time,
    ) -> Synced {
        let mut synced = Synced::default();
        let fresh = objects.into_iter().map(|object| (object.id(), object));
        let fresh = fresh.filter(|(id, object)| self.given.get(id) != Some(*object)).collect();
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
        self.pods.values()
    }

    /// All objects as their manifests have them, by kind, namespace and name.
    pub fn given(&self) -> impl Iterator<Item = (&ObjectId, &Object)> {
        self.given.iter()
    }

    /// Whether this object is there.
    #[must_use]
    pub fn holds(&self, id: &ObjectId) -> bool {
        self.given.contains_key(id)
    }

    /// What admission would say of an object; nothing changes.
    #[must_use]
    pub fn check(&self, object: &Object, now: Time) -> Vec<Finding> {
        let checked = match object {
            Object::Service(service) => self.registry.dry_run((**service).clone(), now).map(drop),
            Object::Pod(pod) => admit::model::pod(pod).map(drop),
            Object::Node(node) => admit::model::node(node).map(drop),
            Object::EndpointSlice(slice) => admit::model::endpoint_slice(slice).map(drop),
            Object::Endpoints(endpoints) => admit::model::endpoints(endpoints).map(drop),
            Object::Ingress(ingress) => admit::model::ingress(ingress).map(drop),
            Object::Secret(secret) => admit::model::tls_secret(secret).map(drop),
            _ => Ok(()),
        };
        checked.err().unwrap_or_default()
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
    fn set_all(&mut self, mut fresh: Vec<(ObjectId, &Object)>, now: Time, synced: &mut Synced) {
        fresh.sort_by_key(|(_, object)| rank(object));
        for (id, object) in fresh {
            self.set(id, object.clone(), now, synced);
        }
    }

    /// Lets controllers write, and tells consumers once that they know everything.
    fn finish(&mut self, synced: &mut Synced) {
        self.write_slices(synced);
        if !core::mem::replace(&mut self.synced, true) {
            synced.changes.push(Change::Synced);
        }
    }

    /// Takes in one object that is new or has changed.
    fn set(&mut self, id: ObjectId, object: Object, now: Time, synced: &mut Synced) {
        let admitted = match &object {
            Object::Service(service) => self.set_service(service, now, synced),
            Object::Pod(pod) => self.set_pod((**pod).clone(), now, synced),
            Object::ReplicationController(_)
            | Object::ReplicaSet(_)
            | Object::Deployment(_)
            | Object::StatefulSet(_) => self.set_workload(&id, &object, now, synced),
            Object::EndpointSlice(slice) => admit::model::endpoint_slice(slice).map(|slice| {
                synced.changes.extend(slice.map(|slice| Change::Slice(slice.into())));
            }),
            Object::Endpoints(endpoints) => self.set_endpoints(&id, endpoints, synced),
            Object::Node(node) => {
                admit::model::node(node).map(|node| self.tell(Change::Node(node.into()), synced))
            }
            Object::Ingress(ingress) => admit::model::ingress(ingress)
                .map(|ingress| synced.changes.push(Change::Ingress(ingress.into()))),
            Object::Namespace(namespace) => {
                synced.changes.extend(self.namespaces.enter(&namespace.metadata.name));
                Ok(())
            }
            Object::IngressClass(class) => {
                let class = admit::model::ingress_class(class);
                synced.changes.push(Change::IngressClass(class.into()));
                Ok(())
            }
            Object::Secret(secret) => admit::model::tls_secret(secret).map(|secret| {
                let key = NamespacedName::new(id.namespace.as_str(), id.name.as_str());
                let change = secret.map(|secret| Change::Secret(secret.into()));
                synced.changes.push(change.unwrap_or(Change::SecretGone(key)));
            }),
            Object::IpAddress(_) | Object::ServiceCidr(_) => Ok(()),
        };
        match admitted {
            Ok(()) => {
                let before = self.given.insert(id.clone(), object);
                if before.is_none() && !id.namespace.is_empty() {
                    synced.changes.extend(self.namespaces.enter(&id.namespace));
                }
            }
            Err(findings) => {
                synced.findings.extend(findings.into_iter().map(|finding| (id.clone(), finding)));
            }
        }
    }

    /// Takes one object away.
    fn remove(&mut self, id: &ObjectId, now: Time, synced: &mut Synced) {
        let Some(object) = self.given.remove(id) else { return };
        let key = NamespacedName::new(id.namespace.as_str(), id.name.as_str());
        match object {
            Object::Service(_) => {
                self.registry.delete(&key, now);
                self.tell(Change::ServiceGone(key), synced);
            }
            Object::Pod(_) => self.remove_pod(&key, now, synced),
            Object::EndpointSlice(_) => synced.changes.push(Change::SliceGone(key)),
            Object::Endpoints(_) => {
                let gone = self.mirrored.remove(id).unwrap_or_default();
                synced.changes.extend(gone.into_iter().map(Change::SliceGone));
            }
            Object::Node(_) => self.tell(Change::NodeGone(key.name), synced),
            Object::Ingress(_) => synced.changes.push(Change::IngressGone(key)),
            Object::IngressClass(_) => synced.changes.push(Change::IngressClassGone(key.name)),
            Object::Secret(_) => synced.changes.push(Change::SecretGone(key)),
            Object::Namespace(_) => synced.changes.extend(self.namespaces.leave(&id.name)),
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
        self.tell(Change::Service(admitted.model), synced);
        Ok(())
    }

    fn set_pod(
        &mut self,
        mut pod: Pod,
        now: Time,
        synced: &mut Synced,
    ) -> Result<(), Vec<Finding>> {
        let key = NamespacedName::new(pod.metadata.namespace.as_str(), pod.metadata.name.as_str());
        let node = self.settings.node.as_deref().unwrap_or("localhost");
        let here = &self.settings.node_addresses;
        self.addresses.place(&mut pod, &key, node, here, now).map_err(|error| {
            Vec::from([Finding::error(Kind::Invalid, "status.podIP", "", pods::no_address(&error))])
        })?;
        match admit::model::pod(&pod)? {
            Some(model) => self.tell(Change::Pod(model.into()), synced),
            None => self.tell(Change::PodGone(key.clone()), synced),
        }
        self.pods.insert(key, pod);
        Ok(())
    }

    fn remove_pod(&mut self, key: &NamespacedName, now: Time, synced: &mut Synced) {
        self.addresses.release(key, now);
        self.pods.remove(key);
        self.tell(Change::PodGone(key.clone()), synced);
    }

    fn set_workload(
        &mut self,
        id: &ObjectId,
        object: &Object,
        now: Time,
        synced: &mut Synced,
    ) -> Result<(), Vec<Finding>> {
        let before = self.workloads.remove(id).unwrap_or_default();
        let mut pods = Vec::new();
        let mut wrong = Vec::new();
        for pod in super::pods_of(object) {
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

    fn set_endpoints(
        &mut self,
        id: &ObjectId,
        endpoints: &crate::api::Endpoints,
        synced: &mut Synced,
    ) -> Result<(), Vec<Finding>> {
        let slices = admit::model::endpoints(endpoints)?;
        let keys: Vec<NamespacedName> = slices.iter().map(|slice| slice.key.clone()).collect();
        let before = self.mirrored.insert(id.clone(), keys.clone()).unwrap_or_default();
        let gone = before.into_iter().filter(|key| !keys.contains(key));
        synced.changes.extend(gone.map(Change::SliceGone));
        synced.changes.extend(slices.into_iter().map(|slice| Change::Slice(slice.into())));
        Ok(())
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
