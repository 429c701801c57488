//! What all objects have in common: names, labels, owners.

use super::{Kept, StringMap};
use std_alloc::{string::String, vec::Vec};

object! {
    /// `metadata` of any object.
    pub struct ObjectMeta {
        /// Unique among objects of the kind in the namespace.
        pub name: String,
        /// The start of a name that the server completes.
        pub generate_name: String,
        /// Where the object lives; `default` when a namespaced object doesn't say.
        pub namespace: String,
        /// Unique in time and space.
        pub uid: String,
        /// Changes whenever the object does; opaque.
        pub resource_version: String,
        /// Counts changes of the spec.
        pub generation: i64,
        /// RFC 3339 time at which the object was made.
        pub creation_timestamp: Option<String>,
        /// RFC 3339 time at which the object will be gone; set means it is terminating.
        pub deletion_timestamp: Option<String>,
        /// Seconds the object has to terminate.
        pub deletion_grace_period_seconds: Option<i64>,
        /// What selectors look at.
        pub labels: StringMap,
        /// What tools write down.
        pub annotations: StringMap,
        /// Who must agree before the object goes.
        pub finalizers: Vec<String>,
        /// On whose behalf the object exists.
        pub owner_references: Vec<OwnerReference>,
        /// Who set which field.
        pub managed_fields: Kept,
        /// Retired; kept so that old manifests still load.
        pub self_link: String,
    }

    /// The object on whose behalf another one exists.
    pub struct OwnerReference {
        /// The owner's API version.
        pub api_version: String,
        /// The owner's kind.
        pub kind: String,
        /// The owner's name, in the same namespace.
        pub name: String,
        /// The owner's uid.
        pub uid: String,
        /// Whether the owner is the managing controller.
        pub controller: Option<bool>,
        /// Whether the owner waits for this object to go.
        pub block_owner_deletion: Option<bool>,
    }

    /// Points to any object.
    pub struct ObjectReference {
        /// Its kind.
        pub kind: String,
        /// Its namespace.
        pub namespace: String,
        /// Its name.
        pub name: String,
        /// Its uid.
        pub uid: String,
        /// Its API version.
        pub api_version: String,
        /// The version that was seen.
        pub resource_version: String,
        /// A part of the object.
        pub field_path: String,
    }

    /// A query over labels: all of it must hold. Empty matches everything.
    pub struct LabelSelector {
        /// Keys and the values they must have.
        pub match_labels: StringMap,
        /// Further requirements.
        pub match_expressions: Vec<LabelSelectorRequirement>,
    }

    /// One requirement of a [`LabelSelector`].
    pub struct LabelSelectorRequirement {
        /// The label key.
        pub key: String,
        /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
        pub operator: String,
        /// For `In` and `NotIn`.
        pub values: Vec<String>,
    }

    /// One aspect of an object's state.
    pub struct Condition {
        /// Its name, such as `Ready`.
        pub r#type: String,
        /// `True`, `False` or `Unknown`.
        pub status: String,
        /// The generation it was seen at.
        pub observed_generation: i64,
        /// RFC 3339 time of the last change of `status`.
        pub last_transition_time: Option<String>,
        /// RFC 3339 time of the last look.
        pub last_probe_time: Option<String>,
        /// RFC 3339 time of the last report.
        pub last_heartbeat_time: Option<String>,
        /// RFC 3339 time of the last update.
        pub last_update_time: Option<String>,
        /// A word for machines.
        pub reason: String,
        /// A sentence for people.
        pub message: String,
    }
}
