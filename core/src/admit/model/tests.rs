use super::*;
use crate::{
    admit::service as rules,
    api::{self, IntOrString},
    model::{Exposure, Family, PathType, Protocol, ServicePortRef, TargetPort},
};
use std::{
    string::{String, ToString},
    vec::Vec,
};

fn allocated(kind: &str) -> api::Service {
    let mut service = api::Service::default();
    service.metadata.name = "cart".into();
    service.metadata.namespace = "shop".into();
    let spec = &mut service.spec;
    spec.r#type = kind.into();
    spec.cluster_ip = "10.96.0.7".into();
    spec.cluster_ips = Vec::from(["10.96.0.7".into()]);
    spec.ip_families = Vec::from(["IPv4".into()]);
    spec.ports.push(api::ServicePort { port: 80, node_port: 30_080, ..Default::default() });
    rules::default(&mut service);
    service
}

fn refused<T>(result: Result<T, Vec<crate::finding::Finding>>) -> Vec<String> {
    result.err().into_iter().flatten().map(|finding| finding.path).collect()
}

#[test]
fn each_type_becomes_its_exposure() {
    let ips =
        |service: &crate::model::Service| service.cluster_ips().unwrap().primary().to_string();
    let plain = service(&allocated("ClusterIP")).unwrap();
    assert!(matches!(plain.exposure, Exposure::ClusterIp(_)));
    assert_eq!(ips(&plain), "10.96.0.7");
    assert_eq!(plain.ports[0].target, TargetPort::Number(80.try_into().unwrap()));
    assert!(matches!(service(&allocated("NodePort")).unwrap().exposure, Exposure::NodePort(_)));

    let mut headless = allocated("ClusterIP");
    headless.spec.cluster_ips = Vec::from(["None".into()]);
    let headless = service(&headless).unwrap();
    assert_eq!(headless.exposure, Exposure::Headless(Vec::from([Family::V4])));

    let mut alias = allocated("ExternalName");
    alias.spec.external_name = "example.com.".into();
    assert_eq!(service(&alias).unwrap().exposure, Exposure::ExternalName("example.com".into()));
}

#[test]
fn a_balancer_tells_its_addresses_apart() {
    let mut object = allocated("LoadBalancer");
    object.spec.load_balancer_source_ranges = Vec::from([" 10.0.0.0/8 ".into()]);
    for (ip, mode) in [("192.0.2.1", "VIP"), ("192.0.2.2", "Proxy")] {
        let ip_mode = Some(mode.into());
        let ingress = api::LoadBalancerIngress { ip: ip.into(), ip_mode, ..Default::default() };
        object.status.load_balancer.ingress.push(ingress);
    }
    let service = service(&object).unwrap();
    let balancer = service.load_balancer().unwrap();
    assert_eq!(balancer.vips[0].to_string(), "192.0.2.1");
    assert_eq!(balancer.proxies[0].to_string(), "192.0.2.2");
    assert_eq!(balancer.source_ranges[0].to_string(), "10.0.0.0/8");
}

#[test]
fn a_service_without_addresses_is_refused() {
    let mut object = allocated("ClusterIP");
    object.spec.cluster_ips.clear();
    assert_eq!(refused(service(&object)), ["spec.clusterIPs"]);
    object.spec.cluster_ips = Vec::from(["nonsense".into()]);
    object.spec.ports[0].protocol = "ICMP".into();
    assert!(refused(service(&object)).contains(&"spec.clusterIPs[0]".into()));
    assert!(refused(service(&object)).contains(&"spec.ports[0].protocol".into()));
}

#[test]
fn finished_pods_are_gone_and_sidecars_have_ports() {
    let mut object = api::Pod::default();
    let port =
        api::ContainerPort { container_port: 80, host_ip: "0.0.0.0".into(), ..Default::default() };
    let container = |restart: Option<&str>| api::Container {
        ports: Vec::from([port.clone()]),
        restart_policy: restart.map(String::from),
        args: None,
        ..Default::default()
    };
    object.spec.containers.push(container(None));
    object.spec.init_containers = Vec::from([container(None), container(Some("Always"))]);
    object.spec.host_network = true;
    let made = pod(&object).unwrap().unwrap();
    assert_eq!(made.ports.len(), 2, "one container and one sidecar");
    assert_eq!(made.ports[0].protocol, Protocol::Tcp);
    assert_eq!(made.ports[0].host_port, Some(made.ports[0].port));
    assert_eq!(made.ports[0].host_ip, None);
    object.status.phase = "Succeeded".into();
    assert_eq!(pod(&object).unwrap(), None);
}

#[test]
fn absent_conditions_mean_ready() {
    let mut object = api::EndpointSlice { address_type: "IPv4".into(), ..Default::default() };
    let endpoint =
        api::Endpoint { addresses: Vec::from(["10.1.0.1".into()]), ..Default::default() };
    object.endpoints.push(endpoint);
    assert_eq!(endpoint_slice(&object), Ok(None), "nobody's");
    object.metadata.labels.insert(api::LABEL_SERVICE_NAME.into(), "cart".into());
    let slice = endpoint_slice(&object).unwrap().unwrap();
    assert_eq!(slice.endpoints[0].conditions, crate::model::Conditions::READY);
    object.endpoints[0].addresses.push("fd00::1".into());
    assert_eq!(refused(endpoint_slice(&object)), ["endpoints[0].addresses"]);
}

#[test]
fn the_old_form_of_an_ingress_is_read() {
    let mut object =
        api::Ingress { api_version: "extensions/v1beta1".into(), ..Default::default() };
    let backend = |port| api::IngressBackend {
        service_name: "web".into(),
        service_port: Some(port),
        ..Default::default()
    };
    object.spec.backend = Some(backend(IntOrString::String("80".into())));
    object.metadata.annotations.insert("kubernetes.io/ingress.class".into(), "nginx".into());
    object.metadata.creation_timestamp = Some("2017-03-01T00:00:00Z".into());
    let path = api::HttpIngressPath {
        backend: backend(IntOrString::String("http".into())),
        ..Default::default()
    };
    object.spec.rules.push(api::IngressRule {
        host: "MyWebsite.com".into(),
        http: Some(api::HttpIngressRuleValue { paths: Vec::from([path]) }),
    });
    let made = ingress(&object).unwrap();
    assert_eq!(made.created, 1_488_326_400);
    assert_eq!(made.class.as_deref(), Some("nginx"));
    assert_eq!(made.rules[0].host.as_deref(), Some("mywebsite.com"));
    assert_eq!(&*made.rules[0].paths[0].path, "/");
    assert_eq!(made.rules[0].paths[0].path_type, PathType::ImplementationSpecific);
    let Some(crate::model::IngressBackend::Service { port, .. }) = made.default_backend else {
        panic!()
    };
    assert_eq!(port, ServicePortRef::Number(80.try_into().unwrap()), "a number in quotes");
    object.api_version = "networking.k8s.io/v1".into();
    assert_eq!(refused(ingress(&object)), ["spec.rules[0].http.paths[0].pathType"]);
}
