//! The same transactions as text for `nft -f`, for people and for programs without a netlink socket.
//!
//! Chains that aren't there yet come first, each after those it goes on to, then deletions, then additions; as in the
//! encoded form.

use core::fmt::{self, Write};
use std_alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{EncodeError, FAMILIES, Ruleset, picking};
use crate::{
    forward::{Desired, Item, NodeConfig},
    model::Family,
    plan::{Before, Op, Plan},
    render::nft::{
        Element, Map,
        elements::elements,
        skeleton::{sections, sets},
        text,
    },
};

/// Elements in one command: nft parses long lists slowly.
const PER_COMMAND: usize = 1000;

/// Why a plan could not be written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// It can't be encoded either.
    #[error(transparent)]
    Plan(EncodeError),
    /// The writer failed.
    #[error("the text could not be written")]
    Text,
}

impl From<fmt::Error> for WriteError {
    fn from(_: fmt::Error) -> Self {
        Self::Text
    }
}

impl Ruleset {
    /// Writes a plan as one transaction for `nft -f`, all or nothing.
    ///
    /// Call [`Self::done`] or [`Self::undo`] as after the encoded form. Costs O(cluster) for full plans, for others
    /// O(endpoints of the service ports that have changed).
    ///
    /// # Errors
    ///
    /// What is installed is in doubt, or the writer failed.
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

    fn write_changes(
        &mut self,
        ops: &[Op<Item, Desired>],
        out: &mut impl Write,
    ) -> Result<(), WriteError> {
        if ops.iter().any(|op| matches!(op.before(), Before::InDoubt)) {
            return Err(WriteError::Plan(EncodeError::InDoubt));
        }
        self.fresh.clear();
        self.numbered.clear();
        self.leaving.clear();
        self.note_changes(ops.iter());
        // Those that others go on to were noted last.
        for (family, chain) in self.fresh.iter().rev() {
            writeln!(out, "table {} svckit {{", text::ip(*family))?;
            text::section(&picking(*chain), *family, out)?;
            writeln!(out, "}}")?;
        }
        commands("add", &self.fresh_kinds(), out)?;
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        for op in ops {
            let (less, more) = self.differences(op);
            gone.extend(less);
            new.extend(more);
        }
        gone.sort_unstable();
        new.sort_unstable();
        commands("delete", &gone, out)?;
        Ok(commands("add", &new, out)?)
    }

    /// Writes both tables anew.
    pub(in crate::render::nft) fn write_full<'a>(
        &mut self,
        node: &NodeConfig,
        items: impl Iterator<Item = (&'a Item, &'a Desired)> + Clone,
        out: &mut impl Write,
    ) -> fmt::Result {
        self.reset(node);
        self.prepare(items.clone().map(|(_, desired)| desired));
        let mut lists: BTreeMap<(Family, Map), String> = BTreeMap::new();
        let mut found = self.kinds();
        for (item, desired) in items {
            elements(item, desired, self.context(), |element| found.push(element));
        }
        for element in found {
            let list = lists.entry((element.family, element.map)).or_default();
            let separator = if list.is_empty() { "" } else { ",\n" };
            write!(list, "{separator}      {element}")?;
        }
        for family in FAMILIES {
            let ip = text::ip(family);
            writeln!(out, "table {ip} svckit\ndelete table {ip} svckit")?;
            if node.families.contains(&family) {
                self.write_table(family, &lists, out)?;
            }
        }
        Ok(())
    }

    fn write_table(
        &self,
        family: Family,
        lists: &BTreeMap<(Family, Map), String>,
        out: &mut impl Write,
    ) -> fmt::Result {
        writeln!(out, "table {} svckit {{", text::ip(family))?;
        for set in sets(&self.node, family) {
            let map = Map::ALL.into_iter().find(|map| map.name() == set.name);
            let list = map.and_then(|map| lists.get(&(family, map)));
            text::set(&set, family, list.map_or("", String::as_str), out)?;
        }
        for section in self.picking(family).chain(sections(&self.node, family)) {
            text::section(&section, family, out)?;
        }
        writeln!(out, "}}")
    }
}

/// Writes `add element ip svckit svc { … }` and its like for sorted elements.
fn commands(verb: &str, elements: &[Element], out: &mut impl Write) -> fmt::Result {
    let place = |element: &Element| (element.family, element.map);
    for run in elements.chunk_by(|a, b| place(a) == place(b)) {
        for chunk in run.chunks(PER_COMMAND) {
            let Some(first) = chunk.first() else { continue };
            let (ip, map) = (text::ip(first.family), first.map.name());
            write!(out, "{verb} element {ip} svckit {map} {{ ")?;
            for (n, element) in chunk.iter().enumerate() {
                write!(out, "{}{element}", if n == 0 { "" } else { ", " })?;
            }
            writeln!(out, " }}")?;
        }
    }
    Ok(())
}
