//! Ports of the node that lead to its pods.
//!
//! What a container's `hostPort` asks for is done by the container network elsewhere (the portmap plugin); here
//! it is forwarding like any other. Pods on the host's own network need none.

use core::net::{IpAddr, SocketAddr};
use hashbrown::HashMap;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{HostPortKey, Item};
use crate::{
    Seed,
    model::{Family, NamespacedName, Pod},
};

/// Two or more pods want one port of the node.
#[derive(Clone, Debug)]
pub struct HostPortConflict<'a> {
    /// The port they want.
    pub key: HostPortKey,
    /// Who has it: the first by name.
    pub holder: &'a NamespacedName,
    /// Who does without, in the order of their names.
    pub others: Vec<&'a NamespacedName>,
}

/// All host ports of one node.
#[derive(Debug)]
pub(super) struct HostPorts {
    /// By port, then by who wants it; the first one has it.
    wishes: HashMap<HostPortKey, BTreeMap<NamespacedName, SocketAddr>, ahash::RandomState>,
    /// What each pod wants.
    of_pod: HashMap<NamespacedName, Vec<(HostPortKey, SocketAddr)>, ahash::RandomState>,
    contested: BTreeSet<HostPortKey>,
}

impl HostPorts {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            wishes: HashMap::with_hasher(seed.hasher()),
            of_pod: HashMap::with_hasher(seed.hasher()),
            contested: BTreeSet::new(),
        }
    }

    /// Where a port of the node leads.
    pub(super) fn target(&self, key: HostPortKey) -> Option<SocketAddr> {
        self.wishes.get(&key)?.values().next().copied()
    }

    /// All of them, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = HostPortKey> + '_ {
        self.wishes.keys().copied()
    }

    /// The ports that several pods want.
    pub(super) fn conflicts(&self) -> impl Iterator<Item = HostPortConflict<'_>> {
        self.contested.iter().filter_map(|key| {
            let mut pods = self.wishes.get(key)?.keys();
            Some(HostPortConflict { key: *key, holder: pods.next()?, others: pods.collect() })
        })
    }

    /// The pod exists, on this node, and looks like this now.
    pub(super) fn set(&mut self, pod: &Pod, mut changed: impl FnMut(Item)) {
        let wanted = wanted(pod);
        if self.of_pod.get(&pod.key).is_some_and(|had| *had == wanted) {
            return;
        }
        self.remove(&pod.key, &mut changed);
        for (key, target) in &wanted {
            let wishes = self.wishes.entry(*key).or_default();
            wishes.entry(pod.key.clone()).or_insert(*target);
            if wishes.len() > 1 {
                self.contested.insert(*key);
            }
            changed(Item::HostPort(*key));
        }
        if !wanted.is_empty() {
            self.of_pod.insert(pod.key.clone(), wanted);
        }
    }

    /// The pod is gone, or has moved away.
    pub(super) fn remove(&mut self, pod: &NamespacedName, mut changed: impl FnMut(Item)) {
        for (key, _) in self.of_pod.remove(pod).unwrap_or_default() {
            let Some(wishes) = self.wishes.get_mut(&key) else { continue };
            wishes.remove(pod);
            if wishes.len() < 2 {
                self.contested.remove(&key);
            }
            if wishes.is_empty() {
                self.wishes.remove(&key);
            }
            changed(Item::HostPort(key));
        }
    }
}

/// The ports of the node that a pod asks for, one entry per family it has an address of.
fn wanted(pod: &Pod) -> Vec<(HostPortKey, SocketAddr)> {
    let mut wanted = Vec::new();
    if pod.host_network {
        return wanted;
    }
    for container in &pod.ports {
        let Some(port) = container.host_port else { continue };
        for addr in &pod.addresses {
            let family = Family::of(*addr);
            let at = match container.host_ip {
                Some(at) if Family::of(at) != family => continue,
                at => at.filter(|at| !at.is_unspecified()),
            };
            let key = HostPortKey { family, addr: at, protocol: container.protocol, port };
            let target = SocketAddr::new(*addr, container.port.get());
            if !wanted.iter().any(|(taken, _)| *taken == key) {
                wanted.push((key, target));
            }
        }
    }
    wanted
}

/// The keys under which a packet to `(addr, protocol, port)` of the node may be expected, the exact one first.
pub(super) fn keys_of(
    addr: IpAddr,
    protocol: crate::model::Protocol,
    port: crate::model::Port,
) -> [HostPortKey; 2] {
    let family = Family::of(addr);
    [Some(addr), None].map(|addr| HostPortKey { family, addr, protocol, port })
}
