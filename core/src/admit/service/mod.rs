//! Services: defaults, rules, and what happens to fields when an object is written again.
//!
//! ```text
//! create   default →                                    normalize → fill_families → validate        → allocate
//! update   default → carry_over → drop_type_dependent → normalize → fill_families → validate_update → allocate
//! ```
//!
//! The functions here are the steps; [`super::Registry`] takes them in order and allocates. An API server allocates
//! before it validates, and so touches its allocators for objects that it then refuses. The rules stand one group to a
//! file: `validate` calls them all, so one look at a manifest reports everything that is wrong with it.
//!
//! # Quirks
//!
//! Two paths are Kubernetes' own spelling, because tools match on them: `spec.LoadBalancerSourceRanges` and
//! `allocateLoadBalancerNodePorts` (without `spec.`). A wrong load balancer class is reported twice on update. That
//! a timeout of 86400 is allowed is told as it is. An ExternalName with node ports, which Kubernetes ignores
//! silently, gets a warning, as does a headless Service's affinity if and only if the author wrote one.

mod affinity;
mod cluster_ips;
mod default;
mod families;
mod lifecycle;
mod load_balancer;
mod ports;
mod status;
mod traffic;
mod transition;
mod validate;
mod warnings;

pub use default::default;
pub use families::fill_families;
pub use lifecycle::{carry_over, drop_type_dependent, normalize};
pub use status::validate_status;
pub use validate::{validate, validate_update};
pub use warnings::warnings;

pub(super) use cluster_ips::{legacy_ip, level};
pub(super) use ports::{PROTOCOLS, number as port_number};
pub(super) use status::balancer;

use crate::api::ServiceSpec;

pub(super) const CLUSTER_IP: &str = "ClusterIP";
pub(super) const NODE_PORT: &str = "NodePort";
pub(super) const LOAD_BALANCER: &str = "LoadBalancer";
pub(super) const EXTERNAL_NAME: &str = "ExternalName";
/// The cluster IP of a headless Service.
pub(super) const NONE: &str = "None";

pub(super) const SINGLE_STACK: &str = "SingleStack";
pub(super) const PREFER_DUAL_STACK: &str = "PreferDualStack";
pub(super) const REQUIRE_DUAL_STACK: &str = "RequireDualStack";

/// The older way to say who may use a load balancer.
pub(super) const ANNOTATION_SOURCE_RANGES: &str =
    "service.beta.kubernetes.io/load-balancer-source-ranges";
/// The retired name of [`ANNOTATION_TOPOLOGY_MODE`].
pub(super) const ANNOTATION_TOPOLOGY_HINTS: &str = "service.kubernetes.io/topology-aware-hints";
/// Whether topology hints are wanted.
pub(super) const ANNOTATION_TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
/// The label of a Service that another proxy serves.
pub(super) const LABEL_PROXY_NAME: &str = "service.kubernetes.io/service-proxy-name";

/// Whether DNS answers with the endpoints themselves.
pub(super) fn is_headless(spec: &ServiceSpec) -> bool {
    matches!(spec.cluster_ips.as_slice(), [only] if only == NONE)
}

/// Whether traffic from outside the cluster can arrive.
pub(super) fn is_externally_reachable(spec: &ServiceSpec) -> bool {
    match spec.r#type.as_str() {
        LOAD_BALANCER | NODE_PORT => true,
        CLUSTER_IP => !spec.external_ips.is_empty(),
        _ => false,
    }
}

/// Whether its ports get node ports.
pub(super) fn needs_node_ports(spec: &ServiceSpec) -> bool {
    match spec.r#type.as_str() {
        NODE_PORT => true,
        LOAD_BALANCER => spec.allocate_load_balancer_node_ports.unwrap_or(true),
        _ => false,
    }
}

/// Whether load balancers ask each node for endpoints.
pub(super) fn needs_health_check(spec: &ServiceSpec) -> bool {
    spec.r#type == LOAD_BALANCER && spec.external_traffic_policy == "Local"
}

/// Whether it has virtual addresses.
pub(super) fn needs_cluster_ip(spec: &ServiceSpec) -> bool {
    matches!(spec.r#type.as_str(), CLUSTER_IP | NODE_PORT | LOAD_BALANCER)
}
