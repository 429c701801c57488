//! A part of a Service's endpoints.

use core::net::IpAddr;
use smallvec::SmallVec;
use std_alloc::{boxed::Box, sync::Arc, vec::Vec};

use super::{Family, NamespacedName, Port, Protocol, ServiceKey};

/// Endpoints of one family that share their ports.
///
/// Slices of address type FQDN never come this far: no consumer of ours can use a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSlice {
    /// Namespace and name of the slice.
    pub key: NamespacedName,
    /// Whose endpoints they are; in the same namespace.
    pub service: ServiceKey,
    /// Of all addresses.
    pub family: Family,
    /// Of all endpoints; empty: the endpoints have addresses but no ports.
    pub ports: Vec<SlicePort>,
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
}

/// One port of a slice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlicePort {
    /// The Service port's name.
    pub name: Arc<str>,
    /// Its protocol.
    pub protocol: Protocol,
    /// What the pods listen on; `None`: all ports, which proxies can't use.
    pub port: Option<Port>,
    /// What is spoken on it.
    pub app_protocol: Option<Arc<str>>,
}

/// One backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Interchangeable addresses of the slice's family, at least one; consumers use the first.
    pub addresses: Addresses,
    /// Whether it can be used.
    pub conditions: Conditions,
    /// Its DNS label below the Service's name.
    pub hostname: Option<Arc<str>>,
    /// The node it runs on.
    pub node: Option<Arc<str>>,
    /// The zone of that node.
    pub zone: Option<Arc<str>>,
    /// For whom it is meant; `None`: for everybody. Few have hints, so that all others are the smaller.
    pub hints: Option<Box<Hints>>,
    /// The pod behind it.
    pub pod: Option<NamespacedName>,
}

/// Addresses of an endpoint or a pod: nearly always one, which then takes no memory of its own.
pub type Addresses = SmallVec<[IpAddr; 1]>;

/// For whom an endpoint is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Clients in these zones.
    pub zones: Vec<Arc<str>>,
    /// Clients on these nodes.
    pub nodes: Vec<Arc<str>>,
}

impl Hints {
    /// As an endpoint has them: nothing when both are empty.
    ///
    /// ```
    /// use svckit::model::Hints;
    ///
    /// assert_eq!(Hints::new(vec![], vec![]), None);
    /// assert_eq!(Hints::new(vec!["zone-a".into()], vec![]).map(|hints| hints.zones.len()), Some(1));
    /// ```
    #[must_use]
    pub fn new(zones: Vec<Arc<str>>, nodes: Vec<Arc<str>>) -> Option<Box<Self>> {
        (!zones.is_empty() || !nodes.is_empty()).then(|| Box::new(Self { zones, nodes }))
    }
}

impl Endpoint {
    /// Zones it is meant for; none: it is meant for all.
    #[must_use]
    pub fn zone_hints(&self) -> &[Arc<str>] {
        self.hints.as_ref().map_or(&[], |hints| &hints.zones)
    }

    /// Nodes it is meant for; none: it is meant for all.
    #[must_use]
    pub fn node_hints(&self) -> &[Arc<str>] {
        self.hints.as_ref().map_or(&[], |hints| &hints.nodes)
    }
}

/// Whether an endpoint can be used; absent conditions have been resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conditions {
    /// New connections may go there.
    pub ready: bool,
    /// It still answers, even if it is terminating.
    pub serving: bool,
    /// It is on its way out.
    pub terminating: bool,
}

impl Conditions {
    /// Ready and staying.
    pub const READY: Self = Self { ready: true, serving: true, terminating: false };

    /// The draining state that proxies fall back to: it serves, though it is terminating (KEP-1669).
    #[must_use]
    pub const fn is_draining(self) -> bool {
        self.serving && self.terminating
    }
}
