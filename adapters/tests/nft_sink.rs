//! What the nft sink does when the kernel refuses something, or somebody else has been there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to report")]

mod cluster;
mod namespace;

use std::{net::SocketAddr, sync::Arc};

use cluster::{changes, nodes, service, slice};
use namespace::Namespace;
use svckit::{
    Seed,
    forward::{Desired, Endpoints, Frontend, FrontendKey, Item, NodeConfig, Proxy},
    model::{Change, Family, NamespacedName, Port, Protocol, ServicePortName, TrafficPolicy},
};
use svckit_adapters::sink::nft::{Checked, Nft, Synced};

fn node() -> NodeConfig {
    nodes().remove(0).1
}

fn proxy() -> Proxy {
    let mut proxy = Proxy::new(node(), Seed([1, 2, 3, 4]));
    changes().iter().for_each(|change| proxy.apply(change));
    proxy
}

fn sink(namespace: &Namespace) -> Nft {
    Nft::in_namespace(&namespace.path(), Seed([5, 6, 7, 8])).unwrap()
}

/// Calls `check` until it has looked at everything.
fn check(nft: &mut Nft, proxy: &Proxy) -> Checked {
    for _ in 0..100 {
        match nft.check(proxy.node(), 20).unwrap() {
            Checked::Looking(_) => {}
            found => return found,
        }
    }
    panic!("it looks for ever")
}

#[test]
fn damage_is_repaired() {
    let Some(namespace) = Namespace::new("drift") else { return };
    let mut proxy = proxy();
    let mut nft = sink(&namespace);
    nft.sync(&mut proxy).unwrap();
    let whole = namespace.listing();
    assert_eq!(check(&mut nft, &proxy), Checked::Untouched);
    let svc = "10.96.0.1 . tcp . 80";
    let stranger = "add table ip other; add chain ip other c; add set ip other s { type mark; }";
    let cases = [
        ("somebody else's table", stranger.to_owned(), Checked::Intact),
        ("an element goes", format!("delete element ip svckit svc {{ {svc} }}"), Checked::Repaired),
        (
            "an element leads elsewhere",
            format!(
                "delete element ip svckit svc {{ {svc} }}; \
                 add element ip svckit svc {{ {svc} : goto c-n3 }}"
            ),
            Checked::Repaired,
        ),
        ("a map is emptied", "flush map ip6 svckit eps".into(), Checked::Repaired),
        ("a range goes", "flush set ip svckit pod-cidrs".into(), Checked::Repaired),
        ("a chain is emptied", "flush chain ip svckit services".into(), Checked::Repaired),
        ("all rules go", "flush table ip svckit".into(), Checked::Repaired),
        ("a table goes", "delete table ip6 svckit".into(), Checked::Repaired),
        ("everything goes", "flush ruleset".into(), Checked::Repaired),
        ("nothing", String::new(), Checked::Untouched),
    ];
    for (name, script, want) in cases {
        namespace.nft(&["-f", "-"], &script);
        assert_eq!(check(&mut nft, &proxy), want, "{name}");
        namespace.nft(&["-f", "-"], "table ip other {}\ndelete table ip other");
        assert_eq!(namespace.listing(), whole, "{name}");
        check(&mut nft, &proxy);
    }
}

#[test]
fn changes_heal_what_they_stumble_over() {
    let Some(namespace) = Namespace::new("heal") else { return };
    let mut proxy = proxy();
    let mut nft = sink(&namespace);
    nft.sync(&mut proxy).unwrap();
    namespace.nft(&["-f", "-"], "delete table ip svckit");
    proxy.apply(&slice(1, Family::V4, &[1, 2, 3]));
    let synced = nft.sync(&mut proxy).unwrap().unwrap();
    assert!(synced.full && synced.refused == 0, "{synced:?}");
    proxy.apply(&slice(1, Family::V4, &[1, 2]));
    assert!(!nft.sync(&mut proxy).unwrap().unwrap().full);
    assert_eq!(check(&mut nft, &proxy), Checked::Untouched);
}

#[test]
fn changes_leave_what_a_fresh_load_would() {
    let (Some(changed), Some(fresh)) = (Namespace::new("changed"), Namespace::new("fresh")) else {
        return;
    };
    let mut proxy = proxy();
    let mut nft = sink(&changed);
    nft.sync(&mut proxy).unwrap();
    let gone = Change::ServiceGone(NamespacedName::new("lab", "s6"));
    let sticky = |n| {
        service(n, |s| {
            let timeout = std::time::Duration::from_secs(90);
            s.affinity = Some(svckit::model::Affinity { timeout });
        })
    };
    let steps = [
        slice(1, Family::V4, &[1, 2, 3]),
        slice(1, Family::V6, &(1..=40).collect::<Vec<_>>()),
        gone,
        sticky(1),
        slice(5, Family::V4, &[2, 3, 4, 5]),
        service(5, |_| ()),
        sticky(2),
        slice(2, Family::V4, &(1..=14).collect::<Vec<_>>()),
        service(4, |s| s.external_traffic = TrafficPolicy::Local),
        slice(7, Family::V4, &[]),
        slice(7, Family::V6, &[2, 4]),
    ];
    for (n, step) in steps.iter().enumerate() {
        proxy.apply(step);
        let synced = nft.sync(&mut proxy).unwrap().unwrap();
        assert!(!synced.full, "step {n}");
    }
    let mut again = sink(&fresh);
    let mut second = Proxy::new(node(), Seed([1, 2, 3, 4]));
    changes().iter().chain(&steps).for_each(|change| second.apply(change));
    again.sync(&mut second).unwrap();
    // Chains stay when nothing leads to them any more, and slots depend on who came first.
    let shape = |namespace: &Namespace| {
        let slots = ["eps", "node-eps", "ids"];
        let apart = |line: &&String| slots.iter().all(|map| !line.starts_with(map));
        namespace.elements().iter().filter(apart).cloned().collect::<Vec<_>>()
    };
    assert_eq!(shape(&changed), shape(&fresh));
    assert_eq!(check(&mut nft, &proxy), Checked::Untouched);
}

#[test]
fn a_restart_takes_the_place_of_what_is_there() {
    let Some(namespace) = Namespace::new("restart") else { return };
    namespace.nft(&["-f", "-"], "add table ip other; add chain ip other c");
    let mut first = proxy();
    sink(&namespace).sync(&mut first).unwrap();
    let whole = namespace.listing();
    let mut second = proxy();
    second.apply(&Change::ServiceGone(NamespacedName::new("lab", "s1")));
    second.apply(&service(1, |_| ()));
    let mut nft = sink(&namespace);
    assert!(nft.sync(&mut second).unwrap().unwrap().full);
    assert_eq!(namespace.listing(), whole, "the other's table included");
    nft.clear().unwrap();
    let left = namespace.nft(&["list", "ruleset"], "");
    assert!(left.contains("table ip other") && !left.contains("svckit"), "{left}");
}

/// A service port at `10.96.9.<n>`.
fn frontend(n: u8, external_ips: &[u8]) -> (Item, Desired) {
    let at = |n: u8| std::net::IpAddr::from([10, 96, 9, n]);
    let name = ServicePortName {
        service: NamespacedName::new("lab", format!("by-hand-{n}")),
        port: "".into(),
        protocol: Protocol::Tcp,
    };
    let key = FrontendKey { name, family: Family::V4 };
    let frontend = Frontend {
        key: key.clone(),
        port: Port::new(80).unwrap(),
        cluster_ip: Some(at(n)),
        vips: vec![],
        external_ips: external_ips.iter().map(|n| at(*n)).collect(),
        node_port: None,
        source_ranges: vec![],
        internal: TrafficPolicy::Cluster,
        external: TrafficPolicy::Cluster,
        affinity: None,
        annotations: Arc::default(),
        endpoints: Endpoints {
            cluster: [SocketAddr::from(([10, 244, 1, n], 8080))].into(),
            has_any: true,
            ..Endpoints::default()
        },
    };
    (Item::Frontend(key), Desired::Frontend(Arc::new(frontend)))
}

#[test]
fn what_the_kernel_refuses_is_left_out() {
    let Some(namespace) = Namespace::new("refused") else { return };
    let mut nft = sink(&namespace);
    let set = |nft: &mut Nft, (item, desired)| nft.planner_mut().set(item, desired);
    (1..=20).for_each(|n| set(&mut nft, frontend(n, &[])));
    // One address, two ways to go on: the kernel takes only one.
    set(&mut nft, frontend(21, &[21]));
    nft.planner_mut().sync();
    let synced = nft.write(&node()).unwrap().unwrap();
    assert_eq!(synced, Synced { full: true, items: 21, refused: 1, udp: false });
    let told: Vec<String> = nft.refused().map(|refused| refused.to_string()).collect();
    assert!(told.len() == 1 && told[0].starts_with("lab/by-hand-21 (IPv4): "), "{told:?}");
    let here =
        |n: u8| namespace.elements().contains(&format!("svc 10.96.9.{n} . tcp . 80 : goto c-n1"));
    assert!((1..=20).all(here) && !here(21));

    // Another one comes later; the others change all the same.
    set(&mut nft, frontend(22, &[22]));
    set(&mut nft, frontend(23, &[]));
    let synced = nft.write(&node()).unwrap().unwrap();
    assert_eq!(synced.refused, 2, "{synced:?}");
    assert!(here(1) && here(23) && !here(22));
    // What is mended goes in.
    set(&mut nft, frontend(21, &[]));
    set(&mut nft, frontend(22, &[]));
    let synced = nft.write(&node()).unwrap().unwrap();
    assert_eq!(synced.refused, 0, "{synced:?}");
    assert!((1..=23).all(here));
}
