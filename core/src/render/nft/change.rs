//! Whole tables, and transactions that change them.

use std_alloc::{collections::BTreeSet, string::String, vec::Vec};

use super::{
    Chain, Element, Map, Mark, Pick, Value,
    elements::{Context, elements},
    netlink::{Bulk, Pieces, Transactions},
    owners::Owners,
    rule::Target,
    set::Kind,
    skeleton::{Section, sections, sets},
};
use crate::{
    forward::{Desired, Item, NodeConfig},
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
    owners: Owners,
    /// Chains that the last transaction has added.
    fresh: Vec<(Family, Chain)>,
    /// Service ports that the last transaction has given a number.
    numbered: Vec<crate::forward::FrontendKey>,
    /// And those that will give theirs back.
    leaving: Vec<crate::forward::FrontendKey>,
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
        for (_, _, desired) in wanted() {
            self.own(desired);
        }
        let mut bulks: Vec<Bulk> = Vec::new();
        bulks.resize_with(FAMILIES.len() * Map::ALL.len(), Bulk::default);
        let mut name = String::new();
        let mut kinds = Vec::new();
        for (_, item, desired) in wanted() {
            elements(item, desired, self.context(), |element| {
                if let Value::Goto(chain) = element.value {
                    kinds.push((element.family, chain));
                }
                if let Some(bulk) = bulks.get_mut(place(&element)) {
                    bulk.push(&element, &mut name);
                }
            });
            self.note_all(&mut kinds);
        }
        self.add_spares();
        self.fresh.clear();
        self.numbered.clear();
        out.clear();
        out.begin();
        self.encode_skeleton(load, out);
        let mut pieces = Pieces::new(load == Load::Pieces);
        match grouping {
            Grouping::Together => {
                for (n, bulk) in bulks.iter().enumerate() {
                    let Some((family, map)) = place_of(n) else { continue };
                    if self.node.families.contains(&family) {
                        out.bulk(family, map, bulk, &mut pieces);
                    }
                }
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
        for (n, op) in ops.iter().enumerate().filter(|(_, op)| !leave_out(op.key())) {
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
        for (n, gone, _) in &lists {
            out.about(*n);
            out.elements(gone, true);
        }
        for (n, _, new) in &lists {
            out.about(*n);
            self.encode_chains(new, out);
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

    fn reset(&mut self, node: &NodeConfig) {
        self.node = node.clone();
        self.owners.clear();
        self.leaving.clear();
    }

    const fn context(&self) -> Context<'_> {
        Context { node: &self.node, owners: &self.owners }
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
        let picking = |chain: &Chain| Chain { count: 0, ..chain.unmarked() };
        let mut kinds: BTreeSet<(Family, Chain)> =
            self.chains.iter().map(|(family, chain)| (*family, picking(chain))).collect();
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

    /// Adds the chains that new elements lead to and that aren't there yet.
    fn encode_chains(&mut self, new: &[Element], out: &mut Transactions) {
        let known = self.fresh.len();
        new.iter().for_each(|element| self.note(element));
        // Those that others go on to were noted last.
        for (family, chain) in self.fresh.iter().skip(known).rev() {
            out.chain(*family, &picking(*chain));
        }
        for (family, chain) in self.fresh.iter().skip(known) {
            out.rules(*family, &picking(*chain));
        }
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

    fn note_all(&mut self, chains: &mut Vec<(Family, Chain)>) {
        for (family, chain) in chains.drain(..) {
            self.note_chain(family, chain);
        }
    }

    fn note(&mut self, element: &Element) {
        if let Value::Goto(chain) = element.value {
            self.note_chain(element.family, chain);
        }
    }

    /// Notes a chain and those that it goes on to.
    fn note_chain(&mut self, family: Family, chain: Chain) {
        let mut next = Some(chain);
        while let Some(chain) = next.filter(|chain| self.chains.insert((family, *chain))) {
            self.fresh.push((family, chain));
            next = chain.next();
        }
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
