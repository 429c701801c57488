//! Values by IP address, both families.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std_alloc::vec::Vec;

use super::{arpa::Arpa, trie::Trie};

/// See the module. Cloning is cheap; see [`Trie`].
#[derive(Clone, Debug)]
pub(super) struct Addresses<V> {
    v4: Trie<u32, V>,
    v6: Trie<u128, V>,
}

impl<V> Default for Addresses<V> {
    fn default() -> Self {
        Self { v4: Trie::default(), v6: Trie::default() }
    }
}

impl<V: Clone> Addresses<V> {
    /// The values of an address.
    pub(super) fn get(&self, address: IpAddr) -> impl Iterator<Item = &V> {
        let (v4, v6) = match address {
            IpAddr::V4(address) => (Some(self.v4.get(address.to_bits())), None),
            IpAddr::V6(address) => (None, Some(self.v6.get(address.to_bits()))),
        };
        v4.into_iter().flatten().chain(v6.into_iter().flatten())
    }

    /// Adds a value, in place of the one that `same` says is the same thing.
    pub(super) fn insert(&mut self, address: IpAddr, value: V, same: impl Fn(&V) -> bool) {
        match address {
            IpAddr::V4(address) => self.v4.insert(address.to_bits(), value, same),
            IpAddr::V6(address) => self.v6.insert(address.to_bits(), value, same),
        }
    }

    /// Takes the value out that `same` says it is.
    pub(super) fn remove(&mut self, address: IpAddr, same: impl Fn(&V) -> bool) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.remove(address.to_bits(), same),
            IpAddr::V6(address) => self.v6.remove(address.to_bits(), same),
        }
    }

    /// Calls `each` with every address and value.
    pub(super) fn for_each<'a>(&'a self, each: &mut impl FnMut(IpAddr, &'a V)) {
        self.v4.for_each(&mut |bits, value| each(Ipv4Addr::from_bits(bits).into(), value));
        self.v6.for_each(&mut |bits, value| each(Ipv6Addr::from_bits(bits).into(), value));
    }

    /// Calls `each` with every address whose values may differ from those in `before`. Costs what differs.
    pub(super) fn differences(&self, before: &Self, each: &mut impl FnMut(IpAddr, Vec<V>, Vec<V>)) {
        fn by_key<K: Copy + Ord, V: Clone>(
            old: &[(K, V)],
            new: &[(K, V)],
            mut each: impl FnMut(K, Vec<V>, Vec<V>),
        ) {
            let mut keys: Vec<K> = old.iter().chain(new).map(|slot| slot.0).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let of = |slots: &[(K, V)]| {
                    let own = slots.iter().filter(|slot| slot.0 == key);
                    own.map(|slot| slot.1.clone()).collect()
                };
                each(key, of(old), of(new));
            }
        }
        self.v4.slot_differences(&before.v4, &mut |old, new| {
            by_key(old, new, |bits, old, new| each(Ipv4Addr::from_bits(bits).into(), old, new));
        });
        self.v6.slot_differences(&before.v6, &mut |old, new| {
            by_key(old, new, |bits, old, new| each(Ipv6Addr::from_bits(bits).into(), old, new));
        });
    }

    /// Whether what an arpa name stands for has a value.
    pub(super) fn has(&self, arpa: Arpa) -> bool {
        match arpa {
            Arpa::Address(address) => self.get(address).next().is_some(),
            Arpa::Prefix4 { bits, nibbles } => self.v4.any_below(bits, nibbles),
            Arpa::Prefix6 { bits, nibbles } => self.v6.any_below(bits, nibbles),
            Arpa::Other => false,
        }
    }
}
