//! Questions to the kernel about what it holds: few, because lists get slow as sets grow.

use std_alloc::vec::Vec;

use super::{
    Answer, TABLE,
    answer::{attribute, attributes},
    buffer::{Head, flag, message, nest, text},
    element::{self, Named},
    kind,
    rule::number_of,
};
use crate::{
    model::Family,
    render::nft::{Element, Map, skeleton::ENTRIES},
};

/// Questions in the making, and what they are about.
#[derive(Debug, Default)]
pub struct Query {
    bytes: Vec<u8>,
}

/// What an item of an answer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// How often the rules of this network namespace have changed.
    Generation(u32),
    /// There is such a table; a dormant one isn't asked about packets.
    Table {
        /// Whether it is dormant.
        dormant: bool,
    },
    /// A chain of our table.
    Chain(PrintedChain<'a>),
    /// A set of our table.
    Set {
        /// Its name.
        name: &'a [u8],
        /// How many elements are in it. Kernels before 6.16 don't tell.
        count: Option<u32>,
    },
    /// A rule, as the kernel prints it.
    Rule(&'a [u8]),
    /// Elements, as the kernel prints them.
    Elements(Vec<&'a [u8]>),
    /// Something else.
    Other,
}

/// A chain, as the kernel prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrintedChain<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Where packets enter it, if they do.
    pub hook: Option<&'a [u8]>,
    /// What becomes of packets that come to its end.
    pub policy: Option<&'a [u8]>,
}

impl PrintedChain<'_> {
    /// Whether packets enter our table by it, and it isn't ours.
    #[must_use]
    pub fn is_strange(&self) -> bool {
        self.hook.is_some() && !ENTRIES.iter().any(|name| name.as_bytes() == self.name)
    }
}

impl Query {
    /// The bytes to send.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How often anybody has changed the rules of this network namespace.
    #[must_use]
    pub fn generation(sequence: u32) -> Self {
        Self::new(kind::GET_GENERATION, 0, sequence, 0, |_| ())
    }

    /// Whether our table is there.
    #[must_use]
    pub fn table(family: Family, sequence: u32) -> Self {
        Self::new(kind::GET_TABLE, 0, sequence, number_of(family), |out| text(out, 1, TABLE))
    }

    /// All rules of our table.
    #[must_use]
    pub fn rules(family: Family, sequence: u32) -> Self {
        let family = number_of(family);
        Self::new(kind::GET_RULE, flag::DUMP, sequence, family, |out| text(out, 1, TABLE))
    }

    /// All chains of a family, whoever's they are.
    #[must_use]
    pub fn chains(family: Family, sequence: u32) -> Self {
        Self::new(kind::GET_CHAIN, flag::DUMP, sequence, number_of(family), |_| ())
    }

    /// One chain of our table.
    #[must_use]
    pub fn chain(family: Family, name: &str, sequence: u32) -> Self {
        Self::new(kind::GET_CHAIN, 0, sequence, number_of(family), |out| {
            text(out, 1, TABLE);
            text(out, 3, name);
        })
    }

    /// All sets of our table, without what is in them.
    #[must_use]
    pub fn sets(family: Family, sequence: u32) -> Self {
        let family = number_of(family);
        Self::new(kind::GET_SET, flag::DUMP, sequence, family, |out| text(out, 1, TABLE))
    }

    /// All elements of one of our sets. Costs more than what is in it: only for small ones.
    #[must_use]
    pub fn all(family: Family, set: &str, sequence: u32) -> Self {
        let family = number_of(family);
        Self::new(kind::GET_ELEMENTS, flag::DUMP, sequence, family, |out| {
            text(out, 1, TABLE);
            text(out, 2, set);
        })
    }

    /// What is there for the keys of these elements, which are of one set: an item for each, up to the first that
    /// isn't there. See [`is_printed`].
    #[must_use]
    pub fn elements(elements: &[Element], sequence: u32) -> Self {
        let (family, map) =
            elements.first().map_or((Family::V4, Map::Svc), |first| (first.family, first.map));
        Self::new(kind::GET_ELEMENTS, flag::ACK, sequence, number_of(family), |out| {
            text(out, 1, TABLE);
            text(out, 2, map.name());
            let mut name = Named::default();
            nest(out, 3, |out| {
                for element in elements {
                    element::element(out, element, true, &mut name);
                }
            });
        })
    }

    fn new(
        kind: u16,
        flags: u16,
        sequence: u32,
        family: u8,
        body: impl FnOnce(&mut Vec<u8>),
    ) -> Self {
        let mut bytes = Vec::new();
        message(&mut bytes, Head { kind, flags, sequence, family, resource: 0 }, body);
        Self { bytes }
    }
}

impl<'a> Reply<'a> {
    /// What an item is; anything but items is `None`.
    #[must_use]
    pub fn of(answer: Answer<'a>) -> Option<Self> {
        let Answer::Item { kind, body, .. } = answer else { return None };
        Some(match kind {
            kind::NEW_GENERATION => {
                let number = attribute(body, 1).and_then(|value| value.try_into().ok());
                Self::Generation(u32::from_be_bytes(number?))
            }
            kind::NEW_TABLE => {
                let flags = attribute(body, 2).and_then(|flags| flags.try_into().ok());
                Self::Table {
                    dormant: flags.is_some_and(|flags| u32::from_be_bytes(flags) & 1 == 1),
                }
            }
            kind::NEW_CHAIN if named(body, 1) == TABLE.as_bytes() => Self::Chain(PrintedChain {
                name: named(body, 3),
                hook: attribute(body, 4),
                policy: attribute(body, 5),
            }),
            kind::NEW_SET => {
                let count = attribute(body, 20).and_then(|count| count.try_into().ok());
                Self::Set { name: named(body, 2), count: count.map(u32::from_be_bytes) }
            }
            kind::NEW_RULE => Self::Rule(body),
            kind::NEW_ELEMENTS => {
                let list = attribute(body, 3).unwrap_or_default();
                Self::Elements(attributes(list).map(|(_, element)| element).collect())
            }
            _ => Self::Other,
        })
    }
}

/// A name, without the zero at its end.
fn named(body: &[u8], kind: u16) -> &[u8] {
    let text = attribute(body, kind).unwrap_or_default();
    text.strip_suffix(&[0]).unwrap_or(text)
}

/// Whether the kernel has printed this element.
#[must_use]
pub fn is_printed(wanted: &Element, printed: &[u8]) -> bool {
    let mut bytes = Vec::new();
    element::element(&mut bytes, wanted, false, &mut Named::default());
    let wanted = bytes.get(4..).unwrap_or_default();
    let values = |element, kind| attribute(attribute(element, kind).unwrap_or_default(), 1);
    let verdict = |element, kind| {
        let data = attribute(element, 2).unwrap_or_default();
        attribute(attribute(data, 2).unwrap_or_default(), kind)
    };
    [1, 2, 10].iter().all(|kind| values(wanted, *kind) == values(printed, *kind))
        && [1, 2].iter().all(|kind| verdict(wanted, *kind) == verdict(printed, *kind))
}
