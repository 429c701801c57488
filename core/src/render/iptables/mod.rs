//! The node's forwarding as iptables rules: kube-proxy's chains, as input for `iptables-restore --noflush`.
//!
//! ```text
//! nat: PREROUTING, OUTPUT ─▶ KUBE-SERVICES ─ cluster IP ───────────────────────▶ KUBE-SVC-… (or KUBE-SVL-…)
//!                              │      └─ external IP ─▶ KUBE-EXT-… ─▶ KUBE-SVC-…, KUBE-SVL-…       │ statistic,
//!                              │      └─ load balancer ─▶ KUBE-FW-… (source ranges) ─▶ KUBE-EXT-…  │ recent
//!                              ├─ local address ─▶ KUBE-NODEPORTS ─▶ KUBE-EXT-…                    ▼
//!                              └─ local address ─▶ KUBE-HOSTPORTS ─▶ KUBE-HP-…               KUBE-SEP-…: DNAT
//!      POSTROUTING ─▶ KUBE-POSTROUTING: masquerades what KUBE-MARK-MASQ has marked
//!
//! filter: KUBE-SERVICES, KUBE-EXTERNAL-SERVICES   what has no endpoints: reject or drop
//!         KUBE-PROXY-FIREWALL                     who may not use a load balancer's address: drop
//!         KUBE-FORWARD, KUBE-NODEPORTS            what is forwarded, and health checks: accept
//! ```
//!
//! Names, hashes and the order of rules are kube-proxy's, and so is what a chain does, so that whoever can read the
//! one can read the other, and one may take over from the other. A connection's first packet walks KUBE-SERVICES
//! rule by rule: this is for machines without nftables, and for habits.
//!
//! # Where this differs from kube-proxy
//!
//! It does what [`Proxy::decide`] says, and with that what kube-proxy's nftables mode does: ports of cluster IPs that
//! nobody has are refused, and addresses of the service ranges that nobody has are dropped (KUBE-CLUSTER-IPS); source
//! ranges hold for Services without endpoints; what is refused at an address can't be taken by a node port of the same
//! number; the node's own connections to external addresses without endpoints are refused too; refused TCP
//! connections get a reset. Ports of the node that lead to pods (KUBE-HOSTPORTS, KUBE-HP-…) are here as well. There
//! are no canary chains: [`Ruleset::differences`] finds what somebody else has changed.
//!
//! A client with affinity is remembered per endpoint by the kernel's `recent` match, which keeps 100 clients per
//! endpoint unless `xt_recent` is loaded with a larger `ip_list_tot`.

mod fixed;
mod name;
mod pieces;
mod rule;
mod rules;
mod ruleset;
mod saved;

pub use name::{ChainName, Kind, Table};
pub use ruleset::Ruleset;
pub use saved::Saved;

use core::fmt::{self, Write};

use crate::{forward::Proxy, model::Family};

/// Writes everything a proxy forwards in one family as input for `iptables-restore --noflush`, or
/// `ip6tables-restore`, of a kernel that holds nothing of ours yet.
///
/// Loaded a second time, it inserts the jumps to our chains again, which does no harm; [`Ruleset::write`] knows what
/// is there. The text is the same for equal states. Costs O(n log n) in the cluster.
///
/// ```
/// use svckit::{Seed, forward::{NodeConfig, Proxy}, model::{Change, Family}, render::iptables};
///
/// let mut proxy = Proxy::new(NodeConfig::default(), Seed([1, 2, 3, 4]));
/// proxy.apply(&Change::Synced);
/// let mut text = String::new();
/// iptables::full(&proxy, Family::V4, &mut text)?;
/// assert!(text.contains("-I PREROUTING -j KUBE-SERVICES\n"));
/// # Ok::<(), std::fmt::Error>(())
/// ```
pub fn full(proxy: &Proxy, family: Family, out: &mut impl Write) -> fmt::Result {
    let mut ruleset = Ruleset::new(family);
    ruleset.reset(proxy.items(), proxy);
    ruleset.write_full(&Saved::default(), out)
}

#[cfg(test)]
mod tests;
