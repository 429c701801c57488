//! The node's forwarding for IPVS: input for `ipvsadm --restore` and for `ipset restore -exist`.
//!
//! ```text
//! servers():  -A -t 10.96.0.10:80 -s rr               one virtual server per address and port,
//!             -a -t 10.96.0.10:80 -r 10.244.0.4:8080 -m -w 1       its endpoints behind it, by NAT
//! sets():     create KUBE-CLUSTER-IP hash:ip,port …    kube-proxy's 17 sets, which a fixed number of
//!             add KUBE-CLUSTER-IP 10.96.0.10,tcp:80    iptables rules look into: masquerading, source ranges
//! addresses(): 10.96.0.10                              what a dummy device (kube-ipvs0) must hold
//! ```
//!
//! Names and types of the sets are kube-proxy's (`pkg/proxy/ipvs`); those of IPv6 begin with `KUBE-6-`. Kubernetes gives
//! this mode up; it is here for who still has it, as text for whoever loads it. No kernel with IPVS was at hand: the
//! text is compared with what is expected, and not with what such a kernel does.
//!
//! # Where this differs from [`Proxy::decide`]
//!
//! A virtual server has one set of endpoints, whoever asks: with external policy Local, pods and the node itself
//! reach the endpoints of this node only. What has no endpoints is a virtual server with none, which IPVS refuses; it
//! can't drop. Host ports, and refusing strangers' ports and addresses, are no matter of IPVS.

mod set;

pub use set::{Set, SetType};

use core::{
    fmt::{self, Write},
    net::{IpAddr, SocketAddr},
};
use std_alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

use crate::{
    forward::{Frontend, Proxy},
    model::{Family, Protocol},
};

/// Writes the virtual servers of one family and the endpoints behind them, for `ipvsadm --restore`.
///
/// The text is the same for equal states. Costs O(n log n) in the cluster.
///
/// ```
/// use svckit::{Seed, forward::{NodeConfig, Proxy}, model::{Change, Family}, render::ipvs};
///
/// let mut proxy = Proxy::new(NodeConfig::default(), Seed([1, 2, 3, 4]));
/// proxy.apply(&Change::Synced);
/// let mut text = String::new();
/// ipvs::servers(&proxy, Family::V4, &mut text)?;
/// assert_eq!(text, "");
/// # Ok::<(), std::fmt::Error>(())
/// ```
pub fn servers(proxy: &Proxy, family: Family, out: &mut impl Write) -> fmt::Result {
    for frontend in frontends(proxy, family) {
        let inside = frontend.cluster_ip.map(|addr| (addr, frontend.port));
        let outside = frontend.external_addresses().map(|addr| (addr, frontend.port));
        let at_node = frontend.node_port.into_iter().flat_map(|port| {
            node_addresses(proxy, family).into_iter().map(move |addr| (addr, port))
        });
        if let Some((addr, port)) = inside {
            server(&frontend, (addr, port.get()).into(), frontend.internal_endpoints(), out)?;
        }
        for (addr, port) in outside.chain(at_node) {
            server(&frontend, (addr, port.get()).into(), frontend.external_endpoints(), out)?;
        }
    }
    Ok(())
}

/// Writes the sets of one family, for `ipset restore -exist`. Costs as [`servers`].
pub fn sets(proxy: &Proxy, family: Family, out: &mut impl Write) -> fmt::Result {
    let frontends = frontends(proxy, family);
    for set in Set::ALL {
        writeln!(out, "create {} {}", set.name(family), set.options(family))?;
        writeln!(out, "flush {}", set.name(family))?;
        let mut entries = BTreeSet::new();
        for frontend in &frontends {
            set.entries(frontend, proxy.node(), &node_addresses(proxy, family), &mut entries);
        }
        if set == Set::HealthCheckNodePort {
            entries.extend(proxy.health_checks().iter().map(|check| set::Entry::Port(check.port)));
        }
        for entry in entries {
            writeln!(out, "add {} {entry}", set.name(family))?;
        }
    }
    Ok(())
}

/// The addresses of one family that a dummy device must hold, so that the kernel takes in what is sent there.
#[must_use]
pub fn addresses(proxy: &Proxy, family: Family) -> BTreeSet<IpAddr> {
    let all = frontends(proxy, family);
    all.iter().flat_map(|f| f.cluster_ip.into_iter().chain(f.external_addresses())).collect()
}

/// All frontends of one family, by name.
fn frontends(proxy: &Proxy, family: Family) -> Vec<Arc<Frontend>> {
    let mut all: Vec<_> = proxy
        .frontends()
        .filter(|frontend| proxy.is_synced() && frontend.key.family == family)
        .cloned()
        .collect();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
}

/// The node's addresses of one family at which node ports answer.
fn node_addresses(proxy: &Proxy, family: Family) -> Vec<IpAddr> {
    let node = proxy.node();
    let answers = |addr: &&IpAddr| Family::of(**addr) == family && node.answers_node_ports(**addr);
    node.addresses.iter().filter(answers).copied().collect()
}

/// One virtual server.
fn server(
    frontend: &Frontend,
    at: SocketAddr,
    endpoints: &[SocketAddr],
    out: &mut impl Write,
) -> fmt::Result {
    let kind = match frontend.protocol() {
        Protocol::Tcp => "-t",
        Protocol::Udp => "-u",
        Protocol::Sctp => "--sctp-service",
    };
    write!(out, "-A {kind} {at} -s rr")?;
    if let Some(timeout) = frontend.affinity {
        write!(out, " -p {}", timeout.as_secs().max(1))?;
    }
    writeln!(out)?;
    endpoints.iter().try_for_each(|to| writeln!(out, "-a {kind} {at} -r {to} -m -w 1"))
}

#[cfg(test)]
mod tests;
