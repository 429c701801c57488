//! The rules an item of the data plane consists of.

use core::{
    fmt,
    net::{IpAddr, SocketAddr},
};
use ipnet::IpNet;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
};

use super::{
    ChainName, Kind, Table,
    fixed::{
        CLUSTER_IPS, EXTERNAL, FIREWALL, HOST_PORTS, MARK, MARK_OUTSIDERS, NODE_PORTS,
        REFUSED_NODE_PORTS, REJECT, SERVICES, localhost, loopback, reject,
    },
    rule::{Comment, Range, Rule, Then},
};
use crate::{
    forward::{Desired, Frontend, HostPortKey, Item, NodeConfig, Refusal},
    model::{Family, Protocol, TrafficPolicy},
};

/// Rules by chain, as text.
pub(super) type Chains = BTreeMap<(Table, ChainName), String>;

/// Where rules of one family go.
pub(super) struct Rules<'a> {
    pub(super) node: &'a NodeConfig,
    pub(super) family: Family,
    /// Whether rules have comments.
    pub(super) comments: bool,
    /// Whether only the rules of shared chains are wanted.
    pub(super) shared_only: bool,
    pub(super) chains: &'a mut Chains,
}

/// One frontend and what of it is there.
struct Front<'a> {
    frontend: &'a Frontend,
    /// Its name, for comments.
    name: &'a dyn fmt::Display,
    /// Whether it has addresses or a port besides its cluster IP.
    outside: bool,
}

/// Whose family an item is of.
pub(super) fn family_of(item: &Item) -> Family {
    match item {
        Item::Frontend(key) => key.family,
        Item::ClusterIp(addr) | Item::Hairpin(addr) => Family::of(*addr),
        Item::HostPort(key) => key.family,
    }
}

impl Rules<'_> {
    /// Adds the rules of one item. Hairpins need none: each endpoint's chain knows its own.
    pub(super) fn add(&mut self, item: &Item, desired: &Desired) -> fmt::Result {
        match (item, desired) {
            (_, Desired::Frontend(frontend)) => self.frontend(frontend),
            (Item::ClusterIp(addr), _) => self.put(
                (Table::Filter, CLUSTER_IPS),
                Rule {
                    to: Some(Range::only(*addr)),
                    then: Some(Then::Jump(REJECT)),
                    ..Rule::default()
                },
            ),
            (Item::HostPort(key), Desired::HostPort(pod)) => self.host_port(key, *pod),
            _ => Ok(()),
        }
    }

    fn put(&mut self, at: (Table, ChainName), rule: Rule<'_>) -> fmt::Result {
        if self.shared_only && matches!(at.1, ChainName::Own(..)) {
            return Ok(());
        }
        let comment = rule.comment.filter(|_| self.comments);
        Rule { comment, ..rule }.write(at.1, self.chains.entry(at).or_default())
    }

    fn frontend(&mut self, frontend: &Frontend) -> fmt::Result {
        let outside =
            frontend.node_port.is_some() || frontend.external_addresses().next().is_some();
        let front = Front { frontend, name: &frontend.key.name, outside };
        self.lead(&front)?;
        self.refuse(&front)?;
        if self.shared_only {
            return Ok(());
        }
        if front.uses_cluster() {
            self.pick(&front, Kind::Service, &frontend.endpoints.cluster)?;
        }
        if front.uses_local() {
            self.pick(&front, Kind::Local, &frontend.endpoints.local)?;
        }
        self.endpoints(&front)?;
        if front.has_external_chain() {
            self.external(&front)?;
            self.firewall(&front)?;
        }
        Ok(())
    }

    /// From its addresses and node port to its chains.
    ///
    /// What is refused by the filter table ends its way through this one, lest a node port or host port of the same
    /// number takes it.
    fn lead(&mut self, front: &Front<'_>) -> fmt::Result {
        let Front { frontend, .. } = *front;
        let stop = Then::Target(format_args!("ACCEPT"));
        if let Some(addr) = frontend.cluster_ip {
            let then = front.internal_chain().map_or(stop, Then::Jump);
            let rule = Rule { then: Some(then), ..front.at(addr, "cluster IP") };
            self.put((Table::Nat, SERVICES), rule)?;
        }
        let external = front.chain(Kind::External);
        let ranged = !frontend.allowed_sources(self.node).is_empty();
        let then = |chain| if front.has_external_chain() { Then::Jump(chain) } else { stop };
        for addr in &frontend.external_ips {
            let rule = Rule { then: Some(then(external)), ..front.at(*addr, "external IP") };
            self.put((Table::Nat, SERVICES), rule)?;
        }
        let balanced = if ranged { front.chain(Kind::Firewall) } else { external };
        for addr in &frontend.vips {
            let rule = Rule { then: Some(then(balanced)), ..front.at(*addr, "loadbalancer IP") };
            self.put((Table::Nat, SERVICES), rule)?;
        }
        if let Some(port) = frontend.node_port {
            let rule = Rule {
                port: Some((frontend.protocol(), Some(port))),
                comment: Some(Comment(front.name, "")),
                then: Some(then(external)),
                ..Rule::default()
            };
            self.put((Table::Nat, NODE_PORTS), rule)?;
        }
        Ok(())
    }

    /// What can't be sent anywhere, and who may not use it.
    fn refuse(&mut self, front: &Front<'_>) -> fmt::Result {
        let Front { frontend, .. } = *front;
        if let (Some(addr), Some(refusal)) = (frontend.cluster_ip, frontend.internal_refusal()) {
            self.refuse_at((Table::Filter, SERVICES), front, front.at(addr, ""), refusal)?;
        }
        let allowed = frontend.allowed_sources(self.node);
        let refusal = frontend.external_refusal();
        let open = frontend.vips.iter().filter(|_| allowed.is_empty());
        for addr in frontend.external_ips.iter().chain(open) {
            if let Some(refusal) = refusal {
                self.refuse_at((Table::Filter, EXTERNAL), front, front.at(*addr, ""), refusal)?;
            }
        }
        for addr in frontend.vips.iter().filter(|_| !allowed.is_empty()) {
            for range in allowed.iter().filter(|_| refusal == Some(Refusal::Reject)) {
                let rule = Rule { from: Some(Range::In(*range)), ..front.at(*addr, "") };
                self.refuse_at((Table::Filter, FIREWALL), front, rule, Refusal::Reject)?;
            }
            let rule = front.at(*addr, "source not allowed");
            let then = Some(Then::Target(format_args!("DROP")));
            self.put((Table::Filter, FIREWALL), Rule { then, ..rule })?;
        }
        if let (Some(port), Some(refusal)) = (frontend.node_port, refusal) {
            let port = Some((frontend.protocol(), Some(port)));
            let rule = Rule { port, ..Rule::default() };
            self.refuse_at((Table::Filter, REFUSED_NODE_PORTS), front, rule, refusal)?;
        }
        Ok(())
    }

    fn refuse_at(
        &mut self,
        at: (Table, ChainName),
        front: &Front<'_>,
        rule: Rule<'_>,
        refusal: Refusal,
    ) -> fmt::Result {
        let target = match refusal {
            Refusal::Reject => reject(self.family, front.frontend.protocol() == Protocol::Tcp),
            Refusal::Drop => "DROP",
        };
        let said = match refusal {
            Refusal::Reject => "has no endpoints",
            Refusal::Drop => "has no local endpoints",
        };
        let comment = Some(Comment(front.name, said));
        self.put(at, Rule { comment, then: Some(Then::Target(format_args!("{target}"))), ..rule })
    }

    /// A chain that sends a packet to one endpoint of a set: the one its client met, or any.
    fn pick(&mut self, front: &Front<'_>, kind: Kind, set: &[SocketAddr]) -> fmt::Result {
        let Front { frontend, name, .. } = *front;
        let at = (Table::Nat, front.chain(kind));
        if front.internal_chain() == Some(at.1) {
            self.mark_outsiders(front, at)?;
        }
        let comment = Some(Comment(name, ""));
        if let Some(timeout) = frontend.affinity {
            let seconds = timeout.as_secs().max(1);
            for endpoint in set {
                let chain = ChainName::of_endpoint(&frontend.key.name, *endpoint);
                let who = Client { chain, family: self.family };
                let when = format_args!("-m recent --rcheck --seconds {seconds} --reap {who}");
                let then = Some(Then::Jump(chain));
                self.put(at, Rule { comment, when: Some(when), then, ..Rule::default() })?;
            }
        }
        for (left, endpoint) in (1..=set.len()).rev().zip(set) {
            let chain = ChainName::of_endpoint(&frontend.key.name, *endpoint);
            let then = Some(Then::Jump(chain));
            if left == 1 {
                self.put(at, Rule { comment, then, ..Rule::default() })?;
                continue;
            }
            let share = 1.0 / left as f64;
            let when = format_args!("-m statistic --mode random --probability {share:.10}");
            self.put(at, Rule { comment, when: Some(when), then, ..Rule::default() })?;
        }
        Ok(())
    }

    /// Traffic to a cluster IP that doesn't come from a pod.
    fn mark_outsiders(&mut self, front: &Front<'_>, at: (Table, ChainName)) -> fmt::Result {
        let Some(addr) = front.frontend.cluster_ip else { return Ok(()) };
        let mut pods = self.node.pod_ranges(self.family);
        let (from, to) = match (self.node.masquerade_all, pods.next(), pods.next()) {
            (true, ..) => (None, MARK),
            (_, None, _) => return Ok(()),
            (_, Some(range), None) => (Some(Range::NotIn(range.trunc())), MARK),
            (_, Some(_), Some(_)) => (None, MARK_OUTSIDERS),
        };
        self.put(at, Rule { from, then: Some(Then::Jump(to)), ..front.at(addr, "cluster IP") })
    }

    /// The chains of the endpoints that any of its chains leads to.
    fn endpoints(&mut self, front: &Front<'_>) -> fmt::Result {
        let Front { frontend, name, .. } = *front;
        let cluster = frontend.endpoints.cluster.iter().filter(|_| front.uses_cluster());
        let local = frontend.endpoints.local.iter().filter(|_| front.uses_local());
        let all: BTreeSet<&SocketAddr> = cluster.chain(local).collect();
        for endpoint in all {
            let chain = ChainName::of_endpoint(&frontend.key.name, *endpoint);
            let who = Client { chain, family: self.family };
            let remember = format_args!("-m recent --set {who}");
            let when = frontend.affinity.map(|_| remember);
            let comment = Comment(name, "");
            self.deliver(chain, comment, *endpoint, (frontend.protocol(), when))?;
        }
        Ok(())
    }

    /// A chain that ends at an endpoint; what comes from there needs another source.
    fn deliver(
        &mut self,
        chain: ChainName,
        comment: Comment<'_>,
        endpoint: SocketAddr,
        (protocol, when): (Protocol, Option<fmt::Arguments<'_>>),
    ) -> fmt::Result {
        let rule = Rule { comment: Some(comment), ..Rule::default() };
        let from = Some(Range::only(endpoint.ip()));
        self.put((Table::Nat, chain), Rule { from, then: Some(Then::Jump(MARK)), ..rule })?;
        let target = format_args!("DNAT --to-destination {endpoint}");
        let port = Some((protocol, None));
        self.put((Table::Nat, chain), Rule { port, when, then: Some(Then::Target(target)), ..rule })
    }

    /// Traffic to external addresses and the node port.
    fn external(&mut self, front: &Front<'_>) -> fmt::Result {
        let at = (Table::Nat, front.chain(Kind::External));
        let service = Then::Jump(front.chain(Kind::Service));
        let says = |what| Rule { comment: Some(Comment(front.name, what)), ..Rule::default() };
        if front.frontend.external == TrafficPolicy::Cluster {
            self.put(at, Rule { then: Some(Then::Jump(MARK)), ..says("from outside") })?;
            return self.put(at, Rule { then: Some(service), ..Rule::default() });
        }
        for pods in self.node.pod_ranges(self.family) {
            let from = Some(Range::In(pods.trunc()));
            self.put(at, Rule { from, then: Some(service), ..says("from pods") })?;
        }
        let own = Some(format_args!("-m addrtype --src-type LOCAL"));
        for then in [Then::Jump(MARK), service] {
            self.put(at, Rule { when: own, then: Some(then), ..says("from this node") })?;
        }
        let local = Then::Jump(front.chain(Kind::Local));
        let stop = Then::Target(format_args!("ACCEPT"));
        let then = if front.uses_local() { local } else { stop };
        self.put(at, Rule { then: Some(then), ..Rule::default() })
    }

    /// Who may use the load balancers' addresses; the filter table drops the rest.
    fn firewall(&mut self, front: &Front<'_>) -> fmt::Result {
        let allowed = front.frontend.allowed_sources(self.node);
        if allowed.is_empty() || front.frontend.vips.is_empty() {
            return Ok(());
        }
        let at = (Table::Nat, front.chain(Kind::Firewall));
        let comment = Some(Comment(front.name, "loadbalancer IP"));
        let external = Some(Then::Jump(front.chain(Kind::External)));
        for range in allowed {
            let from = Some(Range::In(range));
            self.put(at, Rule { from, comment, then: external, ..Rule::default() })?;
        }
        let comment = Some(Comment(front.name, "source not allowed"));
        let stop = Then::Target(format_args!("ACCEPT"));
        self.put(at, Rule { comment, then: Some(stop), ..Rule::default() })
    }

    fn host_port(&mut self, key: &HostPortKey, pod: SocketAddr) -> fmt::Result {
        let chain = ChainName::of_host_port(key);
        let rule = Rule {
            to: key.addr.map(Range::only),
            port: Some((key.protocol, Some(key.port))),
            then: Some(Then::Jump(chain)),
            ..Rule::default()
        };
        self.put((Table::Nat, HOST_PORTS), rule)?;
        if localhost(self.node, self.family) {
            let to = Some(Range::In(loopback(self.family)));
            let then = Some(Then::Jump(MARK));
            self.put((Table::Nat, chain), Rule { to, then, ..Rule::default() })?;
        }
        self.deliver(chain, Comment(&"host port", ""), pod, (key.protocol, None))
    }
}

impl<'a> Front<'a> {
    fn chain(&self, kind: Kind) -> ChainName {
        ChainName::of(kind, &self.frontend.key.name)
    }

    /// Packets to one of its addresses.
    fn at(&self, addr: IpAddr, what: &'static str) -> Rule<'a> {
        Rule {
            to: Some(Range::In(IpNet::from(addr))),
            port: Some((self.frontend.protocol(), Some(self.frontend.port))),
            comment: Some(Comment(self.name, what)),
            ..Rule::default()
        }
    }

    /// The chain for traffic to the cluster IP; `None`: it is refused.
    fn internal_chain(&self) -> Option<ChainName> {
        let kind = match self.frontend.internal {
            TrafficPolicy::Cluster => Kind::Service,
            TrafficPolicy::Local => Kind::Local,
        };
        (!self.frontend.internal_endpoints().is_empty()).then(|| self.chain(kind))
    }

    fn has_external_chain(&self) -> bool {
        self.outside && !self.frontend.endpoints.cluster.is_empty()
    }

    fn uses_cluster(&self) -> bool {
        let inside = self.frontend.internal == TrafficPolicy::Cluster;
        (inside || self.outside) && !self.frontend.endpoints.cluster.is_empty()
    }

    fn uses_local(&self) -> bool {
        let inside = self.frontend.internal == TrafficPolicy::Local;
        let outside = self.frontend.external == TrafficPolicy::Local && self.outside;
        (inside || outside) && !self.frontend.endpoints.local.is_empty()
    }
}

/// By what a client is remembered: its address, in the list of one endpoint.
struct Client {
    chain: ChainName,
    family: Family,
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mask = match self.family {
            Family::V4 => "255.255.255.255",
            Family::V6 => "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        };
        write!(f, "--name {} --mask {mask} --rsource", self.chain)
    }
}
