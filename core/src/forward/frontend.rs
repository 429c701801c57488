//! What a node accepts for one service port of one family, and where it goes.

use core::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use ipnet::IpNet;
use std_alloc::{sync::Arc, vec::Vec};

use super::{Hints, NodeConfig};
use crate::model::{Family, Port, Protocol, ServicePortName, TrafficPolicy};

/// One service port of one family: what a proxy keeps state for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrontendKey {
    /// The service port.
    pub name: ServicePortName,
    /// The family; the two have nothing to do with each other.
    pub family: Family,
}

/// What a node accepts for one service port of one family, and where it goes.
///
/// Addresses and node ports that another service port holds are left out (see [`super::Conflict`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontend {
    /// Whose state this is; shared by all that name it.
    pub key: Arc<FrontendKey>,
    /// The port clients connect to, at all addresses.
    pub port: Port,
    /// The Service's virtual address.
    pub cluster_ip: Option<IpAddr>,
    /// Addresses of load balancers that arrive at the node as they are.
    pub vips: Vec<IpAddr>,
    /// Addresses that somebody else routes to the node; none of `vips` and not `cluster_ip`.
    pub external_ips: Vec<IpAddr>,
    /// The port at the node's own addresses.
    pub node_port: Option<Port>,
    /// Who may use `vips`, without overlaps; empty: everybody.
    pub source_ranges: Vec<IpNet>,
    /// Which endpoints traffic to the cluster IP may reach.
    pub internal: TrafficPolicy,
    /// The same for external addresses and the node port.
    pub external: TrafficPolicy,
    /// How long a client is remembered after its last connection; `None`: it isn't.
    pub affinity: Option<Duration>,
    /// The Service's annotations about balancing, see [`crate::balance::Policy`].
    pub annotations: Arc<[(Arc<str>, Arc<str>)]>,
    /// The endpoints.
    pub endpoints: Endpoints,
}

/// The endpoints of a frontend, in an order that survives changes: who stays keeps its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// For traffic with policy Cluster.
    pub cluster: Arc<[SocketAddr]>,
    /// For traffic with policy Local.
    pub local: Arc<[SocketAddr]>,
    /// The addresses of those above that run on this node, each once.
    pub here: Arc<[IpAddr]>,
    /// Whether there is anything to reach anywhere: decides between refusing and dropping.
    pub has_any: bool,
    /// What topology hints did to the cluster set.
    pub hints: Hints,
}

/// What becomes of traffic to an address when it has nowhere to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No endpoint anywhere: the client is told at once (ICMP port unreachable).
    Reject,
    /// Endpoints, but none that this traffic may reach: it looks like loss, and the client tries again.
    Drop,
}

impl Frontend {
    /// A service port that has no address, no node port and no endpoint yet, and no policy of its own.
    ///
    /// ```
    /// use svckit::{forward::{Frontend, FrontendKey}, model::{Family, NamespacedName, Protocol, ServicePortName}};
    ///
    /// let service = NamespacedName::new("shop", "web");
    /// let name = ServicePortName { service, port: "".into(), protocol: Protocol::Tcp };
    /// let web = Frontend::new(FrontendKey { name, family: Family::V4 }, 80.try_into()?);
    /// assert!(web.cluster_ip.is_none() && web.internal_endpoints().is_empty());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(key: impl Into<Arc<FrontendKey>>, port: Port) -> Self {
        Self {
            key: key.into(),
            port,
            cluster_ip: None,
            vips: Vec::new(),
            external_ips: Vec::new(),
            node_port: None,
            source_ranges: Vec::new(),
            internal: TrafficPolicy::Cluster,
            external: TrafficPolicy::Cluster,
            affinity: None,
            annotations: Arc::default(),
            endpoints: Endpoints::default(),
        }
    }

    /// The endpoints for traffic to the cluster IP.
    #[must_use]
    pub fn internal_endpoints(&self) -> &Arc<[SocketAddr]> {
        match self.internal {
            TrafficPolicy::Cluster => &self.endpoints.cluster,
            TrafficPolicy::Local => &self.endpoints.local,
        }
    }

    /// The endpoints for outside traffic to external addresses and the node port.
    #[must_use]
    pub fn external_endpoints(&self) -> &Arc<[SocketAddr]> {
        match self.external {
            TrafficPolicy::Cluster => &self.endpoints.cluster,
            TrafficPolicy::Local => &self.endpoints.local,
        }
    }

    /// What becomes of traffic to the cluster IP, if it can't be sent anywhere.
    #[must_use]
    pub fn internal_refusal(&self) -> Option<Refusal> {
        self.refusal(self.internal_endpoints())
    }

    /// The same for outside traffic to external addresses and the node port.
    #[must_use]
    pub fn external_refusal(&self) -> Option<Refusal> {
        self.refusal(self.external_endpoints())
    }

    pub(super) fn refusal(&self, endpoints: &[SocketAddr]) -> Option<Refusal> {
        match (endpoints.is_empty(), self.endpoints.has_any) {
            (false, _) => None,
            (true, true) => Some(Refusal::Drop),
            (true, false) => Some(Refusal::Reject),
        }
    }

    /// The protocol of all its traffic.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.key.name.protocol
    }

    /// The external addresses: the load balancers' first.
    pub fn external_addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.vips.iter().chain(&self.external_ips).copied()
    }

    /// Who may use `vips`: the source ranges, and the `vips` themselves if the node may, because a node that
    /// holds such an address talks from it. Empty: everybody.
    #[must_use]
    pub fn allowed_sources(&self, node: &NodeConfig) -> Vec<IpNet> {
        let mut allowed = self.source_ranges.clone();
        let primary = node.primary(self.key.family);
        if primary.is_some_and(|own| allowed.iter().any(|range| range.contains(&own))) {
            allowed.extend(self.vips.iter().copied().map(IpNet::from));
            allowed = IpNet::aggregate(&allowed);
        }
        allowed
    }
}

/// `shop/cart:http (IPv4)`.
impl fmt::Display for FrontendKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.family)
    }
}
