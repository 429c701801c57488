//! Namespace v1.

use super::{Kept, ObjectMeta};
use std_alloc::string::String;

object! {
    /// A part of the cluster in which names are unique.
    pub struct Namespace {
        /// `v1`.
        pub api_version: String,
        /// `Namespace`.
        pub kind: String,
        /// Name and labels.
        pub metadata: ObjectMeta,
        /// Kept as it came.
        pub spec: Kept,
        /// Kept as it came.
        pub status: Kept,
    }
}
