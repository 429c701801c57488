use super::*;
use crate::api::{ContainerPort, PodDnsConfig, PodIp};
use std::{format, string::String};

fn port(number: i32, host: i32, host_ip: &str) -> ContainerPort {
    ContainerPort {
        container_port: number,
        host_port: host,
        host_ip: host_ip.into(),
        ..Default::default()
    }
}

fn container(ports: &[ContainerPort]) -> Container {
    Container { ports: ports.into(), ..Default::default() }
}

fn sidecar(ports: &[ContainerPort]) -> Container {
    Container { restart_policy: Some("Always".into()), ..container(ports) }
}

fn found(change: impl FnOnce(&mut Pod)) -> Vec<String> {
    let mut pod = Pod::default();
    pod.metadata.name = "web".into();
    pod.metadata.namespace = "shop".into();
    change(&mut pod);
    default(&mut pod);
    let findings = validate(&pod, &Gates::default());
    findings.iter().map(|finding| format!("{} {}", finding.kind, finding.path)).collect()
}

#[test]
fn host_ports_collide_across_containers() {
    let twice = "Duplicate spec.containers[1].ports[0].hostPort";
    let cases = [
        ("same port", port(80, 8080, ""), port(81, 8080, ""), Some(twice)),
        ("wildcards", port(80, 8080, "0.0.0.0"), port(81, 8080, "::"), Some(twice)),
        ("wildcard and address", port(80, 8080, ""), port(81, 8080, "10.0.0.1"), Some(twice)),
        ("two addresses", port(80, 8080, "10.0.0.2"), port(81, 8080, "10.0.0.1"), None),
        ("two ports", port(80, 8080, ""), port(81, 8081, ""), None),
        ("no host port", port(80, 0, ""), port(80, 0, ""), None),
    ];
    for (case, first, second, want) in cases {
        let came =
            found(|pod| pod.spec.containers = [container(&[first]), container(&[second])].into());
        assert_eq!(came, want.into_iter().collect::<Vec<_>>(), "{case}");
    }
    let came = found(|pod| {
        pod.spec.containers.push(container(&[port(80, 8080, "")]));
        pod.spec.init_containers =
            [container(&[port(80, 8080, "")]), sidecar(&[port(80, 8080, "")])].into();
    });
    assert_eq!(
        came,
        ["Duplicate spec.initContainers[1].ports[0].hostPort"],
        "only sidecars run beside it"
    );
}

#[test]
fn the_host_network_has_one_number() {
    assert_eq!(
        found(|pod| {
            pod.spec.host_network = true;
            pod.spec.containers.push(container(&[port(80, 0, ""), port(81, 82, "")]));
            pod.spec.init_containers.push(sidecar(&[port(90, 91, "")]));
        }),
        [
            "Invalid spec.containers[0].ports[1].hostPort",
            "Invalid spec.initContainers[0].ports[0].hostPort",
        ]
    );
    let mut template = PodSpec { host_network: true, ..Default::default() };
    template.containers.push(container(&[port(80, 0, "")]));
    default_template(&mut template);
    let mut notes = Notes::default();
    spec(&template, SPEC, Kind::Template, &Gates::default(), &mut notes);
    assert_eq!(notes.0, [], "filled in when the pod is made");
}

#[test]
fn ports_are_checked() {
    assert_eq!(
        found(|pod| {
            let mut bad = port(0, 70_000, "nonsense");
            bad.name = "Too-Long-And-Capital".into();
            bad.protocol = "ICMP".into();
            pod.spec.containers.push(container(&[bad]));
        }),
        [
            "Invalid spec.containers[0].ports[0].name",
            "Invalid spec.containers[0].ports[0].name",
            "Required spec.containers[0].ports[0].containerPort",
            "Invalid spec.containers[0].ports[0].hostPort",
            "Invalid spec.containers[0].ports[0].hostIP",
            "NotSupported spec.containers[0].ports[0].protocol",
        ]
    );
}

#[test]
fn shared_names_are_warned_about() {
    let named = |number| ContainerPort { name: "http".into(), ..port(number, 0, "") };
    let two = |first, second| PodSpec {
        containers: [container(&[named(first)]), container(&[named(second)])].into(),
        ..Default::default()
    };
    assert_eq!(warnings(&two(80, 81))[0].path, "spec.containers[1].ports[0].name");
    assert_eq!(warnings(&two(80, 80)), []);
}

#[test]
fn names_and_dns_are_checked() {
    let config = |servers: &[&str], searches: &[&str]| {
        let texts = |list: &[&str]| list.iter().map(|text| String::from(*text)).collect();
        Some(PodDnsConfig {
            nameservers: texts(servers),
            searches: texts(searches),
            ..Default::default()
        })
    };
    let long = format!("a.{}", "b".repeat(300));
    type Change<'a> = &'a dyn Fn(&mut PodSpec);
    let cases: [(&str, Change<'_>, &[&str]); 7] = [
        (
            "names",
            &|s| (s.hostname, s.subdomain) = ("A".into(), "a.b".into()),
            &["Invalid spec.hostname", "Invalid spec.subdomain"],
        ),
        ("policy", &|s| s.dns_policy = "Cluster".into(), &["NotSupported spec.dnsPolicy"]),
        ("none alone", &|s| s.dns_policy = "None".into(), &["Required spec.dnsConfig"]),
        (
            "four servers",
            &|s| s.dns_config = config(&["1.1.1.1"; 4], &[]),
            &["Invalid spec.dnsConfig.nameservers"],
        ),
        (
            "searches",
            &|s| s.dns_config = config(&[], &[".", "_tcp.a_b.", "x y", &long]),
            &["Invalid spec.dnsConfig.searches[2]", "Invalid spec.dnsConfig.searches[3]"],
        ),
        (
            "many searches",
            &|s| s.dns_config = config(&[], &["a.b"; 33]),
            &["Invalid spec.dnsConfig.searches"],
        ),
        (
            "override",
            &|s| (s.hostname_override, s.host_network) = (Some("a_b".into()), true),
            &["Invalid spec.hostnameOverride", "Forbidden spec.hostnameOverride"],
        ),
    ];
    for (case, change, want) in cases {
        assert_eq!(found(|pod| change(&mut pod.spec)), want, "{case}");
    }
}

#[test]
fn addresses_are_one_of_each_family() {
    let ips = |list: &[&str]| list.iter().map(|ip| PodIp { ip: (*ip).into() }).collect::<Vec<_>>();
    assert_eq!(found(|pod| pod.status.pod_ips = ips(&["10.0.0.1", "fd00::1"])), [""; 0]);
    assert_eq!(
        found(|pod| pod.status.pod_ips = ips(&["10.0.0.1", "10.0.0.2"])),
        ["Invalid status.podIPs"]
    );
    assert_eq!(found(|pod| pod.status.host_ip = "x".into()), ["Invalid status.hostIP"]);
}
