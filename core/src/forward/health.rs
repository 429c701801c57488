//! What load balancers are told about a node (health-check node ports).

use core::net::IpAddr;
use std_alloc::{collections::BTreeSet, vec::Vec};

use super::Proxy;
use crate::model::{Port, Service, ServiceKey, TrafficPolicy};

/// The state behind one health-check node port.
///
/// Whoever serves it answers 200 if [`HealthCheck::is_healthy`] and the proxy works, else 503, with the count in
/// the header `X-Load-Balancing-Endpoint-Weight`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Whose it is.
    pub service: ServiceKey,
    /// The port of the node.
    pub port: Port,
    /// Ready endpoints on this node: distinct addresses over all ports. Draining ones carry traffic, but don't
    /// count, so that the load balancer moves away.
    pub local_endpoints: usize,
}

impl HealthCheck {
    /// Whether the load balancer should send traffic here.
    #[must_use]
    pub const fn is_healthy(&self) -> bool {
        self.local_endpoints > 0
    }
}

impl Proxy {
    /// The health check of a Service: only a LoadBalancer with external policy Local has one.
    ///
    /// Costs O(its endpoints). It may have changed whenever one of the Service's frontends has.
    #[must_use]
    pub fn health_check(&self, service: &ServiceKey) -> Option<HealthCheck> {
        let entry = self.entry(service)?;
        let port = health_port(entry.service.as_deref()?)?;
        let node = &self.node().name;
        let ready_here: BTreeSet<IpAddr> = entry
            .slices
            .iter()
            .filter(|slice| self.node().families.contains(&slice.family))
            .flat_map(|slice| &slice.endpoints)
            .filter(|endpoint| endpoint.conditions.ready)
            .filter(|endpoint| !node.is_empty() && endpoint.node.as_ref() == Some(node))
            .filter_map(|endpoint| endpoint.addresses.first().copied())
            .collect();
        Some(HealthCheck { service: service.clone(), port, local_endpoints: ready_here.len() })
    }

    /// All health checks, by Service.
    #[must_use]
    pub fn health_checks(&self) -> Vec<HealthCheck> {
        let mut checks: Vec<_> =
            self.known_services().filter_map(|service| self.health_check(&service.key)).collect();
        checks.sort_by(|a, b| a.service.cmp(&b.service));
        checks
    }
}

fn health_port(service: &Service) -> Option<Port> {
    let ours = service.proxy_name.is_none() && service.external_traffic == TrafficPolicy::Local;
    service.load_balancer().filter(|_| ours)?.health_check_port
}
