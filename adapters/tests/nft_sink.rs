//! What the nft sink does when the kernel refuses something, or somebody else has been there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to report")]

mod cluster;
mod namespace;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use cluster::{changes, nodes, service, slice};
use namespace::Namespace;
use svckit::{
    Seed,
    forward::{Desired, Endpoints, Frontend, FrontendKey, Item, NodeConfig, Proxy},
    model::{Change, Family, NamespacedName, Port, Protocol, ServicePortName, TrafficPolicy},
    plan::Planner,
    render::nft::{
        Grouping, Load, Ruleset,
        netlink::{Answer, Transactions},
    },
};
use svckit_adapters::{
    netlink::Socket,
    sink::nft::{Checked, Nft, Synced},
};

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

/// What others do to a table, and what a look at it finds.
fn damages() -> Vec<(&'static str, String, Checked)> {
    let svc = "10.96.0.1 . tcp . 80";
    let stranger = "add table ip other; add chain ip other c; add set ip other s { type mark; }";
    vec![
        ("somebody else's table", stranger.to_owned(), Checked::Intact),
        ("an element goes", format!("delete element ip svckit svc {{ {svc} }}"), Checked::Repaired),
        (
            "an element leads elsewhere",
            format!(
                "delete element ip svckit svc {{ {svc} }}; \
                 add element ip svckit svc {{ {svc} : 5:3 }}"
            ),
            Checked::Repaired,
        ),
        (
            "an element too many",
            "add element ip svckit svc { 10.96.99.9 . tcp . 80 : 5:3 }".into(),
            Checked::Repaired,
        ),
        (
            "a source too many",
            "add element ip6 svckit allowed { 2001:db8:5::5 . tcp . 80 . 2001:db9::/32 }".into(),
            Checked::Repaired,
        ),
        (
            "a rule too many",
            "insert rule ip svckit services ip daddr 10.96.0.1 accept".into(),
            Checked::Repaired,
        ),
        (
            "a way in that isn't ours",
            "add chain ip svckit x { type filter hook forward priority 0; policy drop; }".into(),
            Checked::Repaired,
        ),
        (
            "a way in that drops",
            "chain ip svckit forward { policy drop; }".into(),
            Checked::Repaired,
        ),
        (
            "a number leads elsewhere",
            "delete element ip svckit exceptions { 0:1 }; \
             add element ip svckit exceptions { 0:1 : return }"
                .into(),
            Checked::Repaired,
        ),
        ("a map is emptied", "flush map ip6 svckit eps".into(), Checked::Repaired),
        ("a range goes", "flush set ip svckit pod-cidrs".into(), Checked::Repaired),
        ("a chain is emptied", "flush chain ip svckit services".into(), Checked::Repaired),
        ("all rules go", "flush table ip svckit".into(), Checked::Repaired),
        ("a table goes", "delete table ip6 svckit".into(), Checked::Repaired),
        ("everything goes", "flush ruleset".into(), Checked::Repaired),
        ("nothing", String::new(), Checked::Untouched),
    ]
}

#[test]
fn damage_is_repaired() {
    let Some(namespace) = Namespace::new("drift") else { return };
    let mut proxy = proxy();
    let mut nft = sink(&namespace);
    nft.sync(&mut proxy).unwrap();
    let whole = namespace.listing();
    assert_eq!(check(&mut nft, &proxy), Checked::Untouched);
    for (name, script, want) in damages() {
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
    // Chains stay when nothing leads to them any more; slots, and numbers of chains, depend on who came first.
    let shape = |namespace: &Namespace| {
        let all = namespace.elements();
        let chain = |line: &String| {
            let (number, chain) = line.strip_prefix("kinds ")?.split_once(" : goto ")?;
            Some((number.to_owned(), chain.to_owned()))
        };
        let chains: BTreeMap<String, String> = all.iter().filter_map(chain).collect();
        let slots = ["eps", "node-eps", "ids", "kinds"];
        let apart = |line: &&String| slots.iter().all(|map| !line.starts_with(map));
        let led = |line: &String| match line.rsplit_once(" : ") {
            Some((key, number)) => {
                format!("{key} : {}", chains.get(number).map_or(number, String::as_str))
            }
            None => line.clone(),
        };
        let mut shape: Vec<String> = all.iter().filter(apart).map(led).collect();
        shape.sort();
        shape
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

/// Clients go on to be remembered; whatever else was in the table is gone.
#[test]
fn a_restart_remembers_clients() {
    let Some(namespace) = Namespace::new("memory") else { return };
    sink(&namespace).sync(&mut proxy()).unwrap();
    let whole = namespace.listing();
    let client = "10.1.2.3 . 1:4000 timeout 1h : 1:4001";
    namespace.nft(&[&format!("add element ip svckit sticky {{ {client} }}")], "");
    namespace.nft(&["add element ip svckit svc { 10.96.99.9 . tcp . 80 : 5:3 }"], "");
    namespace.nft(&["insert rule ip svckit services ip daddr 10.96.0.1 drop"], "");
    for _ in 0..2 {
        sink(&namespace).sync(&mut proxy()).unwrap();
        let sticky = namespace.nft(&["list", "map", "ip", "svckit", "sticky"], "");
        assert!(sticky.contains("10.1.2.3 . 1:4000 timeout 1h"), "{sticky}");
    }
    // Tables that can't be replaced around their memory: they are replaced all the same.
    namespace
        .nft(&["add chain ip svckit x { type filter hook input priority 0; policy drop; }"], "");
    sink(&namespace).sync(&mut proxy()).unwrap();
    assert_eq!(namespace.listing(), whole, "a stranger's way in");
    let other = "delete table ip svckit\ntable ip svckit {\n set svc { type mark; }\n}";
    namespace.nft(&["-f", "-"], other);
    sink(&namespace).sync(&mut proxy()).unwrap();
    assert_eq!(namespace.listing(), whole, "another version's table");
}

/// Who dies while a first load is going on leaves half a table, which nobody's packets see.
#[test]
fn half_a_load_is_followed_by_a_whole_one() {
    let Some(namespace) = Namespace::new("half") else { return };
    let mut many = proxy();
    (100..250).for_each(|n| many.apply(&service(n, |_| ())));
    let mut planner = Planner::new(Seed([1; 4]));
    planner.follow(&mut many);
    let plan = planner.plan().unwrap();
    let mut transactions = Transactions::default();
    let how = (Load::Pieces, Grouping::Together);
    Ruleset::default().encode_full(&plan, &node(), how, |_| false, &mut transactions);
    let number = transactions.iter().count();
    assert!(number > 2);
    let mut socket = Socket::open_in(&namespace.path()).unwrap();
    for transaction in transactions.iter().take(number / 2) {
        socket
            .ask(transaction, |answer| assert!(!matches!(answer, Answer::Refused { .. })))
            .unwrap();
    }
    assert!(namespace.nft(&["list", "tables"], "").contains("svckit"));
    sink(&namespace).sync(&mut proxy()).unwrap();
    let after = namespace.listing();
    namespace.nft(&["flush", "ruleset"], "");
    sink(&namespace).sync(&mut proxy()).unwrap();
    assert_eq!(after, namespace.listing());
    assert!(!after.iter().any(|line| line.contains("dormant")));
}

/// A service port at `10.96.9.<n>`.
fn frontend(n: u8, external_ips: &[u8]) -> (Item, Desired) {
    let at = |n: u8| std::net::IpAddr::from([10, 96, 9, n]);
    let name = ServicePortName {
        service: NamespacedName::new("lab", format!("by-hand-{n}")),
        port: "".into(),
        protocol: Protocol::Tcp,
    };
    let key = Arc::new(FrontendKey { name, family: Family::V4 });
    let frontend = Frontend {
        cluster_ip: Some(at(n)),
        external_ips: external_ips.iter().map(|n| at(*n)).collect(),
        endpoints: Endpoints {
            cluster: [SocketAddr::from(([10, 244, 1, n], 8080))].into(),
            has_any: true,
            ..Endpoints::default()
        },
        ..Frontend::new(key.clone(), Port::new(80).unwrap())
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
    let here = |n: u8| namespace.elements().contains(&format!("svc 10.96.9.{n} . tcp . 80 : 5:1"));
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
