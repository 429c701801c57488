//! The node's forwarding as nftables: data, not rules.
//!
//! ```text
//! prerouting, output ─▶ services ─▶ svc: address . protocol . port ─▶ 1:3 ─▶ kinds: goto c-n3 ─▶ (mark) ─▶ n3
//!                                └▶ node-svc: protocol . port ─▶ 2:3 ─▶ kinds: goto node-e-n3               │
//!                                              eps: address . protocol . port . slot ◀──────────────────────┘
//!                                               └▶ endpoint . port                           any slot of 3
//! ```
//!
//! There is no chain, rule or anonymous set per Service: kernels search all sets of a table for each of those, and
//! a cluster of 10,000 Services takes minutes to load. Here a Service is elements of named maps, and chains are
//! shared by all that have the same number of endpoints ([`Chain`] tells their names), which one small map knows by
//! number. One endpoint more or less is three to five elements in one transaction; chains for that many endpoints come
//! with it when they are new.
//!
//! Other maps hold what differs: external policy Local has two sets (`short` for pods and the node itself, `local`
//! for everybody else, in slots from 65,536 on), `rejected` and `dropped` hold what has no endpoints, `ranged` and `allowed`
//! keep strangers from load balancers' addresses, `hairpin` knows endpoints that may talk to themselves. Who has
//! affinity is found in `owners`, whose clients met whom in `sticky`, and where that is in `ids` and `by-id`: one
//! memory for all addresses of a service port, as kube-proxy has it.
//!
//! Some numbers lead to no chain that picks (`exceptions`): 0:1 and 0:2 stand for external policy Local, and 0:3 for
//! nowhere: a destination without endpoints has it, so that no pod's host port of that number gets its packets.
//!
//! Two tables, `ip svckit` and `ip6 svckit`; nothing of anybody else's is read or touched. [`Ruleset`] encodes them
//! for the kernel ([`netlink`]), [`full`] prints the same for people and for nft 1.0.6 or newer; kernels from 5.13
//! on.
//!
//! # Where this differs from [`Proxy::decide`]
//!
//! Only endpoints of this node are masqueraded when they are sent their own packets: those of other nodes don't come
//! by here. A client of IPv6 is remembered by a hash of its address; two with one hash share an endpoint. While the
//! first packet of a connection is on its way through the maps, its priority is borrowed; it is reset before it leaves.

mod chain;
mod change;
mod element;
mod elements;
mod kinds;
pub mod netlink;
mod owners;
mod rule;
mod set;
mod skeleton;
mod spread;
mod text;

pub use chain::{Chain, Mark, Pick};
pub use change::{EncodeError, Grouping, Load, Ruleset, WriteError};
pub use element::{At, Element, Key, Map, Value};
pub use skeleton::ENTRIES;

use core::fmt::{self, Write};
use std_alloc::vec::Vec;

use crate::forward::Proxy;

/// Writes everything a proxy forwards as input for `nft -f`: one transaction that replaces what was there.
///
/// The text is the same for equal states. Costs O(n log n) in the cluster.
///
/// ```
/// use svckit::{Seed, forward::{NodeConfig, Proxy}, model::Change, render::nft};
///
/// let mut proxy = Proxy::new(NodeConfig::default(), Seed([1, 2, 3, 4]));
/// proxy.apply(&Change::Synced);
/// let mut text = String::new();
/// nft::full(&proxy, &mut text)?;
/// assert!(text.starts_with("table ip svckit\ndelete table ip svckit\n"));
/// # Ok::<(), std::fmt::Error>(())
/// ```
pub fn full(proxy: &Proxy, out: &mut impl Write) -> fmt::Result {
    let mut items: Vec<_> = proxy.items().collect();
    items.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let items = items.iter().map(|(item, desired)| (item, desired));
    Ruleset::default().write_full(proxy.node(), items, out)
}

#[cfg(test)]
mod tests;
