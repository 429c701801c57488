//! What each look-up asks about the node, worked out once.

use core::net::IpAddr;
use std_alloc::{boxed::Box, vec::Vec};

use crate::forward::NodeConfig;

/// The node's own addresses, as far as they make a difference.
#[derive(Clone, Debug)]
pub(super) struct Here {
    /// Strangers that ask at loopback addresses are dropped.
    guarded: bool,
    /// Addresses other than loopback at which node ports answer.
    node_ports: Box<[IpAddr]>,
}

impl Here {
    pub(super) fn new(node: &NodeConfig) -> Self {
        let own = node.addresses.iter().copied();
        let answering = own.filter(|ip| !ip.is_loopback() && node.answers_node_ports(*ip));
        Self {
            guarded: node.localhost_node_ports(),
            node_ports: answering.collect::<Vec<_>>().into(),
        }
    }

    /// Whether a stranger asks at a loopback address.
    #[inline]
    pub(super) fn is_martian(&self, node: &NodeConfig, source: IpAddr, address: IpAddr) -> bool {
        self.guarded && address.is_loopback() && node.is_martian(source, address)
    }

    /// Whether node ports answer at this address.
    pub(super) fn answers_node_ports(&self, node: &NodeConfig, address: IpAddr) -> bool {
        if address.is_loopback() {
            self.guarded && node.answers_node_ports(address)
        } else {
            self.node_ports.contains(&address)
        }
    }
}
