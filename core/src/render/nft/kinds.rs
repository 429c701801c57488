//! Numbers of the chains that pick an endpoint.
//!
//! ```text
//! svc: 10.96.0.10 . tcp . 80 → 4:3          kinds: 4:3 → goto c-n3
//!      a number: what kind of chain, and how many slots
//! ```
//!
//! Elements name chains by number, and one small map knows them by name. A kernel looks through a whole map whenever a
//! transaction adds an element that leads to a chain; so maps that are as large as the cluster lead to none.

use std_alloc::collections::BTreeMap;

use super::Chain;

/// No chain that picks: the rules of external policy Local.
pub(super) const OUTSIDE: u32 = 1;
/// The same for node ports.
pub(super) const NODE_OUTSIDE: u32 = 2;
/// Nowhere: what is refused later on must not be sent anywhere.
pub(super) const NOWHERE: u32 = 3;

/// Bits that say how many slots a chain has; those above say which kind it is of.
const COUNT_BITS: u32 = 16;

/// The kinds of chains that are in use.
#[derive(Clone, Debug, Default)]
pub(super) struct Kinds(BTreeMap<Chain, u32>);

impl Kinds {
    /// Forgets all of them, and numbers those of these chains in their order.
    pub(super) fn assign<'a>(&mut self, chains: impl Iterator<Item = &'a Chain>) {
        self.0 = chains.map(|chain| (kind(*chain), 0)).collect();
        self.0.values_mut().zip(1..).for_each(|(number, next)| *number = next);
    }

    /// Gives one more a number.
    pub(super) fn add(&mut self, chain: Chain) {
        let next = self.0.len() as u32 + 1;
        self.0.entry(kind(chain)).or_insert(next);
    }

    /// The number of a chain; 0: its kind has none.
    pub(super) fn of(&self, chain: Chain) -> u32 {
        self.0.get(&kind(chain)).map_or(0, |number| number << COUNT_BITS | chain.count)
    }
}

/// Chains of one kind differ in how many slots they have.
const fn kind(chain: Chain) -> Chain {
    Chain { count: 0, ..chain }
}
