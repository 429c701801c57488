//! The part of a table that is the same in every cluster: base chains, their rules, and the sets and maps.

use core::fmt::{self, Write};
use ipnet::IpNet;
use std_alloc::{format, string::String, vec, vec::Vec};

use super::{Map, chain::MARK, text::Words};
use crate::{forward::NodeConfig, model::Family};

/// Client addresses that can be remembered per map.
const STICKY_CLIENTS: u32 = 1 << 20;

/// What the keys and values of a map look like.
pub(super) fn declaration(map: Map, words: Words, out: &mut impl Write) -> fmt::Result {
    let Words { ip, addr, .. } = words;
    let node_port = map.name().starts_with("node-");
    let at = words.at(node_port);
    let types = if node_port { "" } else { addr };
    let dot = if node_port { "" } else { " . " };
    let endpoint = format_args!("{ip} daddr . th dport");
    match map {
        Map::ClusterIps => write!(out, "type {addr};"),
        Map::Hairpin => write!(out, "type {addr} . {addr};"),
        Map::Ranged => write!(out, "type {addr} . inet_proto . inet_service;"),
        Map::Allowed => {
            write!(out, "type {addr} . inet_proto . inet_service . {addr}; flags interval;")
        }
        Map::Svc
        | Map::NodeSvc
        | Map::Short
        | Map::NodeShort
        | Map::Local
        | Map::NodeLocal
        | Map::Refuse
        | Map::NodeRefuse => {
            write!(out, "type {types}{dot}inet_proto . inet_service : verdict;")
        }
        Map::Eps | Map::NodeEps => {
            write!(out, "typeof {at} . numgen random mod 4 : {endpoint};")
        }
        Map::Ids | Map::NodeIds => {
            write!(out, "typeof {at} . numgen random mod 4 : meta priority;")
        }
        Map::ById | Map::NodeById => write!(out, "typeof {at} . meta priority : {endpoint};"),
        Map::HostAddresses => write!(out, "typeof {} : {endpoint};", words.at(false)),
        Map::HostPorts => write!(out, "typeof {} : {endpoint};", words.at(true)),
    }
}

/// The sets that come from the node's configuration, and the maps that the kernel fills.
pub(super) fn fixed_sets(
    node: &NodeConfig,
    family: Family,
    words: Words,
    out: &mut impl Write,
) -> fmt::Result {
    let service_ranges: Vec<_> = node.service_ranges(family).collect();
    let pod_ranges: Vec<_> = node.pod_ranges(family).collect();
    ranges("service-cidrs", &service_ranges, words, out)?;
    ranges("pod-cidrs", &pod_ranges, words, out)?;
    ranges("node-port-addresses", &node.node_port_ranges(family), words, out)?;
    for (name, node_port) in [
        ("sticky", false),
        ("local-sticky", false),
        ("node-sticky", true),
        ("node-local-sticky", true),
    ] {
        let client = format_args!("{} saddr . {}", words.ip, words.at(node_port));
        writeln!(out, "  map {name} {{")?;
        writeln!(
            out,
            "    typeof {client} : meta priority; flags dynamic,timeout; size {STICKY_CLIENTS};"
        )?;
        writeln!(out, "  }}")?;
    }
    Ok(())
}

fn ranges(name: &str, ranges: &[IpNet], words: Words, out: &mut impl Write) -> fmt::Result {
    writeln!(out, "  set {name} {{")?;
    writeln!(out, "    type {}; flags interval;", words.addr)?;
    for (n, range) in IpNet::aggregate(&ranges.to_vec()).iter().enumerate() {
        let open = if n == 0 { "    elements = { " } else { ", " };
        write!(out, "{open}{range}")?;
    }
    writeln!(out, "{}\n  }}", if ranges.is_empty() { "" } else { " }" })
}

/// The chains that packets enter by, and what they go through first.
pub(super) fn chains(
    node: &NodeConfig,
    family: Family,
    words: Words,
    out: &mut impl Write,
) -> fmt::Result {
    let at = words.at(false);
    let ip = words.ip;
    let node_port = node_port_match(node, family, words);
    base_chains(node, family, out)?;
    chain("check-sources", out, |out| {
        writeln!(out, "    {at} @ranged {at} . {ip} saddr != @allowed drop")
    })?;
    chain("services", out, |out| {
        writeln!(out, "    {at} vmap @svc")?;
        writeln!(out, "    {node_port} {} vmap @node-svc", words.at(true))?;
        let host = host_port_match(node, family, words);
        if localhost(node, family) {
            writeln!(out, "    {ip} daddr {} {MARK}", words.loopback)?;
        }
        writeln!(out, "    {host} dnat {ip} to {at} map @host-addresses")?;
        writeln!(out, "    {host} dnat {ip} to {} map @host-ports", words.at(true))
    })?;
    for maps in ["", "node-"] {
        chain(&format!("{maps}outside"), out, |out| {
            let at = words.at(!maps.is_empty());
            if node.detects_pods(family) {
                writeln!(out, "    {ip} saddr @pod-cidrs {at} vmap @{maps}short")?;
            }
            writeln!(out, "    fib saddr type local {MARK} {at} vmap @{maps}short")?;
            writeln!(out, "    {at} vmap @{maps}local")
        })?;
    }
    chain("masquerading", out, |out| {
        writeln!(out, "    ct status dnat meta priority set none")?;
        writeln!(
            out,
            "    meta mark & 0x00004000 != 0 meta mark set meta mark ^ 0x00004000 masquerade fully-random"
        )?;
        let pair = format_args!("{ip} saddr . {ip} daddr");
        writeln!(out, "    ct status dnat {pair} @hairpin masquerade fully-random")
    })?;
    chain("refuse-node-ports", out, |out| {
        writeln!(out, "    ct status dnat return")?;
        writeln!(out, "    {node_port} {} vmap @node-refuse", words.at(true))
    })?;
    chain("refuse-services", out, |out| {
        writeln!(out, "    ct status dnat return")?;
        writeln!(out, "    {at} vmap @refuse")
    })?;
    chain("refuse-strays", out, |out| {
        writeln!(out, "    ct status dnat return")?;
        writeln!(out, "    {ip} daddr @cluster-ips goto reject-it")?;
        writeln!(out, "    {ip} daddr @service-cidrs drop")
    })?;
    chain("reject-it", out, |out| {
        // Kernels ration ICMP per client; resets come at once, always.
        writeln!(out, "    meta l4proto tcp reject with tcp reset")?;
        writeln!(out, "    reject")
    })
}

fn base_chains(node: &NodeConfig, family: Family, out: &mut impl Write) -> fmt::Result {
    let new = |to: &'static [&str]| to.iter().map(|to| format!("ct state new jump {to}"));
    let mut base = |name: &str, kind: &str, hook: &str, priority: i32, rules: Vec<String>| {
        chain(name, out, |out| {
            writeln!(out, "    type {kind} hook {hook} priority {priority}; policy accept;")?;
            rules.iter().try_for_each(|rule| writeln!(out, "    {rule}"))
        })
    };
    let mut before: Vec<_> = new(&["check-sources"]).collect();
    base("output-before-dnat", "filter", "output", -110, before.clone())?;
    if localhost(node, family) {
        // What only this node may send doesn't come from outside.
        before.insert(
            0,
            "iifname != \"lo\" ip daddr 127.0.0.0/8 ct state != { established, related } drop"
                .into(),
        );
    }
    base("prerouting-before-dnat", "filter", "prerouting", -110, before)?;
    base("prerouting", "nat", "prerouting", -100, vec!["jump services".into()])?;
    base("output", "nat", "output", -100, vec!["jump services".into()])?;
    base("postrouting", "nat", "postrouting", 100, vec!["jump masquerading".into()])?;
    let strays = || new(&["refuse-services", "refuse-strays"]).collect();
    base("input", "filter", "input", 0, new(&["refuse-node-ports", "refuse-services"]).collect())?;
    base("forward", "filter", "forward", 0, strays())?;
    base("output-after-dnat", "filter", "output", 0, strays())
}

fn chain<W: Write>(
    name: &str,
    out: &mut W,
    rules: impl FnOnce(&mut W) -> fmt::Result,
) -> fmt::Result {
    writeln!(out, "  chain {name} {{")?;
    rules(out)?;
    writeln!(out, "  }}")
}

fn localhost(node: &NodeConfig, family: Family) -> bool {
    family == Family::V4 && node.localhost_node_ports()
}

/// What tells the addresses at which host ports answer.
fn host_port_match(node: &NodeConfig, family: Family, words: Words) -> String {
    if localhost(node, family) {
        return "fib daddr type local".into();
    }
    format!("fib daddr type local {} daddr != {}", words.ip, words.loopback)
}

/// What tells the addresses at which node ports answer.
fn node_port_match(node: &NodeConfig, family: Family, words: Words) -> String {
    let mut rule = host_port_match(node, family, words);
    if !node.node_port_ranges(family).is_empty() {
        rule += &format!(" {} daddr @node-port-addresses", words.ip);
    }
    rule
}
