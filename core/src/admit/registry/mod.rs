//! The life of Services: created, updated, deleted, and what they hold meanwhile.
//!
//! ```text
//! apply ─▶ plan (reads only) ─▶ carry out (takes and draws; undoes itself) ─▶ commit (can't fail)
//! ```
//!
//! A write is one transaction over all addresses and ports of a Service: it happens as a whole or not at all. That
//! leaves out what goes wrong in an API server, where allocation comes first and is spread over several steps:
//!
//! * A dual-stack Service whose second family is exhausted keeps nothing of the first.
//! * An object that is refused has allocated nothing, and the refusal lists everything that is wrong with it.
//! * A number that one port asks for is never drawn for another port of the same Service.
//! * Ports are held for each protocol by itself; TCP and UDP of one port share a number, on update as on creation.
//! * A health check port that is taken is the author's mistake (Conflict), not an internal error.
//! * Families and ranges are tried in order; equal seeds and equal histories give equal numbers.
//!
//! It does not store anything: [`Registry::allocation`] says what to write down, [`Registry::remember`] takes it back.

mod allocation;
mod audit;
mod claim;
mod commit;
mod plan;
mod pool;
mod ports;
mod ranges;
mod settings;

pub use allocation::{AllocatedPort, Allocation, BadAllocation};
pub use settings::{Settings, SettingsError};

use crate::{Seed, Time, api, finding::Finding, model, model::ServiceKey};
use ahash::RandomState;
use claim::Claim;
use hashbrown::HashMap;
use pool::Pool;
use std_alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

/// All Services of a cluster, and who holds which address and node port.
///
/// ```
/// use svckit::{Seed, Time, admit::{Registry, Settings}, api};
///
/// let mut registry = Registry::new(Settings::default(), Seed([1; 4]))?;
/// let mut cart = api::Service::default();
/// cart.metadata.name = "cart".into();
/// cart.metadata.namespace = "shop".into();
/// cart.spec.ports.push(api::ServicePort { port: 80, ..Default::default() });
///
/// let admitted = registry.apply(cart, Time::default()).unwrap();
/// let addr = admitted.model.cluster_ips().unwrap().primary();
/// assert_eq!(admitted.object.spec.cluster_ip, addr.to_string());
/// # Ok::<(), svckit::admit::SettingsError>(())
/// ```
#[derive(Debug)]
pub struct Registry {
    settings: Settings,
    seed: Seed,
    pool: Pool,
    holders: HashMap<Claim, ServiceKey, RandomState>,
    services: BTreeMap<ServiceKey, Stored>,
    /// What Services held in an earlier life that have not been applied in this one.
    remembered: BTreeMap<ServiceKey, Allocation>,
}

#[derive(Clone, Debug)]
struct Stored {
    object: Arc<api::Service>,
    model: Arc<model::Service>,
}

/// A Service that was accepted.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// As an API server would show it: defaulted and allocated.
    pub object: Arc<api::Service>,
    /// The same in checked form.
    pub model: Arc<model::Service>,
    /// Whether anything is different from before.
    pub changed: bool,
}

impl Registry {
    /// No Services yet. `seed` keys the tables and decides which numbers are drawn.
    ///
    /// # Errors
    ///
    /// There is no range for cluster IPs, or one that can't be kept track of.
    pub fn new(settings: Settings, seed: Seed) -> Result<Self, SettingsError> {
        Ok(Self {
            pool: Pool::new(&settings, seed)?,
            settings,
            seed,
            holders: HashMap::with_hasher(seed.derive(3).hasher()),
            services: BTreeMap::new(),
            remembered: BTreeMap::new(),
        })
    }

    /// Creates a Service, or writes it again.
    ///
    /// An update behaves as in Kubernetes: the cluster IP can't change, what was allocated is taken over from the
    /// stored object when the manifest leaves it open, and what a change of type makes meaningless is released. A
    /// manifest without a namespace means `default`. Costs O(log n) in the Services there are.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once; then nothing has changed. An address or port of another Service is a
    /// [`crate::finding::Kind::Conflict`] that names the holder.
    pub fn apply(&mut self, service: api::Service, now: Time) -> Result<Admitted, Vec<Finding>> {
        let plan = self.plan(service)?;
        if let Some(as_it_was) = self.unchanged(&plan) {
            return Ok(as_it_was);
        }
        let done = commit::carry_out(plan, &mut self.pool, now)?;
        Ok(self.commit(done, now))
    }

    /// What [`Registry::apply`] would answer; nothing changes. Costs a copy of the allocators, O(size of the ranges).
    ///
    /// # Errors
    ///
    /// As [`Registry::apply`].
    pub fn dry_run(&self, service: api::Service, now: Time) -> Result<Admitted, Vec<Finding>> {
        let plan = self.plan(service)?;
        if let Some(as_it_was) = self.unchanged(&plan) {
            return Ok(as_it_was);
        }
        let done = commit::carry_out(plan, &mut self.pool.clone(), now)?;
        Ok(Admitted { object: Arc::new(done.object), model: Arc::new(done.model), changed: true })
    }

    /// The Service is gone; what it held is free again after the quarantine. Returns whether there was one.
    pub fn delete(&mut self, key: &ServiceKey, now: Time) -> bool {
        for claim in self.own_claims(key) {
            self.holders.remove(&claim);
            self.pool.give_back(claim, now);
        }
        self.remembered.remove(key);
        self.services.remove(key).is_some()
    }

    /// The Service as an API server would show it.
    #[must_use]
    pub fn get(&self, key: &ServiceKey) -> Option<&Arc<api::Service>> {
        self.services.get(key).map(|stored| &stored.object)
    }

    /// The Service in checked form.
    #[must_use]
    pub fn model(&self, key: &ServiceKey) -> Option<&Arc<model::Service>> {
        self.services.get(key).map(|stored| &stored.model)
    }

    /// All Services, by namespace and name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<api::Service>> {
        self.services.values().map(|stored| &stored.object)
    }

    /// What was handed out to a Service in an earlier life.
    ///
    /// It is kept for that Service until it is applied, and used where its manifest leaves something open; until then
    /// it is drawn for nobody else, though who asks for it by number gets it. Addresses and ports outside today's
    /// ranges are forgotten, as are those of a Service that has been applied already.
    pub fn remember(&mut self, key: ServiceKey, mut allocation: Allocation) {
        if self.services.contains_key(&key) || self.remembered.contains_key(&key) {
            return;
        }
        let mut keep = |claim: Claim| {
            let taken = self.pool.take(claim).is_ok();
            if taken {
                self.holders.insert(claim, key.clone());
            }
            taken
        };
        allocation.cluster_ips.retain(|addr| keep(Claim::Address(*addr)));
        allocation.node_ports.retain(|port| keep(Claim::Port(port.port, port.protocol)));
        allocation.health_check_port =
            allocation.health_check_port.filter(|port| keep(claim::health_claim(*port)));
        if !allocation.is_empty() {
            self.remembered.insert(key, allocation);
        }
    }

    /// What a Service holds, or held in an earlier life; `None` when that is nothing.
    #[must_use]
    pub fn allocation(&self, key: &ServiceKey) -> Option<Allocation> {
        let mut allocation = match self.services.get(key) {
            Some(stored) => claim::allocation(&stored.object.spec),
            None => self.remembered.get(key)?.clone(),
        };
        let held = |claim| self.holders.get(&claim) == Some(key);
        allocation.cluster_ips.retain(|addr| held(Claim::Address(*addr)));
        allocation.node_ports.retain(|port| held(Claim::Port(port.port, port.protocol)));
        allocation.health_check_port =
            allocation.health_check_port.filter(|port| held(claim::health_claim(*port)));
        (!allocation.is_empty()).then_some(allocation)
    }

    /// What a Service holds, sorted.
    fn own_claims(&self, key: &ServiceKey) -> Vec<Claim> {
        self.allocation(key).map(|held| claim::claims(&held)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
