//! Which endpoints of a service port a node may use, and why.
//!
//! ```text
//!                         ready, hinted for here ─┐ else ready ─┐ else serving and terminating, anywhere
//! cluster set (Cluster)  ────────────────────────┘─────────────┘──────────────────────────────────────
//! local set   (Local)     ready here ─┐ else serving and terminating here
//! ```
//!
//! The rules are kube-proxy's (`pkg/proxy/topology.go`; KEP-1669 for draining endpoints, KEP-2433, KEP-4444 and
//! KEP-3015 for hints). Hints are obeyed for the node first, then for the zone, and only if *each* ready endpoint
//! has that kind of hint and some ready endpoint is meant for here: a half-hinted Service is not narrowed at all.
//! They play no part in local sets and among draining endpoints. Ready and draining endpoints never mix in one set.

use core::{fmt, net::SocketAddr};
use std_alloc::{sync::Arc, vec::Vec};

use crate::model::{Conditions, TrafficPolicy};

/// An endpoint as one node sees it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Where it listens; also what tells it from others.
    pub addr: SocketAddr,
    /// Whether it runs on this node.
    pub local: bool,
    /// Whether it can be used.
    pub conditions: Conditions,
    /// Zones it is meant for.
    pub zone_hints: &'a [Arc<str>],
    /// Nodes it is meant for.
    pub node_hints: &'a [Arc<str>],
}

/// Where endpoints are looked at from.
#[derive(Clone, Copy, Debug)]
pub struct Viewpoint<'a> {
    /// This node's name.
    pub node: &'a str,
    /// Its zone; empty when it has none.
    pub zone: &'a str,
    /// Whether node hints are obeyed.
    pub node_hints: bool,
}

/// Which sets a service port has any use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The cluster set: not internal-Local, or reachable from outside.
    pub cluster: bool,
    /// The local set: internal-Local, or external-Local and reachable from outside.
    pub local: bool,
}

impl Wanted {
    /// What policies ask for. `outside`: the service port has a node port or an external address.
    ///
    /// A Service with both policies Local still has a use for the cluster set if it can be reached from outside:
    /// pods and the node itself are led there as if they had come through the load balancer.
    #[must_use]
    pub fn of(internal: TrafficPolicy, external: TrafficPolicy, outside: bool) -> Self {
        let local = |policy| policy == TrafficPolicy::Local;
        Self {
            cluster: !local(internal) || outside,
            local: local(internal) || (local(external) && outside),
        }
    }
}

/// The endpoints a node may use for one service port.
///
/// ```
/// use svckit::forward::{Candidate, Viewpoint, Wanted, categorise};
/// use svckit::model::Conditions;
///
/// let (here, there) = ("10.0.0.1:80".parse()?, "10.0.1.1:80".parse()?);
/// let candidate = |addr, local, conditions| Candidate { addr, local, conditions, zone_hints: &[], node_hints: &[] };
/// let draining = Conditions { ready: false, serving: true, terminating: true };
/// let sets = categorise(
///     &[candidate(here, true, draining), candidate(there, false, Conditions::READY)],
///     Wanted { cluster: true, local: true },
///     Viewpoint { node: "node-1", zone: "", node_hints: true },
/// );
/// assert_eq!(sets.cluster, [there], "the ready one");
/// assert_eq!(sets.local, [here], "the only one here, draining as it is");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Categorised {
    /// For traffic with policy Cluster; empty also when the service port has no use for it.
    pub cluster: Vec<SocketAddr>,
    /// For traffic with policy Local; empty also when the service port has no use for it.
    pub local: Vec<SocketAddr>,
    /// Whether there is anything to reach anywhere: decides between refusing and dropping.
    pub has_any: bool,
    /// What the hints did to the cluster set.
    pub hints: Hints,
}

/// What the hints did to a cluster set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hints {
    /// It holds the ready endpoints meant for this node.
    Node,
    /// It holds the ready endpoints meant for this zone; node hints were no use.
    Zone {
        /// Why the node hints were ignored.
        node: Ignored,
    },
    /// It was not narrowed.
    Unused {
        /// Why the node hints were ignored.
        node: Ignored,
        /// Why the zone hints were ignored.
        zone: Ignored,
    },
}

/// Why hints of one kind were ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// The service port has no use for a cluster set.
    NotAsked,
    /// Hints of this kind are switched off.
    Disabled,
    /// No endpoint is ready.
    NoneReady,
    /// No ready endpoint has any.
    NoneGiven,
    /// Some ready endpoint has none.
    Incomplete,
    /// All have some, but none is for here.
    NotForHere,
}

/// Sorts the endpoints of one service port into the sets one node may use.
///
/// The order of `endpoints` is kept. Costs O(n) in the endpoints and their hints.
#[must_use]
pub fn categorise(endpoints: &[Candidate<'_>], wanted: Wanted, from: Viewpoint<'_>) -> Categorised {
    let mut sets = Categorised::default();
    if wanted.cluster {
        sets.hints = hints(endpoints, from);
        let narrowed = |e: &Candidate<'_>| match sets.hints {
            Hints::Node => names(e.node_hints, from.node),
            Hints::Zone { .. } => names(e.zone_hints, from.zone),
            Hints::Unused { .. } => true,
        };
        sets.cluster = pick(endpoints, |e| e.conditions.ready && narrowed(e));
        if sets.cluster.is_empty() {
            sets.cluster = pick(endpoints, |e| e.conditions.is_draining());
        }
        sets.has_any = !sets.cluster.is_empty();
    }
    if wanted.local {
        sets.local = pick(endpoints, |e| e.local && e.conditions.ready);
        if sets.local.is_empty() {
            sets.local = pick(endpoints, |e| e.local && e.conditions.is_draining());
        }
        sets.has_any |= endpoints.iter().any(|e| e.conditions.ready || e.conditions.is_draining());
    }
    sets
}

impl Categorised {
    /// Everything this node may send traffic to: both sets, each endpoint once.
    pub fn reachable(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        let more = self.local.iter().filter(|addr| !self.cluster.contains(addr));
        self.cluster.iter().chain(more).copied()
    }
}

fn pick(endpoints: &[Candidate<'_>], keep: impl Fn(&Candidate<'_>) -> bool) -> Vec<SocketAddr> {
    let mut picked = Vec::with_capacity(endpoints.len());
    picked.extend(endpoints.iter().filter(|e| keep(e)).map(|e| e.addr));
    picked
}

fn names(hints: &[Arc<str>], here: &str) -> bool {
    hints.iter().any(|name| **name == *here)
}

/// The rule the hints ask for: node before zone before none.
fn hints(endpoints: &[Candidate<'_>], from: Viewpoint<'_>) -> Hints {
    let node = if from.node_hints {
        usable(endpoints, from.node, |e| e.node_hints)
    } else {
        Err(Ignored::Disabled)
    };
    match (node, usable(endpoints, from.zone, |e| e.zone_hints)) {
        (Ok(()), _) => Hints::Node,
        (Err(node), Ok(())) => Hints::Zone { node },
        (Err(node), Err(zone)) => Hints::Unused { node, zone },
    }
}

/// Whether hints of one kind can be obeyed.
fn usable<'a>(
    endpoints: &[Candidate<'a>],
    here: &str,
    kind: impl Fn(&Candidate<'a>) -> &'a [Arc<str>],
) -> Result<(), Ignored> {
    let (mut ready, mut hinted, mut for_here) = (0_usize, 0_usize, false);
    for hints in endpoints.iter().filter(|e| e.conditions.ready).map(kind) {
        ready += 1;
        hinted += usize::from(!hints.is_empty());
        for_here |= names(hints, here);
    }
    match (ready, hinted) {
        (0, _) => Err(Ignored::NoneReady),
        (_, 0) => Err(Ignored::NoneGiven),
        _ if hinted < ready => Err(Ignored::Incomplete),
        _ if for_here => Ok(()),
        _ => Err(Ignored::NotForHere),
    }
}

/// Nobody asked.
impl Default for Hints {
    fn default() -> Self {
        Self::Unused { node: Ignored::NotAsked, zone: Ignored::NotAsked }
    }
}

impl Hints {
    /// The rule that was applied, in one word: `node`, `zone` or `none`.
    #[must_use]
    pub const fn mode(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Zone { .. } => "zone",
            Self::Unused { .. } => "none",
        }
    }
}

impl fmt::Display for Hints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node => f.write_str("only endpoints hinted for this node"),
            Self::Zone { node } => {
                write!(f, "only endpoints hinted for this zone (node hints: {node})")
            }
            Self::Unused { node, zone } if node == zone => write!(f, "hints ignored: {zone}"),
            Self::Unused { node, zone } => {
                write!(f, "hints ignored (for nodes: {node}; for zones: {zone})")
            }
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAsked => "no traffic uses them",
            Self::Disabled => "switched off",
            Self::NoneReady => "no endpoint is ready",
            Self::NoneGiven => "none are given",
            Self::Incomplete => "some ready endpoint has none",
            Self::NotForHere => "none are for here",
        })
    }
}
