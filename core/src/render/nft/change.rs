//! Whole tables, and transactions that change them.

use std_alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

use super::{
    Chain, Element, Key, Map, Mark, Pick, Value,
    elements::{self, Context, elements},
    kinds::{Kinds, NODE_OUTSIDE, NOWHERE, OUTSIDE},
    netlink::{Bulk, Pieces, Transactions},
    owners::Owners,
    rule::Target,
    set::Kind,
    skeleton::{Section, sections, sets},
};
use crate::{
    forward::{Desired, FrontendKey, Item, NodeConfig},
    model::Family,
    plan::{Before, Op, Plan},
};

mod written;

pub use written::WriteError;

/// Chains are there for so many endpoints from the start, needed or not.
const SPARE: u32 = 10;

/// The families, in the order of their tables.
const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// What is in the tables besides elements, as far as the writing of changes depends on it.
///
/// When a transaction fails, call [`Self::undo`] before another one is written in its place.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    node: NodeConfig,
    chains: BTreeSet<(Family, Chain)>,
    kinds: Kinds,
    owners: Owners,
    /// Chains that the last transaction has added.
    fresh: Vec<(Family, Chain)>,
    /// Service ports that the last transaction has given a number.
    numbered: Vec<Arc<FrontendKey>>,
    /// And those that will give theirs back.
    leaving: Vec<Arc<FrontendKey>>,
}

/// How a table is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// In one transaction that takes the place of the tables of these families, which are there.
    Atomic {
        /// Whether there is a table for IPv4.
        v4: bool,
        /// And for IPv6.
        v6: bool,
        /// Whether clients go on to be remembered. Only tables whose sets are all ours, and in use, can be replaced
        /// around that memory, and kernels before 6.3 may refuse it. Chains that are no longer needed stay, empty.
        keep: bool,
    },
    /// No table is there: in transactions of some thousand elements each, of which the last one takes effect.
    Pieces,
}

/// How changes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// As few messages as possible.
    Together,
    /// Messages of its own for each step, so that an error names one: see [`Transactions::step`].
    Apart,
}

/// Why a transaction could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// What is installed for some key is in doubt, and kernels can't delete what may not be there. Reset the
    /// planner.
    #[error("what is installed is in doubt: a full plan is needed")]
    InDoubt,
}

/// About how many elements an item has.
fn about(desired: &Desired) -> usize {
    let Desired::Frontend(frontend) = desired else { return 1 };
    1 + frontend.endpoints.cluster.len() + frontend.endpoints.local.len()
}

impl Ruleset {
    /// Encodes a full plan: the tables take the place of whatever was there.
    ///
    /// `leave_out` says which steps are not to be carried out. Costs O(cluster).
    pub fn encode_full(
        &mut self,
        plan: &Plan<Item, Desired>,
        node: &NodeConfig,
        (load, grouping): (Load, Grouping),
        leave_out: impl Fn(&Item) -> bool,
        out: &mut Transactions,
    ) {
        self.reset(node);
        let wanted = || {
            let steps = plan.ops.iter().enumerate().filter_map(|(n, op)| match op {
                Op::Upsert { key, after, .. } => Some((n, key, after)),
                Op::Delete { .. } => None,
            });
            steps.filter(|(_, key, _)| !leave_out(key))
        };
        self.prepare(wanted().map(|(_, _, desired)| desired));
        out.clear();
        out.reserve(wanted().map(|(_, _, desired)| about(desired)).sum());
        out.begin();
        self.encode_skeleton(load, out);
        out.elements(&self.kinds(), false);
        match grouping {
            Grouping::Together => {
                let items = wanted().map(|(_, item, desired)| (item, desired));
                self.encode_bulk(items, Pieces::new(load == Load::Pieces), out);
            }
            Grouping::Apart => {
                let mut list = Vec::new();
                for (n, item, desired) in wanted() {
                    elements(item, desired, self.context(), |element| list.push(element));
                    list.retain(|element| self.node.families.contains(&element.family));
                    list.sort_unstable();
                    out.about(n);
                    out.elements(&list, false);
                    list.clear();
                }
            }
        }
        if load == Load::Pieces {
            self.node.families.iter().for_each(|family| out.table(*family, false));
        }
        out.end();
    }

    /// Encodes a plan that isn't full. Costs O(endpoints of the service ports that have changed).
    ///
    /// # Errors
    ///
    /// Nothing is changed then.
    pub fn encode_changes(
        &mut self,
        ops: &[Op<Item, Desired>],
        grouping: Grouping,
        leave_out: impl Fn(&Item) -> bool,
        out: &mut Transactions,
    ) -> Result<(), EncodeError> {
        out.clear();
        if ops.iter().any(|op| matches!(op.before(), Before::InDoubt)) {
            return Err(EncodeError::InDoubt);
        }
        self.fresh.clear();
        self.numbered.clear();
        self.leaving.clear();
        let mut lists = Vec::new();
        let wanted = || ops.iter().enumerate().filter(|(_, op)| !leave_out(op.key()));
        self.note_changes(wanted().map(|(_, op)| op));
        for (n, op) in wanted() {
            let (gone, new) = self.differences(op);
            match lists.last_mut() {
                Some((_, all_gone, all_new)) if grouping == Grouping::Together => {
                    Vec::extend(all_gone, gone);
                    Vec::extend(all_new, new);
                }
                _ => lists.push((n, gone, new)),
            }
        }
        for (_, gone, new) in &mut lists {
            gone.sort_unstable();
            new.sort_unstable();
        }
        out.begin();
        self.encode_chains(out);
        for (n, gone, _) in &lists {
            out.about(*n);
            out.elements(gone, true);
        }
        for (n, _, new) in &lists {
            out.about(*n);
            out.elements(new, false);
        }
        out.end();
        Ok(())
    }

    /// Encodes the end of our tables; `families` are those that have one.
    pub fn encode_removal(families: impl IntoIterator<Item = Family>, out: &mut Transactions) {
        out.clear();
        out.begin();
        families.into_iter().for_each(|family| out.delete_table(family));
        out.end();
    }

    /// The last transaction has not taken effect.
    pub fn undo(&mut self) {
        for chain in self.fresh.drain(..) {
            self.chains.remove(&chain);
        }
        for key in self.numbered.drain(..) {
            self.owners.release(&key);
        }
        self.leaving.clear();
    }

    /// The last transaction has taken effect; whether it has added chains.
    pub fn done(&mut self) -> bool {
        let structure = !self.fresh.is_empty();
        self.fresh.clear();
        self.numbered.clear();
        for key in self.leaving.drain(..) {
            self.owners.release(&key);
        }
        structure
    }

    /// The elements that should be there for an item. Only for plans that have taken effect.
    pub fn elements(&self, item: &Item, desired: &Desired) -> Vec<Element> {
        let mut list = Vec::new();
        elements(item, desired, self.context(), |element| list.push(element));
        list.retain(|element| self.node.families.contains(&element.family));
        list
    }

    /// The elements by which numbers lead to chains.
    #[must_use]
    pub fn kinds(&self) -> Vec<Element> {
        let element = |family, number, value| {
            let (map, key) = (Map::Exceptions, Key::Kind(number));
            Element { family, map, key, value }
        };
        let fixed = [
            (OUTSIDE, Value::GotoOutside { node_port: false }),
            (NODE_OUTSIDE, Value::GotoOutside { node_port: true }),
            (NOWHERE, Value::Return),
        ];
        let fixed = self.node.families.iter().flat_map(|family| {
            fixed.iter().map(|(number, value)| element(*family, *number, *value))
        });
        let picking = self.chains.iter().filter(|(family, _)| self.node.families.contains(family));
        let picking = picking.map(|(family, chain)| self.kind(*family, *chain));
        let mut all: Vec<_> = fixed.chain(picking).collect();
        all.sort_unstable();
        all
    }

    fn kind(&self, family: Family, chain: Chain) -> Element {
        let key = Key::Kind(self.kinds.of(chain));
        Element { family, map: Map::Kinds, key, value: Value::Goto(chain) }
    }

    fn reset(&mut self, node: &NodeConfig) {
        self.node = node.clone();
        self.chains.clear();
        self.owners.clear();
        self.leaving.clear();
    }

    const fn context(&self) -> Context<'_> {
        Context { node: &self.node, owners: &self.owners, kinds: &self.kinds }
    }

    /// Finds out which chains and numbers a whole table needs.
    fn prepare<'a>(&mut self, wanted: impl Iterator<Item = &'a Desired>) {
        for desired in wanted {
            self.own(desired);
            self.note(desired);
        }
        self.add_spares();
        self.kinds.assign(self.chains.iter().map(|(_, chain)| chain));
        self.fresh.clear();
        self.numbered.clear();
    }

    /// The same for changes, which may need more of them.
    fn note_changes<'a>(&mut self, ops: impl Iterator<Item = &'a Op<Item, Desired>>) {
        for op in ops {
            if let Op::Upsert { after, .. } = op {
                self.own(after);
                self.note(after);
            }
        }
        self.fresh.iter().for_each(|(_, chain)| self.kinds.add(*chain));
    }

    /// Elements of each map in messages as large as they may be.
    fn encode_bulk<'a>(
        &self,
        items: impl Iterator<Item = (&'a Item, &'a Desired)>,
        mut pieces: Pieces,
        out: &mut Transactions,
    ) {
        let mut bulks: Vec<Bulk> = Vec::new();
        bulks.resize_with(FAMILIES.len() * Map::ALL.len(), Bulk::default);
        for (item, desired) in items {
            elements(item, desired, self.context(), |element| {
                let Some(bulk) = bulks.get_mut(place(&element)) else { return };
                if bulk.push(&element) {
                    self.encode_some(element.family, element.map, bulk, &mut pieces, out);
                }
            });
        }
        for (n, bulk) in bulks.iter_mut().enumerate() {
            if let Some((family, map)) = place_of(n) {
                self.encode_some(family, map, bulk, &mut pieces, out);
            }
        }
    }

    fn encode_some(
        &self,
        family: Family,
        map: Map,
        bulk: &mut Bulk,
        pieces: &mut Pieces,
        out: &mut Transactions,
    ) {
        if self.node.families.contains(&family) {
            out.bulk(family, map, bulk, pieces);
        }
        bulk.clear();
    }

    /// Gives a service port that remembers clients its number.
    fn own(&mut self, desired: &Desired) {
        if let Desired::Frontend(frontend) = desired
            && frontend.affinity.is_some()
            && self.owners.take(&frontend.key)
        {
            self.numbered.push(frontend.key.clone());
        }
    }

    /// The chains that pick an endpoint, each before those that go on to it.
    fn picking(&self, family: Family) -> impl Iterator<Item = Section> {
        let chains = self.chains.iter().filter(move |(of, _)| *of == family);
        chains.map(|(_, chain)| picking(*chain))
    }

    /// Chains that a change is likely to need.
    fn add_spares(&mut self) {
        let kind = |chain: &Chain| Chain { count: 0, ..*chain };
        let mut kinds: BTreeSet<(Family, Chain)> =
            self.chains.iter().map(|(family, chain)| (*family, kind(chain))).collect();
        for family in FAMILIES {
            for (node_port, local) in [(false, false), (false, true), (true, false), (true, true)] {
                let (mark, pick) = (Mark::Nobody, Pick::Random);
                kinds
                    .insert((family, Chain { mark, node_port, local, pick, count: 0, timeout: 0 }));
            }
        }
        kinds.retain(|(_, kind)| kind.pick == Pick::Random);
        for (family, kind) in kinds {
            self.chains.extend((1..=SPARE).map(|count| (family, Chain { count, ..kind })));
        }
    }

    fn encode_skeleton(&self, load: Load, out: &mut Transactions) {
        if let Load::Atomic { v4, v6, keep } = load {
            for (family, _) in FAMILIES.into_iter().zip([v4, v6]).filter(|(_, there)| *there) {
                if keep && self.node.families.contains(&family) {
                    // Who refers to a set goes before it does.
                    out.delete_rules(family);
                    let sets = sets(&self.node, family).into_iter();
                    let cleared = sets.filter(|set| set.kind != Kind::Clients);
                    cleared.for_each(|set| out.delete_set(family, set.name));
                } else {
                    out.delete_table(family);
                }
            }
        }
        let mut id = 0;
        for family in FAMILIES.into_iter().filter(|family| self.node.families.contains(family)) {
            out.table(family, load == Load::Pieces);
            for set in sets(&self.node, family) {
                id += 1;
                out.set(family, &set, id);
            }
            let fixed = sections(&self.node, family);
            let all: Vec<Section> = self.picking(family).chain(fixed).collect();
            all.iter().for_each(|section| out.chain(family, section));
            all.iter().for_each(|section| out.rules(family, section));
        }
    }

    /// Adds the chains that weren't there yet.
    fn encode_chains(&self, out: &mut Transactions) {
        // Those that others go on to were noted last.
        for (family, chain) in self.fresh.iter().rev() {
            out.chain(*family, &picking(*chain));
        }
        for (family, chain) in &self.fresh {
            out.rules(*family, &picking(*chain));
        }
        out.elements(&self.fresh_kinds(), false);
    }

    /// What leads to the chains that weren't there yet.
    fn fresh_kinds(&self) -> Vec<Element> {
        let kinds = self.fresh.iter().map(|(family, chain)| self.kind(*family, *chain));
        let mut kinds: Vec<_> = kinds.collect();
        kinds.sort_unstable();
        kinds
    }

    /// The elements that a step deletes and adds; one that changes is in both.
    pub(super) fn differences(&mut self, op: &Op<Item, Desired>) -> (Vec<Element>, Vec<Element>) {
        let (key, before, after) = match op {
            Op::Delete { key, before } => (key, before, None),
            Op::Upsert { key, before, after } => (key, before, Some(after)),
        };
        if let Some(after) = after {
            self.own(after);
        }
        let sticky =
            |desired: &Desired| matches!(desired, Desired::Frontend(f) if f.affinity.is_some());
        let mut gone = Vec::new();
        let mut new = Vec::new();
        if let Before::Known(desired) = before {
            gone = self.elements(key, desired);
            if let (Item::Frontend(key), true) = (key, sticky(desired))
                && !after.is_some_and(sticky)
            {
                self.leaving.push(key.clone());
            }
        }
        if let Some(desired) = after {
            new = self.elements(key, desired);
        }
        gone.sort_unstable();
        new.sort_unstable();
        // Both are sorted: what is in both is found on one walk.
        let mut others = new.iter().copied().peekable();
        let mut kept = Vec::new();
        gone.retain(|element| {
            while others.next_if(|other| other < element).is_some() {}
            let stays = others.peek() == Some(element);
            if stays {
                kept.push(*element);
            }
            !stays
        });
        let mut kept = kept.iter().peekable();
        new.retain(|element| kept.next_if_eq(&element).is_none());
        (gone, new)
    }

    /// The chains that the last transaction has added.
    #[cfg(test)]
    pub(super) fn fresh(&self) -> impl Iterator<Item = Chain> + '_ {
        self.fresh.iter().map(|(_, chain)| *chain)
    }

    /// Notes the chains that something leads to, and those that they go on to.
    fn note(&mut self, desired: &Desired) {
        let Self { node, chains, fresh, .. } = self;
        elements::chains(desired, node, |family, chain| {
            let mut next = Some(chain);
            while let Some(chain) = next.filter(|chain| chains.insert((family, *chain))) {
                fresh.push((family, chain));
                next = chain.next();
            }
        });
    }
}

/// A chain that picks an endpoint, with its rules.
fn picking(chain: Chain) -> Section {
    Section { name: Target::Picking(chain), base: None, rules: chain.rules() }
}

/// Where an element's list is among all lists.
const fn place(element: &Element) -> usize {
    element.family as usize * Map::ALL.len() + element.map as usize
}

/// The list at a place.
fn place_of(n: usize) -> Option<(Family, Map)> {
    let family = *FAMILIES.get(n / Map::ALL.len())?;
    Some((family, *Map::ALL.get(n % Map::ALL.len())?))
}
