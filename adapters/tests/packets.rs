//! Real packets through the kernel rules that svckit writes, in network namespaces made for it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics to report"
)]

mod lab;
mod scenario;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    thread::sleep,
    time::Duration,
};

use lab::{Answers, Lab, PODS};
use scenario::{CASES, cluster, node, service, slice};
use svckit::{
    Seed,
    forward::Proxy,
    model::{Affinity, Change, Family, NamespacedName, TrafficPolicy},
};
use svckit_adapters::sink::{iptables::Iptables, nft::Nft};

/// Who carries the rules to the kernel.
enum Sink {
    Nft(Box<Nft>),
    Iptables(Box<Iptables>),
}

impl Sink {
    /// Whether everything was written anew; `None`: there was nothing to do.
    fn sync(&mut self, proxy: &mut Proxy) -> Option<bool> {
        let synced = match self {
            Self::Nft(nft) => nft.sync(proxy).unwrap(),
            Self::Iptables(iptables) => iptables.sync(proxy).unwrap(),
        };
        synced.map(|synced| synced.full)
    }

    fn clear(&mut self) {
        match self {
            Self::Nft(nft) => nft.clear().unwrap(),
            Self::Iptables(iptables) => iptables.clear().unwrap(),
        }
    }
}

#[test]
fn packets_go_where_nft_sends_them() {
    check(|node| {
        let path = Path::new("/run/netns").join(node);
        Sink::Nft(Box::new(Nft::in_namespace(&path, Seed([5, 6, 7, 8])).unwrap()))
    });
}

#[test]
fn packets_go_where_iptables_sends_them() {
    check(|node| {
        let prefix = ["ip", "netns", "exec", node];
        Sink::Iptables(Box::new(Iptables::with_prefix(prefix, Seed([5, 6, 7, 8]))))
    });
}

/// The same questions have the same answers, whoever carries the rules.
fn check(sink: impl Fn(&str) -> Sink) {
    let Some(lab) = Lab::new() else { return };
    lab.nft(STRANGERS);
    let theirs = lab.nft_list("theirs");
    let mut proxy = full_proxy();
    let start = || sink(&lab.name("node"));
    let mut sink = start();
    assert_eq!(sink.sync(&mut proxy), Some(true));
    assert_eq!(sink.sync(&mut proxy), None);

    let mut wrong = Vec::new();
    for (name, from, question, want) in CASES {
        let came: BTreeSet<String> = lab.ask(from, question).into_iter().collect();
        let want: BTreeSet<String> = want.iter().map(ToString::to_string).collect();
        if came != want {
            wrong.push(format!("{name}: {from} asks {question}: wanted {want:?}, came {came:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    balance(&lab);
    restarts(&lab, &start);
    (proxy, sink) = (full_proxy(), start());
    sink.sync(&mut proxy);
    affinity(&lab, &mut proxy, &mut sink);
    timeout(&lab, &mut proxy, &mut sink);
    changes(&lab, &mut proxy, &mut sink);
    endurance(&lab, &mut proxy, &mut sink);
    sink.clear();
    assert_eq!(lab.nft_list("theirs"), theirs, "what others have loaded");
}

/// Somebody else's rules, which see all packets too.
const STRANGERS: &str = "\
table ip theirs {
  set seen { type ipv4_addr; flags dynamic; size 99; }
  chain before { type filter hook prerouting priority -150; policy accept; }
  chain nat { type nat hook prerouting priority -100; ip daddr 9.9.9.9 dnat to 10.244.1.2; }
  chain after { type nat hook postrouting priority 100; ip saddr 9.0.0.0/8 masquerade; }
  chain forward { type filter hook forward priority 0; policy accept; ct state invalid counter; }
}
";

fn full_proxy() -> Proxy {
    let mut proxy = Proxy::new(node(), Seed([1, 2, 3, 4]));
    cluster().iter().for_each(|change| proxy.apply(change));
    proxy
}

/// Whoever starts again takes over what the last one has left, and no client is led elsewhere.
fn restarts(lab: &Lab, start: &dyn Fn() -> Sink) {
    let met = || counts(lab.ask("client", "tcp 10.96.0.5:80 5"));
    let first = met();
    assert_eq!(first.len(), 1, "{first:?}");
    for _ in 0..5 {
        assert_eq!(start().sync(&mut full_proxy()), Some(true));
        assert_eq!(met(), first);
    }
}

fn counts(answers: Answers) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        let pod = answer.split(' ').next().unwrap_or_default().to_owned();
        *counts.entry(pod).or_insert(0) += 1;
    }
    counts
}

/// 600 connections over three endpoints: each gets its share, give or take five standard deviations.
fn balance(lab: &Lab) {
    let counts = counts(lab.ask("client", "tcp 10.96.0.1:80 600"));
    assert!(counts.len() == 3 && counts.values().all(|n| (142..=258).contains(n)), "{counts:?}");
}

/// A client that stays away for longer than the timeout may come elsewhere.
fn timeout(lab: &Lab, proxy: &mut Proxy, sink: &mut Sink) {
    let second = Some(Affinity { timeout: Duration::from_secs(1) });
    proxy.apply(&service(5, |s| s.affinity = second));
    proxy.apply(&slice(5, Family::V4, &["one", "two", "far"]));
    sink.sync(proxy);
    let met = |times: u8| counts(lab.ask("client", &format!("tcp 10.96.0.5:80 {times}")));
    let first = met(20);
    assert_eq!(first.len(), 1, "one after the other: {first:?}");
    // One of three each time: all fifteen would be the first's once in 14 million runs.
    let elsewhere = (0..15).any(|_| {
        sleep(Duration::from_millis(1_600));
        met(1).into_keys().ne(first.keys().cloned())
    });
    assert!(elsewhere, "the client is remembered for ever");
}

/// A client stays with its endpoint, also when another one leaves; and finds another when its own does.
fn affinity(lab: &Lab, proxy: &mut Proxy, sink: &mut Sink) {
    for question in ["tcp 10.96.0.5:80 20", "tcp 192.168.50.1:30005 20"] {
        let all = counts(lab.ask("client", question));
        assert_eq!(all.len(), 1, "{question}: {all:?}");
    }
    let question = "tcp 10.96.0.5:80 20";
    let first = counts(lab.ask("client", question)).into_keys().next().unwrap();
    let others: Vec<_> = PODS.iter().map(|(name, _)| *name).filter(|name| *name != first).collect();
    proxy.apply(&slice(5, Family::V4, &[first.as_str(), others[0]]));
    assert_eq!(sink.sync(proxy), Some(false));
    let stays = counts(lab.ask("client", question));
    assert_eq!(stays.keys().collect::<Vec<_>>(), [&first], "another endpoint has left");
    proxy.apply(&slice(5, Family::V4, &others));
    sink.sync(proxy);
    let moved = counts(lab.ask("client", question));
    assert!(moved.len() == 1 && !moved.contains_key(&first), "{first} has left: {moved:?}");
}

/// Endpoints, Services and addresses come and go.
fn changes(lab: &Lab, proxy: &mut Proxy, sink: &mut Sink) {
    let steps: &[(&str, Change, &[&str])] = &[
        ("a first endpoint", slice(2, Family::V4, &["one"]), &["one"]),
        ("another one", slice(2, Family::V4, &["two"]), &["two"]),
        ("two", slice(2, Family::V4, &["two", "far"]), &["far", "two"]),
        ("none again", slice(2, Family::V4, &[]), &["ConnectionRefused"]),
        ("all at once", slice(2, Family::V4, &["one", "two", "far"]), &["far", "one", "two"]),
        ("the Service goes", Change::ServiceGone(NamespacedName::new("lab", "s2")), &["TimedOut"]),
        ("and comes back", service(2, |_| ()), &["far", "one", "two"]),
    ];
    for (name, change, want) in steps {
        proxy.apply(change);
        assert_eq!(sink.sync(proxy), Some(false), "{name}");
        let times = if want.len() == 1 { 1 } else { 40 };
        for protocol in ["tcp", "udp"] {
            let question = format!("{protocol} 10.96.0.2:80 {times}");
            let came = counts(lab.ask("client", &question));
            let came: Vec<_> =
                came.keys().map(|word| word.replace("WouldBlock", "TimedOut")).collect();
            assert_eq!(came, *want, "{name}: {question}");
        }
    }
    sink.clear();
    assert_eq!(sink.sync(proxy), Some(true));
}

/// A connection lives through 200 changes, whatever they are: also when its endpoint, or its Service, goes.
fn endurance(lab: &Lab, proxy: &mut Proxy, sink: &mut Sink) {
    let mut held: Vec<_> = ["hold 10.96.0.1:90", "hold [fd00:96::1]:90"]
        .iter()
        .map(|role| lab.start("client", role))
        .collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |end: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % end
    };
    for _ in 0..200 {
        let n = 1 + below(8) as u16;
        let family = if below(2) == 0 { Family::V4 } else { Family::V6 };
        let chosen = below(8);
        let pods = PODS.iter().zip(0..).filter(|(_, bit)| chosen >> bit & 1 == 1);
        let pods: Vec<&str> = pods.map(|((name, _), _)| *name).collect();
        let change = match below(4) {
            0 => service(n, |s| match chosen {
                0 | 1 => s.external_traffic = TrafficPolicy::Local,
                2 | 3 => s.affinity = Some(Affinity { timeout: Duration::from_secs(9) }),
                _ => {}
            }),
            1 if chosen == 0 => Change::ServiceGone(NamespacedName::new("lab", format!("s{n}"))),
            _ => slice(n, family, &pods),
        };
        proxy.apply(&change);
        sink.sync(proxy);
    }
    for connection in &mut held {
        assert_eq!(connection.end(), "held");
    }
}

/// Annotations choose how connections are spread, and kernels do so. (iptables pick at random.)
#[test]
fn nft_balances_as_annotations_say() {
    let Some(lab) = Lab::new() else { return };
    let path = Path::new("/run/netns").join(lab.name("node"));
    let mut nft = Nft::in_namespace(&path, Seed([5, 6, 7, 8])).unwrap();
    let mut proxy = Proxy::new(node(), Seed([1, 2, 3, 4]));
    let pods = ["one", "two", "far"];
    let ways: [(u16, &[(&str, &str)]); 4] = [
        (1, &[("balance", "maglev")]),
        (2, &[("weights", "10.244.1.2=3, 10.244.2.2=1, 10.244.3.2=0")]),
        (3, &[("balance", "round-robin")]),
        (4, &[("balance", "maglev"), ("weights", "10.244.1.2=8"), ("hash-slots", "1021")]),
    ];
    for (n, annotations) in ways {
        proxy.apply(&service(n, |s| {
            let named =
                |(key, value): &(&str, &str)| (format!("svckit.io/{key}").into(), (*value).into());
            s.annotations = annotations.iter().map(named).collect();
        }));
        proxy.apply(&slice(n, Family::V4, &pods));
    }
    proxy.apply(&Change::Synced);
    nft.sync(&mut proxy).unwrap();

    let shares = counts(lab.ask("client", "tcp 10.96.0.2:80 400"));
    let share = |pod: &str| shares.get(pod).copied().unwrap_or_default();
    assert!(
        (255..=345).contains(&share("one")) && share("far") == 0,
        "three to one to none: {shares:?}"
    );
    let turns = counts(lab.ask("client", "tcp 10.96.0.3:80 90"));
    assert!(turns.len() == 3 && turns.values().all(|n| *n == 30), "each in turn: {turns:?}");

    let clients: Vec<String> = (10..40).map(|n| format!("192.168.50.{n}")).collect();
    lab.own("client", &clients);
    let met = |n: u16| -> Vec<String> {
        let ask = |client: &String| {
            let met = counts(lab.ask("client", &format!("udp-from {client} 10.96.0.{n}:80 3")));
            assert_eq!(met.len(), 1, "{client}: {met:?}");
            met.into_keys().next().unwrap()
        };
        clients.iter().map(ask).collect()
    };
    let before = met(1);
    assert!(pods.iter().all(|pod| before.iter().any(|met| met == pod)), "{before:?}");
    proxy.apply(&slice(1, Family::V4, &["one", "two"]));
    nft.sync(&mut proxy).unwrap();
    let moved = before.iter().zip(met(1)).filter(|(was, is)| *was != "far" && *was != is).count();
    assert!(moved <= 3, "{moved} of {} clients of pods that stay were moved", before.len());
    let heavy = met(4).iter().filter(|met| *met == "one").count();
    assert!(heavy >= 18, "eight tenths of the clients, not {heavy} of 30");
}
