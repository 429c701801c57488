//! The zone at one moment: immutable, shared, and cheap to clone.

use core::net::IpAddr;
use std_alloc::sync::Arc;

use super::{
    addresses::Addresses,
    key,
    table::{Config, Table},
    trie::Trie,
};
use crate::model::NamespacedName;

/// Answers questions about the cluster as it was when the snapshot was taken.
///
/// Any number of threads may ask one snapshot; nothing in it changes. See [`Zone`](super::Zone) for an example.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) config: Arc<Config>,
    pub(super) services: Table,
    pub(super) imports: Table,
    /// Namespaces that have names.
    pub(super) namespaces: Trie<u64, Arc<str>>,
    /// Pods by address.
    pub(super) pods: Addresses<NamespacedName>,
    pub(super) serials: Serials,
    pub(super) synced: bool,
}

/// How often each kind of zone has changed.
///
/// ```
/// use svckit::dns::Serials;
///
/// let now = Serials { cluster: 3, external: 1, multicluster: 0 };
/// assert_ne!(now, Serials::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Serials {
    /// Of the cluster's zones, reverse zones among them.
    pub cluster: u32,
    /// Of external zones.
    pub external: u32,
    /// Of multicluster zones.
    pub multicluster: u32,
}

impl Snapshot {
    pub(super) fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            services: Table::default(),
            imports: Table::default(),
            namespaces: Trie::default(),
            pods: Addresses::default(),
            serials: Serials::default(),
            synced: false,
        }
    }

    /// Whether the source had told everything: until then, missing names answer SERVFAIL.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    /// The serials of its zones.
    #[must_use]
    pub fn serials(&self) -> Serials {
        self.serials
    }

    /// How many Services and imports have an entry.
    #[must_use]
    pub fn services(&self) -> usize {
        self.services.len() + self.imports.len()
    }

    /// Whether a namespace of this lower-cased label has names.
    pub(super) fn has_namespace(&self, lower: &[u8]) -> bool {
        let hash = key::hash(&self.config.hasher, lower);
        self.namespaces.get(hash).any(|known| known.as_bytes().eq_ignore_ascii_case(lower))
    }

    /// Whether a pod of this namespace has the address.
    pub(super) fn has_pod(&self, namespace: &[u8], address: IpAddr) -> bool {
        self.pods.get(address).any(|pod| pod.namespace.as_bytes().eq_ignore_ascii_case(namespace))
    }
}
