//! The pods and Services of one namespace.

use core::hash::{Hash, Hasher};
use hashbrown::Equivalent;
use std_alloc::{sync::Arc, vec::Vec};

use super::set::Slices;
use crate::{
    Seed,
    model::{Pod, Service},
    select::{Numbered, Terms},
};

/// A Service by the numbers of its namespace and of itself in there.
pub(super) type ServiceNumber = (u32, u32);

/// A pod likewise.
pub(super) type PodNumber = (u32, u32);

/// Pods and Services of one namespace, and who selects whom.
#[derive(Debug)]
pub(super) struct Namespace {
    pods: Numbered<ByName, ()>,
    pub(super) services: Numbered<Arc<str>, Entry>,
    /// Objects are pods, selectors are those of Services.
    terms: Terms,
}

/// A pod that is found by its name, which is kept nowhere else.
#[derive(Clone, Debug)]
struct ByName(Arc<Pod>);

impl Hash for ByName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.name.hash(state);
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.key.name == other.0.key.name
    }
}

impl Eq for ByName {}

impl Equivalent<ByName> for Arc<str> {
    fn equivalent(&self, pod: &ByName) -> bool {
        *self == pod.0.key.name
    }
}

/// What is kept of one Service.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// `None` when it is gone, or known from its slices alone.
    pub(super) service: Option<Arc<Service>>,
    pub(super) slices: Slices,
    /// Whether it is among the touched.
    dirty: bool,
}

impl Entry {
    /// Puts the Service among the touched ones, if it is not there.
    pub(super) fn touch(&mut self, number: ServiceNumber, dirty: &mut Vec<ServiceNumber>) {
        if !core::mem::replace(&mut self.dirty, true) {
            dirty.push(number);
        }
    }

    /// Says that it is no longer among the touched.
    pub(super) const fn settle(&mut self) {
        self.dirty = false;
    }
}

impl Namespace {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            pods: Numbered::new(seed.hasher()),
            services: Numbered::new(seed.hasher()),
            terms: Terms::new(seed.hasher()),
        }
    }

    /// The number of a Service, which may be new.
    pub(super) fn service(&mut self, name: &Arc<str>) -> u32 {
        self.services.number_or(name, || (name.clone(), Entry::default()))
    }

    /// Says what a Service is now; `false` when that is nothing new.
    pub(super) fn set_service(&mut self, number: u32, service: Option<&Arc<Service>>) -> bool {
        let Some(entry) = self.services.get_mut(number) else { return false };
        if entry.service.as_ref() == service {
            return false;
        }
        match service.and_then(|service| service.selector.as_ref()) {
            Some(selector) => self.terms.insert_selector(number, selector),
            None => self.terms.remove_selector(number),
        }
        entry.service = service.cloned();
        true
    }

    /// The pod of a number.
    pub(super) fn pod(&self, number: u32) -> Option<&Arc<Pod>> {
        self.pods.key(number).map(|ByName(pod)| pod)
    }

    /// Says what a pod is now, and marks the Services that select it; `at` is this namespace's number. Returns
    /// the pod's number and what it was before, or `None` when it is as it was.
    pub(super) fn set_pod(
        &mut self,
        at: u32,
        pod: &Arc<Pod>,
        dirty: &mut Vec<ServiceNumber>,
    ) -> Option<(u32, Option<Arc<Pod>>)> {
        let (number, before) = self.pods.insert(ByName(pod.clone()), ());
        let before = before.map(|(ByName(before), ())| before);
        match &before {
            Some(before) if before == pod => return None,
            Some(before) if before.labels == pod.labels => {}
            Some(before) => {
                self.touch((at, number), before, dirty);
                self.terms.remove_object(number);
                self.terms.insert_object(number, &pod.labels);
            }
            None => self.terms.insert_object(number, &pod.labels),
        }
        self.touch((at, number), pod, dirty);
        Some((number, before))
    }

    /// Forgets a pod, and marks the Services that selected it; returns its number and what it was.
    pub(super) fn remove_pod(
        &mut self,
        at: u32,
        name: &Arc<str>,
        dirty: &mut Vec<ServiceNumber>,
    ) -> Option<(u32, Arc<Pod>)> {
        let number = self.pods.number(name)?;
        let (ByName(before), ()) = self.pods.remove(number)?;
        self.touch((at, number), &before, dirty);
        self.terms.remove_object(number);
        Some((number, before))
    }

    /// Marks the Services that select a pod, which has the labels that were told last under its number.
    pub(super) fn touch(
        &mut self,
        (at, number): PodNumber,
        pod: &Pod,
        dirty: &mut Vec<ServiceNumber>,
    ) {
        let Self { services, terms, .. } = self;
        terms.selectors_of(number, |service, sure| {
            let Some(entry) = services.get_mut(service) else { return };
            let selector = entry.service.as_ref().and_then(|service| service.selector.as_ref());
            if sure || selector.is_some_and(|selector| selector.matches(&pod.labels)) {
                entry.touch((at, service), dirty);
            }
        });
    }

    /// The pods that a Service selects, in the order they came, or by number when its selector is of no use.
    pub(super) fn pods_of<'a>(&'a self, service: &Service, found: &mut impl Extend<&'a Pod>) {
        let Some(selector) = &service.selector else { return };
        let narrowed = self.terms.objects(selector, |number, sure| {
            let pod = self.pod(number).map(|pod| &**pod);
            found.extend(pod.filter(|pod| sure || selector.matches(&pod.labels)));
        });
        if !narrowed {
            let all = self.pods.iter().map(|(_, ByName(pod), ())| &**pod);
            found.extend(all.filter(|pod| selector.matches(&pod.labels)));
        }
    }
}
