//! Which endpoints of a service port may be used, for which traffic.
//!
//! 1. The *cluster set*: ready endpoints, those that topology hints name if the hints can be followed. If none is
//!    ready anywhere, those that still serve while they terminate, hints or not (KEP-1669).
//! 2. The *local set*: ready endpoints on this node; failing that, those here that still serve while they terminate.
//!    Hints never apply.
//!
//! Ready and draining endpoints are never mixed in one set. Hints are followed for nodes first, then for zones, and
//! only if *every* ready endpoint has one of the kind and some ready endpoint's names this node, or its zone.

use std_alloc::{sync::Arc, vec::Vec};

use super::Endpoint;
use crate::model::{Conditions, TrafficPolicy};

/// Who looks: a node.
#[derive(Clone, Copy, Debug)]
pub struct Viewpoint<'a> {
    /// The node's name.
    pub node: &'a str,
    /// Its zone; `None` when it has none.
    pub zone: Option<&'a str>,
    /// Whether hints for nodes are looked at (PreferSameTrafficDistribution, on since v1.35).
    pub node_hints: bool,
}

/// A service port's policies, as far as they decide on endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policies {
    /// For traffic to the cluster IPs.
    pub internal: TrafficPolicy,
    /// For traffic to everything else.
    pub external: TrafficPolicy,
    /// Whether there is anything else: node port, external IP or load balancer's address.
    pub externally_accessible: bool,
}

/// The endpoints that traffic may reach, as places in the list that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Categories {
    /// For policy Cluster; `None` when no traffic uses it.
    pub cluster: Option<Vec<usize>>,
    /// For policy Local; `None` when no traffic uses it.
    pub local: Option<Vec<usize>>,
    /// Either of them, in the order given.
    pub reachable: Vec<usize>,
    /// Whether the service has endpoints at all: decides between dropping (they are elsewhere) and rejecting.
    pub has_any: bool,
    /// How topology hints shaped the cluster set.
    pub hint_mode: HintMode,
}

/// How topology hints shape a cluster set, and why they don't.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HintMode {
    /// Endpoints meant for this node.
    Node,
    /// Endpoints meant for this node's zone.
    Zone,
    /// Ignored: no endpoint is ready, or no traffic uses the cluster set.
    #[default]
    NoneReady,
    /// Ignored: a ready endpoint has no hint.
    Unhinted,
    /// Ignored: the node has no zone.
    NoZone,
    /// Ignored: no ready endpoint is meant for here.
    NotForHere,
}

impl Policies {
    /// Whether any traffic uses the cluster set.
    ///
    /// External addresses with policy Local do too: traffic of this node's pods is short-circuited.
    #[must_use]
    pub fn uses_cluster(self) -> bool {
        self.internal == TrafficPolicy::Cluster || self.externally_accessible
    }

    /// Whether any traffic uses the local set.
    #[must_use]
    pub fn uses_local(self) -> bool {
        self.internal == TrafficPolicy::Local
            || (self.external == TrafficPolicy::Local && self.externally_accessible)
    }
}

/// Which of `endpoints` may be used, for which traffic. O(endpoints × hints).
#[must_use]
pub fn categorise(endpoints: &[Endpoint], policies: Policies, from: Viewpoint<'_>) -> Categories {
    let select = |wanted: &dyn Fn(&Endpoint) -> bool| -> Vec<usize> {
        endpoints
            .iter()
            .enumerate()
            .filter(|(_, endpoint)| wanted(endpoint))
            .map(|(n, _)| n)
            .collect()
    };
    let draining = |endpoint: &Endpoint| endpoint.conditions.is_draining();
    let hint_mode =
        if policies.uses_cluster() { hint_mode(endpoints, from) } else { HintMode::NoneReady };
    let cluster = policies.uses_cluster().then(|| {
        let set = select(&|endpoint| endpoint.conditions.ready && hint_mode.allows(endpoint, from));
        if set.is_empty() { select(&draining) } else { set }
    });
    let local = policies.uses_local().then(|| {
        let set = select(&|endpoint| endpoint.conditions.ready && endpoint.local);
        if set.is_empty() { select(&|endpoint| draining(endpoint) && endpoint.local) } else { set }
    });
    let usable = |Conditions { ready, .. }: Conditions, draining: bool| ready || draining;
    let elsewhere = local.is_some()
        && endpoints.iter().any(|e| usable(e.conditions, e.conditions.is_draining()));
    let in_set =
        |set: &Option<Vec<usize>>, n| set.as_ref().is_some_and(|set| set.binary_search(&n).is_ok());
    let reachable: Vec<usize> =
        (0..endpoints.len()).filter(|n| in_set(&cluster, *n) || in_set(&local, *n)).collect();
    Categories { has_any: elsewhere || !reachable.is_empty(), cluster, local, reachable, hint_mode }
}

impl HintMode {
    /// Whether a ready endpoint belongs to the cluster set.
    fn allows(self, endpoint: &Endpoint, from: Viewpoint<'_>) -> bool {
        match self {
            Self::Node => names(&endpoint.node_hints, from.node),
            Self::Zone => from.zone.is_some_and(|zone| names(&endpoint.zone_hints, zone)),
            _ => true,
        }
    }
}

fn hint_mode(endpoints: &[Endpoint], from: Viewpoint<'_>) -> HintMode {
    let ready: Vec<&Endpoint> =
        endpoints.iter().filter(|endpoint| endpoint.conditions.ready).collect();
    if ready.is_empty() {
        return HintMode::NoneReady;
    }
    let node_hinted =
        from.node_hints && ready.iter().all(|endpoint| !endpoint.node_hints.is_empty());
    if node_hinted && ready.iter().any(|endpoint| names(&endpoint.node_hints, from.node)) {
        return HintMode::Node;
    }
    if !ready.iter().all(|endpoint| !endpoint.zone_hints.is_empty()) {
        return if node_hinted { HintMode::NotForHere } else { HintMode::Unhinted };
    }
    match from.zone.filter(|zone| !zone.is_empty()) {
        None => HintMode::NoZone,
        Some(zone) if ready.iter().any(|endpoint| names(&endpoint.zone_hints, zone)) => {
            HintMode::Zone
        }
        Some(_) => HintMode::NotForHere,
    }
}

fn names(hints: &[Arc<str>], name: &str) -> bool {
    hints.iter().any(|hint| hint.as_ref() == name)
}
