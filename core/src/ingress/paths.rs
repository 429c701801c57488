//! The paths of one host: a list when it is short, else a flat table with hash probes at slashes, longest first.
//!
//! Most hosts have a handful of paths. Those stand in one piece of memory in order of precedence, and are compared one
//! after the other: memory that is not in a cache yet costs more than all of that.
//!
//! In a table, a request's path is first looked up as a whole among the exact paths. Then come the prefixes: for each length
//! that some prefix has, longest first, the request is probed if it has a slash (or its end) there. A length costs
//! one comparison, a probe one hash; how many there are depends on the rules, never on the request.
//!
//! ```text
//! rules    /  /api  /api/v2  /static        lengths 7 4
//! request  /api/v1/items
//!          7: "/api/v1" ends at a slash → probe, nothing
//!          4: "/api" ends at a slash    → probe, found
//! ```

use core::{
    cmp::Reverse,
    hash::{BuildHasher, Hasher},
    iter,
};

mod few;

use ahash::RandomState;
use std_alloc::{boxed::Box, string::String, sync::Arc, vec, vec::Vec};

use super::{MatchKind, Pattern};
use few::Few;

/// No pattern of this kind.
const NONE: u32 = u32::MAX;

/// Patterns by their text; each is known by its number in the order given.
#[derive(Clone, Debug)]
pub(super) enum PathTable {
    /// A list.
    Few(Few),
    /// They are too many or too long for a list.
    Many(Arc<Many>),
}

impl Default for PathTable {
    fn default() -> Self {
        Self::Few(Few::default())
    }
}

impl PathTable {
    /// The table of these patterns. Of equal patterns the first counts; the others come back with the number of the
    /// one that counts.
    pub(super) fn new<'p>(
        patterns: impl ExactSizeIterator<Item = &'p Pattern> + Clone,
        hasher: &RandomState,
    ) -> (Self, Vec<(u32, u32)>) {
        if let Some((few, shadowed)) = Few::new(patterns.clone()) {
            return (Self::Few(few), shadowed);
        }
        let (many, shadowed) = Many::new(patterns, hasher);
        (Self::Many(Arc::new(many)), shadowed)
    }

    /// Patterns that match, in order of precedence: the exact one, then by length.
    pub(super) fn matches<'t>(
        &'t self,
        path: &'t [u8],
        hasher: &'t RandomState,
    ) -> impl Iterator<Item = (u32, usize)> + 't {
        let (few, many) = match self {
            Self::Few(few) => (Some(few), None),
            Self::Many(many) => (None, Some(many)),
        };
        let many = many.into_iter().flat_map(|many| many.matches(path, hasher));
        few.into_iter().flat_map(|few| few.matches(path)).chain(many)
    }

    /// The first of [`PathTable::matches`].
    #[inline]
    pub(super) fn first(&self, path: &[u8], hasher: &RandomState) -> Option<(u32, usize)> {
        match self {
            Self::Few(few) => few.matches(path).next(),
            Self::Many(many) => many.first(path, hasher),
        }
    }
}

/// Patterns in a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Many {
    /// Open addressing, at most half full; the length is a power of two.
    slots: Box<[Slot]>,
    /// All texts in one place.
    texts: Box<str>,
    /// Lengths that prefixes have, longest first, without that of `/`.
    lengths: Box<[u32]>,
    /// Which lengths exact paths have, modulo 64.
    exact_lengths: u64,
    /// The prefix `/`.
    root: Option<u32>,
    /// String prefixes, longest first.
    string_prefixes: Box<[(Arc<str>, u32)]>,
}

/// The patterns of one text.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Bits of the hash, to compare before the text.
    tag: u32,
    /// Where the text starts.
    start: u32,
    /// How long it is.
    length: u32,
    exact: u32,
    prefix: u32,
    string_prefix: u32,
}

const EMPTY: Slot =
    Slot { tag: 0, start: 0, length: 0, exact: NONE, prefix: NONE, string_prefix: NONE };

impl Many {
    /// The table of these patterns. Of equal patterns the first counts; the others come back with the number of the
    /// one that counts.
    fn new<'p>(
        patterns: impl ExactSizeIterator<Item = &'p Pattern>,
        hasher: &RandomState,
    ) -> (Self, Vec<(u32, u32)>) {
        let slots = (patterns.len().max(1) * 2).next_power_of_two();
        let mut table = Self { slots: vec![EMPTY; slots].into(), ..Self::default() };
        let (mut texts, mut shadowed) = (String::new(), Vec::new());
        let (mut lengths, mut string_prefixes) = (Vec::new(), Vec::new());
        for (number, pattern) in patterns.enumerate() {
            let number = number as u32;
            if let Some(winner) = table.insert(pattern, number, &mut texts, hasher) {
                shadowed.push((number, winner));
                continue;
            }
            let length = pattern.text.len() as u32;
            match pattern.kind {
                MatchKind::Exact => table.exact_lengths |= 1 << (length % 64),
                MatchKind::Prefix if length == 0 => table.root = Some(number),
                MatchKind::Prefix => lengths.push(length),
                MatchKind::StringPrefix => string_prefixes.push((pattern.text.clone(), number)),
            }
        }
        lengths.sort_unstable_by(|one, other| other.cmp(one));
        lengths.dedup();
        string_prefixes.sort_by_key(|(text, _)| Reverse(text.len()));
        table.lengths = lengths.into();
        table.string_prefixes = string_prefixes.into();
        table.texts = texts.into();
        (table, shadowed)
    }

    /// Patterns that match, in order of precedence: the exact one, then by length.
    fn matches<'t>(
        &'t self,
        path: &'t [u8],
        hasher: &'t RandomState,
    ) -> impl Iterator<Item = (u32, usize)> + 't {
        let mut strings = self.string_prefixes.iter().peekable();
        let mut prefixes = self.prefixes(path, hasher).peekable();
        let by_length = iter::from_fn(move || {
            let length = prefixes.peek().map_or(0, |(_, length)| *length + 1);
            // Of equal lengths the prefix of elements comes first.
            while let Some((text, number)) = strings.next_if(|(text, _)| text.len() >= length) {
                if path.starts_with(text.as_bytes()) {
                    return Some((*number, text.len()));
                }
            }
            prefixes.next()
        });
        self.exact(path, hasher).into_iter().chain(by_length)
    }

    /// The first of [`Many::matches`].
    #[inline(never)]
    fn first(&self, path: &[u8], hasher: &RandomState) -> Option<(u32, usize)> {
        if !self.string_prefixes.is_empty() {
            return self.matches(path, hasher).next();
        }
        self.exact(path, hasher).or_else(|| self.prefixes(path, hasher).next())
    }

    #[inline]
    fn exact(&self, path: &[u8], hasher: &RandomState) -> Option<(u32, usize)> {
        if self.exact_lengths & (1 << (path.len() % 64)) == 0 {
            return None;
        }
        let slot = self.probe(path, hasher)?;
        (slot.exact != NONE).then_some((slot.exact, path.len()))
    }

    #[inline]
    fn prefixes<'t>(
        &'t self,
        path: &'t [u8],
        hasher: &'t RandomState,
    ) -> impl Iterator<Item = (u32, usize)> + 't {
        let probes = self.lengths.iter().filter_map(move |&length| {
            let (start, rest) = path.split_at_checked(length as usize)?;
            if rest.first().is_some_and(|byte| *byte != b'/') {
                return None;
            }
            let slot = self.probe(start, hasher)?;
            (slot.prefix != NONE).then_some((slot.prefix, start.len()))
        });
        let root = self.root.filter(|_| path.first() == Some(&b'/'));
        probes.chain(root.map(|number| (number, 0)))
    }

    #[inline]
    fn probe(&self, text: &[u8], hasher: &RandomState) -> Option<&Slot> {
        let hash = hash(text, hasher);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots.get(at)?;
            if slot.is_empty() {
                return None;
            }
            if slot.tag == (hash >> 32) as u32 && self.text(slot.start, slot.length) == text {
                return Some(slot);
            }
            at = (at + 1) & mask;
        }
    }

    /// Enters a pattern, unless it is there: then this is the number of the one that is.
    fn insert(
        &mut self,
        pattern: &Pattern,
        number: u32,
        texts: &mut String,
        hasher: &RandomState,
    ) -> Option<u32> {
        let hash = hash(pattern.text.as_bytes(), hasher);
        let (tag, mask) = ((hash >> 32) as u32, self.slots.len() - 1);
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots.get_mut(at)?;
            let range = slot.start as usize..(slot.start + slot.length) as usize;
            if slot.is_empty() {
                let (start, length) = (texts.len() as u32, pattern.text.len() as u32);
                texts.push_str(&pattern.text);
                *slot = Slot { tag, start, length, ..EMPTY };
            } else if slot.tag != tag || texts.get(range) != Some(&*pattern.text) {
                at = (at + 1) & mask;
                continue;
            }
            let field = match pattern.kind {
                MatchKind::Exact => &mut slot.exact,
                MatchKind::Prefix => &mut slot.prefix,
                MatchKind::StringPrefix => &mut slot.string_prefix,
            };
            if *field != NONE {
                return Some(*field);
            }
            *field = number;
            return None;
        }
    }

    #[inline]
    fn text(&self, start: u32, length: u32) -> &[u8] {
        let (start, length) = (start as usize, length as usize);
        self.texts.as_bytes().get(start..start + length).unwrap_or_default()
    }
}

impl Slot {
    const fn is_empty(&self) -> bool {
        self.exact == NONE && self.prefix == NONE && self.string_prefix == NONE
    }
}

#[inline]
fn hash(text: &[u8], hasher: &RandomState) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(text);
    hasher.finish()
}
