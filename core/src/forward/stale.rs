//! UDP flows that lead nowhere any more.

use core::net::SocketAddr;

use super::{Destination, FrontendKey, Proxy, merge::candidates};
use crate::model::{Family, Port, Protocol};

impl Proxy {
    /// Whether a UDP flow that was sent `to` one of our destinations is answered by a `server` that no longer serves
    /// there, so that it must be forgotten.
    ///
    /// Draining endpoints serve, and policies and hints play no part: who has an endpoint keeps it. A service port
    /// without endpoints serves nobody. Node ports count at the addresses at which they answer, and nowhere else:
    /// flows to that port of strangers are none of ours. (kube-proxy's clean-up, without its gaps.)
    #[must_use]
    pub fn is_stale(&self, to: SocketAddr, server: SocketAddr) -> bool {
        let Some(port) = Port::new(to.port()).filter(|_| self.is_synced()) else { return false };
        let at = Destination::Address(to.ip(), Protocol::Udp, port);
        let node_port = || {
            let ours = self.node().answers_node_ports(to.ip());
            let at = Destination::NodePort(Family::of(to.ip()), Protocol::Udp, port);
            self.holder(at).filter(|_| ours)
        };
        let holder = self.holder(at).or_else(node_port);
        holder.is_some_and(|(claim, _)| !self.serves(&claim.key, server))
    }

    /// Whether an endpoint of a service port still takes datagrams.
    fn serves(&self, key: &FrontendKey, server: SocketAddr) -> bool {
        let FrontendKey { name, family } = key;
        let Some(entry) = self.entry(&name.service) else { return false };
        let found = candidates(&entry.slices, &name.port, name.protocol, *family, "");
        let serving = |e: &super::Candidate<'_>| e.conditions.ready || e.conditions.serving;
        found.iter().any(|candidate| candidate.addr == server && serving(candidate))
    }
}
