//! What a node's data plane holds, in pieces that change on their own.

use core::net::{IpAddr, SocketAddr};
use std_alloc::{collections::BTreeSet, sync::Arc};

use super::{Frontend, FrontendKey};
use crate::model::{Family, Port, Protocol};

/// Names one piece of a node's data plane.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// A service port of one family.
    Frontend(Arc<FrontendKey>),
    /// A cluster IP that some frontend has; what it doesn't accept there is refused.
    ClusterIp(IpAddr),
    /// An endpoint of this node that may be sent its own connections, which then need another source.
    Hairpin(IpAddr),
    /// A port of the node that leads to one of its pods.
    HostPort(HostPortKey),
}

/// A port of the node that leads to one of its pods (`hostPort` of a container).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPortKey {
    /// The family.
    pub family: Family,
    /// At this address of the node; `None`: at each.
    pub addr: Option<IpAddr>,
    /// Its protocol.
    pub protocol: Protocol,
    /// The port of the node.
    pub port: Port,
}

/// What stands behind an [`Item`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Desired {
    /// Of [`Item::Frontend`].
    Frontend(Arc<Frontend>),
    /// Of [`Item::ClusterIp`] and [`Item::Hairpin`]: that they are there is all there is to say.
    Present,
    /// Of [`Item::HostPort`]: the pod's address and port.
    HostPort(SocketAddr),
}

/// What has changed since somebody asked last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Everything: the node itself is another, or its state has only now become complete. `items` is empty.
    pub whole: bool,
    /// The items that are new, other than before, or gone.
    pub items: BTreeSet<Item>,
}

impl Item {
    /// Whether it is a service port of UDP: flows that it forwarded may be remembered after it has changed.
    #[must_use]
    pub fn is_udp(&self) -> bool {
        matches!(self, Self::Frontend(key) if key.name.protocol == Protocol::Udp)
    }
}

impl Changed {
    /// Whether nothing has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.whole && self.items.is_empty()
    }

    /// Notes one item.
    pub(super) fn note(&mut self, item: Item) {
        if !self.whole {
            self.items.insert(item);
        }
    }

    /// Notes everything.
    pub(super) fn note_all(&mut self) {
        self.whole = true;
        self.items.clear();
    }
}
