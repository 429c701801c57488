//! What the annotations of Services say about balancing, followed from the cluster's changes.

use core::net::IpAddr;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    string::ToString,
    sync::Arc,
    vec::Vec,
};

use super::Publisher;
use crate::{
    balance::{BadAnnotation, Policy},
    model::{Change, EndpointSlice, NamespacedName, Service, ServiceKey},
};

/// The endpoints of a slice.
type Pods = Vec<Pod>;

/// One endpoint: its address, and what it may be named by or looked up for.
#[derive(Clone, Debug)]
struct Pod {
    ip: IpAddr,
    name: Option<Arc<str>>,
    zone: Option<Arc<str>>,
}

/// Reads the annotations of Services (see [`Policy`]) and tells a [`Publisher`] about them; shares of pods by name become
/// shares of their addresses on the way, and Services that prefer a zone learn those of their endpoints.
///
/// A change costs what its Service has.
///
/// ```
/// use svckit::{Seed, table::{Policies, Publisher}};
///
/// let (mut policies, mut publisher) = (Policies::default(), Publisher::new(Seed([1, 2, 3, 4])));
/// // for change in changes { policies.apply(&change); }
/// policies.tell(&mut publisher);
/// assert_eq!(policies.bad().count(), 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Policies {
    services: BTreeMap<ServiceKey, (Policy, Vec<BadAnnotation>)>,
    /// Pods of each Service by slice.
    pods: BTreeMap<ServiceKey, BTreeMap<NamespacedName, Pods>>,
    /// The Service of each slice.
    slices: BTreeMap<NamespacedName, ServiceKey>,
    changed: BTreeSet<ServiceKey>,
}

impl Policies {
    /// Takes note of a change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Service(service) => self.service(service),
            Change::ServiceGone(key) if self.services.remove(key).is_some() => {
                self.changed.insert(key.clone());
            }
            Change::Slice(slice) => self.slice(slice),
            Change::SliceGone(key) => self.forget(key),
            _ => {}
        }
    }

    /// Tells a publisher what has changed since the last time.
    pub fn tell(&mut self, publisher: &mut Publisher) {
        for key in core::mem::take(&mut self.changed) {
            publisher.set_policy(&key, &self.policy(&key));
        }
    }

    /// What is wrong with annotations.
    pub fn bad(&self) -> impl Iterator<Item = (&ServiceKey, &BadAnnotation)> {
        self.services.iter().flat_map(|(key, (_, bad))| bad.iter().map(move |bad| (key, bad)))
    }

    fn service(&mut self, service: &Service) {
        let annotations = service.annotations.iter().map(|(key, value)| (&**key, &**value));
        let now = Policy::from_annotations(annotations);
        if self.services.get(&service.key) == Some(&now) {
            return;
        }
        self.changed.insert(service.key.clone());
        if now == (Policy::default(), Vec::new()) {
            self.services.remove(&service.key);
        } else {
            self.services.insert(service.key.clone(), now);
        }
    }

    fn slice(&mut self, slice: &EndpointSlice) {
        self.forget(&slice.key);
        let pod = |endpoint: &crate::model::Endpoint| {
            let name = endpoint.pod.as_ref().map(|pod| pod.name.clone());
            Some(Pod { ip: *endpoint.addresses.first()?, name, zone: endpoint.zone.clone() })
        };
        let pods: Vec<_> = slice.endpoints.iter().filter_map(pod).collect();
        self.slices.insert(slice.key.clone(), slice.service.clone());
        self.pods.entry(slice.service.clone()).or_default().insert(slice.key.clone(), pods);
        self.touch(&slice.service);
    }

    fn forget(&mut self, slice: &NamespacedName) {
        let Some(service) = self.slices.remove(slice) else { return };
        if let Some(slices) = self.pods.get_mut(&service) {
            slices.remove(slice);
            if slices.is_empty() {
                self.pods.remove(&service);
            }
        }
        self.touch(&service);
    }

    /// The endpoints of a Service have changed; that matters if some of them are named, or their zones count.
    fn touch(&mut self, service: &ServiceKey) {
        if self
            .services
            .get(service)
            .is_some_and(|(policy, _)| !policy.weights.is_empty() || policy.near_zone)
        {
            self.changed.insert(service.clone());
        }
    }

    /// The policy with addresses for names.
    fn policy(&self, service: &ServiceKey) -> Policy {
        let Some((policy, _)) = self.services.get(service) else { return Policy::default() };
        let mut policy = policy.clone();
        let pods = || self.pods.get(service).into_iter().flat_map(BTreeMap::values).flatten();
        let mut weights = Vec::new();
        for (name, weight) in policy.weights.iter() {
            let named = pods().filter(|pod| pod.name.as_ref() == Some(name));
            weights.extend(named.map(|pod| (pod.ip.to_string().into(), *weight)));
            weights.push((name.clone(), *weight));
        }
        policy.weights = weights.into();
        if policy.near_zone {
            let zones: BTreeMap<_, _> =
                pods().filter_map(|pod| Some((pod.ip, pod.zone.clone()?))).collect();
            policy.zones = zones.into_iter().collect();
        }
        policy
    }
}
