//! Defaults that need nothing but the object itself.

use super::{LOAD_BALANCER, is_externally_reachable, needs_cluster_ip};
use crate::api::{ClientIpConfig, IntOrString, Service, ServiceSpec, SessionAffinityConfig};

/// How long a client sticks to its endpoint unless told, in seconds.
const AFFINITY_TIMEOUT: i32 = 10_800;

/// Fills in what the author left out, as an API server does on every read and write.
///
/// Costs O(ports). Doing it twice changes nothing. Families, addresses and node ports depend on the cluster and are
/// not touched here.
///
/// ```
/// use svckit::{admit::service, api::Service};
///
/// let mut service = Service::default();
/// service::default(&mut service);
/// assert_eq!(service.spec.r#type, "ClusterIP");
/// assert_eq!(service.spec.session_affinity, "None");
/// assert_eq!(service.spec.internal_traffic_policy.as_deref(), Some("Cluster"));
/// ```
pub fn default(service: &mut Service) {
    let spec = &mut service.spec;
    affinity(spec);
    text(&mut spec.r#type, "ClusterIP");
    for port in &mut spec.ports {
        text(&mut port.protocol, "TCP");
        let open = match &port.target_port {
            None | Some(IntOrString::Int(0)) => true,
            Some(IntOrString::String(name)) => name.is_empty(),
            Some(IntOrString::Int(_)) => false,
        };
        if open {
            port.target_port = Some(IntOrString::Int(port.port));
        }
    }
    if is_externally_reachable(spec) {
        text(&mut spec.external_traffic_policy, "Cluster");
    }
    if needs_cluster_ip(spec) && spec.internal_traffic_policy.is_none() {
        spec.internal_traffic_policy = Some("Cluster".into());
    }
    if spec.r#type == LOAD_BALANCER {
        spec.allocate_load_balancer_node_ports.get_or_insert(true);
        for ingress in &mut service.status.load_balancer.ingress {
            if !ingress.ip.is_empty() && ingress.ip_mode.is_none() {
                ingress.ip_mode = Some("VIP".into());
            }
        }
    }
}

/// Without affinity its details go; with affinity a missing timeout is 3 hours, and a 0 stays, to be refused.
fn affinity(spec: &mut ServiceSpec) {
    text(&mut spec.session_affinity, "None");
    match spec.session_affinity.as_str() {
        "None" => spec.session_affinity_config = None,
        "ClientIP" => {
            let config = spec.session_affinity_config.as_ref();
            let timeout = config.and_then(|config| config.client_ip.as_ref()?.timeout_seconds);
            if timeout.is_none() {
                let client_ip = Some(ClientIpConfig { timeout_seconds: Some(AFFINITY_TIMEOUT) });
                spec.session_affinity_config = Some(SessionAffinityConfig { client_ip });
            }
        }
        _ => {}
    }
}

fn text(field: &mut std_alloc::string::String, default: &str) {
    if field.is_empty() {
        field.push_str(default);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ServicePort;

    #[test]
    fn targets_default_to_the_port() {
        let name = |name: &str| Some(IntOrString::String(name.into()));
        let cases = [
            ("absent", None, Some(IntOrString::Int(80))),
            ("zero", Some(IntOrString::Int(0)), Some(IntOrString::Int(80))),
            ("empty name", name(""), Some(IntOrString::Int(80))),
            ("number", Some(IntOrString::Int(8080)), Some(IntOrString::Int(8080))),
            ("name", name("http"), name("http")),
        ];
        for (case, target_port, want) in cases {
            let mut service = Service::default();
            service.spec.ports.push(ServicePort { port: 80, target_port, ..Default::default() });
            default(&mut service);
            assert_eq!(service.spec.ports[0].target_port, want, "{case}");
            assert_eq!(service.spec.ports[0].protocol, "TCP", "{case}");
        }
    }

    #[test]
    fn a_timeout_of_zero_stays() {
        let timeout = |given| {
            let mut service = Service::default();
            service.spec.session_affinity = "ClientIP".into();
            service.spec.session_affinity_config = given;
            default(&mut service);
            service.spec.session_affinity_config.unwrap().client_ip.unwrap().timeout_seconds
        };
        let zero = Some(ClientIpConfig { timeout_seconds: Some(0) });
        assert_eq!(timeout(None), Some(10_800));
        assert_eq!(timeout(Some(SessionAffinityConfig::default())), Some(10_800));
        assert_eq!(timeout(Some(SessionAffinityConfig { client_ip: zero })), Some(0));
    }

    #[test]
    fn policies_follow_the_type() {
        let cases = [
            ("ClusterIP", "", Some("Cluster"), None),
            ("NodePort", "Cluster", Some("Cluster"), None),
            ("LoadBalancer", "Cluster", Some("Cluster"), Some(true)),
            ("ExternalName", "", None, None),
        ];
        for (kind, external, internal, allocate) in cases {
            let mut service = Service::default();
            service.spec.r#type = kind.into();
            default(&mut service);
            let spec = service.spec;
            assert_eq!(spec.external_traffic_policy, external, "{kind}");
            assert_eq!(spec.internal_traffic_policy.as_deref(), internal, "{kind}");
            assert_eq!(spec.allocate_load_balancer_node_ports, allocate, "{kind}");
        }
    }
}
