//! The sets: which there are, and what is in each.

use core::{fmt, net::IpAddr};
use ipnet::IpNet;
use std_alloc::{collections::BTreeSet, format, string::String, vec::Vec};

use crate::{
    forward::{Frontend, NodeConfig},
    model::{Family, Port, Protocol, TrafficPolicy},
};

/// Entries that a set may have.
const MOST: u32 = 65_536;

/// One of kube-proxy's sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Endpoints of this node, talking to themselves.
    LoopBack,
    /// Cluster IPs and ports.
    ClusterIp,
    /// External IPs and ports.
    ExternalIp,
    /// Those with external policy Local.
    ExternalIpLocal,
    /// Load balancers' addresses and ports.
    LoadBalancer,
    /// Those with external policy Local.
    LoadBalancerLocal,
    /// Those that not everybody may use.
    LoadBalancerFw,
    /// Addresses that may use them.
    LoadBalancerSourceIp,
    /// Ranges that may use them.
    LoadBalancerSourceCidr,
    /// Node ports, over this protocol.
    NodePort(Protocol),
    /// Those with external policy Local.
    NodePortLocal(Protocol),
    /// Ports at which load balancers ask for a node's health.
    HealthCheckNodePort,
    /// All addresses of virtual servers.
    IpvsIps,
}

/// What a set's entries look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetType {
    /// Addresses.
    Ip,
    /// Addresses and ports.
    IpPort,
    /// The same, and another address.
    IpPortIp,
    /// The same, and a range.
    IpPortNet,
    /// Ports.
    Port,
}

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entry {
    Ip(IpAddr),
    IpPort(IpAddr, Protocol, Port),
    IpPortNet(IpAddr, Protocol, Port, IpNet),
    Port(Port),
}

impl Set {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::LoopBack,
        Self::ClusterIp,
        Self::ExternalIp,
        Self::ExternalIpLocal,
        Self::LoadBalancer,
        Self::LoadBalancerLocal,
        Self::LoadBalancerFw,
        Self::LoadBalancerSourceIp,
        Self::LoadBalancerSourceCidr,
        Self::NodePort(Protocol::Tcp),
        Self::NodePortLocal(Protocol::Tcp),
        Self::NodePort(Protocol::Udp),
        Self::NodePortLocal(Protocol::Udp),
        Self::NodePort(Protocol::Sctp),
        Self::NodePortLocal(Protocol::Sctp),
        Self::HealthCheckNodePort,
        Self::IpvsIps,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self, family: Family) -> String {
        let name = match self {
            Self::LoopBack => "LOOP-BACK",
            Self::ClusterIp => "CLUSTER-IP",
            Self::ExternalIp => "EXTERNAL-IP",
            Self::ExternalIpLocal => "EXTERNAL-IP-LOCAL",
            Self::LoadBalancer => "LOAD-BALANCER",
            Self::LoadBalancerLocal => "LOAD-BALANCER-LOCAL",
            Self::LoadBalancerFw => "LOAD-BALANCER-FW",
            Self::LoadBalancerSourceIp => "LOAD-BALANCER-SOURCE-IP",
            Self::LoadBalancerSourceCidr => "LOAD-BALANCER-SOURCE-CIDR",
            Self::NodePort(Protocol::Tcp) => "NODE-PORT-TCP",
            Self::NodePort(Protocol::Udp) => "NODE-PORT-UDP",
            Self::NodePort(Protocol::Sctp) => "NODE-PORT-SCTP-HASH",
            Self::NodePortLocal(Protocol::Tcp) => "NODE-PORT-LOCAL-TCP",
            Self::NodePortLocal(Protocol::Udp) => "NODE-PORT-LOCAL-UDP",
            Self::NodePortLocal(Protocol::Sctp) => "NODE-PORT-LOCAL-SCTP-HASH",
            Self::HealthCheckNodePort => "HEALTH-CHECK-NODE-PORT",
            Self::IpvsIps => "IPVS-IPS",
        };
        let prefix = if family == Family::V4 { "KUBE" } else { "KUBE-6" };
        format!("{prefix}-{name}")
    }

    /// What its entries look like.
    #[must_use]
    pub const fn kind(self) -> SetType {
        match self {
            Self::IpvsIps => SetType::Ip,
            Self::LoopBack | Self::LoadBalancerSourceIp => SetType::IpPortIp,
            Self::LoadBalancerSourceCidr => SetType::IpPortNet,
            Self::NodePort(Protocol::Tcp | Protocol::Udp)
            | Self::NodePortLocal(Protocol::Tcp | Protocol::Udp)
            | Self::HealthCheckNodePort => SetType::Port,
            _ => SetType::IpPort,
        }
    }

    /// Its type and options, as `create` takes them.
    pub(super) fn options(self, family: Family) -> String {
        let kind = match self.kind() {
            SetType::Ip => "hash:ip",
            SetType::IpPort => "hash:ip,port",
            SetType::IpPortIp => "hash:ip,port,ip",
            SetType::IpPortNet => "hash:ip,port,net",
            SetType::Port => return "bitmap:port range 0-65535".into(),
        };
        let family = if family == Family::V4 { "inet" } else { "inet6" };
        format!("{kind} family {family} hashsize 1024 maxelem {MOST}")
    }

    /// Adds what of a frontend belongs in there; node ports answer at the addresses `at`.
    pub(super) fn entries(
        self,
        frontend: &Frontend,
        node: &NodeConfig,
        at: &[IpAddr],
        out: &mut BTreeSet<Entry>,
    ) {
        let protocol = frontend.protocol();
        let all = |addrs: &[IpAddr]| -> Vec<Entry> {
            addrs.iter().map(|addr| Entry::IpPort(*addr, protocol, frontend.port)).collect()
        };
        let local = frontend.external == TrafficPolicy::Local;
        let allowed = frontend.allowed_sources(node);
        match self {
            Self::LoopBack => out.extend(loop_backs(frontend)),
            Self::ClusterIp => {
                out.extend(frontend.cluster_ip.iter().flat_map(|addr| all(&[*addr])))
            }
            Self::ExternalIpLocal if !local => {}
            Self::ExternalIp | Self::ExternalIpLocal => out.extend(all(&frontend.external_ips)),
            Self::LoadBalancerLocal if !local => {}
            Self::LoadBalancerFw if allowed.is_empty() => {}
            Self::LoadBalancer | Self::LoadBalancerLocal | Self::LoadBalancerFw => {
                out.extend(all(&frontend.vips));
            }
            Self::LoadBalancerSourceIp | Self::LoadBalancerSourceCidr => {
                let single = self == Self::LoadBalancerSourceIp;
                let alone = |range: &IpNet| range.prefix_len() == range.max_prefix_len();
                let ranges = allowed.iter().filter(|range| alone(range) == single);
                for range in ranges {
                    let from = |addr| Entry::IpPortNet(addr, protocol, frontend.port, *range);
                    out.extend(frontend.vips.iter().copied().map(from));
                }
            }
            Self::NodePort(of) | Self::NodePortLocal(of) if of != protocol => {}
            Self::NodePortLocal(_) if !local => {}
            Self::NodePort(of) | Self::NodePortLocal(of) => {
                let Some(port) = frontend.node_port else { return };
                if of == Protocol::Sctp {
                    out.extend(at.iter().map(|addr| Entry::IpPort(*addr, protocol, port)));
                } else {
                    out.insert(Entry::Port(port));
                }
            }
            Self::HealthCheckNodePort => {}
            Self::IpvsIps => {
                let addresses =
                    frontend.cluster_ip.into_iter().chain(frontend.external_addresses());
                out.extend(addresses.map(Entry::Ip));
            }
        }
    }
}

/// This node's endpoints of a frontend, each talking to itself.
fn loop_backs(frontend: &Frontend) -> impl Iterator<Item = Entry> + '_ {
    let endpoints = &frontend.endpoints;
    let all = endpoints.cluster.iter().chain(&*endpoints.local);
    all.filter(|to| endpoints.here.contains(&to.ip())).filter_map(|to| {
        let port = Port::new(to.port())?;
        Some(Entry::IpPortNet(to.ip(), frontend.protocol(), port, to.ip().into()))
    })
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |f: &mut fmt::Formatter<'_>, addr, protocol: Protocol, port| {
            write!(f, "{addr},{}:{port}", protocol.as_lower())
        };
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::IpPort(addr, protocol, port) => at(f, addr, *protocol, port),
            Self::IpPortNet(addr, protocol, port, range) => {
                at(f, addr, *protocol, port)?;
                if range.prefix_len() == range.max_prefix_len() {
                    write!(f, ",{}", range.addr())
                } else {
                    write!(f, ",{range}")
                }
            }
            Self::Port(port) => port.fmt(f),
        }
    }
}
