//! The paths of a host that has a handful: a list in one piece of memory.
//!
//! ```text
//! request  /api/v2/items        its first eight octets: "/api/v2/"
//! list     "/admin/u" + "sers"  differs
//!          "/api/v2"            the same seven octets, then a slash: it matches
//!          "/api" …             not asked any more
//! ```
//!
//! The first eight octets of each text are a number, so that all patterns are compared without a jump. What a longer
//! text has beyond them, and what stands behind it in the request, is only looked at where those are the same.

use core::{cmp::Reverse, iter};
use std_alloc::vec::Vec;

use crate::ingress::{MatchKind, Pattern};

/// The most patterns of a list.
const MOST: usize = 8;

/// Octets of a text that are compared as a number.
const HEAD: usize = 8;

/// The most octets that the texts have together beyond their heads.
const TAILS: usize = 31;

/// Patterns in order of precedence.
#[derive(Clone, Debug)]
pub(in crate::ingress) struct Few {
    /// What each text starts with, the first octet lowest; a slash for the empty one, as all requests have. Zero,
    /// which no request has, behind the last.
    heads: [u64; MOST],
    /// How far two heads' difference is shifted so that what the text doesn't have falls out.
    shifts: [u8; MOST],
    lengths: [u8; MOST],
    /// What each is called outside.
    numbers: [u8; MOST],
    kinds: [MatchKind; MOST],
    /// What the texts have beyond their heads, one after the other.
    tails: [u8; TAILS],
    count: u8,
}

impl Default for Few {
    fn default() -> Self {
        Self {
            heads: [0; MOST],
            shifts: [0; MOST],
            lengths: [0; MOST],
            numbers: [0; MOST],
            kinds: [MatchKind::Exact; MOST],
            tails: [0; TAILS],
            count: 0,
        }
    }
}

impl Few {
    /// The list of these patterns, and those that others shadow; `None` when they don't fit.
    pub(super) fn new<'p>(
        patterns: impl ExactSizeIterator<Item = &'p Pattern>,
    ) -> Option<(Self, Vec<(u32, u32)>)> {
        if patterns.len() > MOST {
            return None;
        }
        let mut order: [Option<(u8, &Pattern)>; MOST] = [None; MOST];
        let mut shadowed = Vec::new();
        let mut count = 0;
        for (number, pattern) in (0u8..).zip(patterns) {
            let known = order.iter().flatten().find(|(_, known)| *known == pattern);
            if let Some((winner, _)) = known {
                shadowed.push((u32::from(number), u32::from(*winner)));
                continue;
            }
            *order.get_mut(count)? = Some((number, pattern));
            count += 1;
        }
        let order = order.get_mut(..count)?;
        order.sort_unstable_by_key(|entry| {
            let (_, Pattern { kind, text }) = (*entry)?;
            Some((*kind != MatchKind::Exact, Reverse(text.len()), *kind))
        });
        let mut few = Self::default();
        for (number, pattern) in order.iter().flatten() {
            few.push(*number, pattern)?;
        }
        Some((few, shadowed))
    }

    /// Puts a pattern behind the others; `None` when there is no room.
    fn push(&mut self, number: u8, pattern: &Pattern) -> Option<()> {
        let (at, text) = (usize::from(self.count), pattern.text.as_bytes());
        let (head, tail) = text.split_at_checked(HEAD).unwrap_or((text, b""));
        let start = self.tail_of(at);
        self.tails.get_mut(start..start + tail.len())?.copy_from_slice(tail);
        let (first, shift) = match head.len() as u8 {
            0 => (u64::from(b'/'), 63),
            length => (number_of(head), 64 - 8 * length),
        };
        *self.heads.get_mut(at)? = first;
        *self.shifts.get_mut(at)? = shift;
        *self.lengths.get_mut(at)? = u8::try_from(text.len()).ok()?;
        *self.numbers.get_mut(at)? = number;
        *self.kinds.get_mut(at)? = pattern.kind;
        self.count += 1;
        Some(())
    }

    /// Patterns that match, in order of precedence.
    #[inline]
    pub(super) fn matches<'t>(&'t self, path: &'t [u8]) -> impl Iterator<Item = (u32, usize)> + 't {
        let mut left = self.candidates(path);
        iter::from_fn(move || {
            while left != 0 {
                let at = left.trailing_zeros() as usize;
                left &= left - 1;
                let found = self.matched(at, path);
                if found.is_some() {
                    return found;
                }
            }
            None
        })
    }

    /// One bit for each pattern whose head the path has.
    #[inline]
    fn candidates(&self, path: &[u8]) -> u32 {
        if path.first() != Some(&b'/') {
            return 0;
        }
        let start = number_of(path);
        let mut same = 0;
        for (at, (head, shift)) in self.heads.iter().zip(&self.shifts).enumerate() {
            let differs = (start ^ head) << (shift & 63);
            same |= u32::from(differs == 0) << at;
        }
        same
    }

    /// What pattern `at` is called and how long it is, if it matches a path that has its head.
    #[inline]
    fn matched(&self, at: usize, path: &[u8]) -> Option<(u32, usize)> {
        let length = usize::from(*self.lengths.get(at)?);
        let (text, rest) = path.split_at_checked(length)?;
        let fits = match self.kinds.get(at)? {
            MatchKind::Exact => rest.is_empty(),
            MatchKind::Prefix => rest.first().is_none_or(|byte| *byte == b'/'),
            MatchKind::StringPrefix => true,
        };
        if !fits {
            return None;
        }
        if let Some(tail) = text.get(HEAD..).filter(|tail| !tail.is_empty()) {
            let start = self.tail_of(at);
            if self.tails.get(start..start + tail.len()) != Some(tail) {
                return None;
            }
        }
        Some((u32::from(*self.numbers.get(at)?), length))
    }

    /// Where the tail of pattern `at` starts.
    fn tail_of(&self, at: usize) -> usize {
        self.lengths.iter().take(at).map(|length| usize::from(*length).saturating_sub(HEAD)).sum()
    }
}

/// The first eight octets of a text, the first one lowest; zeros where it has none.
#[inline]
fn number_of(text: &[u8]) -> u64 {
    match text.first_chunk() {
        Some(octets) => u64::from_le_bytes(*octets),
        None => text.iter().rev().fold(0, |number, octet| number << 8 | u64::from(*octet)),
    }
}
