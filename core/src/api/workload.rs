//! Controllers of pods, as far as their pod templates go.

use super::{Kept, LabelSelector, ObjectMeta, PodTemplateSpec, StringMap};
use std_alloc::string::String;

object! {
    /// Keeps a number of pods running; the form of 2017.
    pub struct ReplicationController {
        /// `v1`.
        pub api_version: String,
        /// `ReplicationController`.
        pub kind: String,
        /// Name, namespace, labels.
        pub metadata: ObjectMeta,
        /// What the author wants.
        pub spec: ReplicationControllerSpec,
        /// Kept as it came.
        pub status: Kept,
    }

    /// `spec` of a ReplicationController.
    pub struct ReplicationControllerSpec {
        /// Default 1.
        pub replicas: Option<i32>,
        /// Kept as it came.
        pub min_ready_seconds: i32,
        /// Default: the template's labels.
        pub selector: StringMap,
        /// The pods.
        pub template: Option<PodTemplateSpec>,
    }

    /// Keeps a number of pods running.
    pub struct ReplicaSet {
        /// `apps/v1`.
        pub api_version: String,
        /// `ReplicaSet`.
        pub kind: String,
        /// Name, namespace, labels.
        pub metadata: ObjectMeta,
        /// What the author wants.
        pub spec: WorkloadSpec,
        /// Kept as it came.
        pub status: Kept,
    }

    /// Rolls out ReplicaSets.
    pub struct Deployment {
        /// `apps/v1`.
        pub api_version: String,
        /// `Deployment`.
        pub kind: String,
        /// Name, namespace, labels.
        pub metadata: ObjectMeta,
        /// What the author wants.
        pub spec: WorkloadSpec,
        /// Kept as it came.
        pub status: Kept,
    }

    /// Keeps a number of pods with stable names running.
    pub struct StatefulSet {
        /// `apps/v1`.
        pub api_version: String,
        /// `StatefulSet`.
        pub kind: String,
        /// Name, namespace, labels.
        pub metadata: ObjectMeta,
        /// What the author wants.
        pub spec: WorkloadSpec,
        /// Kept as it came.
        pub status: Kept,
    }

    /// `spec` of a ReplicaSet, Deployment or StatefulSet: the union of their fields.
    pub struct WorkloadSpec {
        /// Default 1.
        pub replicas: Option<i32>,
        /// Which pods belong to it.
        pub selector: Option<LabelSelector>,
        /// The pods.
        pub template: PodTemplateSpec,
        /// StatefulSet: the headless Service that names its pods.
        pub service_name: String,
        /// Kept as it came.
        pub min_ready_seconds: i32,
        /// Kept as it came.
        pub strategy: Kept,
        /// Kept as it came.
        pub update_strategy: Kept,
        /// Kept as it came.
        pub revision_history_limit: Option<i32>,
        /// Kept as it came.
        pub progress_deadline_seconds: Option<i32>,
        /// Kept as it came.
        pub paused: bool,
        /// Kept as it came.
        pub rollback_to: Kept,
        /// Kept as it came.
        pub pod_management_policy: String,
        /// Kept as they came.
        pub volume_claim_templates: Kept,
        /// Kept as it came.
        pub persistent_volume_claim_retention_policy: Kept,
        /// StatefulSet: the first number.
        pub ordinals: Kept,
        /// Kept as it came.
        pub pod_replacement_policy: Kept,
    }
}
