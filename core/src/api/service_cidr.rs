//! ServiceCIDR networking.k8s.io/v1: ranges that cluster IPs come from.

use super::{Condition, ObjectMeta};
use std_alloc::{string::String, vec::Vec};

object! {
    /// One range, or one of each family.
    pub struct ServiceCidr {
        /// `networking.k8s.io/v1`.
        pub api_version: String,
        /// `ServiceCIDR`.
        pub kind: String,
        /// The one that comes from the API server's flags is called `kubernetes`.
        pub metadata: ObjectMeta,
        /// The ranges.
        pub spec: ServiceCidrSpec,
        /// Whether they can be used.
        pub status: ServiceCidrStatus,
    }

    /// `spec` of a ServiceCIDR.
    pub struct ServiceCidrSpec {
        /// One or two, at most one per family, in canonical form; immutable.
        pub cidrs: Vec<String>,
    }

    /// `status` of a ServiceCIDR.
    pub struct ServiceCidrStatus {
        /// `Ready` is the one that counts.
        pub conditions: Vec<Condition>,
    }
}
