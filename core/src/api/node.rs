//! Node v1.

use super::{Condition, Json, Kept, ObjectMeta};
use std_alloc::{collections::BTreeMap, string::String, vec::Vec};

/// The label that says in which zone a node is.
pub const LABEL_ZONE: &str = "topology.kubernetes.io/zone";

/// Amounts by what they are of: numbers, whole or not, or texts with a unit.
pub type Quantities = BTreeMap<String, Json>;

object! {
    /// A machine of the cluster.
    pub struct Node {
        /// `v1`.
        pub api_version: String,
        /// `Node`.
        pub kind: String,
        /// The label [`LABEL_ZONE`] names its zone.
        pub metadata: ObjectMeta,
        /// Its part of the cluster.
        pub spec: NodeSpec,
        /// Its addresses and state.
        pub status: NodeStatus,
    }

    /// `spec` of a Node.
    pub struct NodeSpec {
        /// The first range of its pods.
        #[cfg_attr(feature = "serde", serde(rename = "podCIDR"))]
        pub pod_cidr: String,
        /// The ranges of its pods, at most one per family.
        #[cfg_attr(feature = "serde", serde(rename = "podCIDRs"))]
        pub pod_cidrs: Vec<String>,
        /// Kept as it came.
        #[cfg_attr(feature = "serde", serde(rename = "providerID"))]
        pub provider_id: String,
        /// No new pods.
        pub unschedulable: bool,
        /// What keeps pods away.
        pub taints: Vec<Taint>,
        /// Kept as it came.
        pub config_source: Kept,
        /// Kept as it came.
        #[cfg_attr(feature = "serde", serde(rename = "externalID"))]
        pub external_id: String,
    }

    /// Keeps pods away from a node.
    pub struct Taint {
        /// Its key.
        pub key: String,
        /// Its value.
        pub value: String,
        /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
        pub effect: String,
        /// RFC 3339.
        pub time_added: Option<String>,
    }

    /// `status` of a Node.
    pub struct NodeStatus {
        /// Its addresses.
        pub addresses: Vec<NodeAddress>,
        /// `Ready` is the one that counts.
        pub conditions: Vec<Condition>,
        /// What it has.
        pub capacity: Quantities,
        /// What pods may use: `cpu: "4"`, `3920m`.
        pub allocatable: Quantities,
        /// Kept as it came.
        pub phase: String,
        /// Kept as it came.
        pub daemon_endpoints: Kept,
        /// Kept as it came.
        pub node_info: Kept,
        /// Kept as they came.
        pub images: Kept,
        /// Kept as they came.
        pub volumes_in_use: Kept,
        /// Kept as they came.
        pub volumes_attached: Kept,
        /// Kept as it came.
        pub config: Kept,
        /// Kept as they came.
        pub runtime_handlers: Kept,
        /// Kept as they came.
        pub features: Kept,
        /// Kept as they came.
        pub declared_features: Kept,
    }

    /// One address of a node.
    pub struct NodeAddress {
        /// `InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS` or `ExternalDNS`.
        pub r#type: String,
        /// The address or name.
        pub address: String,
    }
}
