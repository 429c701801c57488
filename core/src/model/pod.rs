//! A pod, as far as Services see it.

use core::net::IpAddr;
use std_alloc::{sync::Arc, vec::Vec};

use super::{Addresses, NamespacedName, Port, Protocol};
use crate::select::Labels;

/// A pod that has not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Namespace and name.
    pub key: NamespacedName,
    /// Unique in time and space; empty when the manifest has none.
    pub uid: Arc<str>,
    /// What selectors look at.
    pub labels: Labels,
    /// At most one per family, the first one first; none while it has no address.
    pub addresses: Addresses,
    /// Whether its Ready condition holds.
    pub ready: bool,
    /// Whether it is on its way out.
    pub terminating: bool,
    /// Where it runs.
    pub node: Option<Arc<str>>,
    /// Whether it uses the node's own addresses.
    pub host_network: bool,
    /// Its DNS label below the Service named `subdomain`.
    pub hostname: Option<Arc<str>>,
    /// The Service under whose name it has a DNS name.
    pub subdomain: Option<Arc<str>>,
    /// Ports of its containers: the regular ones first, then those of sidecars.
    pub ports: Vec<ContainerPort>,
}

impl Pod {
    /// Takes over the texts that another pod has too, as sisters do: then they are held once, and compared by their
    /// addresses. To be called for each pod of a list with the one before it.
    ///
    /// ```
    /// use svckit::{admit, api};
    ///
    /// let pod = || -> Result<_, serde_json::Error> {
    ///     serde_json::from_value(serde_json::json!({"metadata": {"name": "a", "labels": {"app": "web"}}, "spec": {}}))
    /// };
    /// let model = |pod: &api::Pod| admit::model::pod(pod).ok().flatten().ok_or("a pod");
    /// let (one, mut two) = (model(&pod()?)?, model(&pod()?)?);
    /// two.share_with(&one);
    /// assert_eq!(one, two, "it says what it said");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn share_with(&mut self, sister: &Self) {
        share(&mut self.key.namespace, &sister.key.namespace);
        share(&mut self.labels, &sister.labels);
        share(&mut self.node, &sister.node);
        share(&mut self.subdomain, &sister.subdomain);
    }
}

fn share<T: Clone + PartialEq>(own: &mut T, other: &T) {
    if own == other {
        own.clone_from(other);
    }
}

/// One port of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerPort {
    /// What Services may call it by; may be empty.
    pub name: Arc<str>,
    /// What the container listens on.
    pub port: Port,
    /// Its protocol.
    pub protocol: Protocol,
    /// The port of the node that leads here.
    pub host_port: Option<Port>,
    /// The node's address for `host_port`; `None`: all of them.
    pub host_ip: Option<IpAddr>,
}
