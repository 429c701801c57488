//! What is written, and what a change writes. That kernels take it and do as they are told is tested in the adapters;
//! that rules and [`Proxy::decide`] agree, by the fuzz bodies.

use super::*;
use crate::{
    Seed,
    forward::{Desired, Item, NodeConfig},
    model::*,
    plan::Planner,
};
use std::{string::String, sync::Arc, vec, vec::Vec};

/// A Service at `10.96.0.<n>`, for the balancer at `203.0.113.<n>`, and node port 30000 + n.
fn service(n: u8, change: impl FnOnce(&mut Service)) -> Change {
    let balancer = LoadBalancer {
        vips: vec![[203, 0, 113, n].into()],
        source_ranges: vec!["198.51.100.0/24".parse().unwrap()],
        ..LoadBalancer::default()
    };
    let port = Port::new(80).unwrap();
    let mut service = Service::new(
        NamespacedName::new("shop", std::format!("cart{n}")),
        Exposure::LoadBalancer(ClusterIps::single([10, 96, 0, n].into()), balancer),
        vec![ServicePort {
            name: "http".into(),
            protocol: Protocol::Tcp,
            port,
            target: TargetPort::Number(port),
            node_port: Port::new(30_000 + u16::from(n)),
            app_protocol: None,
        }],
    );
    change(&mut service);
    Change::Service(Arc::new(service))
}

/// Endpoints `10.244.0.<host>:8080` of it; the first is on this node.
fn slice(n: u8, hosts: &[u8]) -> Change {
    let endpoint = |(place, host): (usize, &u8)| Endpoint {
        addresses: [[10, 244, 0, *host].into()].into(),
        conditions: Conditions::READY,
        hostname: None,
        node: Some(if place == 0 { "here" } else { "there" }.into()),
        zone: None,
        hints: None,
        pod: None,
    };
    Change::Slice(Arc::new(EndpointSlice {
        key: NamespacedName::new("shop", std::format!("cart{n}-1")),
        service: NamespacedName::new("shop", std::format!("cart{n}")),
        family: Family::V4,
        ports: vec![SlicePort {
            name: "http".into(),
            protocol: Protocol::Tcp,
            port: Port::new(8080),
            app_protocol: None,
        }],
        endpoints: hosts.iter().enumerate().map(endpoint).collect(),
    }))
}

/// A proxy, and what of it a kernel has been told.
struct Rig {
    proxy: Proxy,
    planner: Planner<Item, Desired>,
    ruleset: Ruleset,
}

impl Rig {
    fn new(changes: &[Change]) -> Self {
        let node = NodeConfig {
            name: "here".into(),
            addresses: vec!["192.168.1.1".parse().unwrap()],
            pod_cidrs: vec!["10.244.0.0/16".parse().unwrap()],
            service_cidrs: vec!["10.96.0.0/12".parse().unwrap()],
            ..NodeConfig::default()
        };
        let mut proxy = Proxy::new(node, Seed([1; 4]));
        changes.iter().for_each(|change| proxy.apply(change));
        proxy.apply(&Change::Synced);
        Self { proxy, planner: Planner::new(Seed([2; 4])), ruleset: Ruleset::new(Family::V4) }
    }

    /// What the next plan writes; nothing when there is none.
    fn write(&mut self, saved: &Saved) -> String {
        let mut text = String::new();
        self.planner.follow(&mut self.proxy);
        if let Some(plan) = self.planner.plan() {
            self.ruleset.write(&plan, &self.proxy, saved, &mut text).unwrap();
            self.planner.commit(plan.generation);
        }
        text
    }

    fn change(&mut self, change: &Change) -> String {
        self.proxy.apply(change);
        self.write(&Saved::default())
    }
}

/// The rules of the chains whose names begin so, in order.
fn rules<'a>(text: &'a str, chain: &str) -> Vec<&'a str> {
    let begins = std::format!("-A {chain}");
    text.lines().filter(|line| line.starts_with(&begins)).collect()
}

/// As `iptables-save` would print it after the input was taken: jumps in the order they end up.
fn saved(text: &str) -> String {
    let (mut lines, mut jumps) = (Vec::new(), Vec::new());
    for line in text.lines() {
        match line.strip_prefix("-I ") {
            Some(rule) => jumps.insert(0, std::format!("-A {rule}")),
            None => {
                if line == "COMMIT" {
                    lines.append(&mut jumps);
                }
                lines.push(line.into());
            }
        }
    }
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn names_are_kube_proxys() {
    let port = ServicePortName {
        service: NamespacedName::new("ns4", "svc4"),
        port: "p80".into(),
        protocol: Protocol::Tcp,
    };
    let cases = [
        (ChainName::of(Kind::Local, &port), "KUBE-SVL-4SW47YFZTEDKD3PK"),
        (ChainName::of_endpoint(&port, ([10, 180, 0, 4], 80).into()), "KUBE-SEP-UKSFD7AGPMPPLUHC"),
    ];
    for (name, want) in cases {
        assert_eq!(std::format!("{name}"), want);
    }
}

#[test]
fn a_load_balancer_from_address_to_endpoint() {
    let text = Rig::new(&[service(1, |_| ()), slice(1, &[4, 5, 6])]).write(&Saved::default());
    let svc = "KUBE-SVC-PJMCGKNOQJOCD4NA";
    let cart = r#"-m comment --comment "shop/cart1:http"#;
    let at = |addr: &str, what: &str, to: &str| {
        std::format!(
            r#"-A KUBE-SERVICES -d {addr}/32 -p tcp {cart} {what}" -m tcp --dport 80 -j {to}-PJMCGKNOQJOCD4NA"#
        )
    };
    let nat = text.split_once("*nat").unwrap().1;
    assert_eq!(
        rules(nat, "KUBE-SERVICES"),
        [
            &at("10.96.0.1", "cluster IP", "KUBE-SVC"),
            &at("203.0.113.1", "loadbalancer IP", "KUBE-FW"),
            "-A KUBE-SERVICES -d 127.0.0.0/8 -j RETURN",
            "-A KUBE-SERVICES -d 192.168.1.1/32 -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
            "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-HOSTPORTS",
        ]
    );
    let picks = rules(nat, svc);
    assert_eq!(
        picks[0],
        std::format!(
            r#"-A {svc} ! -s 10.244.0.0/16 -d 10.96.0.1/32 -p tcp {cart} cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ"#
        )
    );
    assert!(
        picks[1].contains("-m statistic --mode random --probability 0.3333333333 -j KUBE-SEP-")
    );
    assert!(
        picks[2].contains("-m statistic --mode random --probability 0.5000000000 -j KUBE-SEP-")
    );
    assert!(picks[3].contains(r#"cart1:http" -j KUBE-SEP-"#) && picks.len() == 4, "{picks:?}");
    let firewall = rules(nat, "KUBE-FW-");
    assert!(firewall[0].contains("-s 198.51.100.0/24") && firewall.len() == 2, "{firewall:?}");
    let endpoint = rules(nat, "KUBE-SEP-").into_iter().filter(|rule| rule.contains("10.244.0.4"));
    let endpoint: Vec<_> = endpoint.collect();
    assert!(endpoint[0].contains("-s 10.244.0.4/32") && endpoint[0].ends_with("-j KUBE-MARK-MASQ"));
    assert!(endpoint[1].ends_with("-j DNAT --to-destination 10.244.0.4:8080"), "{endpoint:?}");
}

#[test]
fn a_change_writes_what_it_changes() {
    let mut rig = Rig::new(&[service(1, |_| ()), slice(1, &[4, 5]), service(2, |_| ())]);
    rig.write(&Saved::default());
    let more = rig.change(&slice(1, &[4, 5, 6]));
    let chains: Vec<_> = more.lines().filter(|line| line.starts_with(':')).collect();
    assert_eq!(chains.len(), 2, "the Service's chain and the new endpoint's: {more}");
    assert!(!more.contains("*filter") && !more.contains("-X "), "{more}");
    let less = rig.change(&slice(1, &[4, 6]));
    assert_eq!(less.matches("-X KUBE-SEP-").count(), 1, "{less}");
    let first = rig.change(&slice(2, &[9]));
    assert!(
        first.contains("*filter") && first.contains("-A KUBE-SERVICES -d 10.96.0.1/32"),
        "whole: {first}"
    );
    assert_eq!(rig.change(&slice(2, &[9])), "", "nothing has changed");
    let gone = rig.change(&Change::ServiceGone(NamespacedName::new("shop", "cart1")));
    assert!(
        !gone.contains("10.96.0.1/32") && gone.contains("-X KUBE-SVC-PJMCGKNOQJOCD4NA"),
        "{gone}"
    );
}

#[test]
fn changes_end_where_a_fresh_start_would() {
    let mut rig = Rig::new(&[service(1, |s| s.external_traffic = TrafficPolicy::Local)]);
    let mut kernel = rig.write(&Saved::default());
    let sticky = Some(Affinity { timeout: core::time::Duration::from_secs(60) });
    let steps = [
        slice(1, &[4, 5]),
        service(2, |s| s.affinity = sticky),
        slice(2, &[7, 8]),
        slice(1, &[]),
        service(1, |s| s.external_ips = vec![[203, 0, 113, 80].into()]),
        Change::ServiceGone(NamespacedName::new("shop", "cart2")),
    ];
    for step in steps {
        rig.change(&step);
    }
    let mut fresh = String::new();
    full(&rig.proxy, Family::V4, &mut fresh).unwrap();
    assert!(rig.ruleset.differences(&Saved::parse(&saved(&fresh))).is_empty());
    kernel = saved(&kernel);
    assert!(!rig.ruleset.differences(&Saved::parse(&kernel)).is_empty(), "that was long ago");
}

#[test]
fn a_restart_adopts_what_is_there() {
    let mut rig = Rig::new(&[service(1, |_| ()), slice(1, &[4])]);
    let was = saved(&rig.write(&Saved::default()));
    let was =
        was.replace("*nat", "*nat\n:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]\n:KUBE-SVC-OTHERS - [0:0]");
    let was = Saved::parse(&was);
    let mut again = Rig::new(&[service(1, |_| ()), slice(1, &[4])]);
    let text = again.write(&was);
    assert!(!text.contains("\n-I ") && !text.contains("\n-D "), "the jumps are there: {text}");
    assert!(text.contains("-X KUBE-SVC-AAAAAAAAAAAAAAAA") && !text.contains("OTHERS"), "{text}");
    let mut removal = String::new();
    Ruleset::write_removal(&was, &mut removal).unwrap();
    assert!(removal.contains("-D PREROUTING -j KUBE-SERVICES") && !removal.contains("OTHERS"));
}

#[test]
fn damage_is_found() {
    let mut rig = Rig::new(&[service(1, |_| ()), slice(1, &[4, 5])]);
    let whole = saved(&rig.write(&Saved::default()));
    let rounded = whole.replace("0.5000000000", "0.50000000000");
    assert!(rig.ruleset.differences(&Saved::parse(&rounded)).is_empty(), "kernels round");
    let others =
        whole.replace("*nat", "*nat\n:DOCKER - [0:0]\n-A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE");
    assert!(
        rig.ruleset.differences(&Saved::parse(&others)).is_empty(),
        "others may do as they like"
    );
    let cases = [
        ("a jump", "-A PREROUTING -j KUBE-SERVICES\n", "", "nat/PREROUTING"),
        ("an endpoint", "10.244.0.4:8080", "10.244.0.9:8080", "nat/KUBE-SEP-"),
        (
            "a rule",
            "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP\n",
            "",
            "filter/KUBE-FORWARD",
        ),
        ("all of it", &whole, "", "nat/KUBE-SERVICES"),
    ];
    for (name, from, to, want) in cases {
        let differ = rig.ruleset.differences(&Saved::parse(&whole.replace(from, to)));
        assert!(differ.iter().any(|chain| chain.starts_with(want)), "{name}: {differ:?}");
    }
}

#[test]
fn names_from_outside_stay_in_their_quotes() {
    let evil = |s: &mut Service| s.key = NamespacedName::new("a\"\nCOMMIT\n*raw", "b");
    let text = Rig::new(&[service(1, evil)]).write(&Saved::default());
    assert_eq!(text.matches("COMMIT\n").count(), 2, "{text}");
    assert!(!text.contains("*raw\n"), "{text}");
}

/// 3 × 200 Services of 2 endpoints: more chains than are written together.
#[test]
fn a_large_table_is_written_in_pieces_whose_jumps_lead_somewhere() {
    let mut proxy = Proxy::new(NodeConfig::default(), Seed([1; 4]));
    for (round, n) in (0..3_u8).flat_map(|round| (1..=200).map(move |n| (round, n))) {
        let other = |key: &mut NamespacedName| key.namespace = std::format!("r{round}").into();
        let ip = ClusterIps::single([10, 96, round + 1, n].into());
        let Change::Service(mut one) = service(n, |s| s.exposure = Exposure::ClusterIp(ip)) else {
            return;
        };
        let Change::Slice(mut two) = slice(n, &[1, 2]) else { return };
        other(&mut Arc::make_mut(&mut one).key);
        let slice = Arc::make_mut(&mut two);
        other(&mut slice.key);
        other(&mut slice.service);
        proxy.apply(&Change::Service(one));
        proxy.apply(&Change::Slice(two));
    }
    proxy.apply(&Change::Synced);
    let mut text = String::new();
    let mut ruleset = Ruleset::new(Family::V4);
    ruleset.write_in_pieces(true);
    ruleset.reset(proxy.items(), &proxy);
    ruleset.write_full(&Saved::default(), &mut text).unwrap();
    let commits: Vec<&str> =
        text.split_inclusive("COMMIT\n").filter(|c| c.starts_with("*nat")).collect();
    let chains = commits
        .iter()
        .flat_map(|commit| commit.lines())
        .filter(|line| line.starts_with(':'))
        .count();
    assert_eq!(commits.len(), chains.div_ceil(super::pieces::TOGETHER));
    assert!(commits.len() > 1);
    let mut there = std::collections::BTreeSet::new();
    for commit in &commits {
        let declared: Vec<&str> =
            commit.lines().filter_map(|l| l.strip_prefix(':')?.split(' ').next()).collect();
        assert!(declared.len() <= super::pieces::TOGETHER, "{}", declared.len());
        for name in declared {
            assert!(there.insert(name), "{name} is written twice");
        }
        for rule in commit.lines().filter(|line| line.starts_with("-A")) {
            let target = rule.split_once(" -j ").unwrap().1.split(' ').next().unwrap();
            assert!(!target.starts_with("KUBE-") || there.contains(target), "{rule}");
        }
        let leads = commit.lines().any(|line| line.starts_with("-I"));
        assert_eq!(leads, Some(commit) == commits.last(), "nobody is led here before the last");
    }
}
