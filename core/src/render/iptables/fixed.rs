//! What is the same in every cluster: how packets come to our chains, and the chains that do what all share.

use core::fmt;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std_alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{
    ChainName, Table,
    rule::{Comment, Range, Rule, Then},
};
use crate::{forward::NodeConfig, model::Family};

/// Addresses and ports → endpoints; in the filter table: what has none, at cluster IPs.
pub(super) const SERVICES: ChainName = ChainName::Shared("KUBE-SERVICES");
/// Node ports → endpoints; in the filter table: ports of health checks.
pub(super) const NODE_PORTS: ChainName = ChainName::Shared("KUBE-NODEPORTS");
/// Host ports → pods.
pub(super) const HOST_PORTS: ChainName = ChainName::Shared("KUBE-HOSTPORTS");
/// Marks packets whose source is to be rewritten.
pub(super) const MARK: ChainName = ChainName::Shared("KUBE-MARK-MASQ");
/// Marks those that don't come from a pod; only where pods have several ranges.
pub(super) const MARK_OUTSIDERS: ChainName = ChainName::Shared("KUBE-MARK-OUTSIDERS");
/// Rewrites their sources.
pub(super) const POSTROUTING: ChainName = ChainName::Shared("KUBE-POSTROUTING");
/// Lets through what is forwarded.
pub(super) const FORWARD: ChainName = ChainName::Shared("KUBE-FORWARD");
/// Refuses strangers at load balancers' addresses.
pub(super) const FIREWALL: ChainName = ChainName::Shared("KUBE-PROXY-FIREWALL");
/// What has no endpoints, at external addresses.
pub(super) const EXTERNAL: ChainName = ChainName::Shared("KUBE-EXTERNAL-SERVICES");
/// The same at node ports.
pub(super) const REFUSED_NODE_PORTS: ChainName = ChainName::Shared("KUBE-REFUSED-NODEPORTS");
/// Refuses ports of cluster IPs that nobody has, and drops what goes to addresses that nobody has.
pub(super) const CLUSTER_IPS: ChainName = ChainName::Shared("KUBE-CLUSTER-IPS");
/// Refuses at once.
pub(super) const REJECT: ChainName = ChainName::Shared("KUBE-REJECT");
/// Drops what others send to loopback addresses.
pub(super) const LOOPBACK: ChainName = ChainName::Shared("KUBE-LOOPBACK");

/// All shared chains by table; those of a table are written in this order.
pub(super) const SHARED: [(Table, ChainName); 15] = [
    (Table::Mangle, LOOPBACK),
    (Table::Filter, NODE_PORTS),
    (Table::Filter, EXTERNAL),
    (Table::Filter, FORWARD),
    (Table::Filter, FIREWALL),
    (Table::Filter, SERVICES),
    (Table::Filter, REFUSED_NODE_PORTS),
    (Table::Filter, CLUSTER_IPS),
    (Table::Filter, REJECT),
    (Table::Nat, SERVICES),
    (Table::Nat, NODE_PORTS),
    (Table::Nat, HOST_PORTS),
    (Table::Nat, MARK),
    (Table::Nat, MARK_OUTSIDERS),
    (Table::Nat, POSTROUTING),
];

/// kube-proxy's default mark.
const MASQUERADE: &str = "0x4000";

const NEW: &str = "-m conntrack --ctstate NEW";

/// How packets come to our chains: table, the kernel's chain, condition and ours, in order.
const JUMPS: [(Table, &str, &str, ChainName); 16] = [
    (Table::Mangle, "PREROUTING", "", LOOPBACK),
    (Table::Filter, "INPUT", NEW, FIREWALL),
    (Table::Filter, "INPUT", "", NODE_PORTS),
    (Table::Filter, "INPUT", NEW, EXTERNAL),
    (Table::Filter, "FORWARD", NEW, FIREWALL),
    (Table::Filter, "FORWARD", "", FORWARD),
    (Table::Filter, "FORWARD", NEW, SERVICES),
    (Table::Filter, "FORWARD", NEW, EXTERNAL),
    (Table::Filter, "FORWARD", NEW, CLUSTER_IPS),
    (Table::Filter, "OUTPUT", NEW, FIREWALL),
    (Table::Filter, "OUTPUT", NEW, SERVICES),
    (Table::Filter, "OUTPUT", NEW, EXTERNAL),
    (Table::Filter, "OUTPUT", NEW, CLUSTER_IPS),
    (Table::Nat, "PREROUTING", "", SERVICES),
    (Table::Nat, "OUTPUT", "", SERVICES),
    (Table::Nat, "POSTROUTING", "", POSTROUTING),
];

/// The kernel's chains of a table, each with the rules in it that lead to ours, less `-A <chain> `.
pub(super) fn jumps(
    table: Table,
    node: &NodeConfig,
    family: Family,
) -> Vec<(&'static str, Vec<String>)> {
    let mut all: Vec<(&str, Vec<String>)> = Vec::new();
    for (_, base, when, to) in JUMPS.into_iter().filter(|jump| jump.0 == table) {
        if to == LOOPBACK && !localhost(node, family) {
            continue;
        }
        let rule = format!("{when}{}-j {to}", if when.is_empty() { "" } else { " " });
        match all.last_mut() {
            Some((last, rules)) if *last == base => rules.push(rule),
            _ => all.push((base, std_alloc::vec![rule])),
        }
    }
    all
}

/// Whether node ports answer at loopback addresses.
pub(super) fn localhost(node: &NodeConfig, family: Family) -> bool {
    family == Family::V4 && node.localhost_node_ports()
}

/// A family's loopback range.
pub(super) fn loopback(family: Family) -> IpNet {
    match family {
        Family::V4 => IpNet::V4(Ipv4Net::new_assert([127, 0, 0, 0].into(), 8)),
        Family::V6 => IpNet::V6(Ipv6Net::new_assert(1_u128.into(), 128)),
    }
}

/// How a family refuses, over TCP and otherwise. Kernels ration ICMP per client; resets come at once, always.
pub(super) fn reject(family: Family, tcp: bool) -> &'static str {
    match (tcp, family) {
        (true, _) => "REJECT --reject-with tcp-reset",
        (false, Family::V4) => "REJECT --reject-with icmp-port-unreachable",
        (false, Family::V6) => "REJECT --reject-with icmp6-port-unreachable",
    }
}

/// The rules of one shared chain that don't depend on Services: before all others, or after them.
pub(super) struct Fixed<'a> {
    pub(super) node: &'a NodeConfig,
    pub(super) family: Family,
    pub(super) table: Table,
    pub(super) chain: ChainName,
    pub(super) out: &'a mut String,
}

impl Fixed<'_> {
    fn rule(&mut self, rule: &Rule<'_>) -> fmt::Result {
        rule.write(self.chain, self.out)
    }

    fn plain(&mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        fmt::write(self.out, format_args!("-A {} {text}\n", self.chain))
    }

    /// What comes first.
    pub(super) fn head(&mut self) -> fmt::Result {
        match (self.table, self.chain) {
            // What was translated is none of these chains' business.
            (Table::Filter, EXTERNAL | FIREWALL | SERVICES | CLUSTER_IPS) => {
                self.plain(format_args!("-m conntrack --ctstate DNAT -j RETURN"))
            }
            (Table::Filter, FORWARD) => {
                let mark = format_args!("-m mark --mark {MASQUERADE}/{MASQUERADE} -j ACCEPT");
                self.plain(format_args!("-m conntrack --ctstate INVALID -j DROP"))?;
                self.plain(mark)?;
                self.plain(format_args!("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"))
            }
            (Table::Filter, REJECT) => {
                let (tcp, other) = (reject(self.family, true), reject(self.family, false));
                self.plain(format_args!("-p tcp -j {tcp}"))?;
                self.plain(format_args!("-j {other}"))
            }
            (Table::Mangle, LOOPBACK) if localhost(self.node, self.family) => {
                let range = loopback(self.family);
                self.plain(format_args!(
                    "-d {range} ! -i lo -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP"
                ))
            }
            (Table::Nat, MARK) => {
                self.plain(format_args!("-j MARK --set-xmark {MASQUERADE}/{MASQUERADE}"))
            }
            (Table::Nat, MARK_OUTSIDERS) => self.mark_outsiders(),
            (Table::Nat, POSTROUTING) => {
                self.plain(format_args!("-m mark ! --mark {MASQUERADE}/{MASQUERADE} -j RETURN"))?;
                self.plain(format_args!("-j MARK --set-xmark {MASQUERADE}/0x0"))?;
                self.plain(format_args!("-j MASQUERADE --random-fully"))
            }
            _ => Ok(()),
        }
    }

    /// What comes last.
    pub(super) fn tail(&mut self) -> fmt::Result {
        match (self.table, self.chain) {
            (Table::Filter, CLUSTER_IPS) => {
                for range in self.node.service_ranges(self.family) {
                    let comment = Comment(&"no Service has this address", "");
                    self.rule(&Rule {
                        to: Some(Range::In(range.trunc())),
                        comment: Some(comment),
                        then: Some(Then::Target(format_args!("DROP"))),
                        ..Rule::default()
                    })?;
                }
                Ok(())
            }
            (Table::Filter, EXTERNAL) => self.at_node(REFUSED_NODE_PORTS),
            (Table::Nat, SERVICES) => {
                self.at_node(NODE_PORTS)?;
                self.at_host()
            }
            _ => Ok(()),
        }
    }

    fn mark_outsiders(&mut self) -> fmt::Result {
        let pods: Vec<IpNet> = self.node.pod_ranges(self.family).collect();
        if pods.len() < 2 {
            return Ok(());
        }
        for range in pods {
            self.plain(format_args!("-s {} -j RETURN", range.trunc()))?;
        }
        self.plain(format_args!("-j {MARK}"))
    }

    /// Leads what goes to addresses at which node ports answer on to `then`.
    fn at_node(&mut self, then: ChainName) -> fmt::Result {
        if !localhost(self.node, self.family) {
            self.plain(format_args!("-d {} -j RETURN", loopback(self.family)))?;
        }
        let ranges: Vec<_> = self.node.node_port_ranges(self.family).collect();
        for range in &ranges {
            self.local(Some(Range::In(range.trunc())), then)?;
        }
        if ranges.is_empty() { self.local(None, then) } else { Ok(()) }
    }

    /// The same for host ports: at each local address, at loopback ones only if node ports answer there.
    fn at_host(&mut self) -> fmt::Result {
        let ranges: Vec<_> = self.node.node_port_ranges(self.family).collect();
        if !localhost(self.node, self.family) || ranges.is_empty() {
            return self.local(None, HOST_PORTS);
        }
        let inside = loopback(self.family);
        for range in ranges {
            let both = if inside.contains(&range) { range } else { inside };
            if range.contains(&inside) || inside.contains(&range) {
                self.local(Some(Range::In(both.trunc())), HOST_PORTS)?;
            }
        }
        self.local(Some(Range::NotIn(inside)), HOST_PORTS)
    }

    fn local(&mut self, to: Option<Range>, then: ChainName) -> fmt::Result {
        self.rule(&Rule {
            to,
            when: Some(format_args!("-m addrtype --dst-type LOCAL")),
            then: Some(Then::Jump(then)),
            ..Rule::default()
        })
    }
}

/// Whether a chain of this name, as a kernel tells it, is one that we write.
pub(super) fn is_shared(table: Table, name: &str) -> bool {
    SHARED.iter().any(|(of, chain)| *of == table && chain.to_string() == name)
}
