//! What a cluster's administrator decides: ranges, domain, policies.

use core::{net::IpAddr, time::Duration};
use ipnet::IpNet;
use std_alloc::{string::String, vec::Vec};

use crate::{
    admit,
    alloc::PortRange,
    dns::{Name, PodRecords},
    forward::NodePortAddresses,
};

mod derive;

#[cfg(feature = "serde")]
mod read;
#[cfg(feature = "serde")]
pub use read::SETTINGS_KEYS;

/// Settings of a cluster; the keys of a settings file have the same names in camel case.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// Ranges for cluster IPs, any number per family, the preferred ones first. Default: `10.96.0.0/12`.
    pub service_cidrs: Vec<IpNet>,
    /// Node ports. Default: `30000-32767`.
    pub node_port_range: PortRange,
    /// Where pods live; tells pod traffic from the rest. Empty: not known. Default: `10.244.0.0/16`.
    pub pod_cidrs: Vec<IpNet>,
    /// The domain of all names. Default: `cluster.local`.
    pub cluster_domain: Name,
    /// Where pods ask for names. Default: the tenth address of the first service range.
    pub dns_service_ip: Option<IpAddr>,
    /// Which node this is. Default: the host's name, which the caller knows.
    pub node: Option<String>,
    /// This node's own addresses, the preferred one first. Default: those of its Node object.
    pub node_addresses: Vec<IpAddr>,
    /// The node's zone. Default: that of its Node object.
    pub node_zone: Option<String>,
    /// Where node ports are served. Default: the node's primary addresses.
    pub node_port_addresses: NodePortAddresses,
    /// Rewrite the source of all traffic to Services. Default: no.
    pub masquerade_all: bool,
    /// Serve node ports on loopback addresses too. Default: no.
    pub localhost_node_ports: bool,
    /// Which Ingresses are ours; empty: those of the classes present, and those without one. Default: empty.
    pub ingress_classes: Vec<String>,
    /// Where PTR questions are answered; empty: service and pod ranges. Default: empty.
    pub reverse_zones: Vec<IpNet>,
    /// Seconds that DNS answers may be kept, 0 to 3600. Default: 5.
    pub dns_ttl: u32,
    /// Which pods have names of their own. Default: `insecure`.
    pub pod_records: PodRecords,
    /// Whether a pod's first question is answered for its whole search list; the pods' addresses are followed for that.
    /// Default: no.
    pub autopath: bool,
    /// A zone in which one search domain stands for a whole list, as `search.shop.cluster.local.ap.k8s.io` does for
    /// the pods of `shop`. Default: none.
    pub search_zone: Option<Name>,
    /// Who answers for other names. Default: the system's resolvers.
    pub upstream_dns: UpstreamDns,
    /// Quirks of the reference systems to imitate, by name. Default: none.
    pub compat: Vec<String>,
    /// The shortest time between two changes of the kernel. Default: none.
    pub sync_min_period: Duration,
}

/// Who answers for names outside the cluster's domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UpstreamDns {
    /// The resolvers of the system.
    #[default]
    System,
    /// Nobody: such questions are refused.
    None,
    /// These resolvers, on port 53.
    Addresses(Vec<IpAddr>),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            service_cidrs: Vec::from([v4(10, 96, 12)]),
            node_port_range: PortRange::DEFAULT,
            pod_cidrs: Vec::from([v4(10, 244, 16)]),
            cluster_domain: Name::cluster_local(),
            dns_service_ip: None,
            node: None,
            node_addresses: Vec::new(),
            node_zone: None,
            node_port_addresses: NodePortAddresses::default(),
            masquerade_all: false,
            localhost_node_ports: false,
            ingress_classes: Vec::new(),
            reverse_zones: Vec::new(),
            dns_ttl: 5,
            pod_records: PodRecords::default(),
            autopath: false,
            search_zone: None,
            upstream_dns: UpstreamDns::default(),
            compat: Vec::new(),
            sync_min_period: Duration::ZERO,
        }
    }
}

impl Settings {
    /// The defaults of a cluster that lives on the loopback addresses of one machine.
    #[must_use]
    pub fn loopback() -> Self {
        Self {
            service_cidrs: Vec::from([v4(127, 96, 16)]),
            pod_cidrs: Vec::from([v4(127, 97, 16)]),
            // Its node has no other addresses.
            localhost_node_ports: true,
            ..Self::default()
        }
    }

    /// What the registry of Services needs of these.
    pub(super) fn admission(&self) -> admit::Settings {
        let mut settings = admit::Settings::default();
        settings.service_cidrs.clone_from(&self.service_cidrs);
        settings.node_ports = self.node_port_range;
        settings.gates = self.gates();
        settings
    }

    /// Which writes are accepted.
    pub(super) fn gates(&self) -> admit::Gates {
        admit::Gates::default()
    }

    /// The name of this node: where pods run that don't say.
    #[must_use]
    pub fn node_name(&self) -> &str {
        self.node.as_deref().unwrap_or("localhost")
    }

    /// Where pods ask for names: as set, else the tenth address of the first service range.
    #[must_use]
    pub fn dns_address(&self) -> Option<IpAddr> {
        self.dns_service_ip.or_else(|| match self.service_cidrs.first()?.network() {
            IpAddr::V4(base) => Some(IpAddr::V4(u32::from(base).checked_add(10)?.into())),
            IpAddr::V6(base) => Some(IpAddr::V6(u128::from(base).checked_add(10)?.into())),
        })
    }
}

/// `a.b.0.0/prefix`.
const fn v4(a: u8, b: u8, prefix: u8) -> IpNet {
    IpNet::V4(ipnet::Ipv4Net::new_assert(core::net::Ipv4Addr::new(a, b, 0, 0), prefix))
}
