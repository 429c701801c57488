//! One port of one Service, with its endpoints, as one node sees it.

use core::net::{IpAddr, SocketAddr};
use std_alloc::{sync::Arc, vec::Vec};

use super::{Categories, Endpoint, Policies};
use crate::model::{Affinity, Family, LoadBalancer, Port, ServicePortName, TrafficPolicy};

/// One port of one Service in one family, with all that a data plane needs to serve it.
#[derive(Clone, Debug, PartialEq)]
pub struct ServicePort {
    /// Which one.
    pub name: ServicePortName,
    /// Of all its addresses and endpoints.
    pub family: Family,
    /// What clients connect to.
    pub port: Port,
    /// Its virtual address.
    pub cluster_ip: IpAddr,
    /// Addresses that somebody else routes to the nodes.
    pub external_ips: Vec<IpAddr>,
    /// The load balancer's addresses that arrive here as they are.
    pub load_balancer_vips: Vec<IpAddr>,
    /// Who may use those, and where the balancer asks for our health.
    pub load_balancer: Option<LoadBalancer>,
    /// The port on every node.
    pub node_port: Option<Port>,
    /// For traffic to the cluster IP and to the rest.
    pub policies: Policies,
    /// Whether, and how long, a client sticks to its endpoint.
    pub affinity: Option<Affinity>,
    /// All endpoints, sorted by address.
    pub endpoints: Arc<[Endpoint]>,
    /// Which of them may be used.
    pub categories: Categories,
}

impl ServicePort {
    /// The endpoints for traffic to the cluster IP.
    pub fn internal(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.set(self.policies.internal)
    }

    /// The endpoints for traffic from outside to any other address.
    pub fn external(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.set(self.policies.external)
    }

    /// The endpoints that a policy allows.
    pub fn set(&self, policy: TrafficPolicy) -> impl Iterator<Item = SocketAddr> + '_ {
        let set = match policy {
            TrafficPolicy::Cluster => &self.categories.cluster,
            TrafficPolicy::Local => &self.categories.local,
        };
        set.iter().flatten().filter_map(|n| self.endpoints.get(*n)).map(|endpoint| endpoint.addr)
    }
}
