//! Admission: no Service makes it panic, and a registry never hands anything out twice or forgets it.

use std::collections::{BTreeMap, BTreeSet};
use svckit::{
    Seed, Time,
    admit::{Gates, Registry, Settings, model, service},
    api::{
        ClientIpConfig, IntOrString, LoadBalancerIngress, Service, ServicePort,
        SessionAffinityConfig,
    },
    model::{Family, ServiceKey},
};

/// Takes choices from the input; an input that has ended chooses the first.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.byte() % 2 == 1).then(|| make(self))
    }

    fn texts(&mut self, of: &[&str]) -> Vec<String> {
        (0..self.byte() % 4).map(|_| self.one_of(of).into()).collect()
    }
}

const IPS: [&str; 8] =
    ["None", "", "10.0.0.1", "010.0.0.2", "fd00::1", "::ffff:10.0.0.3", "127.0.0.1", "x"];

/// Whatever fields hold, rules answer, and what they let pass can be read or is missing an allocation.
pub fn service_rules(data: &[u8]) {
    let mut choices = Choices(data.iter());
    let (mut new, old) = (any_service(&mut choices), any_service(&mut choices));
    let mut gates = Gates::default();
    for gate in Gates::NAMES {
        gates.set(gate, choices.byte() % 2 == 1);
    }
    let _ = service::warnings(&new);
    let _ = service::validate(&new, &gates);
    let mut again = new.clone();
    service::default(&mut again);
    let once = again.clone();
    service::default(&mut again);
    assert_eq!(once, again, "defaults of defaults are no others");
    for old in [None, Some(&old)] {
        new = again.clone();
        if let Some(old) = old {
            service::carry_over(&mut new, old);
            service::drop_type_dependent(&mut new, old);
        }
        service::normalize(&mut new, old);
        let families = [Family::V4, Family::V6];
        let mut findings = service::fill_families(&mut new, old, &families, &gates);
        findings.extend(service::validate_status(&new, old, &gates));
        findings.extend(match old {
            Some(old) => service::validate_update(&new, old, &gates),
            None => service::validate(&new, &gates),
        });
        let unreadable = model::service(&new).err().unwrap_or_default();
        let allocated = |path: &str| path.starts_with("spec.clusterIPs");
        let surprise = unreadable.iter().find(|finding| !allocated(&finding.path));
        if old.is_none() && findings.is_empty() {
            assert_eq!(surprise, None, "accepted, but can't be read: {new:?}");
        }
    }
}

fn any_service(choices: &mut Choices<'_>) -> Service {
    let mut service = Service::default();
    service.metadata.name = choices.one_of(&["a", "1a", "A", ""]).into();
    service.metadata.namespace = choices.one_of(&["default", "a.b", ""]).into();
    let spec = &mut service.spec;
    let types = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName", "", "Other"];
    spec.r#type = choices.one_of(&types).into();
    spec.cluster_ip = choices.one_of(&IPS).into();
    spec.cluster_ips = choices.texts(&IPS);
    spec.external_ips = choices.texts(&IPS);
    spec.ip_families = choices.texts(&["IPv4", "IPv6", "IPv5"]);
    let policies = ["SingleStack", "PreferDualStack", "RequireDualStack", "x"];
    spec.ip_family_policy = choices.maybe(|c| c.one_of(&policies).into());
    spec.external_name = choices.one_of(&["", "example.com.", "."]).into();
    spec.session_affinity = choices.one_of(&["", "None", "ClientIP", "x"]).into();
    spec.session_affinity_config = choices.maybe(|c| SessionAffinityConfig {
        client_ip: c.maybe(|c| ClientIpConfig {
            timeout_seconds: c.maybe(|c| c.one_of(&[0, -1, 10, 86_400, i32::MAX])),
        }),
    });
    spec.external_traffic_policy = choices.one_of(&["", "Cluster", "Local", "x"]).into();
    spec.internal_traffic_policy = choices.maybe(|c| c.one_of(&["Cluster", "Local", "x"]).into());
    spec.health_check_node_port = choices.one_of(&[0, 30_000, -1, 70_000]);
    spec.load_balancer_source_ranges =
        choices.texts(&["10.0.0.0/8", " fd00::/8 ", "10.1.1.1/8", ""]);
    spec.selector = choices.maybe(|_| Default::default());
    for _ in 0..choices.byte() % 4 {
        spec.ports.push(ServicePort {
            name: choices.one_of(&["", "a", "b", "A"]).into(),
            protocol: choices.one_of(&["", "TCP", "UDP", "x"]).into(),
            port: choices.one_of(&[80, 0, -1, 65_536]),
            target_port: choices.maybe(|c| match c.byte() % 4 {
                0 => IntOrString::String("http".into()),
                1 => IntOrString::String("--".into()),
                n => IntOrString::Int(i32::from(n) - 2),
            }),
            node_port: choices.one_of(&[0, 30_000, 30_001, -1]),
            ..Default::default()
        });
    }
    if let Some(ip) = choices.maybe(|c| c.one_of(&IPS)) {
        let ip_mode = choices.maybe(|c| c.one_of(&["VIP", "Proxy", "x"]).into());
        let ingress = LoadBalancerIngress { ip: ip.into(), ip_mode, ..Default::default() };
        service.status.load_balancer.ingress.push(ingress);
    }
    service
}

/// Addresses that a /28 has for Services.
const ADDRESSES: usize = 14;

/// However writes, refusals and deletions interleave, each number has one holder, and all come back in the end.
pub fn registry(data: &[u8]) {
    let mut settings = Settings::default();
    settings.service_cidrs = vec!["10.0.0.0/28".parse().unwrap(), "fd00::/124".parse().unwrap()];
    settings.node_ports = "30000-30007".parse().unwrap();
    settings.quarantine = std::time::Duration::ZERO;
    let mut registry = Registry::new(settings, Seed([5; 4])).unwrap();
    let mut choices = Choices(data.iter());
    let now = Time::default();
    while !choices.0.as_slice().is_empty() {
        let name = choices.one_of(&["a", "b", "c", "d"]);
        let key = ServiceKey::new("default", name);
        let before = books(&registry);
        match choices.byte() % 8 {
            0 => assert_eq!(registry.delete(&key, now), before.contains_key(name)),
            1 => registry.remember(key, "10.0.0.9 a/TCP=30003".parse().unwrap()),
            _ => {
                let service = written(name, &mut choices);
                let dry = registry.dry_run(service.clone(), now).is_ok();
                let done = registry.apply(service, now).is_ok();
                assert_eq!(dry, done, "a dry run tells the truth");
                if !done {
                    assert_eq!(books(&registry), before, "a refusal changes nothing");
                }
            }
        }
        books(&registry);
    }
    for name in ["a", "b", "c", "d"] {
        registry.delete(&ServiceKey::new("default", name), now);
    }
    let mut plain = written("", &mut Choices([].iter()));
    plain.spec = Default::default();
    plain.spec.ports.push(ServicePort { port: 80, ..Default::default() });
    for n in 0..=ADDRESSES {
        plain.metadata.name = format!("s{n}");
        assert_eq!(registry.apply(plain.clone(), now).is_ok(), n < ADDRESSES, "all came back");
    }
}

/// What each Service holds; nothing twice, and nothing that the registry does not know of.
fn books(registry: &Registry) -> BTreeMap<String, Vec<String>> {
    let mut held = BTreeSet::new();
    let mut books = BTreeMap::new();
    for service in registry.iter() {
        let spec = &service.spec;
        let ips = spec.cluster_ips.iter().filter(|ip| *ip != "None").cloned();
        // An alias may carry node ports, which mean nothing.
        let is_alias = spec.r#type == "ExternalName";
        let ports = spec.ports.iter().filter(|port| port.node_port != 0 && !is_alias);
        let ports = ports.map(|port| format!("{}/{}", port.node_port, port.protocol));
        let health = Some(spec.health_check_node_port).filter(|port| *port != 0);
        let all: Vec<String> =
            ips.chain(ports).chain(health.map(|port| format!("{port}/TCP"))).collect();
        for number in &all {
            assert!(held.insert(number.clone()), "{number} has two holders");
        }
        books.insert(service.metadata.name.clone(), all);
    }
    // What is remembered for Services that are not there shows up as such, and nothing else does.
    for finding in registry.audit() {
        assert_eq!(finding.kind, svckit::finding::Kind::Unknown, "{finding}");
    }
    books
}

fn written(name: &str, choices: &mut Choices<'_>) -> Service {
    let mut service = Service::default();
    service.metadata.name = name.into();
    let spec = &mut service.spec;
    spec.r#type = choices.one_of(&["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]).into();
    spec.cluster_ip = choices.one_of(&["", "", "10.0.0.9", "10.0.0.15", "None", "fd00::2"]).into();
    let policies = ["SingleStack", "PreferDualStack", "RequireDualStack"];
    spec.ip_family_policy = choices.maybe(|c| c.one_of(&policies).into());
    spec.external_name = choices.one_of(&["example.com", ""]).into();
    spec.external_traffic_policy = choices.one_of(&["", "Local"]).into();
    for port in 0..choices.byte() % 4 {
        spec.ports.push(ServicePort {
            name: ["a", "b", "c"][usize::from(port)].into(),
            protocol: choices.one_of(&["TCP", "UDP"]).into(),
            port: choices.one_of(&[53, 80, 81]),
            node_port: choices.one_of(&[0, 0, 30_003, 30_004]),
            ..Default::default()
        });
    }
    service
}
