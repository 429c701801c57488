//! What happens to the first packet of a connection: the specification of every data plane.
//!
//! ```text
//! packet ─▶ a service address? ─▶ (source ranges) ─▶ cluster IP: its set         masquerade: see below
//!      │                                          └▶ external:   Cluster: cluster set, always masqueraded
//!      │                                                         Local:   from a pod ─▶ cluster set, source kept
//!      │                                                                  from this node ─▶ cluster set, masqueraded
//!      │                                                                  else ─▶ local set, source kept
//!      ├▶ a node port at one of the node's addresses? ─▶ as external
//!      ├▶ a host port? ─▶ the pod
//!      ├▶ another port of a cluster IP? ─▶ reject
//!      └▶ an address of a service range that nobody has? ─▶ drop       else ─▶ pass
//! ```
//!
//! Traffic to a cluster IP is masqueraded when everything is to be, or when pods can be told from others and its
//! source isn't one. Whoever is sent its own packet is masqueraded in every case. Later packets of a connection
//! follow the first (connection tracking). This is kube-proxy's nftables mode; its iptables mode lets the two
//! cases before the last one pass.

use core::net::{IpAddr, SocketAddr};
use std_alloc::{sync::Arc, vec, vec::Vec};

use super::{
    Destination, Frontend, FrontendKey, HostPortKey, Proxy, Refusal, Role, Step, host_port::keys_of,
};
use crate::model::{Family, Port, Protocol, TrafficPolicy};

/// The first packet of a connection, as it reaches the node or leaves one of its processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who sends it.
    pub source: IpAddr,
    /// Where it is sent; of the source's family.
    pub destination: IpAddr,
    /// Its protocol.
    pub protocol: Protocol,
    /// The port it is sent to.
    pub port: Port,
}

/// What becomes of a packet, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What is done with it.
    pub verdict: Verdict,
    /// Whether its source is rewritten.
    pub snat: Snat,
    /// The service port it was for, if it was for one.
    pub service: Option<FrontendKey>,
    /// What led there, in order.
    pub steps: Vec<Step>,
}

/// What is done with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes to any one of these; never empty.
    Dnat(Arc<[SocketAddr]>),
    /// It is refused: ICMP port unreachable.
    Reject,
    /// It vanishes.
    Drop,
    /// It is none of our business.
    Pass,
}

/// Whether a packet's source is rewritten to the node's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snat {
    /// Not at all.
    Never,
    /// Only if it goes back to its own sender.
    Hairpin,
    /// Wherever it goes.
    Always,
}

impl Snat {
    /// Whether the source of a packet from `source` to `endpoint` is rewritten.
    #[must_use]
    pub fn applies(self, source: IpAddr, endpoint: SocketAddr) -> bool {
        match self {
            Self::Never => false,
            Self::Hairpin => source == endpoint.ip(),
            Self::Always => true,
        }
    }
}

impl Verdict {
    /// The word for it in JSON and tables: `dnat`, `reject`, `drop` or `pass`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Dnat(_) => "dnat",
            Self::Reject => "reject",
            Self::Drop => "drop",
            Self::Pass => "pass",
        }
    }

    /// Where it may go; empty when it isn't forwarded.
    #[must_use]
    pub fn endpoints(&self) -> &[SocketAddr] {
        match self {
            Self::Dnat(to) => to,
            _ => &[],
        }
    }
}

impl Decision {
    /// Whether the packet's source is rewritten wherever it goes.
    #[must_use]
    pub fn masquerades(&self, packet: &Packet) -> bool {
        let to = self.verdict.endpoints();
        !to.is_empty() && to.iter().all(|endpoint| self.snat.applies(packet.source, *endpoint))
    }

    fn of(frontend: &Frontend, verdict: Verdict, snat: Snat, steps: Vec<Step>) -> Self {
        let snat = if verdict.endpoints().is_empty() { Snat::Never } else { snat };
        Self { verdict, snat, service: Some((*frontend.key).clone()), steps }
    }

    const fn plain(verdict: Verdict, steps: Vec<Step>) -> Self {
        Self { verdict, snat: Snat::Never, service: None, steps }
    }
}

/// Packets are checked against the state as it is; the calls cost a few look-ups and one clone of an `Arc`.
impl Proxy {
    /// What happens to the first packet of a connection.
    #[must_use]
    pub fn decide(&self, packet: &Packet) -> Decision {
        let family = Family::of(packet.destination);
        if Family::of(packet.source) != family || !self.node().families.contains(&family) {
            return Decision::plain(Verdict::Pass, vec![Step::OtherFamily]);
        }
        if self.node().is_martian(packet.source, packet.destination) {
            return Decision::plain(Verdict::Drop, vec![Step::Martian]);
        }
        self.at_address(packet)
            .or_else(|| self.at_node_port(packet))
            .or_else(|| self.at_host_port(packet))
            .unwrap_or_else(|| self.unclaimed(packet))
    }

    fn at_address(&self, packet: &Packet) -> Option<Decision> {
        let Packet { source, destination, protocol, port } = *packet;
        let (claim, frontend) = self.holder(Destination::Address(destination, protocol, port))?;
        let mut steps = vec![Step::At(claim.role, (*frontend.key).clone())];
        if claim.role == Role::ClusterIp {
            return Some(self.to_cluster_ip(packet, frontend, steps));
        }
        let allowed = frontend.allowed_sources(self.node());
        if claim.role == Role::Vip && !allowed.is_empty() {
            let inside = allowed.iter().any(|range| range.contains(&source));
            steps.push(Step::SourceRange { inside });
            if !inside {
                return Some(Decision::of(frontend, Verdict::Drop, Snat::Never, steps));
            }
        }
        Some(self.to_outside(packet, frontend, steps))
    }

    fn at_node_port(&self, packet: &Packet) -> Option<Decision> {
        let Packet { destination, protocol, port, .. } = *packet;
        if !self.node().answers_node_ports(destination) {
            return None;
        }
        let node_port = Destination::NodePort(Family::of(destination), protocol, port);
        let (claim, frontend) = self.holder(node_port)?;
        let steps = vec![Step::At(claim.role, (*frontend.key).clone())];
        Some(self.to_outside(packet, frontend, steps))
    }

    fn at_host_port(&self, packet: &Packet) -> Option<Decision> {
        let Packet { destination, protocol, port, .. } = *packet;
        let loopback = destination.is_loopback();
        let here = self.node().is_own(destination);
        if !here || (loopback && !self.node().answers_node_ports(destination)) {
            return None;
        }
        let pod_at = |key: HostPortKey| Some((key, self.host_ports.target(key)?));
        let (_, pod) = keys_of(destination, protocol, port).into_iter().find_map(pod_at)?;
        let snat = if loopback { Snat::Always } else { Snat::Hairpin };
        let verdict = Verdict::Dnat([pod].into());
        Some(Decision { verdict, snat, service: None, steps: vec![Step::HostPort(pod)] })
    }

    /// Nobody accepts it; cluster IPs and their ranges are refused all the same.
    fn unclaimed(&self, packet: &Packet) -> Decision {
        let destination = packet.destination;
        if self.counts.cluster_ips.has(destination) {
            return Decision::plain(Verdict::Reject, vec![Step::UnknownPort]);
        }
        let mut ranges = self.node().service_ranges(Family::of(destination));
        if self.is_synced() && ranges.any(|range| range.contains(&destination)) {
            return Decision::plain(Verdict::Drop, vec![Step::UnallocatedAddress]);
        }
        Decision::plain(Verdict::Pass, vec![Step::NotOurs])
    }

    fn to_cluster_ip(
        &self,
        packet: &Packet,
        frontend: &Frontend,
        mut steps: Vec<Step>,
    ) -> Decision {
        let to = frontend.internal_endpoints();
        steps.push(Step::Set(frontend.internal));
        if frontend.internal == TrafficPolicy::Cluster {
            steps.push(Step::Hints(frontend.endpoints.hints));
        }
        let node = self.node();
        let snat = if node.masquerade_all {
            Snat::Always
        } else if node.detects_pods(frontend.key.family) && !node.is_pod(packet.source) {
            steps.push(Step::NotAPod);
            Snat::Always
        } else {
            Snat::Hairpin
        };
        finish(frontend, to, snat, steps)
    }

    /// To an external address or a node port.
    fn to_outside(&self, packet: &Packet, frontend: &Frontend, mut steps: Vec<Step>) -> Decision {
        let node = self.node();
        let endpoints = &frontend.endpoints;
        if frontend.external == TrafficPolicy::Cluster {
            steps.extend([Step::Set(TrafficPolicy::Cluster), Step::Hints(endpoints.hints)]);
            return finish(frontend, &endpoints.cluster, Snat::Always, steps);
        }
        let own = node.is_own(packet.source);
        if node.is_pod(packet.source) {
            steps.extend([Step::ShortCircuitPod, Step::Hints(endpoints.hints)]);
            return finish(frontend, &endpoints.cluster, Snat::Hairpin, steps);
        }
        if own {
            steps.extend([Step::ShortCircuitNode, Step::Hints(endpoints.hints)]);
            return finish(frontend, &endpoints.cluster, Snat::Always, steps);
        }
        steps.push(Step::Set(TrafficPolicy::Local));
        finish(frontend, &endpoints.local, Snat::Hairpin, steps)
    }
}

/// Sends it to the set, or refuses it when there is nothing in it.
fn finish(
    frontend: &Frontend,
    to: &Arc<[SocketAddr]>,
    snat: Snat,
    mut steps: Vec<Step>,
) -> Decision {
    match frontend.refusal(to) {
        None => Decision::of(frontend, Verdict::Dnat(to.clone()), snat, steps),
        Some(refusal) => {
            steps.push(Step::Empty(refusal));
            let verdict = match refusal {
                Refusal::Reject => Verdict::Reject,
                Refusal::Drop => Verdict::Drop,
            };
            Decision::of(frontend, verdict, Snat::Never, steps)
        }
    }
}
