//! Rules and specification: what a kernel would do with the rules that are written is what `Proxy::decide` says.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};
use svckit::{
    Seed,
    forward::{Desired, Item, Packet, Proxy, Snat, Verdict},
    model::{Change, Family, Port, Protocol},
    plan::Planner,
    render::{
        self,
        iptables::{Ruleset, Saved},
    },
};

use crate::{
    cluster::{ENDPOINTS, Network, SERVICES, at, change, node},
    interpret::{Fate, Rules, Traveller, iptables::Iptables, journey, nft::Nft},
};

/// Packets per family that are sent through the rules of one cluster.
const PACKETS: usize = 10;

/// Changes that one cluster is made of, at most.
const CHANGES: usize = 16;

/// Whose rules are looked at, for what they may do otherwise than the specification says.
#[derive(Clone, Copy, PartialEq)]
enum BackEnd {
    /// Masquerades hairpins only of this node's endpoints: the others' packets don't come by here.
    Nft,
    /// Does as it is told.
    Iptables,
}

/// nftables: the whole ruleset.
pub fn nft(data: &[u8]) {
    let Some((proxy, mut luck)) = cluster(data) else { return };
    let mut text = String::new();
    render::nft::full(&proxy, &mut text).expect("a String takes any text");
    for family in proxy.node().families.clone() {
        let rules = Nft::read(&text, family);
        check(&proxy, &rules, family, BackEnd::Nft, &mut luck, PACKETS);
    }
}

/// iptables: the whole ruleset.
pub fn iptables(data: &[u8]) {
    let Some((proxy, mut luck)) = cluster(data) else { return };
    for family in proxy.node().families.clone() {
        let mut text = String::new();
        render::iptables::full(&proxy, family, &mut text).expect("a String takes any text");
        let mut rules = Iptables::default();
        rules.restore(&text);
        check(&proxy, &rules, family, BackEnd::Iptables, &mut luck, PACKETS);
    }
}

/// iptables: however changes come in, with restarts between them, the kernel ends up with what a fresh start writes.
pub fn iptables_changes(data: &[u8]) {
    let Some((first, steps)) = data.split_first() else { return };
    let family = if steps.len().is_multiple_of(2) { Family::V4 } else { Family::V6 };
    let mut proxy = Proxy::new(node(*first), Seed([1; 4]));
    proxy.apply(&Change::Synced);
    let mut kernel = Iptables::default();
    let mut sink = Sink::new(family);
    for step in steps.chunks_exact(4).take(CHANGES / 2) {
        proxy.apply(&change(step[0], step[1], step[2]));
        match step[3] & 7 {
            // Several changes at once.
            0 | 1 => continue,
            2 => {
                sink = Sink::new(family);
                sink.forget(&proxy);
            }
            _ => {}
        }
        sink.sync(&mut proxy, &mut kernel);
    }
    sink.sync(&mut proxy, &mut kernel);
    let saved = Saved::parse(&kernel.save());
    assert_eq!(sink.ruleset.differences(&saved), BTreeSet::new());
    check(&proxy, &kernel, family, BackEnd::Iptables, &mut Luck(u64::from(*first) | 1), PACKETS);
}

/// What carries changes to a kernel.
struct Sink {
    planner: Planner<Item, Desired>,
    ruleset: Ruleset,
}

impl Sink {
    fn new(family: Family) -> Self {
        Self { planner: Planner::new(Seed([2; 4])), ruleset: Ruleset::new(family) }
    }

    /// Starts again: what the proxy has told before is told once more.
    fn forget(&mut self, proxy: &Proxy) {
        self.planner.reset();
        proxy.items().for_each(|(item, desired)| self.planner.set(item, desired));
    }

    fn sync(&mut self, proxy: &mut Proxy, kernel: &mut Iptables) {
        self.planner.follow(proxy);
        let Some(plan) = self.planner.plan() else { return };
        let saved = if plan.full { Saved::parse(&kernel.save()) } else { Saved::default() };
        let mut text = String::new();
        self.ruleset.write(&plan, proxy, &saved, &mut text).expect("a String takes any text");
        kernel.restore(&text);
        self.planner.commit(plan.generation);
    }
}

/// A proxy out of bytes, and chance for what is asked of it.
fn cluster(data: &[u8]) -> Option<(Proxy, Luck)> {
    let (first, steps) = data.split_first()?;
    let mut node = node(*first);
    // One family is as good as two, and takes half the time.
    match steps.len() % 5 {
        0 => {}
        n => node.families.retain(|family| (*family == Family::V4) == (n > 2)),
    }
    let mut proxy = Proxy::new(node, Seed([1; 4]));
    for step in steps.chunks_exact(3).take(CHANGES) {
        proxy.apply(&change(step[0], step[1], step[2]));
    }
    proxy.apply(&Change::Synced);
    let mix = |luck: u64, byte: &u8| (luck ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    Some((proxy, Luck(data.iter().fold(0xcbf2_9ce4_8422_2325, mix) | 1)))
}

/// Numbers that look random, the same for the same bytes.
struct Luck(u64);

impl Luck {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn any<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// Sends packets through the rules, and those that are remembered once more.
fn check(
    proxy: &Proxy,
    rules: &impl Rules,
    family: Family,
    back_end: BackEnd,
    luck: &mut Luck,
    packets: usize,
) {
    for _ in 0..packets {
        let packet = packet(family, luck);
        let want = specified(proxy, &packet, back_end);
        let ends = journey(rules, Traveller::new(proxy.node(), &packet, BTreeMap::new()));
        let came: BTreeSet<Fate> = ends.iter().map(|(fate, _)| *fate).collect();
        let decision = proxy.decide(&packet);
        assert_eq!(came, want, "{packet:?}: {:?}", decision.steps);
        let sticky = decision
            .service
            .and_then(|key| proxy.frontend(&key))
            .is_some_and(|frontend| frontend.affinity.is_some());
        for (fate, traveller) in ends.iter().filter(|_| sticky) {
            let again = Traveller::new(proxy.node(), &packet, traveller.memory.clone());
            let again: BTreeSet<Fate> =
                journey(rules, again).into_iter().map(|(fate, _)| fate).collect();
            assert_eq!(again, BTreeSet::from([*fate]), "{packet:?} sticks to {fate:?}");
        }
    }
}

fn packet(family: Family, luck: &mut Luck) -> Packet {
    let of = |network, last| at(network, family, last);
    let pod = luck.below(usize::from(ENDPOINTS)) as u8;
    let n = luck.below(usize::from(SERVICES)) as u8;
    let loopback: IpAddr = match family {
        Family::V4 => [127, 0, 0, 1].into(),
        Family::V6 => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    let source = luck.any(&[
        of(Network::Pods, pod),
        of(Network::Pods, pod),
        of(Network::MorePods, pod),
        of(Network::Clients, 7),
        of(Network::Clients, 200),
        of(Network::Node, 1),
        of(Network::Node, 2),
        of(Network::Node, 77),
        of(Network::Balancers, n >> 1),
        loopback,
    ]);
    let destination = luck.any(&[
        of(Network::ClusterIps, n),
        of(Network::ClusterIps, n),
        of(Network::ClusterIps, 200),
        of(Network::Balancers, n >> 1),
        of(Network::Balancers, n >> 1),
        of(Network::External, n),
        of(Network::Node, 1),
        of(Network::Node, 2),
        of(Network::Node, 77),
        loopback,
        of(Network::Clients, 9),
    ]);
    let node_port = 30_000 + u16::from(n);
    let ports = if destination == of(Network::Node, 1)
        || destination == of(Network::Node, 2)
        || destination == loopback
    {
        [node_port, node_port, 8080, 8081, 80]
    } else {
        [80, 80, 81, 81, node_port]
    };
    let protocol =
        luck.any(&[Protocol::Tcp, Protocol::Tcp, Protocol::Tcp, Protocol::Udp, Protocol::Sctp]);
    Packet { source, destination, protocol, port: Port::new(luck.any(&ports)).expect("not 0") }
}

/// What the specification allows.
fn specified(proxy: &Proxy, packet: &Packet, back_end: BackEnd) -> BTreeSet<Fate> {
    let decision = proxy.decide(packet);
    let here = |addr: IpAddr| proxy.desired(&Item::Hairpin(addr)).is_some();
    match &decision.verdict {
        Verdict::Dnat(to) => to
            .iter()
            .map(|to| {
                let masqueraded = match decision.snat {
                    Snat::Hairpin if back_end == BackEnd::Nft && !here(to.ip()) => false,
                    snat => snat.applies(packet.source, *to),
                };
                Fate::Sent { to: *to, masqueraded }
            })
            .collect(),
        Verdict::Reject => BTreeSet::from([Fate::Rejected]),
        Verdict::Drop => BTreeSet::from([Fate::Dropped]),
        Verdict::Pass => BTreeSet::from([Fate::Passed]),
    }
}
