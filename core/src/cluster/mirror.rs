//! Slices that nobody's pods stand behind: those of hand-written Endpoints; and all slices as objects.
//!
//! Endpoints are mirrored while there is a Service of their name that has no selector. With a selector the slices
//! come from pods, and without a Service nobody would look at them.

use std_alloc::{boxed::Box, sync::Arc, vec::Vec};

use super::{ControlPlane, Synced};
use crate::{
    admit::model::{self, controller_slice, mirrored_slice},
    api::{self, Object, ObjectId},
    finding::Finding,
    model::{Change, EndpointSlice, NamespacedName},
};

impl ControlPlane {
    /// All EndpointSlices that the cluster holds, as objects: those that were written by hand, those made of pods,
    /// and those that mirror Endpoints. In no order.
    pub fn endpoint_slices(&self) -> impl Iterator<Item = api::EndpointSlice> {
        let written = self.given().filter_map(|(_, object)| match object {
            Object::EndpointSlice(slice) => {
                let mut slice = (**slice).clone();
                crate::admit::endpoint_slice::default(&mut slice);
                Some(slice)
            }
            _ => None,
        });
        let made = self.controller.slices().filter_map(|slice| {
            let service = self.service(&slice.service)?;
            Some(controller_slice(slice, service))
        });
        let mirrored = self.mirrored.iter().flat_map(|(key, slices)| {
            let endpoints = self.endpoints(key);
            slices.iter().filter_map(move |slice| Some(mirrored_slice(slice, endpoints?)))
        });
        written.chain(made).chain(mirrored)
    }

    /// Hand-written Endpoints of this name.
    fn endpoints(&self, key: &NamespacedName) -> Option<&api::Endpoints> {
        let (namespace, name) = (key.namespace.as_ref().into(), key.name.as_ref().into());
        match self.object(&ObjectId { kind: "Endpoints", namespace, name })? {
            Object::Endpoints(endpoints) => Some(endpoints),
            _ => None,
        }
    }

    /// The Service of this name has changed, and with it perhaps whether its Endpoints are mirrored.
    pub(super) fn mirror_again(&mut self, key: &NamespacedName, synced: &mut Synced) {
        let endpoints = self.endpoints(key).map(|endpoints| Box::new(endpoints.clone()));
        if endpoints.is_some() || self.mirrored.contains_key(key) {
            // They were read before, so they can be read again.
            let _ = self.mirror(endpoints.as_deref(), key, synced);
        }
    }

    /// Makes the slices that mirror these Endpoints; none when there are none, or when nobody wants them mirrored.
    pub(super) fn mirror(
        &mut self,
        endpoints: Option<&api::Endpoints>,
        key: &NamespacedName,
        synced: &mut Synced,
    ) -> Result<(), Vec<Finding>> {
        let service = self.registry.model(key);
        let wanted = service.is_some_and(|service| service.selector.is_none());
        let slices = endpoints.map(model::endpoints).transpose()?.filter(|_| wanted);
        let slices: Vec<Arc<EndpointSlice>> = slices.into_iter().flatten().map(Arc::new).collect();
        let before = match slices.is_empty() {
            true => self.mirrored.remove(key),
            false => self.mirrored.insert(key.clone(), slices.clone()),
        };
        let before = before.unwrap_or_default();
        let gone = before.iter().filter(|old| !slices.iter().any(|slice| slice.key == old.key));
        synced.changes.extend(gone.map(|slice| Change::SliceGone(slice.key.clone())));
        let fresh = slices.into_iter().filter(|slice| !before.contains(slice));
        synced.changes.extend(fresh.map(Change::Slice));
        Ok(())
    }
}
