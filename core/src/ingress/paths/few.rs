//! The paths of a host that has a handful: a list in one piece of memory.

use core::cmp::Reverse;
use std_alloc::vec::Vec;

use crate::ingress::{MatchKind, Pattern};

/// The most patterns of a list.
const MOST: usize = 8;

/// The most octets that their texts have together.
const TEXT: usize = 64;

/// Patterns in order of precedence.
#[derive(Clone, Debug)]
pub(super) struct Few {
    count: u8,
    /// What each is called outside.
    numbers: [u8; MOST],
    lengths: [u8; MOST],
    kinds: [MatchKind; MOST],
    /// One text after the other.
    texts: [u8; TEXT],
}

impl Default for Few {
    fn default() -> Self {
        Self {
            count: 0,
            numbers: [0; MOST],
            lengths: [0; MOST],
            kinds: [MatchKind::Exact; MOST],
            texts: [0; TEXT],
        }
    }
}

impl Few {
    /// The list of these patterns, and those that others shadow; `None` when they don't fit.
    pub(super) fn new<'p>(
        patterns: impl ExactSizeIterator<Item = &'p Pattern> + Clone,
    ) -> Option<(Self, Vec<(u32, u32)>)> {
        let length: usize = patterns.clone().map(|pattern| pattern.text.len()).sum();
        if patterns.len() > MOST || length > TEXT {
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
        let mut few = Self { count: count as u8, ..Self::default() };
        let mut end = 0;
        for (at, (number, pattern)) in order.iter().flatten().enumerate() {
            *few.numbers.get_mut(at)? = *number;
            *few.lengths.get_mut(at)? = pattern.text.len() as u8;
            *few.kinds.get_mut(at)? = pattern.kind;
            few.texts
                .get_mut(end..end + pattern.text.len())?
                .copy_from_slice(pattern.text.as_bytes());
            end += pattern.text.len();
        }
        Some((few, shadowed))
    }

    /// Patterns that match, in order of precedence.
    #[inline]
    pub(super) fn matches<'t>(&'t self, path: &'t [u8]) -> impl Iterator<Item = (u32, usize)> + 't {
        let mut start = 0;
        let lengths = self.lengths.iter().zip(&self.kinds).zip(&self.numbers);
        lengths.take(usize::from(self.count)).filter_map(move |((&length, &kind), &number)| {
            let length = usize::from(length);
            let text = self.texts.get(start..start + length)?;
            start += length;
            let fits = match kind {
                MatchKind::Exact => path.len() == length,
                MatchKind::Prefix => path.get(length).is_none_or(|byte| *byte == b'/'),
                MatchKind::StringPrefix => true,
            };
            let matched = fits && path.first() == Some(&b'/') && path.starts_with(text);
            matched.then_some((u32::from(number), length))
        })
    }
}
