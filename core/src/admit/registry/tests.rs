use super::*;
use crate::{
    api::{IntOrString, Service, ServicePort},
    finding::Kind,
    model::Protocol,
};
use std::{
    format,
    string::{String, ToString},
    vec,
};

mod lattice;
mod lives;

const NOW: Time = Time::from_nanos(0);

/// A registry over small ranges.
fn registry(cidrs: &[&str], ports: &str) -> Registry {
    let settings = Settings {
        service_cidrs: cidrs.iter().map(|text| text.parse().unwrap()).collect(),
        node_ports: ports.parse().unwrap(),
        quarantine: core::time::Duration::ZERO,
        ..Settings::default()
    };
    Registry::new(settings, Seed([7; 4])).unwrap()
}

fn small() -> Registry {
    registry(&["10.0.0.0/24"], "30000-30009")
}

/// A Service `default/name` with ports such as `53/TCP:30053`.
fn written(name: &str, kind: &str, ports: &[&str]) -> Service {
    let mut service = Service::default();
    service.metadata.name = name.into();
    service.spec.r#type = kind.into();
    for (i, text) in ports.iter().enumerate() {
        let (port, node_port) = text.split_once(':').unwrap_or((text, "0"));
        let (port, protocol) = port.split_once('/').unwrap();
        service.spec.ports.push(ServicePort {
            name: format!("p{i}"),
            port: port.parse().unwrap(),
            protocol: protocol.into(),
            node_port: node_port.parse().unwrap(),
            target_port: Some(IntOrString::Int(1)),
            ..Default::default()
        });
    }
    service
}

fn addressed(name: &str, addr: &str) -> Service {
    let mut service = written(name, "ClusterIP", &["80/TCP"]);
    service.spec.cluster_ip = addr.into();
    service
}

fn key(name: &str) -> ServiceKey {
    ServiceKey::new("default", name)
}

/// What was wrong, as `kind path`.
fn wrong(result: Result<Admitted, Vec<Finding>>) -> Vec<String> {
    let findings = result.err().into_iter().flatten();
    findings.map(|finding| format!("{} {}", finding.kind, finding.path)).collect()
}

fn node_ports(admitted: &Admitted) -> Vec<i32> {
    admitted.object.spec.ports.iter().map(|port| port.node_port).collect()
}

/// Everything that is held, as text; equal before and after what must leave nothing behind.
fn books(registry: &Registry) -> Vec<String> {
    let mut held: Vec<String> =
        registry.holders.iter().map(|(claim, key)| format!("{claim} {key}")).collect();
    held.sort();
    assert_eq!(registry.audit(), [], "the books agree with the Services");
    held
}

#[test]
fn a_taken_address_names_its_holder() {
    let mut registry = small();
    registry.apply(addressed("kube-dns", "10.0.0.10"), NOW).unwrap();
    let findings = registry.apply(addressed("cart", "10.0.0.10"), NOW).unwrap_err();
    assert_eq!(findings[0].kind, Kind::Conflict);
    assert_eq!(findings[0].message, "10.0.0.10 belongs to Service default/kube-dns");
    assert_eq!(findings[0].object, "Service default/cart");
    let findings = registry.apply(addressed("cart", "10.9.0.1"), NOW).unwrap_err();
    assert_eq!(findings[0].kind, Kind::Invalid);
    assert_eq!(findings[0].message, "must be an address of a Service in 10.0.0.0/24");
    assert_eq!(
        wrong(registry.apply(addressed("cart", "10.0.0.255"), NOW)),
        ["Invalid spec.clusterIPs[0]"]
    );
}

#[test]
fn node_ports_know_their_protocol() {
    type Outcome<'a> = Result<&'a [i32], &'a [&'a str]>;
    // (case, what is there, what is written, node ports or what is wrong)
    let cases: &[(&str, &[&str], &[&str], Outcome<'_>)] = &[
        ("another protocol is free", &["1/TCP:30005"], &["1/UDP:30005"], Ok(&[30_005])),
        ("taken", &["1/TCP:30005"], &["1/TCP:30005"], Err(&["Conflict spec.ports[0].nodePort"])),
        ("out of range", &[], &["1/TCP:8081"], Err(&["Invalid spec.ports[0].nodePort"])),
        (
            "one number, two protocols",
            &[],
            &["53/TCP:30004", "53/UDP:30004"],
            Ok(&[30_004, 30_004]),
        ),
        (
            "two numbers, two protocols",
            &[],
            &["53/TCP:30005", "53/UDP:30006"],
            Ok(&[30_005, 30_006]),
        ),
        ("the sibling's number", &[], &["53/TCP:30009", "53/UDP"], Ok(&[30_009, 30_009])),
        (
            "the sibling's number, other way round",
            &[],
            &["53/TCP", "53/UDP:30009"],
            Ok(&[30_009, 30_009]),
        ),
        (
            "different ports, one number, two protocols",
            &[],
            &["1/TCP:30001", "2/UDP:30001"],
            Ok(&[30_001, 30_001]),
        ),
        ("twice", &[], &["1/TCP:30001", "2/TCP:30001"], Err(&["Duplicate spec.ports[1].nodePort"])),
    ];
    for (case, there, ports, want) in cases {
        let mut registry = small();
        if !there.is_empty() {
            registry.apply(written("other", "NodePort", there), NOW).unwrap();
        }
        match (registry.apply(written("dns", "NodePort", ports), NOW), want) {
            (Ok(admitted), Ok(want)) => assert_eq!(node_ports(&admitted), *want, "{case}"),
            (Err(findings), want) => {
                let came = wrong(Err(findings));
                assert_eq!(
                    Err(&came[..].iter().map(|s| &**s).collect::<Vec<_>>()[..]),
                    *want,
                    "{case}"
                );
            }
            (Ok(admitted), want) => panic!("{case}: {:?}, wanted {want:?}", node_ports(&admitted)),
        }
    }
}

#[test]
fn a_sibling_whose_number_is_taken_gets_its_own() {
    let mut registry = small();
    registry.apply(written("other", "NodePort", &["1/UDP:30009"]), NOW).unwrap();
    let dns = registry.apply(written("dns", "NodePort", &["53/TCP:30009", "53/UDP"]), NOW).unwrap();
    let [tcp, udp] = node_ports(&dns)[..] else { panic!() };
    assert!(tcp == 30_009 && udp != 30_009 && udp != 0);
}

#[test]
fn a_draw_never_takes_what_a_later_port_asks_for() {
    let explicit: Vec<String> =
        (30_001..30_010).map(|n| format!("{}/TCP:{n}", n - 30_000)).collect();
    for _ in 0..20 {
        let mut ports = vec!["99/TCP"];
        ports.extend(explicit.iter().map(String::as_str));
        let service =
            registry(&["10.0.0.0/24"], "30000-30009").apply(written("a", "NodePort", &ports), NOW);
        assert_eq!(node_ports(&service.unwrap())[0], 30_000, "the only one left");
    }
}

#[test]
fn protocols_share_a_number_on_update_too() {
    let mut registry = small();
    registry.apply(written("dns", "NodePort", &["53/TCP"]), NOW).unwrap();
    let dns = registry.apply(written("dns", "NodePort", &["53/TCP", "53/UDP"]), NOW).unwrap();
    let [tcp, udp] = node_ports(&dns)[..] else { panic!() };
    assert_eq!(tcp, udp);
    let dns = registry
        .apply(written("dns", "NodePort", &["53/TCP", "53/UDP", "9/TCP", "9/UDP"]), NOW)
        .unwrap();
    let ports = node_ports(&dns);
    assert_eq!((ports[0], ports[2]), (tcp, ports[3]), "old ones stay, new ones share");
}

#[test]
fn a_failed_second_family_leaves_nothing_behind() {
    // A /31 of IPv4 has no address for a Service.
    let mut registry = registry(&["fd00::/120", "10.0.0.0/31"], "30000-30009");
    let mut dual = written("dual", "NodePort", &["80/TCP"]);
    dual.spec.ip_family_policy = Some("RequireDualStack".into());
    assert_eq!(wrong(registry.apply(dual, NOW)), ["Conflict spec.clusterIPs[1]"]);
    assert_eq!(books(&registry), Vec::<String>::new());
    for n in 0..255 {
        registry.apply(written(&format!("s{n}"), "ClusterIP", &["80/TCP"]), NOW).unwrap();
    }
    assert_eq!(
        wrong(registry.apply(written("s255", "ClusterIP", &["80/TCP"]), NOW)),
        ["Conflict spec.clusterIPs[0]"]
    );
}

#[test]
fn node_ports_that_run_out_give_back_the_address() {
    let mut registry = registry(&["10.0.0.0/24"], "30000-30001");
    registry.apply(written("a", "NodePort", &["1/TCP", "2/TCP"]), NOW).unwrap();
    let before = books(&registry);
    assert_eq!(
        wrong(registry.apply(written("b", "NodePort", &["1/TCP"]), NOW)),
        ["Conflict spec.ports[0].nodePort"]
    );
    assert_eq!(books(&registry), before);
    registry.apply(written("c", "NodePort", &["1/UDP"]), NOW).unwrap();
}

#[test]
fn a_taken_health_port_is_the_authors_mistake() {
    let mut registry = small();
    registry.apply(written("a", "NodePort", &["1/TCP:30003"]), NOW).unwrap();
    let balancer = |health, ports: &[&str]| {
        let mut service = written("lb", "LoadBalancer", ports);
        service.spec.external_traffic_policy = "Local".into();
        service.spec.health_check_node_port = health;
        service
    };
    let conflict = ["Conflict spec.healthCheckNodePort"];
    assert_eq!(wrong(registry.apply(balancer(30_003, &["1/TCP"]), NOW)), conflict);
    let own = ["Duplicate spec.healthCheckNodePort"];
    assert_eq!(wrong(registry.apply(balancer(30_004, &["1/TCP:30004"]), NOW)), own);
    let drawn = registry.apply(balancer(0, &["1/TCP"]), NOW).unwrap();
    let port = drawn.object.spec.health_check_node_port;
    assert!(port != 0 && port != 30_003 && !node_ports(&drawn).contains(&port));
    assert!(!registry.apply(balancer(0, &["1/TCP"]), NOW).unwrap().changed, "kept");
}

#[test]
fn a_refused_object_has_allocated_nothing_and_says_everything() {
    let mut registry = small();
    let mut bad = written("Bad", "NodePort", &["0/TCP", "1/ICMP"]);
    bad.spec.session_affinity = "Sometimes".into();
    bad.spec.ip_families = vec!["IPv6".into()];
    assert_eq!(
        wrong(registry.apply(bad, NOW)),
        [
            "Invalid spec.ipFamilies[0]",
            "Invalid metadata.name",
            "Invalid spec.ports[0].port",
            "NotSupported spec.ports[1].protocol",
            "NotSupported spec.sessionAffinity",
        ]
    );
    assert_eq!(books(&registry), Vec::<String>::new());
}

#[test]
fn a_dry_run_answers_and_changes_nothing() {
    let mut registry = small();
    let dry = registry.dry_run(written("a", "NodePort", &["1/TCP"]), NOW).unwrap();
    assert!(dry.changed && registry.get(&key("a")).is_none());
    assert_eq!(books(&registry), Vec::<String>::new());
    let wet = registry.apply(written("a", "NodePort", &["1/TCP"]), NOW).unwrap();
    assert_eq!(dry.object, wet.object, "the same draws");
    assert!(!registry.dry_run(written("a", "NodePort", &["1/TCP"]), NOW).unwrap().changed);
}

#[test]
fn ranges_are_tried_in_order() {
    let mut registry = registry(&["10.0.0.0/30", "10.1.0.0/30"], "30000-30009");
    let range = |name: &str, registry: &mut Registry| {
        let admitted = registry.apply(written(name, "ClusterIP", &["80/TCP"]), NOW).unwrap();
        admitted.object.spec.cluster_ip[..4].to_string()
    };
    let came: Vec<String> =
        ["a", "b", "c", "d"].iter().map(|name| range(name, &mut registry)).collect();
    assert_eq!(came, ["10.0", "10.0", "10.1", "10.1"]);
    registry.apply(written("e", "ExternalName", &[]), NOW).unwrap_err();
}

#[test]
fn protocols_that_move_lose_a_number_that_is_taken() {
    let mut registry = small();
    registry.apply(written("a", "NodePort", &["1/TCP:30001"]), NOW).unwrap();
    registry.apply(written("b", "NodePort", &["1/UDP:30001"]), NOW).unwrap();
    let moved = registry.apply(written("b", "NodePort", &["1/TCP"]), NOW).unwrap();
    assert_ne!(node_ports(&moved), [30_001]);
    assert_eq!(books(&registry).len(), 4);
    let protocol = moved.model.ports[0].protocol;
    assert_eq!(protocol, Protocol::Tcp);
}
