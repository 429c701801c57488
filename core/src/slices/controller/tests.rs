use super::*;
use crate::{
    model::{ClusterIps, ContainerPort, Exposure, Family, Port, Protocol, ServicePort, TargetPort},
    select::Selector,
};
use core::net::{IpAddr, Ipv4Addr};
use std::{format, vec};

fn port(number: u16) -> Port {
    Port::new(number).unwrap()
}

fn service(name: &str, target: TargetPort) -> Service {
    Service {
        selector: Some(Selector::from_pairs([("app", name)])),
        ..Service::new(
            NamespacedName::new("shop", name),
            Exposure::ClusterIp(ClusterIps::single([10, 96, 0, 1].into())),
            vec![ServicePort {
                name: "".into(),
                protocol: Protocol::Tcp,
                port: port(80),
                target,
                node_port: None,
                app_protocol: None,
            }],
        )
    }
}

fn pod(name: &str, app: &str, number: u32) -> Pod {
    Pod {
        key: NamespacedName::new("shop", name),
        uid: "".into(),
        labels: [("app", app)].into_iter().collect(),
        addresses: [IpAddr::from(Ipv4Addr::from(0x0af4_0000 + number))].into(),
        ready: true,
        terminating: false,
        node: None,
        host_network: false,
        hostname: None,
        subdomain: None,
        ports: vec![ContainerPort {
            name: "http".into(),
            port: port(8000 + (number % 2) as u16),
            protocol: Protocol::Tcp,
            host_port: None,
            host_ip: None,
        }],
    }
}

fn controller(services: &[Service], pods: &[Pod]) -> Controller {
    let mut controller = Controller::new(Seed([1; 4]));
    services.iter().for_each(|s| controller.apply(&Change::Service(s.clone().into())));
    pods.iter().for_each(|p| controller.apply(&Change::Pod(p.clone().into())));
    controller
}

/// `create 100`, `update 89`, `delete`: the kind of each write and how many endpoints the slice then has.
fn shape(writes: &[Write]) -> Vec<std::string::String> {
    let shape = |write: &Write| match write {
        Write::Create(slice) => format!("create {}", slice.endpoints.len()),
        Write::Update(slice) => format!("update {}", slice.endpoints.len()),
        Write::Delete(_) => "delete".into(),
    };
    writes.iter().map(shape).collect()
}

fn pods(numbers: core::ops::Range<u32>) -> Vec<Pod> {
    numbers.map(|n| pod(&format!("web-{n:03}"), "web", n)).collect()
}

#[test]
fn slices_fill_and_stay() {
    let web = service("web", TargetPort::Number(port(8080)));
    let mut controller = controller(&[web], &pods(0..250));
    assert_eq!(shape(&controller.take_writes()), ["create 100", "create 100", "create 50"]);
    assert!(controller.take_writes().is_empty(), "nothing is left to do");
    pods(0..250).into_iter().for_each(|p| controller.apply(&Change::Pod(p.into())));
    assert!(controller.take_writes().is_empty(), "nothing has changed");

    let mut one = pods(7..8).remove(0);
    one.ready = false;
    controller.apply(&Change::Pod(one.clone().into()));
    let writes = controller.take_writes();
    assert_eq!(shape(&writes), ["update 100"]);
    controller.apply(&Change::PodGone(one.key));
    assert_eq!(shape(&controller.take_writes()), ["update 99"]);
    pods(250..260).into_iter().for_each(|p| controller.apply(&Change::Pod(p.into())));
    assert_eq!(shape(&controller.take_writes()), ["update 60"], "where there is room for all");
}

#[test]
fn a_service_without_pods_has_a_placeholder() {
    let web = service("web", TargetPort::Number(port(8080)));
    let mut controller = controller(core::slice::from_ref(&web), &[]);
    assert_eq!(shape(&controller.take_writes()), ["create 0"]);
    pods(0..1).into_iter().for_each(|p| controller.apply(&Change::Pod(p.into())));
    assert_eq!(shape(&controller.take_writes()), ["update 1"], "the placeholder is used again");
    controller.apply(&Change::PodGone(NamespacedName::new("shop", "web-000")));
    assert_eq!(shape(&controller.take_writes()), ["update 0"]);
    controller.apply(&Change::ServiceGone(web.key));
    assert_eq!(shape(&controller.take_writes()), ["delete"]);
}

#[test]
fn pods_with_other_ports_go_to_other_slices() {
    let web = service("web", TargetPort::Name("http".into()));
    let mut controller = controller(&[web], &pods(0..10));
    let writes = controller.take_writes();
    assert_eq!(shape(&writes), ["create 5", "create 5"]);
    let ports: Vec<_> = writes
        .iter()
        .map(|w| match w {
            Write::Create(slice) => slice.ports[0].port.unwrap().get(),
            _ => 0,
        })
        .collect();
    assert_eq!(ports, [8000, 8001]);
}

#[test]
fn only_the_selected_services_are_touched() {
    let services: Vec<_> =
        (0..50).map(|n| service(&format!("s{n}"), TargetPort::Number(port(80)))).collect();
    let mut controller = controller(&services, &[]);
    let _ = controller.take_writes();
    controller.apply(&Change::Pod(pod("p", "s7", 1).into()));
    assert_eq!(controller.dirty.len(), 1);
    assert_eq!(shape(&controller.take_writes()), ["update 1"]);
    let mut moved = pod("p", "s8", 1);
    moved.terminating = true;
    controller.apply(&Change::Pod(moved.into()));
    assert_eq!(
        shape(&controller.take_writes()),
        ["update 0", "update 1"],
        "the old one and the new one"
    );
}

#[test]
fn conditions_follow_the_pod() {
    let cases = [
        // ready, terminating, publish → ready, serving, terminating
        ((true, false, false), (true, true, false)),
        ((false, false, false), (false, false, false)),
        ((false, false, true), (true, false, false)),
        ((true, true, false), (false, true, true)),
        ((true, true, true), (true, true, true)),
        ((false, true, false), (false, false, true)),
    ];
    for ((ready, terminating, publish), want) in cases {
        let web =
            Service { publish_not_ready: publish, ..service("web", TargetPort::Number(port(80))) };
        let pod = Pod { ready, terminating, ..pod("p", "web", 1) };
        let got =
            super::super::endpoint::endpoint(&web, &pod, None, Family::V4).unwrap().conditions;
        assert_eq!((got.ready, got.serving, got.terminating), want);
    }
}

/// `a-1 62 61`: slices that were there, as many endpoints as they had; what is written for 250 pods.
#[test]
fn newcomers_fill_what_fits_best() {
    let web = service("web", TargetPort::Number(port(8080)));
    let mut first = controller(core::slice::from_ref(&web), &pods(0..62));
    let mut slices = first.take_writes();
    let mut other = controller(core::slice::from_ref(&web), &pods(62..123));
    slices.extend(other.take_writes());
    let mut second = controller(core::slice::from_ref(&web), &pods(0..250));
    for (write, name) in slices.into_iter().zip(["web-a", "web-b"]) {
        let Write::Create(slice) = write else { panic!("a cold start creates") };
        let key = NamespacedName::new("shop", name);
        second.adopt(Arc::new(EndpointSlice { key, ..(*slice).clone() }));
    }
    assert_eq!(shape(&second.take_writes()), ["create 100", "update 89"]);
    assert!(second.take_writes().is_empty());
}

#[test]
fn an_adopted_slice_without_a_service_is_deleted() {
    let web = service("web", TargetPort::Number(port(8080)));
    let mut first = controller(&[web], &pods(0..3));
    let Some(Write::Create(slice)) = first.take_writes().pop() else { panic!("one slice") };
    let mut second = controller(&[], &pods(0..3));
    second.adopt(slice);
    assert_eq!(shape(&second.take_writes()), ["delete"]);
}

#[test]
fn repacking_is_asked_for() {
    for (repack, want) in
        [(false, ["update 50", "update 10"].as_slice()), (true, &["update 60", "delete"])]
    {
        let web = service("web", TargetPort::Number(port(8080)));
        let config = Config { repack, ..Config::default() };
        let mut controller = Controller::with_config(Seed([1; 4]), config);
        controller.apply(&Change::Service(web.into()));
        let mut all = pods(0..200);
        all.drain(..).for_each(|p| controller.apply(&Change::Pod(p.into())));
        assert_eq!(shape(&controller.take_writes()), ["create 100", "create 100"]);
        let gone = pods(0..50).into_iter().chain(pods(100..190));
        gone.for_each(|p| controller.apply(&Change::PodGone(p.key)));
        let mut came = shape(&controller.take_writes());
        came.sort_by_key(|text| core::cmp::Reverse(text.clone()));
        assert_eq!(came, want, "repack: {repack}");
    }
}

fn node(name: &str, zone: &str) -> Node {
    Node {
        name: name.into(),
        zone: Some(zone.into()),
        addresses: vec![],
        pod_cidrs: vec![],
        ready: true,
        milli_cpu: 1000,
        control_plane: false,
    }
}

#[test]
fn a_missing_node_matters_when_asked_for() {
    for (require_nodes, publish, want) in
        [(false, false, "create 1"), (true, false, "create 0"), (true, true, "create 1")]
    {
        let web = service("web", TargetPort::Number(port(8080)));
        let web = Service { publish_not_ready: publish, ..web };
        let config = Config { require_nodes, ..Config::default() };
        let mut controller = Controller::with_config(Seed([1; 4]), config);
        controller.apply(&Change::Service(web.into()));
        let on_node = Pod { node: Some("n1".into()), ..pod("p", "web", 1) };
        controller.apply(&Change::Pod(on_node.into()));
        assert_eq!(shape(&controller.take_writes()), [want], "{require_nodes} {publish}");
        controller.apply(&Change::Node(node("n1", "z").into()));
        assert_eq!(shape(&controller.take_writes()), ["update 1"], "the zone, or the endpoint");
        controller.apply(&Change::Node(Node { ready: false, ..node("n1", "z") }.into()));
        assert!(controller.take_writes().is_empty(), "only the zone counts");
    }
}

#[test]
fn each_family_has_slices_of_its_own() {
    let web = service("web", TargetPort::Number(port(8080)));
    let ips = ClusterIps::dual([10, 96, 0, 1].into(), Ipv4Addr::LOCALHOST.to_ipv6_mapped().into());
    let web = Service { exposure: Exposure::ClusterIp(ips.unwrap()), ..web };
    let mut controller = controller(&[web], &pods(0..2));
    assert_eq!(shape(&controller.take_writes()), ["create 2", "create 0"], "and a placeholder");
}

#[test]
fn auto_hints_follow_the_nodes() {
    let web = service("web", TargetPort::Number(port(8080)));
    let mode = ("service.kubernetes.io/topology-mode".into(), "Auto".into());
    let web = Service { annotations: vec![mode], ..web };
    let on = |n: u32| Pod { node: Some("na".into()), ..pod(&format!("p{n}"), "web", n) };
    let mut controller = controller(core::slice::from_ref(&web), &[on(0), on(1), on(2), on(3)]);
    controller.apply(&Change::Node(node("na", "a").into()));
    let _ = controller.take_writes();
    assert_eq!(controller.hints_off(&web.key, Family::V4), Some(HintsOff::OneZone));
    controller.apply(&Change::Node(node("nb", "b").into()));
    let writes = controller.take_writes();
    let [Write::Update(slice)] = writes.as_slice() else { panic!("one update") };
    let zones: Vec<&str> = slice.endpoints.iter().map(|e| &*e.zone_hints()[0]).collect();
    assert_eq!(zones, ["a", "a", "b", "b"]);
    assert_eq!(controller.hints_off(&web.key, Family::V4), None);
}
