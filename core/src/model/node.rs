//! A machine of the cluster.

use core::net::IpAddr;
use ipnet::IpNet;
use std_alloc::{sync::Arc, vec::Vec};

/// A machine of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: Arc<str>,
    /// Its label `topology.kubernetes.io/zone`.
    pub zone: Option<Arc<str>>,
    /// Its internal addresses, then its external ones.
    pub addresses: Vec<IpAddr>,
    /// The ranges of its pods.
    pub pod_cidrs: Vec<IpNet>,
    /// Whether its Ready condition holds.
    pub ready: bool,
    /// Allocatable CPU in thousandths of a core.
    pub milli_cpu: u64,
    /// Whether it is a control-plane node, which topology hints leave out.
    pub control_plane: bool,
}
