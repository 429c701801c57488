//! Whole tables, and transactions that change them.

use core::fmt::{self, Write};
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use super::{
    Chain, Element, Map, Mark, Value,
    elements::elements,
    skeleton::{chains, declaration, fixed_sets},
    text::Words,
};
use crate::{
    forward::{Desired, Item, NodeConfig},
    model::Family,
    plan::{Before, Op, Plan},
};

/// Chains are there for so many endpoints from the start, needed or not.
const SPARE: u32 = 10;

/// Elements per command: a line that people can still read.
const PER_COMMAND: usize = 500;

/// What is in the tables besides elements, as far as the writing of changes depends on it.
///
/// When a transaction fails, call [`crate::plan::Planner::reset`]: the full plan that follows writes the tables anew.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    node: NodeConfig,
    chains: BTreeSet<(Family, Chain)>,
}

/// Why a transaction could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// What is installed for some key is in doubt, and nft can't delete what may not be there. Reset the planner.
    #[error("what is installed is in doubt: a full plan is needed")]
    InDoubt,
    /// A number of endpoints that no chain is there for. nft up to 1.0.6 can't add a rule that looks up an endpoint
    /// to a table that is there already; it takes the map's `th dport` for another protocol. Reset the planner; the
    /// full plan that follows has the chain, and keeps it.
    #[error("a new chain is needed, and with it a full plan")]
    NewChain,
    /// The output refused the text.
    #[error("the output refused the text")]
    Output,
}

impl From<fmt::Error> for WriteError {
    fn from(_: fmt::Error) -> Self {
        Self::Output
    }
}

impl Ruleset {
    /// Writes a plan as one transaction for `nft -f`, all or nothing.
    ///
    /// `node` counts for full plans; others go by what the last full one was written for. Costs O(endpoints of the
    /// service ports that have changed).
    pub fn write(
        &mut self,
        plan: &Plan<Item, Desired>,
        node: &NodeConfig,
        out: &mut impl Write,
    ) -> Result<(), WriteError> {
        if !plan.full {
            return self.write_changes(&plan.ops, out);
        }
        let items = plan.ops.iter().filter_map(|op| match op {
            Op::Upsert { key, after, .. } => Some((key, after)),
            Op::Delete { .. } => None,
        });
        Ok(self.write_full(node, items, out)?)
    }

    /// Writes both tables anew.
    pub(super) fn write_full<'a>(
        &mut self,
        node: &NodeConfig,
        items: impl Iterator<Item = (&'a Item, &'a Desired)>,
        out: &mut impl Write,
    ) -> fmt::Result {
        self.node = node.clone();
        let mut lists: BTreeMap<(Family, Map), String> = BTreeMap::new();
        let mut found = Vec::new();
        for (item, desired) in items {
            elements(item, desired, node, &mut found);
            for element in found.drain(..) {
                self.note_chains(&element, |_| ());
                let list = lists.entry((element.family, element.map)).or_default();
                let separator = if list.is_empty() { "" } else { ",\n" };
                write!(list, "{separator}      {element}")?;
            }
        }
        self.add_spares();
        for family in [Family::V4, Family::V6] {
            let words = Words::of(family);
            writeln!(out, "table {} svckit\ndelete table {} svckit", words.ip, words.ip)?;
            if node.families.contains(&family) {
                self.write_table(family, &lists, out)?;
            }
        }
        Ok(())
    }

    /// Chains that a change is likely to need.
    fn add_spares(&mut self) {
        let picking = |chain: &Chain| Chain { count: 0, ..chain.unmarked() };
        let mut kinds: BTreeSet<(Family, Chain)> =
            self.chains.iter().map(|(family, chain)| (*family, picking(chain))).collect();
        for family in [Family::V4, Family::V6] {
            for (node_port, local) in [(false, false), (false, true), (true, false), (true, true)] {
                let mark = Mark::Nobody;
                kinds.insert((family, Chain { mark, node_port, local, count: 0, timeout: 0 }));
            }
        }
        for (family, kind) in kinds {
            self.chains.extend((1..=SPARE).map(|count| (family, Chain { count, ..kind })));
        }
    }

    fn write_table(
        &self,
        family: Family,
        lists: &BTreeMap<(Family, Map), String>,
        out: &mut impl Write,
    ) -> fmt::Result {
        let words = Words::of(family);
        writeln!(out, "table {} svckit {{", words.ip)?;
        fixed_sets(&self.node, family, words, out)?;
        for map in Map::ALL {
            writeln!(out, "  {} {} {{", if map.is_set() { "set" } else { "map" }, map.name())?;
            write!(out, "    ")?;
            declaration(map, words, out)?;
            if let Some(list) = lists.get(&(family, map)) {
                write!(out, "\n    elements = {{\n{list}\n    }}")?;
            }
            writeln!(out, "\n  }}")?;
        }
        for (_, chain) in self.chains.iter().filter(|(of, _)| *of == family) {
            writeln!(out, "  chain {chain} {{")?;
            chain.rules(words, out)?;
            writeln!(out, "  }}")?;
        }
        chains(&self.node, family, words, out)?;
        writeln!(out, "}}")
    }

    fn write_changes(
        &mut self,
        ops: &[Op<Item, Desired>],
        out: &mut impl Write,
    ) -> Result<(), WriteError> {
        let (gone, new) = self.differences(ops)?;
        let mut missing = Vec::new();
        for element in &new {
            self.note_chains(element, |chain| missing.push((element.family, chain)));
        }
        if missing.iter().any(|(_, chain)| chain.mark == Mark::Nobody) {
            return Err(WriteError::NewChain);
        }
        commands("delete", &gone, out)?;
        for (family, chain) in missing {
            let words = Words::of(family);
            writeln!(out, "table {} svckit {{\n  chain {chain} {{", words.ip)?;
            chain.rules(words, out)?;
            writeln!(out, "  }}\n}}")?;
        }
        Ok(commands("add", &new, out)?)
    }

    /// The elements to delete and to add, each sorted; one that changes is in both.
    fn differences(
        &self,
        ops: &[Op<Item, Desired>],
    ) -> Result<(Vec<Element>, Vec<Element>), WriteError> {
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        for op in ops {
            let (key, before, after) = match op {
                Op::Delete { key, before } => (key, before, None),
                Op::Upsert { key, before, after } => (key, before, Some(after)),
            };
            match before {
                Before::Absent => {}
                Before::Known(desired) => elements(key, desired, &self.node, &mut gone),
                Before::InDoubt => return Err(WriteError::InDoubt),
            }
            if let Some(desired) = after {
                elements(key, desired, &self.node, &mut new);
            }
        }
        gone.retain(|element| self.node.families.contains(&element.family));
        new.retain(|element| self.node.families.contains(&element.family));
        gone.sort_unstable();
        new.sort_unstable();
        let unchanged: BTreeSet<Element> =
            gone.iter().filter(|element| new.binary_search(element).is_ok()).copied().collect();
        gone.retain(|element| !unchanged.contains(element));
        new.retain(|element| !unchanged.contains(element));
        Ok((gone, new))
    }

    /// Notes the chains that an element leads to; `missing` gets those that weren't there, the last one first.
    fn note_chains(&mut self, element: &Element, mut missing: impl FnMut(Chain)) {
        let Value::Goto(chain) = element.value else { return };
        let mut path = Vec::new();
        let mut next = Some(chain);
        while let Some(chain) = next.filter(|chain| self.chains.insert((element.family, *chain))) {
            path.push(chain);
            next = chain.next();
        }
        path.into_iter().rev().for_each(&mut missing);
    }
}

/// Writes `add element ip svckit svc { … }` and its like for sorted elements.
fn commands(verb: &str, elements: &[Element], out: &mut impl Write) -> fmt::Result {
    let place = |element: &Element| (element.family, element.map);
    for run in elements.chunk_by(|a, b| place(a) == place(b)) {
        for chunk in run.chunks(PER_COMMAND) {
            let Some(first) = chunk.first() else { continue };
            let (ip, map) = (Words::of(first.family).ip, first.map.name());
            write!(out, "{verb} element {ip} svckit {map} {{ ")?;
            for (n, element) in chunk.iter().enumerate() {
                write!(out, "{}{element}", if n == 0 { "" } else { ", " })?;
            }
            writeln!(out, " }}")?;
        }
    }
    Ok(())
}
