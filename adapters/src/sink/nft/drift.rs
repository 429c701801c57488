//! Finds and repairs what somebody else has done to our tables.
//!
//! The kernel counts changes of rules, whoever makes them. When there were more than our own, we look whether what we
//! wrote is still there: the rules and the small sets as a whole, everything else by asking for each element, a share
//! per call. In the end the kernel says how many elements there are, so that none was added; kernels before 6.16 don't
//! say, and a stranger's element stays there until the next start.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::{DefaultHasher, Hasher},
};
use svckit::{
    forward::{Item, NodeConfig},
    model::Family,
    render::nft::{
        ENTRIES, Element, Map,
        netlink::{Answer, Query, Reply, is_printed},
    },
};

use super::{Checked, Nft, NftError};

/// Elements that are asked for at once: all answers must find room.
const AT_ONCE: usize = 100;

/// Sets that come from the node's configuration.
const FIXED: [&str; 3] = ["service-cidrs", "pod-cidrs", "node-port-addresses"];

/// What we know about the tables' being ours.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// The kernel's count after our last look, and our own transactions since then.
    generation: u32,
    /// What rules and small sets looked like after we wrote them.
    digest: u64,
    /// Items to look at, after somebody was there.
    left: Option<VecDeque<Item>>,
}

impl Watched {
    /// We have changed something ourselves.
    pub(super) const fn committed(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }
}

impl Nft {
    /// Looks whether somebody else has changed our tables, and repairs them.
    ///
    /// Costs one question to the kernel while nobody has. After that, each call looks at up to `share` items, some
    /// microseconds each, until all have been looked at.
    ///
    /// # Errors
    ///
    /// The kernel can't be asked, or refuses what it held before.
    pub fn check(&mut self, node: &NodeConfig, share: usize) -> Result<Checked, NftError> {
        if self.planner.needs_full() {
            return Ok(Checked::Untouched);
        }
        let now = self.generation()?;
        if now != self.watched.generation {
            self.watched.generation = now;
            let mut kinds = self.ruleset.kinds();
            if self.digest()? != self.watched.digest || !self.holds(&mut kinds)? {
                return self.repair(node);
            }
            self.watched.left = Some(self.planner.installed().cloned().collect());
        }
        let Some(mut left) = self.watched.left.take() else { return Ok(Checked::Untouched) };
        let number = share.min(left.len());
        let items: Vec<Item> = left.drain(..number).collect();
        let mut wanted = Vec::new();
        for item in &items {
            if let Some(desired) = self.planner.installed_value(item) {
                wanted.append(&mut self.ruleset.elements(item, desired));
            }
        }
        if !self.holds(&mut wanted)? {
            return self.repair(node);
        }
        if left.is_empty() {
            let more = self.has_more()? || self.has_strangers()?;
            return if more { self.repair(node) } else { Ok(Checked::Intact) };
        }
        let number = left.len();
        self.watched.left = Some(left);
        Ok(Checked::Looking(number))
    }

    fn repair(&mut self, node: &NodeConfig) -> Result<Checked, NftError> {
        // As a restart does: what belongs to nobody goes, and clients are remembered if that can be.
        let done = self.replace(node, true);
        if done.is_err() {
            self.planner.reset();
        }
        done.map(|_| Checked::Repaired)
    }

    /// Takes what is there now for what should be there.
    pub(super) fn remember(&mut self) -> Result<(), NftError> {
        self.watched.left = None;
        self.watched.generation = self.generation()?;
        self.watched.digest = self.digest()?;
        Ok(())
    }

    fn generation(&mut self) -> Result<u32, NftError> {
        let query = Query::generation(self.socket.next_sequence());
        let mut generation = 0;
        let answer = |answer: Answer<'_>| {
            if let Some(Reply::Generation(number)) = Reply::of(answer) {
                generation = number;
            }
        };
        self.socket.ask(query.as_bytes(), answer).map_err(NftError::Socket)?;
        Ok(generation)
    }

    /// A number for the rules and the small sets, as the kernel prints them.
    fn digest(&mut self) -> Result<u64, NftError> {
        let mut hasher = DefaultHasher::new();
        for family in [Family::V4, Family::V6] {
            let sequence = self.socket.next_sequence();
            let mut queries = vec![Query::rules(family, sequence)];
            queries.extend(FIXED.map(|set| Query::all(family, set, sequence)));
            queries.extend(ENTRIES.map(|chain| Query::chain(family, chain, sequence)));
            for query in queries {
                let answer = |answer: Answer<'_>| match Reply::of(answer) {
                    Some(Reply::Rule(rule)) => hasher.write(rule),
                    Some(Reply::Elements(list)) => list.iter().for_each(|one| hasher.write(one)),
                    Some(Reply::Chain(chain)) => {
                        let parts = [Some(chain.name), chain.hook, chain.policy];
                        parts.into_iter().flatten().for_each(|part| hasher.write(part));
                    }
                    _ => {}
                };
                self.socket.ask(query.as_bytes(), answer).map_err(NftError::Socket)?;
            }
        }
        Ok(hasher.finish())
    }

    /// Whether the kernel holds other numbers of elements than we have put there. Costs O(cluster), but no list.
    fn has_more(&mut self) -> Result<bool, NftError> {
        let mut ours: BTreeMap<(Family, &[u8]), u32> = BTreeMap::new();
        let both = [Family::V4, Family::V6].into_iter();
        for place in both.flat_map(|family| Map::ALL.map(|map| (family, map.name().as_bytes()))) {
            ours.insert(place, 0);
        }
        let items = self.planner.installed_values();
        let elements = items.flat_map(|(item, desired)| self.ruleset.elements(item, desired));
        for element in elements.chain(self.ruleset.kinds()) {
            *ours.entry((element.family, element.map.name().as_bytes())).or_default() += 1;
        }
        let mut more = false;
        for family in [Family::V4, Family::V6] {
            let query = Query::sets(family, self.socket.next_sequence());
            let answer = |answer: Answer<'_>| {
                if let Some(Reply::Set { name, count: Some(count) }) = Reply::of(answer) {
                    more |= ours.get(&(family, name)).is_some_and(|ours| *ours != count);
                }
            };
            self.socket.ask(query.as_bytes(), answer).map_err(NftError::Socket)?;
        }
        Ok(more)
    }

    /// Whether the kernel holds these elements.
    fn holds(&mut self, wanted: &mut [Element]) -> Result<bool, NftError> {
        wanted.sort_unstable();
        for run in wanted.chunk_by(|a, b| (a.family, a.map) == (b.family, b.map)) {
            for some in run.chunks(AT_ONCE) {
                let query = Query::elements(some, self.socket.next_sequence());
                let mut next = some.iter();
                let mut same = true;
                let answer = |answer: Answer<'_>| {
                    if let Some(Reply::Elements(list)) = Reply::of(answer) {
                        for printed in list {
                            same &= next.next().is_some_and(|wanted| is_printed(wanted, printed));
                        }
                    }
                };
                self.socket.ask(query.as_bytes(), answer).map_err(NftError::Socket)?;
                if !same || next.next().is_some() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
