//! Kubernetes objects as they travel.
//!
//! The structs have the fields, names and types of the Kubernetes API (v1.36, and the older forms that its users
//! still have in their repositories). Nothing is checked here but the shape; the rules are in [`crate::admit`]. An
//! absent field is `None` where Kubernetes tells absent from zero, and zero where it doesn't. Fields that svckit
//! has no use for are kept as [`Json`], so an object that is printed again has lost nothing.
//!
//! [`decode()`] reads any of them from a [`Tree`] and reports *everything* that is wrong, with paths and lines.

/// Declares objects: a struct whose fields print only when they differ from their zero value, as in Kubernetes.
macro_rules! object {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "camelCase", default))]
        pub struct $name {$(
            $(#[$field_meta])*
            #[cfg_attr(feature = "serde", serde(skip_serializing_if = "crate::api::is_zero"))]
            pub $field: $type,
        )*}
    )*};
}

mod endpoint_slice;
mod endpoints;
mod gateway;
mod ingress;
mod ingress_class;
mod int_or_string;
mod ip_address;
mod json;
mod meta;
mod namespace;
mod node;
mod object;
mod pod;
mod secret;
mod service;
mod service_cidr;
mod shared;
mod string_map;
mod workload;

#[cfg(feature = "serde")]
mod decode;
#[cfg(feature = "serde")]
mod tree;

#[cfg(feature = "serde")]
pub use decode::{Decoded, decode, decode_as};
pub use endpoint_slice::*;
pub use endpoints::*;
pub use gateway::*;
pub use ingress::*;
pub use ingress_class::*;
pub use int_or_string::IntOrString;
pub use ip_address::*;
pub use json::{Json, Kept};
pub use meta::*;
pub use namespace::*;
pub use node::*;
pub use object::{Object, ObjectId};
pub use pod::*;
pub use secret::*;
pub use service::*;
pub use service_cidr::*;
pub use shared::Shared;
pub use string_map::StringMap;
#[cfg(feature = "serde")]
pub use tree::{Key, Tree, TreeNode};
pub use workload::*;

/// Whether a field is at its zero value and need not be printed.
#[cfg(feature = "serde")]
fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
