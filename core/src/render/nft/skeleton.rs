//! The part of a table that is the same in every cluster: sets, base chains and their rules.

use std_alloc::{vec, vec::Vec};

use super::{
    Map,
    rule::{Clause, Part, Rule, Target, at},
    set::Set,
};
use crate::{forward::NodeConfig, model::Family};

/// A chain with its rules.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// Its name.
    pub(super) name: Target,
    /// Where packets enter it; `None`: from other chains only.
    pub(super) base: Option<Base>,
    /// What it does.
    pub(super) rules: Vec<Rule>,
}

/// Where packets enter a chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    /// `filter` or `nat`.
    pub(super) kind: &'static str,
    /// Where on their way.
    pub(super) hook: Hook,
    /// The lowest goes first.
    pub(super) priority: i32,
}

/// A place on the way of packets; the numbers are the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    Prerouting = 0,
    Input = 1,
    Forward = 2,
    Output = 3,
    Postrouting = 4,
}

impl Hook {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::Postrouting => "postrouting",
        }
    }
}

/// The chains that packets enter by.
pub const ENTRIES: [&str; 8] = [
    "output-before-dnat",
    "prerouting-before-dnat",
    "prerouting",
    "output",
    "postrouting",
    "input",
    "forward",
    "output-after-dnat",
];

/// All sets and maps: those that come from the node's configuration, the one that the kernel fills, the others.
pub(super) fn sets(node: &NodeConfig, family: Family) -> Vec<Set> {
    let service_ranges: Vec<_> = node.service_ranges(family).collect();
    let pod_ranges: Vec<_> = node.pod_ranges(family).collect();
    let node_port_ranges: Vec<_> = node.node_port_ranges(family).collect();
    let fixed = [
        Set::of_ranges("service-cidrs", Part::Destination, &service_ranges),
        Set::of_ranges("pod-cidrs", Part::Source, &pod_ranges),
        Set::of_ranges("node-port-addresses", Part::Destination, &node_port_ranges),
        Set::of_clients(),
    ];
    fixed.into_iter().chain(Map::ALL.map(Map::set)).collect()
}

/// The chains that packets enter by, and what they go through first.
pub(super) fn sections(node: &NodeConfig, family: Family) -> Vec<Section> {
    let mut sections = vec![
        section("check-sources", check_sources()),
        section("services", services(node, family)),
        section("outside", outside(node, family, false)),
        section("node-outside", outside(node, family, true)),
        section("masquerading", masquerading()),
        section("refuse-node-ports", refuse_node_ports(node, family)),
        section("refuse-services", refuse(false, &vec![], Map::Rejected, Map::Dropped)),
        section("refuse-strays", refuse_strays()),
        // Kernels ration ICMP per client; resets come at once, always.
        section("reject-it", vec![vec![Clause::Tcp, Clause::Reset], vec![Clause::Reject]]),
    ];
    sections.extend(bases(node, family));
    sections
}

fn section(name: &'static str, rules: Vec<Rule>) -> Section {
    Section { name: Target::Named(name), base: None, rules }
}

/// Goes where a map's number leads: `meta priority set KEY map @map meta priority vmap @kinds`.
fn lead(mut rule: Rule, node_port: bool, map: Map, by: Map) -> Rule {
    rule.push(Clause::SetPriority { key: at(node_port), map: map.name() });
    rule.push(Clause::Vmap { key: vec![Part::Priority], map: by.name() });
    rule
}

fn within(key: Vec<Part>, set: &'static str) -> Clause {
    Clause::In { key, set, not: false }
}

/// Connections that were sent somewhere are nobody's to refuse.
fn known() -> Rule {
    vec![Clause::StatusDnat, Clause::Return]
}

fn check_sources() -> Vec<Rule> {
    let mut source = at(false);
    source.push(Part::Source);
    let stranger = Clause::In { key: source, set: Map::Allowed.name(), not: true };
    vec![vec![within(at(false), Map::Ranged.name()), stranger, Clause::Drop]]
}

fn services(node: &NodeConfig, family: Family) -> Vec<Rule> {
    let with = |mut rule: Rule, clause| {
        rule.push(clause);
        rule
    };
    let host = || host_port_match(node, family);
    let dnat = |node_port, map: Map| Clause::Dnat { key: at(node_port), map: map.name() };
    // Chains that exceptions lead to go on by `kinds` themselves, so these can't be in there.
    let by = [Map::Kinds, Map::Exceptions];
    let mut rules: Vec<Rule> = by.map(|by| lead(vec![], false, Map::Svc, by)).into();
    let node_port = || node_port_match(node, family);
    rules.extend(by.map(|by| lead(node_port(), true, Map::NodeSvc, by)));
    if localhost(node, family) {
        rules.push(vec![Clause::ToLoopback { not: false }, Clause::Mark]);
    }
    rules.push(with(host(), dnat(false, Map::HostAddresses)));
    rules.push(with(host(), dnat(true, Map::HostPorts)));
    rules
}

/// External policy Local.
fn outside(node: &NodeConfig, family: Family, node_port: bool) -> Vec<Rule> {
    let (short, local) =
        if node_port { (Map::NodeShort, Map::NodeLocal) } else { (Map::Short, Map::Local) };
    let mut rules = Vec::new();
    if node.detects_pods(family) {
        let pod = vec![within(vec![Part::Source], "pod-cidrs")];
        rules.push(lead(pod, node_port, short, Map::Kinds));
    }
    let own = vec![Clause::FromLocal, Clause::Mark];
    rules.push(lead(own, node_port, short, Map::Kinds));
    rules.push(lead(vec![], node_port, local, Map::Kinds));
    rules
}

fn masquerading() -> Vec<Rule> {
    let itself = within(vec![Part::Source, Part::Destination], Map::Hairpin.name());
    vec![
        vec![Clause::StatusDnat, Clause::ClearPriority],
        vec![Clause::Marked, Clause::Unmark, Clause::Masquerade],
        vec![Clause::StatusDnat, itself, Clause::Masquerade],
    ]
}

fn refuse_node_ports(node: &NodeConfig, family: Family) -> Vec<Rule> {
    refuse(true, &node_port_match(node, family), Map::NodeRejected, Map::NodeDropped)
}

/// What is in one set is rejected, what is in the other dropped; `when` comes before either.
fn refuse(node_port: bool, when: &Rule, rejected: Map, dropped: Map) -> Vec<Rule> {
    let rule = |set: Map, end| {
        let mut rule = when.clone();
        rule.extend([within(at(node_port), set.name()), end]);
        rule
    };
    let reject = Clause::Goto(Target::Named("reject-it"));
    vec![known(), rule(rejected, reject), rule(dropped, Clause::Drop)]
}

fn refuse_strays() -> Vec<Rule> {
    let to = |set| within(vec![Part::Destination], set);
    vec![
        known(),
        vec![to(Map::ClusterIps.name()), Clause::Goto(Target::Named("reject-it"))],
        vec![to("service-cidrs"), Clause::Drop],
    ]
}

fn bases(node: &NodeConfig, family: Family) -> Vec<Section> {
    let new = |to| vec![Clause::StateNew, Clause::Jump(Target::Named(to))];
    let all = |to| vec![vec![Clause::Jump(Target::Named(to))]];
    let base = |name, kind, hook, priority, rules| Section {
        name: Target::Named(name),
        base: Some(Base { kind, hook, priority }),
        rules,
    };
    let mut before = vec![new("check-sources")];
    if localhost(node, family) {
        // What only this node may send doesn't come from outside.
        let martian = vec![
            Clause::NotFromLoopback,
            Clause::ToLoopback { not: false },
            Clause::NotEstablished,
            Clause::Drop,
        ];
        before.insert(0, martian);
    }
    let check = vec![new("check-sources")];
    let strays = || vec![new("refuse-services"), new("refuse-strays")];
    let input = vec![new("refuse-node-ports"), new("refuse-services")];
    let bases = [
        ("filter", Hook::Output, -110, check),
        ("filter", Hook::Prerouting, -110, before),
        ("nat", Hook::Prerouting, -100, all("services")),
        ("nat", Hook::Output, -100, all("services")),
        ("nat", Hook::Postrouting, 100, all("masquerading")),
        ("filter", Hook::Input, 0, input),
        ("filter", Hook::Forward, 0, strays()),
        ("filter", Hook::Output, 0, strays()),
    ];
    let named = ENTRIES.into_iter().zip(bases);
    named
        .map(|(name, (kind, hook, priority, rules))| base(name, kind, hook, priority, rules))
        .collect()
}

fn localhost(node: &NodeConfig, family: Family) -> bool {
    family == Family::V4 && node.localhost_node_ports()
}

/// What tells the addresses at which host ports answer.
fn host_port_match(node: &NodeConfig, family: Family) -> Rule {
    if localhost(node, family) {
        return vec![Clause::ToLocal];
    }
    vec![Clause::ToLocal, Clause::ToLoopback { not: true }]
}

/// What tells the addresses at which node ports answer.
fn node_port_match(node: &NodeConfig, family: Family) -> Rule {
    let mut rule = host_port_match(node, family);
    if node.node_port_ranges(family).next().is_some() {
        rule.push(within(vec![Part::Destination], "node-port-addresses"));
    }
    rule
}
