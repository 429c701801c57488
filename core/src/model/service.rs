//! A Service that has been admitted: defaults filled in, addresses and node ports allocated.

use core::{net::IpAddr, time::Duration};
use ipnet::IpNet;
use std_alloc::{sync::Arc, vec::Vec};

use super::{Family, Port, Protocol, ServiceKey};
use crate::select::Selector;

/// What the annotations of Services begin with that are svckit's own.
pub(crate) const ANNOTATION_PREFIX: &str = "svckit.io/";

/// An admitted Service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Namespace and name.
    pub key: ServiceKey,
    /// How it is reached.
    pub exposure: Exposure,
    /// Its ports, in the order of the manifest; names are unique.
    pub ports: Vec<ServicePort>,
    /// Which pods are behind it; `None`: somebody writes the endpoints by hand.
    pub selector: Option<Selector>,
    /// Whether, and how long, a client sticks to its endpoint.
    pub affinity: Option<Affinity>,
    /// Which endpoints traffic to external addresses and node ports may reach.
    pub external_traffic: TrafficPolicy,
    /// The same for traffic to the cluster IPs.
    pub internal_traffic: TrafficPolicy,
    /// Addresses that somebody else routes to the nodes.
    pub external_ips: Vec<IpAddr>,
    /// Every endpoint counts as ready.
    pub publish_not_ready: bool,
    /// Which endpoints the slice builder shall hint at.
    pub traffic_distribution: Option<TrafficDistribution>,
    /// The value of the label `service.kubernetes.io/service-proxy-name`: another proxy's Service.
    pub proxy_name: Option<Arc<str>>,
    /// Annotations that change how svckit balances, and those that ask for topology hints, by their full key; see the
    /// README.
    pub annotations: Vec<(Arc<str>, Arc<str>)>,
}

impl Service {
    /// A Service with what Kubernetes fills in where a manifest says nothing: no selector, no affinity, all endpoints.
    ///
    /// ```
    /// use svckit::model::{Exposure, Family, NamespacedName, Service};
    ///
    /// let key = NamespacedName::new("shop", "web");
    /// let web = Service::new(key, Exposure::Headless(vec![Family::V4]), vec![]);
    /// assert!(web.selector.is_none() && !web.publish_not_ready);
    /// ```
    #[must_use]
    pub const fn new(key: ServiceKey, exposure: Exposure, ports: Vec<ServicePort>) -> Self {
        Self {
            key,
            exposure,
            ports,
            selector: None,
            affinity: None,
            external_traffic: TrafficPolicy::Cluster,
            internal_traffic: TrafficPolicy::Cluster,
            external_ips: Vec::new(),
            publish_not_ready: false,
            traffic_distribution: None,
            proxy_name: None,
            annotations: Vec::new(),
        }
    }
}

/// How a Service is reached. Each kind carries what only that kind has.
#[derive(Clone, Debug, PartialEq)]
pub enum Exposure {
    /// DNS answers with the endpoints themselves; there is no address and no forwarding. The families are those
    /// that slices are made for.
    Headless(Vec<Family>),
    /// One virtual address per family.
    ClusterIp(ClusterIps),
    /// The virtual addresses, and a port on every node for each service port.
    NodePort(ClusterIps),
    /// The same, and a load balancer in front.
    LoadBalancer(ClusterIps, LoadBalancer),
    /// Only a DNS alias, without the final dot.
    ExternalName(Arc<str>),
}

/// One virtual address, or one of each family with the preferred one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClusterIps {
    first: IpAddr,
    second: Option<IpAddr>,
}

/// What a load balancer has told about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadBalancer {
    /// Addresses that arrive at the node as they are (`ipMode: VIP`).
    pub vips: Vec<IpAddr>,
    /// Addresses at which the balancer is a proxy of its own (`ipMode: Proxy`): the node leaves them alone.
    pub proxies: Vec<IpAddr>,
    /// Its DNS names.
    pub hostnames: Vec<Arc<str>>,
    /// Who may use it; empty: everybody.
    pub source_ranges: Vec<IpNet>,
    /// Where it asks whether a node has endpoints; only with external policy Local.
    pub health_check_port: Option<Port>,
}

/// One port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// Empty when it is the only one.
    pub name: Arc<str>,
    /// Its protocol.
    pub protocol: Protocol,
    /// What clients connect to.
    pub port: Port,
    /// What pods listen on.
    pub target: TargetPort,
    /// The port on every node.
    pub node_port: Option<Port>,
    /// What is spoken on it.
    pub app_protocol: Option<Arc<str>>,
}

/// What pods listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetPort {
    /// The same number in each pod.
    Number(Port),
    /// A container port's name, looked up in each pod.
    Name(Arc<str>),
}

/// A client's connections go to one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affinity {
    /// How long after its last connection a client is remembered; 1 s to 1 day.
    pub timeout: Duration,
}

/// Which endpoints traffic may reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrafficPolicy {
    /// All.
    #[default]
    Cluster,
    /// Those on this node.
    Local,
}

/// Which endpoints the slice builder hints at (KEP-4444, KEP-3015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrafficDistribution {
    /// Those in the client's zone; `PreferClose` means the same.
    PreferSameZone,
    /// Those on the client's node, then those in its zone.
    PreferSameNode,
}

impl Service {
    /// Its cluster IPs; `None` when it has none.
    #[must_use]
    pub fn cluster_ips(&self) -> Option<&ClusterIps> {
        match &self.exposure {
            Exposure::ClusterIp(ips) | Exposure::NodePort(ips) | Exposure::LoadBalancer(ips, _) => {
                Some(ips)
            }
            Exposure::Headless(_) | Exposure::ExternalName(_) => None,
        }
    }

    /// What its load balancer has told, if it has one.
    #[must_use]
    pub fn load_balancer(&self) -> Option<&LoadBalancer> {
        match &self.exposure {
            Exposure::LoadBalancer(_, balancer) => Some(balancer),
            _ => None,
        }
    }
}

impl ClusterIps {
    /// One address.
    #[must_use]
    pub const fn single(addr: IpAddr) -> Self {
        Self { first: addr, second: None }
    }

    /// One of each family; `None` when both are of one.
    #[must_use]
    pub fn dual(first: IpAddr, second: IpAddr) -> Option<Self> {
        (Family::of(first) != Family::of(second)).then_some(Self { first, second: Some(second) })
    }

    /// The preferred one.
    #[must_use]
    pub const fn primary(&self) -> IpAddr {
        self.first
    }

    /// Both, or the only one.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + use<> {
        core::iter::once(self.first).chain(self.second)
    }

    /// The one of this family.
    #[must_use]
    pub fn of(&self, family: Family) -> Option<IpAddr> {
        self.iter().find(|addr| Family::of(*addr) == family)
    }
}
