//! An endpoint of one service port, as one node sees it.

use core::net::SocketAddr;
use std_alloc::{sync::Arc, vec::Vec};

use crate::model::Conditions;

/// An endpoint of one service port, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it listens; two endpoints of one service port never share it.
    pub addr: SocketAddr,
    /// Whether it can be used.
    pub conditions: Conditions,
    /// Whether it runs on this node.
    pub local: bool,
    /// Zones it is meant for.
    pub zone_hints: Vec<Arc<str>>,
    /// Nodes it is meant for.
    pub node_hints: Vec<Arc<str>>,
}

impl Endpoint {
    /// Of two that claim one address: a terminating one never replaces another, any other one does. Pods that end
    /// may share their address with those that follow.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        !self.conditions.terminating || other.conditions.terminating
    }
}
