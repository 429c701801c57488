//! The whole, driven by manifests: one value that admits objects and keeps everything that follows from them.
//!
//! ```text
//!                        ┌──▶ forward::Proxy    what the node forwards
//! objects ─▶ ControlPlane ┼──▶ dns::Zone         what names answer
//!                        └──▶ ingress::Router, GatewayRouter   where requests go
//! ```
//!
//! [`ControlPlane`] makes of manifests what a cluster's API server and controllers make of them, and tells what
//! changed; [`Cluster`] lets the areas follow; [`Settings`] are what the cluster's administrator decides;
//! [`pods_of`] derives the pods of workloads.

mod conflicts;
mod control_plane;
mod mirror;
mod namespaces;
mod pods;
mod ranges;
mod settings;
mod workload;

pub use control_plane::{ControlPlane, Synced};
pub use settings::*;
pub use workload::{MAX_REPLICAS, pods_of};

use core::borrow::Borrow;
use std_alloc::sync::Arc;

use crate::{
    Seed, Time,
    admit::SettingsError,
    api::{Object, ObjectId},
    dns::Zone,
    forward::Proxy,
    ingress::{GatewayRouter, Router},
};

/// A cluster as one node sees it: what was admitted, what is forwarded, what names answer, where requests go.
///
/// ```
/// use svckit::{Seed, Time, api::{Object, Service}, cluster::{Cluster, Settings}};
///
/// let mut service = Service::default();
/// service.metadata.name = "web".into();
/// service.metadata.namespace = "shop".into();
/// service.spec.ports = vec![svckit::api::ServicePort { port: 80, ..Default::default() }];
///
/// let mut cluster = Cluster::new(Settings::default(), Seed([1, 2, 3, 4]))?;
/// let synced = cluster.sync(&[Object::Service(service.into())], Time::default());
/// assert!(synced.findings.is_empty());
/// assert_eq!(cluster.proxy().frontends().count(), 1);
/// # Ok::<_, svckit::admit::SettingsError>(())
/// ```
#[derive(Debug)]
pub struct Cluster {
    control: ControlPlane,
    proxy: Proxy,
    zone: Zone,
    router: Router,
    gateways: GatewayRouter,
}

impl Cluster {
    /// An empty cluster.
    ///
    /// # Errors
    ///
    /// The settings' ranges can't be used.
    pub fn new(settings: Settings, seed: Seed) -> Result<Self, SettingsError> {
        Ok(Self {
            proxy: Proxy::new(settings.forwarding(), seed.derive(1)),
            zone: Zone::new(settings.naming(), seed.derive(2)),
            router: Router::new(settings.routing(), settings.classes(), seed.derive(3)),
            gateways: GatewayRouter::new(settings.routing(), seed.derive(4)),
            control: ControlPlane::new(settings, seed)?,
        })
    }

    /// Makes the cluster hold `desired` and nothing else; every area follows. Costs as [`ControlPlane::sync`].
    pub fn sync<'a, O>(&mut self, desired: impl IntoIterator<Item = &'a O>, now: Time) -> Synced
    where
        O: Borrow<Object> + Clone + Into<Arc<Object>> + 'a,
    {
        let synced = self.control.sync(desired, now);
        self.follow(&synced);
        synced
    }

    /// Takes in objects that are new or have changed; every area follows. Costs as [`ControlPlane::apply`].
    pub fn apply<'a, O>(&mut self, objects: impl IntoIterator<Item = &'a O>, now: Time) -> Synced
    where
        O: Borrow<Object> + Clone + Into<Arc<Object>> + 'a,
    {
        let synced = self.control.apply(objects, now);
        self.follow(&synced);
        synced
    }

    /// Takes objects away; every area follows. Costs as [`ControlPlane::delete`].
    pub fn delete<'a>(&mut self, ids: impl IntoIterator<Item = &'a ObjectId>, now: Time) -> Synced {
        let synced = self.control.delete(ids, now);
        self.follow(&synced);
        synced
    }

    fn follow(&mut self, synced: &Synced) {
        for change in &synced.changes {
            self.proxy.apply(change);
            self.zone.apply(change);
            self.router.apply(change);
            self.gateways.apply(change);
        }
        // Its findings are those of the routes that were made last.
        let _ = self.gateways.routes();
    }

    /// What was admitted.
    #[must_use]
    pub const fn control(&self) -> &ControlPlane {
        &self.control
    }

    /// The same, for a caller that remembers allocations.
    pub const fn control_mut(&mut self) -> &mut ControlPlane {
        &mut self.control
    }

    /// What the node forwards.
    #[must_use]
    pub const fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// The same, for a caller that takes its changes.
    pub const fn proxy_mut(&mut self) -> &mut Proxy {
        &mut self.proxy
    }

    /// What names answer.
    pub const fn zone(&mut self) -> &mut Zone {
        &mut self.zone
    }

    /// Where requests go.
    pub const fn router(&mut self) -> &mut Router {
        &mut self.router
    }

    /// Where requests to Gateways go.
    pub const fn gateways(&mut self) -> &mut GatewayRouter {
        &mut self.gateways
    }
}

#[cfg(test)]
mod tests;
