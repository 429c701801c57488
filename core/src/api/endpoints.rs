//! Endpoints v1, the older form of EndpointSlices that people still write by hand.

use super::{ObjectMeta, ObjectReference};
use std_alloc::{string::String, vec::Vec};

object! {
    /// The endpoints of the Service of the same name.
    pub struct Endpoints {
        /// `v1`.
        pub api_version: String,
        /// `Endpoints`.
        pub kind: String,
        /// Its name is the Service's.
        pub metadata: ObjectMeta,
        /// Each is a cross product of addresses and ports.
        pub subsets: Vec<EndpointSubset>,
    }

    /// Addresses that share their ports.
    pub struct EndpointSubset {
        /// Ready ones.
        pub addresses: Vec<EndpointAddress>,
        /// Those that run but aren't ready.
        pub not_ready_addresses: Vec<EndpointAddress>,
        /// Their ports.
        pub ports: Vec<SubsetPort>,
    }

    /// One address.
    pub struct EndpointAddress {
        /// The address.
        pub ip: String,
        /// Its DNS label below the Service's name.
        pub hostname: String,
        /// The node it runs on.
        pub node_name: Option<String>,
        /// The object behind it.
        pub target_ref: Option<ObjectReference>,
    }

    /// One port of a subset.
    pub struct SubsetPort {
        /// Required when there are several.
        pub name: String,
        /// 1 to 65535.
        pub port: i32,
        /// Default `TCP`.
        pub protocol: String,
        /// What is spoken on it.
        pub app_protocol: Option<String>,
    }
}
