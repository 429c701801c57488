use super::*;
use crate::api::{
    ContainerPort, Deployment, LabelSelector, LabelSelectorRequirement, Node, Pod,
    ReplicationController,
};
use std::boxed::Box;

fn container(ports: &str) -> Container {
    let port = |text: &str| {
        let (number, protocol) = text.split_once('/').unwrap_or((text, ""));
        ContainerPort {
            container_port: number.parse().unwrap(),
            protocol: protocol.into(),
            ..Default::default()
        }
    };
    Container { ports: ports.split_whitespace().map(port).collect(), ..Default::default() }
}

fn labels(text: &str) -> StringMap {
    text.split_whitespace()
        .filter_map(|pair| pair.split_once('='))
        .map(|(k, v)| (k.into(), v.into()))
        .collect()
}

fn pod(containers: &[&str]) -> Object {
    let mut pod = Pod::default();
    pod.metadata.name = "web".into();
    pod.metadata.labels = labels("app=web");
    pod.spec.containers = containers.iter().map(|ports| container(ports)).collect();
    Object::Pod(Box::new(pod))
}

fn shown(object: &Object, options: &Expose) -> String {
    let ports = expose(object, options).unwrap().spec.ports;
    let show = |port: &ServicePort| {
        let target = port.target_port.as_ref().unwrap();
        format!("{}:{}/{}>{target}", port.name, port.port, port.protocol)
    };
    ports.iter().map(show).collect::<Vec<_>>().join(" ")
}

#[test]
fn ports_get_names_when_there_are_several() {
    let cases: [(&str, &[&str], &str); 6] = [
        ("one", &["8080"], ":8080/TCP>8080"),
        ("two", &["80 443"], "port-1:80/TCP>80 port-2:443/TCP>443"),
        ("two protocols", &["53/TCP 53/UDP"], "port-1-tcp:53/TCP>53 port-1-udp:53/UDP>53"),
        ("in two containers", &["80/TCP", "80/TCP"], ":80/TCP>80"),
        (
            "twice and another",
            &["80/TCP 80/TCP", "80/UDP"],
            "port-1-tcp:80/TCP>80 port-1-udp:80/UDP>80",
        ),
        (
            "mixed",
            &["53/UDP 80", "53/TCP"],
            "port-1-udp:53/UDP>53 port-1-tcp:53/TCP>53 port-2:80/TCP>80",
        ),
    ];
    for (case, containers, want) in cases {
        assert_eq!(shown(&pod(containers), &Expose::default()), want, "{case}");
    }
}

#[test]
fn options_come_first() {
    let options = Expose {
        name: "front".into(),
        ports: Vec::from([80, 81]),
        protocol: "UDP".into(),
        target_port: Some(IntOrString::String("http".into())),
        selector: Some(labels("tier=front")),
        r#type: "LoadBalancer".into(),
        load_balancer_ip: "192.0.2.1".into(),
        ..Default::default()
    };
    assert_eq!(shown(&pod(&["8080"]), &options), "port-1:80/UDP>http port-2:81/UDP>http");
    let service = expose(&pod(&["8080"]), &options).unwrap();
    assert_eq!(service.spec.selector, Some(labels("tier=front")));
    assert_eq!(service.metadata.labels, labels("app=web"));
    assert_eq!(service.metadata.name, "front");
}

#[test]
fn a_controller_gives_its_selector_and_its_sidecars_ports() {
    let mut controller = ReplicationController::default();
    controller.metadata.name = "w".repeat(70);
    let template = controller.spec.template.get_or_insert_default();
    template.metadata.labels = labels("app=webapp");
    template.spec.containers.push(container("8080"));
    let sidecar = Container { restart_policy: Some("Always".into()), ..container("9090") };
    template.spec.init_containers = Vec::from([sidecar, container("1")]);
    let object = Object::ReplicationController(Box::new(controller));
    let service = expose(&object, &Expose::default()).unwrap();
    assert_eq!(service.spec.selector, Some(labels("app=webapp")));
    assert_eq!(service.metadata.name.len(), 63);
    assert_eq!(service.spec.ports.len(), 2);
}

#[test]
fn what_can_not_be_exposed_says_why() {
    let wrong = |object: &Object, options: &Expose| expose(object, options).unwrap_err();
    let none = Expose::default();
    assert_eq!(wrong(&Object::Node(Box::<Node>::default()), &none), ExposeError::Kind("Node"));
    assert_eq!(wrong(&pod(&[""]), &none), ExposeError::NoPorts("Pod"));
    let headless = Expose { cluster_ip: "None".into(), ..Default::default() };
    assert!(expose(&pod(&[""]), &headless).is_ok());
    let sticky = Expose { session_affinity: "Always".into(), ..Default::default() };
    assert_eq!(wrong(&pod(&["80"]), &sticky), ExposeError::Affinity("Always".into()));
    let wish = Expose { load_balancer_ip: "192.0.2.1".into(), ..Default::default() };
    assert_eq!(wrong(&pod(&["80"]), &wish), ExposeError::LoadBalancerIp);

    let mut deployment = Deployment { api_version: "apps/v1".into(), ..Default::default() };
    let template = &mut deployment.spec.template;
    template.metadata.labels = labels("app=web");
    template.spec.containers.push(container("80"));
    let of = |deployment: &Deployment| Object::Deployment(Box::new(deployment.clone()));
    assert_eq!(wrong(&of(&deployment), &none), ExposeError::NoSelector("Deployment"));
    let expression = LabelSelectorRequirement::default();
    deployment.spec.selector =
        Some(LabelSelector { match_expressions: Vec::from([expression]), ..Default::default() });
    assert_eq!(wrong(&of(&deployment), &none), ExposeError::Expressions);
    deployment.spec.selector = None;
    deployment.api_version = "extensions/v1beta1".into();
    assert!(expose(&of(&deployment), &none).is_ok());
}
