//! EndpointSlice discovery.k8s.io/v1.

use super::{ObjectMeta, ObjectReference, StringMap};
use std_alloc::{string::String, vec::Vec};

/// The label that joins a slice to its Service.
pub const LABEL_SERVICE_NAME: &str = "kubernetes.io/service-name";
/// The label that says who writes a slice.
pub const LABEL_MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// The label, on Services and their slices, that tells proxies to look away.
pub const LABEL_HEADLESS: &str = "service.kubernetes.io/headless";

object! {
    /// A part of a Service's endpoints: all of one address type, with one list of ports.
    pub struct EndpointSlice {
        /// `discovery.k8s.io/v1`.
        pub api_version: String,
        /// `EndpointSlice`.
        pub kind: String,
        /// The label [`LABEL_SERVICE_NAME`] names the Service.
        pub metadata: ObjectMeta,
        /// `IPv4`, `IPv6` or `FQDN`; immutable.
        pub address_type: String,
        /// At most 1000.
        pub endpoints: Vec<Endpoint>,
        /// Shared by all endpoints of the slice.
        pub ports: Vec<EndpointPort>,
    }

    /// One backend.
    pub struct Endpoint {
        /// Interchangeable addresses; consumers use the first.
        pub addresses: Vec<String>,
        /// Whether it can be used.
        pub conditions: EndpointConditions,
        /// Its DNS label below the Service's name.
        pub hostname: Option<String>,
        /// The object behind it, usually a Pod.
        pub target_ref: Option<ObjectReference>,
        /// Retired topology labels.
        pub deprecated_topology: StringMap,
        /// The node it runs on.
        pub node_name: Option<String>,
        /// The zone of that node.
        pub zone: Option<String>,
        /// Which consumers it is meant for.
        pub hints: Option<EndpointHints>,
    }

    /// Whether an endpoint can be used; absent has a meaning of its own for each.
    pub struct EndpointConditions {
        /// Absent: ready.
        pub ready: Option<bool>,
        /// Absent: as `ready`.
        pub serving: Option<bool>,
        /// Absent: not terminating.
        pub terminating: Option<bool>,
    }

    /// Which consumers an endpoint is meant for.
    pub struct EndpointHints {
        /// At most 8 zones.
        pub for_zones: Vec<ForName>,
        /// At most 8 nodes.
        pub for_nodes: Vec<ForName>,
    }

    /// A zone or node of a hint.
    pub struct ForName {
        /// Its name.
        pub name: String,
    }

    /// A port of a slice.
    pub struct EndpointPort {
        /// The Service port's name; default empty.
        pub name: Option<String>,
        /// Default `TCP`.
        pub protocol: Option<String>,
        /// Absent: all ports, for consumers that know what that means.
        pub port: Option<i32>,
        /// What is spoken on it.
        pub app_protocol: Option<String>,
    }
}
