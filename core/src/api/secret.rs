//! Secret v1, for certificates.

use super::{ObjectMeta, StringMap};
use std_alloc::string::String;

object! {
    /// Data that only some may read; `kubernetes.io/tls` holds `tls.crt` and `tls.key`.
    pub struct Secret {
        /// `v1`.
        pub api_version: String,
        /// `Secret`.
        pub kind: String,
        /// Name and namespace.
        pub metadata: ObjectMeta,
        /// What it holds, such as `kubernetes.io/tls`.
        pub r#type: String,
        /// Base64 values.
        pub data: StringMap,
        /// Plain values.
        pub string_data: StringMap,
        /// Whether the values are final.
        pub immutable: Option<bool>,
    }
}
