//! IPAddress networking.k8s.io/v1: one object for each allocated cluster IP.

use super::ObjectMeta;
use std_alloc::string::String;

object! {
    /// An allocated address; its name is the address.
    pub struct IpAddress {
        /// `networking.k8s.io/v1`.
        pub api_version: String,
        /// `IPAddress`.
        pub kind: String,
        /// The name is the address in canonical form.
        pub metadata: ObjectMeta,
        /// Whose it is.
        pub spec: IpAddressSpec,
    }

    /// `spec` of an IPAddress.
    pub struct IpAddressSpec {
        /// Whose it is; immutable.
        pub parent_ref: Option<ParentReference>,
    }

    /// The object that an address belongs to.
    pub struct ParentReference {
        /// Its API group.
        pub group: String,
        /// Such as `services`.
        pub resource: String,
        /// Its namespace.
        pub namespace: String,
        /// Its name.
        pub name: String,
    }
}
