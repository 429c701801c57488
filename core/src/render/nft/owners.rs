//! Numbers of service ports that remember their clients.

use std_alloc::collections::{BTreeMap, BTreeSet};

use super::rule::ENDPOINT_BITS;
use crate::{forward::FrontendKey, model::Family};

/// How many numbers there are; 0 and the last one mean something else in a packet's priority.
const NUMBERS: u32 = (1 << (32 - ENDPOINT_BITS)) - 2;

/// Which number each service port has.
///
/// A number comes from the service port's name, so that it is mostly the same after a restart; who finds it taken
/// gets the next one that is free.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners {
    numbers: BTreeMap<FrontendKey, u32>,
    taken: BTreeSet<(Family, u32)>,
}

impl Owners {
    /// The number of a service port, in the upper bits of a priority; 0 when it has none.
    pub(super) fn of(&self, key: &FrontendKey) -> u32 {
        self.numbers.get(key).map_or(0, |number| number << ENDPOINT_BITS)
    }

    /// Gives a service port a number, unless it has one or there are none left; whether it did.
    pub(super) fn take(&mut self, key: &FrontendKey) -> bool {
        if self.numbers.contains_key(key) || self.taken.len() >= NUMBERS as usize {
            return false;
        }
        let mut number = wish(key);
        while !self.taken.insert((key.family, number)) {
            number = number % NUMBERS + 1;
        }
        self.numbers.insert(key.clone(), number);
        true
    }

    /// Takes a service port's number back.
    pub(super) fn release(&mut self, key: &FrontendKey) {
        if let Some(number) = self.numbers.remove(key) {
            self.taken.remove(&(key.family, number));
        }
    }

    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.taken.clear();
    }
}

/// The number that a service port would like, from 1.
fn wish(key: &FrontendKey) -> u32 {
    let name = &key.name;
    let mut hash = Fnv::default();
    for text in [&name.service.namespace, &name.service.name, &name.port] {
        hash.add(text.as_bytes());
        hash.add(b"/");
    }
    hash.add(&[name.protocol.number()]);
    hash.scaled(NUMBERS) + 1
}

/// FNV-1a: short, and the same on every machine.
pub(super) struct Fnv(u32);

impl Default for Fnv {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl Fnv {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }

    /// The hash as a number below `count`.
    pub(super) const fn scaled(&self, count: u32) -> u32 {
        // The last bytes move the lower bits most; the upper ones decide here.
        let mixed = (self.0 ^ (self.0 >> 15)).wrapping_mul(0x85eb_ca6b);
        (((mixed ^ (mixed >> 13)) as u64 * count as u64) >> 32) as u32
    }
}
