//! The node that forwards: who it is, and what it was told.

use core::net::IpAddr;
use ipnet::IpNet;
use std_alloc::{sync::Arc, vec, vec::Vec};

use crate::model::{Family, Node};

/// The node whose forwarding is compiled.
///
/// `zone`, `addresses` may be left out: the cluster's own object for the node, when it is seen, fills them in.
///
/// ```
/// use svckit::forward::NodeConfig;
/// use svckit::model::Family;
///
/// let node = NodeConfig {
///     name: "node-1".into(),
///     pod_cidrs: vec!["10.244.0.0/16".parse()?],
///     ..NodeConfig::default()
/// };
/// assert!(node.is_pod("10.244.3.4".parse()?));
/// assert!(!node.detects_pods(Family::V6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NodeConfig {
    /// The node's name. Empty: no endpoint and no pod counts as local. Default: empty.
    pub name: Arc<str>,
    /// Its zone, for topology hints. Default: that of the Node object, or none.
    pub zone: Option<Arc<str>>,
    /// Its own addresses, the primary one of each family first. Loopback addresses need not be named.
    /// Default: those of the Node object.
    pub addresses: Vec<IpAddr>,
    /// Where pods' addresses come from, which tells pods from everybody else (kube-proxy's detect-local mode
    /// `ClusterCIDR`). A family without a range has no detector: nothing counts as a pod, and traffic to its
    /// cluster IPs keeps its source. Default: none.
    pub pod_cidrs: Vec<IpNet>,
    /// Rewrite the source of all traffic to cluster IPs. Default: no.
    pub masquerade_all: bool,
    /// At which of the node's addresses node ports answer. Default: the primary ones.
    pub node_port_addresses: NodePortAddresses,
    /// Whether node ports answer at IPv4 loopback addresses too, if `node_port_addresses` covers them. Kernels
    /// need `net.ipv4.conf.all.route_localnet=1` for it. Default: no.
    pub localhost_node_ports: bool,
    /// Where cluster IPs come from: addresses in there that nobody has are dropped. Default: none.
    pub service_cidrs: Vec<IpNet>,
    /// The families to forward; a Service takes part in those it has a cluster IP of. Default: both.
    pub families: Vec<Family>,
    /// Whether node hints are obeyed (Kubernetes' feature PreferSameTrafficDistribution). Default: yes.
    pub node_hints: bool,
}

/// At which of the node's addresses node ports answer.
///
/// Loopback addresses never do, but for [`NodeConfig::localhost_node_ports`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NodePortAddresses {
    /// The first address of each family; every local one while none is known.
    #[default]
    Primary,
    /// Every local one.
    All,
    /// Local ones in these ranges; in a family without a range, every local one.
    Ranges(Vec<IpNet>),
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            name: "".into(),
            zone: None,
            addresses: Vec::new(),
            pod_cidrs: Vec::new(),
            masquerade_all: false,
            node_port_addresses: NodePortAddresses::Primary,
            localhost_node_ports: false,
            service_cidrs: Vec::new(),
            families: vec![Family::V4, Family::V6],
            node_hints: true,
        }
    }
}

impl NodeConfig {
    /// This configuration, with what it leaves out taken from the node's object.
    #[must_use]
    pub fn completed(&self, node: Option<&Node>) -> Self {
        let mut whole = self.clone();
        let Some(node) = node else { return whole };
        if whole.zone.is_none() {
            whole.zone.clone_from(&node.zone);
        }
        if whole.addresses.is_empty() {
            whole.addresses.clone_from(&node.addresses);
        }
        whole
    }

    /// The node's main address of a family, if one is known.
    #[must_use]
    pub fn primary(&self, family: Family) -> Option<IpAddr> {
        self.addresses.iter().copied().find(|addr| Family::of(*addr) == family)
    }

    /// Whether the address is one of the node's own, as far as they are known.
    #[must_use]
    pub fn is_own(&self, addr: IpAddr) -> bool {
        addr.is_loopback() || self.addresses.contains(&addr)
    }

    /// Whether pods can be told from everybody else in this family.
    #[must_use]
    pub fn detects_pods(&self, family: Family) -> bool {
        self.pod_ranges(family).next().is_some()
    }

    /// Whether the address is a pod's.
    #[must_use]
    pub fn is_pod(&self, addr: IpAddr) -> bool {
        self.pod_cidrs.iter().any(|range| range.contains(&addr))
    }

    /// The pod ranges of a family.
    pub fn pod_ranges(&self, family: Family) -> impl Iterator<Item = IpNet> + '_ {
        of_family(&self.pod_cidrs, family)
    }

    /// The ranges of cluster IPs of a family.
    pub fn service_ranges(&self, family: Family) -> impl Iterator<Item = IpNet> + '_ {
        of_family(&self.service_cidrs, family)
    }

    /// The ranges whose local addresses answer at node ports, loopback aside; none: all local addresses do.
    pub fn node_port_ranges(&self, family: Family) -> impl Iterator<Item = IpNet> + '_ {
        let (one, ranges) = match &self.node_port_addresses {
            NodePortAddresses::Primary => (self.primary(family).map(IpNet::from), &[][..]),
            NodePortAddresses::All => (None, &[][..]),
            NodePortAddresses::Ranges(ranges) => {
                let all = of_family(ranges, family).any(|range| range.prefix_len() == 0);
                (None, if all { &[][..] } else { &ranges[..] })
            }
        };
        one.into_iter().chain(of_family(ranges, family))
    }

    /// Whether some range is meant, or there is none; `within` says whether a range is.
    fn node_ports_at(&self, family: Family, within: impl Fn(&IpNet) -> bool) -> bool {
        let mut ranges = self.node_port_ranges(family).peekable();
        ranges.peek().is_none() || ranges.any(|range| within(&range))
    }

    /// Whether node ports answer at IPv4 loopback addresses.
    #[must_use]
    pub fn localhost_node_ports(&self) -> bool {
        self.localhost_node_ports
            && self.node_ports_at(Family::V4, |range| range.addr().is_loopback())
    }

    /// Whether a packet for a loopback address comes from somewhere else. Kernels refuse those by themselves, unless
    /// node ports answer at loopback addresses: then it is ours to drop them.
    #[must_use]
    pub fn is_martian(&self, source: IpAddr, destination: IpAddr) -> bool {
        destination.is_ipv4()
            && destination.is_loopback()
            && !self.is_own(source)
            && self.localhost_node_ports()
    }

    /// Whether node ports answer at this address.
    #[must_use]
    pub fn answers_node_ports(&self, addr: IpAddr) -> bool {
        let covered = self.node_ports_at(Family::of(addr), |range| range.contains(&addr));
        if addr.is_loopback() {
            addr.is_ipv4() && self.localhost_node_ports() && covered
        } else {
            self.is_own(addr) && covered
        }
    }
}

/// The ranges of one family.
fn of_family(ranges: &[IpNet], family: Family) -> impl Iterator<Item = IpNet> + '_ {
    ranges.iter().copied().filter(move |range| Family::of(range.addr()) == family)
}
