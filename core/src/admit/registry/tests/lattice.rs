//! Every transition between the types, headless or not, and between families.

use super::*;

const KINDS: [&str; 5] = ["ClusterIP", "Headless", "NodePort", "LoadBalancer", "ExternalName"];

/// What an author writes for a kind.
fn manifest(kind: &str) -> Service {
    let (typed, ports): (_, &[&str]) = match kind {
        "Headless" => ("ClusterIP", &["80/TCP"]),
        "ExternalName" => ("ExternalName", &[]),
        kind => (kind, &["80/TCP"]),
    };
    let mut service = written("a", typed, ports);
    match kind {
        "Headless" => service.spec.cluster_ip = "None".into(),
        "ExternalName" => service.spec.external_name = "example.com".into(),
        _ => {}
    }
    service
}

/// How many addresses and node ports a kind holds.
fn holds(kind: &str) -> usize {
    match kind {
        "ClusterIP" => 1,
        "NodePort" | "LoadBalancer" => 2,
        _ => 0,
    }
}

#[test]
fn every_type_becomes_every_type() {
    for from in KINDS {
        for to in KINDS {
            let case = format!("{from} to {to}");
            let mut registry = small();
            let before = registry.apply(manifest(from), NOW).expect(&case);
            let held = books(&registry);
            let result = registry.apply(manifest(to), NOW);
            let addressed = |kind| holds(kind) > 0;
            // An address can't become none, nor none an address, except by way of ExternalName. A manifest that
            // leaves the address open takes over "None".
            if addressed(from) && to == "Headless" {
                assert_eq!(wrong(result), ["Invalid spec.clusterIPs[0]"], "{case}");
                assert_eq!(books(&registry), held, "{case}");
                continue;
            }
            if from == "Headless" && matches!(to, "NodePort" | "LoadBalancer") {
                assert_eq!(wrong(result), ["Invalid spec.clusterIPs[0]"], "{case}");
                continue;
            }
            let after = result.expect(&case);
            let stays_headless = from == "Headless" && to == "ClusterIP";
            let want = if stays_headless { 0 } else { holds(to) };
            assert_eq!(books(&registry).len(), want, "{case}");
            if addressed(from) && addressed(to) {
                assert_eq!(after.object.spec.cluster_ip, before.object.spec.cluster_ip, "{case}");
            }
            if holds(from) == 2 && holds(to) == 2 {
                assert_eq!(node_ports(&after), node_ports(&before), "{case}");
            }
            assert_eq!(after.changed, before.object != after.object, "{case}");
        }
    }
}

#[test]
fn a_full_object_becomes_every_type_with_the_numbers_left_in() {
    // A client that reads, changes the type and writes back: what it left as it was is cleared.
    for from in ["ClusterIP", "NodePort", "LoadBalancer"] {
        for to in ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] {
            let case = format!("{from} to {to}");
            let mut registry = small();
            let mut object = Service::clone(&registry.apply(manifest(from), NOW).unwrap().object);
            object.spec.r#type = to.into();
            if to == "ExternalName" {
                object.spec.external_name = "example.com".into();
                object.spec.internal_traffic_policy = None;
            }
            let after = registry
                .apply(object, NOW)
                .map_err(|findings| format!("{case}: {findings:?}"))
                .unwrap();
            assert_eq!(books(&registry).len(), holds(to), "{case}");
            assert_eq!(after.object.spec.cluster_ips.is_empty(), to == "ExternalName", "{case}");
        }
    }
}

/// A manifest with a family policy and families.
fn stacked(policy: Option<&str>, families: &[&str]) -> Service {
    let mut service = written("a", "ClusterIP", &["80/TCP"]);
    service.spec.ip_family_policy = policy.map(Into::into);
    service.spec.ip_families = families.iter().map(|family| (*family).into()).collect();
    service
}

#[test]
fn families_come_and_go() {
    let (single, prefer, require) = ("SingleStack", "PreferDualStack", "RequireDualStack");
    // (case, first manifest, second manifest, families then or what is wrong)
    type Manifest<'a> = (Option<&'a str>, &'a [&'a str]);
    type Outcome<'a> = Result<&'a [&'a str], &'a [&'a str]>;
    let cases: &[(&str, Manifest<'_>, Manifest<'_>, Outcome<'_>)] = &[
        ("stay single", (None, &[]), (None, &[]), Ok(&["IPv4"])),
        ("become dual", (None, &[]), (Some(prefer), &[]), Ok(&["IPv4", "IPv6"])),
        (
            "must become dual",
            (Some(single), &["IPv6"]),
            (Some(require), &[]),
            Ok(&["IPv6", "IPv4"]),
        ),
        ("stay dual", (Some(prefer), &[]), (Some(prefer), &[]), Ok(&["IPv4", "IPv6"])),
        ("policy left out", (Some(require), &[]), (None, &[]), Ok(&["IPv4", "IPv6"])),
        ("become single", (Some(prefer), &[]), (Some(single), &[]), Ok(&["IPv4"])),
        (
            "become single by list too",
            (Some(require), &[]),
            (Some(single), &["IPv4"]),
            Ok(&["IPv4"]),
        ),
        (
            "other primary",
            (None, &["IPv4"]),
            (None, &["IPv6"]),
            Err(&["Invalid spec.clusterIPs[0]"]),
        ),
        (
            "release without policy",
            (Some(prefer), &[]),
            (Some(prefer), &["IPv4"]),
            Err(&["Invalid spec.ipFamilyPolicy"]),
        ),
    ];
    for (case, first, second, want) in cases {
        let mut registry = registry(&["10.0.0.0/24", "fd00::/120"], "30000-30009");
        let before = registry.apply(stacked(first.0, first.1), NOW).unwrap();
        match (registry.apply(stacked(second.0, second.1), NOW), want) {
            (Ok(after), Ok(want)) => {
                assert_eq!(after.object.spec.ip_families, *want, "{case}");
                assert_eq!(after.object.spec.cluster_ips.len(), want.len(), "{case}");
                assert_eq!(after.object.spec.cluster_ip, before.object.spec.cluster_ip, "{case}");
                assert_eq!(books(&registry).len(), want.len(), "{case}: the second is given back");
            }
            (Err(findings), Err(want)) => {
                let came = wrong(Err(findings));
                assert!(want.iter().all(|want| came.contains(&(*want).into())), "{case}: {came:?}");
            }
            (came, want) => panic!("{case}: came {came:?}, wanted {want:?}"),
        }
    }
}
