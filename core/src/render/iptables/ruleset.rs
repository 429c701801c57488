//! Whole tables, and inputs that change only the chains that differ.

use core::fmt::{self, Write};
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
    vec::Vec,
};

use super::{
    ChainName, Saved, Table,
    fixed::{Fixed, LOOPBACK, MARK_OUTSIDERS, NODE_PORTS, SHARED, jumps},
    pieces::{Written, pieces},
    rule::{Comment, Rule, Then},
    rules::{Chains, Rules, family_of},
    saved::plain,
};
use crate::{
    forward::{Desired, HealthCheck, Item, NodeConfig, Proxy},
    model::{Family, Port, Protocol, ServiceKey},
    plan::{Op, Plan},
};

/// From so many endpoints on, rules have no comments: they are two fifths of the text.
const MOST_COMMENTED: usize = 1_000;

/// The rules of one family, and what of them a kernel has been told.
#[derive(Clone, Debug)]
pub struct Ruleset {
    family: Family,
    node: NodeConfig,
    comments: bool,
    items: BTreeMap<Item, Desired>,
    health: BTreeMap<ServiceKey, Port>,
    in_pieces: bool,
}

impl Ruleset {
    /// No rules yet.
    #[must_use]
    pub fn new(family: Family) -> Self {
        Self {
            family,
            node: NodeConfig::default(),
            comments: true,
            items: BTreeMap::new(),
            health: BTreeMap::new(),
            in_pieces: false,
        }
    }

    /// Whether a large table is written in several commits, after each of which every jump leads somewhere. For
    /// iptables on nf_tables: 110,000 chains take it 9 s so, and more than 2 minutes in one commit; the older one
    /// (legacy) takes 3 s for one commit, and most of a minute for several.
    pub const fn write_in_pieces(&mut self, in_pieces: bool) {
        self.in_pieces = in_pieces;
    }

    /// Writes a plan as input for `iptables-restore --noflush`, or `ip6tables-restore`. Nothing is written when
    /// nothing of this family changes.
    ///
    /// A full plan writes every chain, removes those in `saved` that are no longer needed, and puts the jumps to
    /// ours in order; it is then up to the caller that `saved` is what the kernel holds. Other plans write the chains
    /// that differ from what was written before. Each table is replaced at once (see [`Self::write_in_pieces`]);
    /// nothing of others is touched.
    ///
    /// Costs O(endpoints of the service ports that have changed), and O(service ports) when a Service or an address
    /// comes or goes, because all share a chain then.
    pub fn write(
        &mut self,
        plan: &Plan<Item, Desired>,
        proxy: &Proxy,
        saved: &Saved,
        out: &mut impl Write,
    ) -> fmt::Result {
        if !plan.full {
            return self.write_changes(&plan.ops, proxy, out);
        }
        let items = plan.ops.iter().filter_map(|op| match op {
            Op::Upsert { key, after, .. } => Some((key.clone(), after.clone())),
            Op::Delete { .. } => None,
        });
        self.reset(items, proxy);
        self.write_full(saved, out)
    }

    /// Makes this the rules of these items and no others.
    pub(super) fn reset(&mut self, items: impl Iterator<Item = (Item, Desired)>, proxy: &Proxy) {
        self.node = proxy.node().clone();
        if !proxy.is_synced() {
            // Nobody's addresses are not known yet.
            self.node.service_cidrs.clear();
        }
        let served = self.node.families.contains(&self.family);
        self.items = items.filter(|(item, _)| served && family_of(item) == self.family).collect();
        let check = |HealthCheck { service, port, .. }| (service, port);
        self.health = proxy.health_checks().into_iter().filter(|_| served).map(check).collect();
        let endpoints = self.items.values().map(|desired| match desired {
            Desired::Frontend(frontend) => frontend.endpoints.cluster.len(),
            _ => 0,
        });
        self.comments = endpoints.sum::<usize>() <= MOST_COMMENTED;
    }

    /// Writes everything anew.
    pub(super) fn write_full(&self, saved: &Saved, out: &mut impl Write) -> fmt::Result {
        let mut chains = self.own(false)?;
        self.add_shared(&mut chains, |_| true)?;
        for table in Table::ALL {
            let stale: Vec<&str> =
                saved.ours(table).filter(|name| !contains(&chains, table, name)).collect();
            let leads = self.leads(table, saved);
            let used = chains.keys().any(|(of, _)| *of == table);
            if used || !stale.is_empty() || !leads.is_empty() {
                let all = of(table, &chains);
                let mut pieces = if self.in_pieces { pieces(all) } else { Vec::from([all]) };
                let last = pieces.pop().unwrap_or_default();
                for piece in pieces {
                    write_table::<&str>(table, &piece, &[], "", out)?;
                }
                write_table(table, &last, &stale, &leads, out)?;
            }
        }
        Ok(())
    }

    /// Writes what takes all of it away again, given what the kernel holds.
    pub fn write_removal(saved: &Saved, out: &mut impl Write) -> fmt::Result {
        for table in Table::ALL {
            let stale: Vec<&str> = saved.ours(table).collect();
            let mut leads = String::new();
            for (base, rules) in saved.jumps(table) {
                rules.iter().try_for_each(|rule| writeln!(leads, "-D {base} {rule}"))?;
            }
            if !stale.is_empty() || !leads.is_empty() {
                write_table(table, &[], &stale, &leads, out)?;
            }
        }
        Ok(())
    }

    /// What in the kernel is other than it was told: the names of chains, each with its table. Empty: all is well.
    ///
    /// Costs O(rules).
    #[must_use]
    pub fn differences(&self, saved: &Saved) -> BTreeSet<String> {
        let mut text = String::new();
        // A String takes any text.
        let _ = self.write_full(&Saved::default(), &mut text);
        // The jumps are inserted from the last to the first.
        let (mut lines, mut inserted) = (Vec::new(), Vec::new());
        for line in text.lines() {
            match line.strip_prefix("-I ") {
                Some(rule) => inserted.push(rule),
                None => {
                    lines.extend(inserted.drain(..).rev().map(|rule| String::from("-A ") + rule));
                    lines.push(line.to_string());
                }
            }
        }
        saved.differences(&Saved::parse(&lines.join("\n")))
    }

    fn write_changes(
        &mut self,
        ops: &[Op<Item, Desired>],
        proxy: &Proxy,
        out: &mut impl Write,
    ) -> fmt::Result {
        if !self.node.families.contains(&self.family) {
            return Ok(());
        }
        let (mut before, mut after) = (Chains::new(), Chains::new());
        let mut health_changed = false;
        let family = self.family;
        for op in ops.iter().filter(|op| family_of(op.key()) == family) {
            if let Some(was) = self.items.get(op.key()) {
                self.rules(false, &mut before).add(op.key(), was)?;
            }
            match op {
                Op::Delete { key, .. } => drop(self.items.remove(key)),
                Op::Upsert { key, after: desired, .. } => {
                    self.rules(false, &mut after).add(key, desired)?;
                    self.items.insert(key.clone(), desired.clone());
                }
            }
            health_changed |= self.note_health(op.key(), proxy);
        }
        let is_own = |at: &(Table, ChainName)| matches!(at.1, ChainName::Own(..));
        let mut shared: BTreeSet<_> =
            before.keys().chain(after.keys()).filter(|at| !is_own(at)).copied().collect();
        shared.retain(|at| before.get(at) != after.get(at));
        if health_changed {
            shared.insert((Table::Filter, NODE_PORTS));
        }
        let stale: Vec<_> =
            before.keys().filter(|at| is_own(at) && !after.contains_key(at)).copied().collect();
        after.retain(|at, text| is_own(at) && before.get(at) != Some(text));
        if !shared.is_empty() {
            let mut all = self.own(true)?;
            self.add_shared(&mut all, |at| shared.contains(&at))?;
            after.extend(all.into_iter().filter(|(at, _)| shared.contains(at)));
        }
        for table in Table::ALL {
            let stale: Vec<_> =
                stale.iter().filter(|at| at.0 == table).map(|at| at.1.to_string()).collect();
            if !stale.is_empty() || after.keys().any(|(of, _)| *of == table) {
                write_table(table, &of(table, &after), &stale, "", out)?;
            }
        }
        Ok(())
    }

    /// Notes the health check of the Service an item is about; returns whether that is another one than before.
    fn note_health(&mut self, item: &Item, proxy: &Proxy) -> bool {
        let Item::Frontend(key) = item else { return false };
        let service = &key.name.service;
        match proxy.health_check(service) {
            Some(check) => self.health.insert(service.clone(), check.port) != Some(check.port),
            None => self.health.remove(service).is_some(),
        }
    }

    fn rules<'a>(&'a self, shared_only: bool, chains: &'a mut Chains) -> Rules<'a> {
        let Self { node, family, comments, .. } = self;
        Rules { node, family: *family, comments: *comments, shared_only, chains }
    }

    /// The rules of all items.
    fn own(&self, shared_only: bool) -> Result<Chains, fmt::Error> {
        let mut chains = Chains::new();
        let mut rules = self.rules(shared_only, &mut chains);
        let is_host_port = |item: &Item| matches!(item, Item::HostPort(_));
        for (item, desired) in self.items.iter().filter(|(item, _)| !is_host_port(item)) {
            rules.add(item, desired)?;
        }
        // Those at one address go before those at each: backwards.
        for (item, desired) in self.items.iter().rev().filter(|(item, _)| is_host_port(item)) {
            rules.add(item, desired)?;
        }
        Ok(chains)
    }

    /// Completes the shared chains: with what comes before and after the items' rules.
    fn add_shared(
        &self,
        chains: &mut Chains,
        wanted: impl Fn((Table, ChainName)) -> bool,
    ) -> fmt::Result {
        for at @ (table, chain) in SHARED.into_iter().filter(|at| wanted(*at)) {
            let mut text = String::new();
            let Self { node, family, .. } = self;
            Fixed { node, family: *family, table, chain, out: &mut text }.head()?;
            text += chains.get(&at).map_or("", String::as_str);
            if at == (Table::Filter, NODE_PORTS) {
                self.write_health(&mut text)?;
            }
            Fixed { node, family: *family, table, chain, out: &mut text }.tail()?;
            let optional = chain == LOOPBACK || chain == MARK_OUTSIDERS;
            if !(optional && text.is_empty()) {
                chains.insert(at, text);
            }
        }
        Ok(())
    }

    /// Load balancers may ask for a node's health, whatever other rules say.
    fn write_health(&self, out: &mut String) -> fmt::Result {
        for (service, port) in &self.health {
            let rule = Rule {
                port: Some((Protocol::Tcp, Some(*port))),
                comment: Some(Comment(service, "health check")).filter(|_| self.comments),
                then: Some(Then::Target(format_args!("ACCEPT"))),
                ..Rule::default()
            };
            rule.write(NODE_PORTS, out)?;
        }
        Ok(())
    }

    /// What puts the jumps of a table in order, if they aren't: away with those that are there, then all of ours, in
    /// front.
    fn leads(&self, table: Table, saved: &Saved) -> String {
        let mut have = saved.jumps(table);
        let mut text = String::new();
        let mut line = |verb: &str, base: &str, rule: &str| {
            text.extend([verb, " ", base, " ", rule, "\n"]);
        };
        for (base, want) in jumps(table, &self.node, self.family) {
            let have = have.remove(base).unwrap_or_default();
            let same = have.iter().map(|rule| plain(rule)).eq(want.iter().map(|rule| plain(rule)));
            if !same {
                have.iter().for_each(|rule| line("-D", base, rule));
                want.iter().rev().for_each(|rule| line("-I", base, rule));
            }
        }
        for (base, rules) in have {
            rules.iter().for_each(|rule| line("-D", base, rule));
        }
        text
    }
}

fn contains(chains: &Chains, table: Table, name: &str) -> bool {
    let own = |kind: super::Kind| {
        let hash = name.strip_prefix(kind.prefix())?.as_bytes().try_into().ok()?;
        chains.contains_key(&(table, ChainName::Own(kind, hash))).then_some(())
    };
    super::Kind::ALL.into_iter().any(|kind| own(kind).is_some())
        || SHARED
            .iter()
            .any(|at| at.0 == table && at.1.to_string() == name && chains.contains_key(at))
}

/// The chains of one table.
fn of(table: Table, chains: &Chains) -> Vec<Written<'_>> {
    let ours = chains.iter().filter(|((of, _), _)| *of == table);
    ours.map(|((_, chain), rules)| (*chain, rules.as_str())).collect()
}

/// One table: the chains that are written, those that go, and the jumps.
fn write_table<S: AsRef<str>>(
    table: Table,
    chains: &[Written<'_>],
    stale: &[S],
    leads: &str,
    out: &mut impl Write,
) -> fmt::Result {
    writeln!(out, "*{}", table.as_str())?;
    for (chain, _) in chains {
        writeln!(out, ":{chain} - [0:0]")?;
    }
    for chain in stale {
        writeln!(out, ":{} - [0:0]", chain.as_ref())?;
    }
    for (_, rules) in chains {
        out.write_str(rules)?;
    }
    out.write_str(leads)?;
    for chain in stale {
        writeln!(out, "-X {}", chain.as_ref())?;
    }
    writeln!(out, "COMMIT")
}
