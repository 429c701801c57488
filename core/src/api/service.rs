//! Service v1.

use super::{Condition, IntOrString, ObjectMeta, StringMap};
use std_alloc::{string::String, vec::Vec};

object! {
    /// A name, an address and ports for a set of pods.
    pub struct Service {
        /// `v1`.
        pub api_version: String,
        /// `Service`.
        pub kind: String,
        /// Name, namespace, labels.
        pub metadata: ObjectMeta,
        /// What the author wants.
        pub spec: ServiceSpec,
        /// What a load balancer reports.
        pub status: ServiceStatus,
    }

    /// `spec` of a Service.
    pub struct ServiceSpec {
        /// `ClusterIP` (default), `NodePort`, `LoadBalancer` or `ExternalName`.
        pub r#type: String,
        /// Labels that pods must have; `None` means endpoints are written by hand.
        pub selector: Option<StringMap>,
        /// Allocated unless given; `None` as text makes the Service headless.
        #[cfg_attr(feature = "serde", serde(rename = "clusterIP"))]
        pub cluster_ip: String,
        /// At most one per family; the first equals `cluster_ip`.
        #[cfg_attr(feature = "serde", serde(rename = "clusterIPs"))]
        pub cluster_ips: Vec<String>,
        /// `IPv4`, `IPv6`, at most one of each, the preferred one first.
        pub ip_families: Vec<String>,
        /// `SingleStack`, `PreferDualStack` or `RequireDualStack`.
        pub ip_family_policy: Option<String>,
        /// What clients connect to.
        pub ports: Vec<ServicePort>,
        /// Addresses that somebody else routes to the nodes.
        #[cfg_attr(feature = "serde", serde(rename = "externalIPs"))]
        pub external_ips: Vec<String>,
        /// `None` (default) or `ClientIP`.
        pub session_affinity: String,
        /// Details of the affinity.
        pub session_affinity_config: Option<SessionAffinityConfig>,
        /// A wish for the load balancer's address; deprecated, never checked.
        #[cfg_attr(feature = "serde", serde(rename = "loadBalancerIP"))]
        pub load_balancer_ip: String,
        /// CIDRs that may use the load balancer.
        pub load_balancer_source_ranges: Vec<String>,
        /// Who provides the load balancer; immutable while the type stays.
        pub load_balancer_class: Option<String>,
        /// Whether a LoadBalancer gets node ports; default true.
        pub allocate_load_balancer_node_ports: Option<bool>,
        /// The DNS alias of an ExternalName Service.
        pub external_name: String,
        /// `Cluster` or `Local`: which endpoints traffic from outside may reach.
        pub external_traffic_policy: String,
        /// `Cluster` (default) or `Local`: the same for traffic to the cluster IP.
        pub internal_traffic_policy: Option<String>,
        /// Where load balancers ask whether this node has endpoints.
        pub health_check_node_port: i32,
        /// Treat every endpoint as ready.
        pub publish_not_ready_addresses: bool,
        /// `PreferClose`, `PreferSameZone` or `PreferSameNode`.
        pub traffic_distribution: Option<String>,
    }

    /// One port of a Service.
    pub struct ServicePort {
        /// Required and unique when there are several.
        pub name: String,
        /// `TCP` (default), `UDP` or `SCTP`.
        pub protocol: String,
        /// What is spoken on it, such as `http` or `kubernetes.io/h2c`.
        pub app_protocol: Option<String>,
        /// 1 to 65535.
        pub port: i32,
        /// Number, or name of a container port; default: `port`.
        pub target_port: Option<IntOrString>,
        /// Port on every node; 0: none, or to be allocated.
        pub node_port: i32,
    }

    /// Details of `sessionAffinity: ClientIP`.
    pub struct SessionAffinityConfig {
        /// For `ClientIP`.
        #[cfg_attr(feature = "serde", serde(rename = "clientIP"))]
        pub client_ip: Option<ClientIpConfig>,
    }

    /// How long a client sticks to its endpoint.
    pub struct ClientIpConfig {
        /// Seconds after the last connection, 1 to 86400; default 10800.
        pub timeout_seconds: Option<i32>,
    }

    /// `status` of a Service.
    pub struct ServiceStatus {
        /// Where the load balancer can be reached.
        pub load_balancer: LoadBalancerStatus,
        /// Such as `LoadBalancerPortsError`.
        pub conditions: Vec<Condition>,
    }

    /// Where a load balancer can be reached; also used by Ingresses.
    pub struct LoadBalancerStatus {
        /// Its addresses and host names.
        pub ingress: Vec<LoadBalancerIngress>,
    }

    /// One address or host name of a load balancer.
    pub struct LoadBalancerIngress {
        /// Its address.
        pub ip: String,
        /// Its DNS name.
        pub hostname: String,
        /// `VIP` (default with an address) or `Proxy`.
        pub ip_mode: Option<String>,
        /// Ports it serves or failed to.
        pub ports: Vec<PortStatus>,
    }

    /// The state of one port of a load balancer.
    pub struct PortStatus {
        /// The Service's port number.
        pub port: i32,
        /// Its protocol.
        pub protocol: String,
        /// Why it does not work.
        pub error: Option<String>,
    }
}
