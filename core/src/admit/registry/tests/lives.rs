//! Services over several lives of the registry, and with changing ranges.

use super::*;
use core::time::Duration;

#[test]
fn an_unchanged_manifest_changes_nothing() {
    let mut registry = registry(&["10.0.0.0/24", "fd00::/120"], "30000-30009");
    let mut service = written("a", "LoadBalancer", &["1/TCP", "1/UDP"]);
    service.spec.ip_family_policy = Some("PreferDualStack".into());
    service.spec.external_traffic_policy = "Local".into();
    let first = registry.apply(service.clone(), NOW).unwrap();
    assert!(first.changed);
    let again = registry.apply(service, NOW).unwrap();
    assert!(!again.changed);
    assert!(Arc::ptr_eq(&first.object, &again.object) && Arc::ptr_eq(&first.model, &again.model));
    assert_eq!(
        books(&registry).len(),
        5,
        "two addresses, one number for two protocols, a health port"
    );
}

#[test]
fn what_was_held_comes_back() {
    let mut registry = small();
    let text = "10.0.0.77 p0/TCP=30007 health=30008";
    registry.remember(key("a"), text.parse().unwrap());
    for n in 0..20 {
        let other =
            registry.apply(written(&format!("s{n}"), "ClusterIP", &["1/TCP"]), NOW).unwrap();
        assert_ne!(other.object.spec.cluster_ip, "10.0.0.77", "drawn for nobody else");
    }
    let mut service = written("a", "LoadBalancer", &["1/TCP"]);
    service.spec.external_traffic_policy = "Local".into();
    let admitted = registry.apply(service, NOW).unwrap();
    assert_eq!(admitted.object.spec.cluster_ip, "10.0.0.77");
    assert_eq!(registry.allocation(&key("a")).unwrap().to_string(), text);
    books(&registry);
}

#[test]
fn what_the_manifest_says_comes_before_what_was_held() {
    let mut registry = small();
    registry.remember(key("a"), "10.0.0.77 p0/TCP=30007".parse().unwrap());
    let mut service = written("a", "NodePort", &["1/TCP:30001"]);
    service.spec.cluster_ip = "10.0.0.5".into();
    registry.apply(service, NOW).unwrap();
    assert_eq!(books(&registry), ["10.0.0.5 default/a", "node port 30001/TCP default/a"]);
}

#[test]
fn who_asks_by_number_takes_it_from_the_past() {
    let mut registry = small();
    registry.remember(key("gone"), "10.0.0.77".parse().unwrap());
    registry.apply(addressed("b", "10.0.0.77"), NOW).unwrap();
    assert_eq!(registry.allocation(&key("gone")), None);
    let late = registry.apply(written("gone", "ClusterIP", &["1/TCP"]), NOW).unwrap();
    assert_ne!(late.object.spec.cluster_ip, "10.0.0.77");
    books(&registry);
}

#[test]
fn what_never_came_back_is_freed_by_a_repair() {
    let mut registry = registry(&["10.0.0.0/30"], "30000-30009");
    registry.remember(key("x"), "10.0.0.1 p0/TCP=30001".parse().unwrap());
    registry.remember(key("y"), "10.0.0.2".parse().unwrap());
    registry.remember(key("outside"), "192.168.0.1 p0/TCP=80".parse().unwrap());
    assert_eq!(
        wrong(registry.apply(written("a", "ClusterIP", &["1/TCP"]), NOW)),
        ["Conflict spec.clusterIPs[0]"]
    );
    let kinds: Vec<Kind> = registry.repair(NOW).iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [Kind::Unknown; 3]);
    assert_eq!(books(&registry), Vec::<String>::new());
    registry.apply(written("a", "ClusterIP", &["1/TCP"]), NOW).unwrap();
}

#[test]
fn deleted_addresses_wait_before_they_are_drawn_again() {
    let settings = Settings {
        service_cidrs: vec!["10.0.0.0/29".parse().unwrap()],
        quarantine: Duration::from_secs(60),
        ..Settings::default()
    };
    let mut registry = Registry::new(settings, Seed([3; 4])).unwrap();
    let addr = |registry: &mut Registry, name: &str, now| {
        let admitted = registry.apply(written(name, "ClusterIP", &["1/TCP"]), now).unwrap();
        admitted.object.spec.cluster_ip.clone()
    };
    let gone = addr(&mut registry, "a", NOW);
    assert!(registry.delete(&key("a"), NOW) && !registry.delete(&key("a"), NOW));
    for n in 0..5 {
        assert_ne!(addr(&mut registry, &format!("s{n}"), Time::from_nanos(1)), gone);
    }
    assert_eq!(addr(&mut registry, "last", Time::from_nanos(2)), gone, "sooner than none at all");
}

#[test]
fn other_ranges_leave_services_alone() {
    let mut registry = small();
    registry.apply(written("a", "NodePort", &["1/TCP:30001"]), NOW).unwrap();
    let service_cidrs = vec!["10.1.0.0/24".parse().unwrap()];
    let settings = Settings { service_cidrs, ..Settings::default() };
    registry.reconfigure(settings).unwrap();
    let kinds: Vec<Kind> = registry.audit().iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [Kind::Invalid], "the address is outside, the port is not");
    assert!(!registry.apply(written("a", "NodePort", &["1/TCP:30001"]), NOW).unwrap().changed);
    let new = registry.apply(written("b", "ClusterIP", &["1/TCP"]), NOW).unwrap();
    assert!(new.object.spec.cluster_ip.starts_with("10.1.0."));
    let none = Settings { service_cidrs: vec![], ..Settings::default() };
    assert_eq!(registry.reconfigure(none), Err(SettingsError::NoRange));
}

#[test]
fn a_service_made_anew_keeps_its_numbers_but_may_change() {
    let mut registry = small();
    let mut first = written("a", "ClusterIP", &["1/TCP"]);
    first.metadata.uid = "1".into();
    let addr = registry.apply(first, NOW).unwrap().object.spec.cluster_ip.clone();
    let mut second = written("a", "ClusterIP", &["1/TCP"]);
    second.metadata.uid = "2".into();
    let same = registry.apply(second, NOW).unwrap();
    assert_eq!(same.object.spec.cluster_ip, addr);
    let mut third = addressed("a", "10.0.0.200");
    third.metadata.uid = "3".into();
    registry.apply(third, NOW).unwrap();
    assert_eq!(books(&registry), ["10.0.0.200 default/a"]);
    assert_eq!(
        wrong(registry.apply(addressed("a", "10.0.0.201"), NOW)),
        ["Invalid spec.clusterIPs[0]"]
    );
}

#[test]
fn allocations_are_text() {
    for text in
        ["", "10.0.0.1", "10.0.0.1,fd00::1 /TCP=30000 dns/UDP=30001 health=30002", " a/SCTP=1"]
    {
        let read: Allocation = text.parse().unwrap();
        assert_eq!(read.to_string(), text);
    }
    for text in ["x", "10.0.0.1 80", "10.0.0.1 a/TCP=0", "10.0.0.1 a/ICMP=1", "10.0.0.1 death=1"] {
        assert!(text.parse::<Allocation>().is_err(), "{text}");
    }
}
