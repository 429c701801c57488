//! The numbers of service ports, of their endpoints, and of Services whose clients stick to one pod.

use core::net::IpAddr;
use hashbrown::HashMap;
use std_alloc::{collections::BTreeMap, vec::Vec};

use crate::{Seed, balance::EndpointId, model::ServiceKey};

/// Set in the numbers of Services, so that they are none of a service port.
const SERVICE: u32 = 1 << 31;

/// Hands out numbers.
#[derive(Debug)]
pub(super) struct Numbers {
    free: Vec<u32>,
    /// How many endpoints each service port has had; never goes back, even if another one takes its number.
    endpoints: Vec<u32>,
    services: HashMap<ServiceKey, Pods, ahash::RandomState>,
    last_service: u32,
}

/// The pods of a Service whose clients stick to one for all ports.
#[derive(Debug)]
pub(super) struct Pods {
    /// The number under which its clients are remembered.
    pub(super) sticky: u32,
    last: u32,
    ids: BTreeMap<IpAddr, EndpointId>,
}

impl Numbers {
    pub(super) fn new(seed: Seed) -> Self {
        let services = HashMap::with_hasher(seed.hasher());
        Self { free: Vec::new(), endpoints: Vec::new(), services, last_service: 0 }
    }

    /// A number for a service port.
    pub(super) fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.endpoints.push(0);
            self.endpoints.len() as u32 - 1
        })
    }

    pub(super) fn give(&mut self, number: u32) {
        self.free.push(number);
    }

    /// An id for an endpoint of a service port, never given before.
    pub(super) fn endpoint(&mut self, number: u32) -> Option<EndpointId> {
        let last = self.endpoints.get_mut(number as usize)?;
        *last = last.wrapping_add(1).max(1);
        EndpointId::new(*last)
    }

    /// The pods of a Service, of which these are left.
    pub(super) fn pods(
        &mut self,
        service: &ServiceKey,
        here: impl Fn(IpAddr) -> bool,
    ) -> &mut Pods {
        let last = &mut self.last_service;
        let pods = self.services.entry(service.clone()).or_insert_with(|| {
            *last = last.wrapping_add(1) & !SERVICE;
            Pods { sticky: *last | SERVICE, last: 0, ids: BTreeMap::new() }
        });
        pods.ids.retain(|ip, _| here(*ip));
        pods
    }

    /// Forgets a Service.
    pub(super) fn forget(&mut self, service: &ServiceKey) {
        self.services.remove(service);
    }
}

impl Pods {
    /// The id of the pod at an address.
    pub(super) fn id(&mut self, ip: IpAddr) -> Option<EndpointId> {
        if let Some(id) = self.ids.get(&ip) {
            return Some(*id);
        }
        self.last = self.last.wrapping_add(1).max(1);
        let id = EndpointId::new(self.last)?;
        self.ids.insert(ip, id);
        Some(id)
    }
}
