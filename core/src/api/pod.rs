//! Pod v1, as far as Services care; the rest is kept as it came.

use super::{Condition, Kept, ObjectMeta, Shared};
use std_alloc::{string::String, vec::Vec};

object! {
    /// Containers that share an address.
    pub struct Pod {
        /// `v1`.
        pub api_version: String,
        /// `Pod`.
        pub kind: String,
        /// Its labels are what Services select.
        pub metadata: ObjectMeta,
        /// What runs; the pods of one template share it.
        pub spec: Shared<PodSpec>,
        /// What happens.
        pub status: PodStatus,
    }

    /// A pod to be made by a controller.
    pub struct PodTemplateSpec {
        /// Labels of the pods.
        pub metadata: ObjectMeta,
        /// What runs in them.
        pub spec: Shared<PodSpec>,
    }

    /// `spec` of a Pod.
    pub struct PodSpec {
        /// What runs side by side.
        pub containers: Vec<Container>,
        /// What runs before; those with `restartPolicy: Always` go on running.
        pub init_containers: Vec<Container>,
        /// The pod uses the node's own addresses and ports.
        pub host_network: bool,
        /// The pod's DNS label, when `subdomain` names a Service.
        pub hostname: String,
        /// The Service under whose name the pod has a DNS name.
        pub subdomain: String,
        /// What the pod calls itself, whatever the rest says.
        pub hostname_override: Option<String>,
        /// Use the full DNS name as host name.
        #[cfg_attr(feature = "serde", serde(rename = "setHostnameAsFQDN"))]
        pub set_hostname_as_fqdn: Option<bool>,
        /// `ClusterFirst` (default), `ClusterFirstWithHostNet`, `Default` or `None`.
        pub dns_policy: String,
        /// Merged into what the policy gives.
        pub dns_config: Option<PodDnsConfig>,
        /// Environment variables for each Service; default true.
        pub enable_service_links: Option<bool>,
        /// Conditions that must hold besides the containers'.
        pub readiness_gates: Vec<PodReadinessGate>,
        /// Where it runs; empty until it is scheduled.
        pub node_name: String,
        /// Kept as they came.
        pub volumes: Kept,
        /// Kept as they came.
        pub ephemeral_containers: Kept,
        /// `Always` (default), `OnFailure` or `Never`.
        pub restart_policy: String,
        /// Seconds a pod has to stop.
        pub termination_grace_period_seconds: Option<i64>,
        /// Seconds a pod may run.
        pub active_deadline_seconds: Option<i64>,
        /// Kept as it came.
        pub node_selector: Kept,
        /// Kept as it came.
        pub service_account_name: String,
        /// Kept as it came; the older name.
        pub service_account: String,
        /// Kept as it came.
        pub automount_service_account_token: Option<bool>,
        /// Kept as it came.
        #[cfg_attr(feature = "serde", serde(rename = "hostPID"))]
        pub host_pid: bool,
        /// Kept as it came.
        #[cfg_attr(feature = "serde", serde(rename = "hostIPC"))]
        pub host_ipc: bool,
        /// Kept as it came.
        pub host_users: Option<bool>,
        /// Kept as it came.
        pub share_process_namespace: Option<bool>,
        /// Kept as it came.
        pub security_context: Kept,
        /// Kept as they came.
        pub image_pull_secrets: Kept,
        /// Kept as it came.
        pub affinity: Kept,
        /// Kept as it came.
        pub scheduler_name: String,
        /// Kept as they came.
        pub tolerations: Kept,
        /// Kept as they came.
        pub host_aliases: Kept,
        /// Kept as it came.
        pub priority_class_name: String,
        /// Kept as it came.
        pub priority: Option<i64>,
        /// Kept as it came.
        pub runtime_class_name: Option<String>,
        /// Kept as it came.
        pub preemption_policy: Option<String>,
        /// Kept as it came.
        pub overhead: Kept,
        /// Kept as they came.
        pub topology_spread_constraints: Kept,
        /// Kept as it came.
        pub os: Kept,
        /// Kept as they came.
        pub scheduling_gates: Kept,
        /// Kept as they came.
        pub resource_claims: Kept,
        /// Kept as they came.
        pub resources: Kept,
        /// Kept as it came.
        pub workload_ref: Kept,
    }

    /// One container.
    pub struct Container {
        /// Unique in the pod.
        pub name: String,
        /// What it listens on.
        pub ports: Vec<ContainerPort>,
        /// For init containers: `Always` makes a sidecar of it.
        pub restart_policy: Option<String>,
        /// Kept as it came.
        pub restart_policy_rules: Kept,
        /// Kept as it came.
        pub image: String,
        /// Kept as it came.
        pub command: Kept,
        /// Kept as they came.
        pub args: Kept,
        /// Kept as it came.
        pub working_dir: String,
        /// Kept as it came.
        pub env: Kept,
        /// Kept as it came.
        pub env_from: Kept,
        /// Kept as they came.
        pub resources: Kept,
        /// Kept as it came.
        pub resize_policy: Kept,
        /// Kept as they came.
        pub volume_mounts: Kept,
        /// Kept as they came.
        pub volume_devices: Kept,
        /// Kept as it came.
        pub liveness_probe: Kept,
        /// Kept as it came.
        pub readiness_probe: Kept,
        /// Kept as it came.
        pub startup_probe: Kept,
        /// Kept as it came.
        pub lifecycle: Kept,
        /// Kept as it came.
        pub termination_message_path: String,
        /// Kept as it came.
        pub termination_message_policy: String,
        /// Kept as it came.
        pub image_pull_policy: String,
        /// Kept as it came.
        pub security_context: Kept,
        /// Kept as it came.
        pub stdin: bool,
        /// Kept as it came.
        pub stdin_once: bool,
        /// Kept as it came.
        pub tty: bool,
    }

    /// One port of a container.
    pub struct ContainerPort {
        /// What Services may call it by.
        pub name: String,
        /// 1 to 65535.
        pub container_port: i32,
        /// A port of the node that leads here; 0: none.
        pub host_port: i32,
        /// The node's address for `host_port`; empty: all.
        #[cfg_attr(feature = "serde", serde(rename = "hostIP"))]
        pub host_ip: String,
        /// `TCP` (default), `UDP` or `SCTP`.
        pub protocol: String,
    }

    /// The pod's own DNS settings.
    pub struct PodDnsConfig {
        /// At most 3.
        pub nameservers: Vec<String>,
        /// At most 32.
        pub searches: Vec<String>,
        /// Such as `ndots`.
        pub options: Vec<PodDnsConfigOption>,
    }

    /// One option of resolv.conf.
    pub struct PodDnsConfigOption {
        /// Required.
        pub name: String,
        /// May be absent.
        pub value: Option<String>,
    }

    /// A condition that readiness waits for.
    pub struct PodReadinessGate {
        /// The condition's type.
        pub condition_type: String,
    }

    /// `status` of a Pod.
    pub struct PodStatus {
        /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
        pub phase: String,
        /// `Ready` is the one that counts.
        pub conditions: Vec<Condition>,
        /// The pod's first address.
        #[cfg_attr(feature = "serde", serde(rename = "podIP"))]
        pub pod_ip: String,
        /// At most one per family.
        #[cfg_attr(feature = "serde", serde(rename = "podIPs"))]
        pub pod_ips: Vec<PodIp>,
        /// The node's first address.
        #[cfg_attr(feature = "serde", serde(rename = "hostIP"))]
        pub host_ip: String,
        /// The node's addresses.
        #[cfg_attr(feature = "serde", serde(rename = "hostIPs"))]
        pub host_ips: Vec<PodIp>,
        /// Kept as it came.
        pub observed_generation: i64,
        /// Kept as it came.
        pub message: String,
        /// Kept as it came.
        pub reason: String,
        /// Kept as it came.
        pub nominated_node_name: String,
        /// Kept as it came.
        pub start_time: Option<String>,
        /// Kept as they came.
        pub init_container_statuses: Kept,
        /// Kept as they came.
        pub container_statuses: Kept,
        /// Kept as they came.
        pub ephemeral_container_statuses: Kept,
        /// Kept as it came.
        pub qos_class: String,
        /// Kept as it came.
        pub resize: String,
        /// Kept as they came.
        pub resource_claim_statuses: Kept,
        /// Kept as it came.
        pub extended_resource_claim_status: Kept,
        /// Kept as they came.
        pub allocated_resources: Kept,
        /// Kept as they came.
        pub resources: Kept,
    }

    /// One address.
    pub struct PodIp {
        /// The address.
        pub ip: String,
    }
}
