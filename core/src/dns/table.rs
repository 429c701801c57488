//! Services as questions find them: by name, and by the addresses that name them back.

use core::net::IpAddr;
use std_alloc::{sync::Arc, vec::Vec};

use super::{
    Mode, Options, Pointers,
    addresses::Addresses,
    endpoints::Endpoints,
    entry::{Body, Entry},
    key,
    served::ServedZones,
    trie::Trie,
};

/// What never changes while a zone lives.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) options: Options,
    pub(super) served: ServedZones,
    pub(super) hasher: ahash::RandomState,
    /// Whether a denied name may be part of a search.
    pub(super) searches: bool,
}

/// Entries, and the addresses that PTR records exist for. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    entries: Trie<u64, Arc<Entry>>,
    /// Lower-cased keys of the Services that an address belongs to.
    pub(super) pointed: Addresses<Arc<[u8]>>,
    /// The same for addresses outside the cluster.
    pub(super) external: Addresses<Arc<[u8]>>,
}

impl Table {
    /// The entry of a lower-cased key.
    #[inline]
    pub(super) fn find(&self, config: &Config, lower: &[u8]) -> Option<&Entry> {
        let hash = key::hash(&config.hasher, lower);
        self.entries.get(hash).find(|entry| entry.key.is(lower)).map(|entry| &**entry)
    }

    /// The entries of many lower-cased keys, each in its own table; `None` where there is no key. Reads of memory for
    /// one don't wait for those of another.
    pub(super) fn find_together<'s, const N: usize>(
        config: &Config,
        keys: [Option<(&'s Self, &[u8])>; N],
    ) -> [Option<Option<&'s Entry>>; N] {
        let hashes = keys.map(|key| {
            let (table, lower) = key?;
            Some((&table.entries, key::hash(&config.hasher, lower)))
        });
        let mut keys = keys.iter().flatten();
        Trie::first_together(hashes).map(|found| {
            let (found, (table, lower)) = (found?, keys.next()?);
            Some(match found {
                Some(entry) if entry.key.is(lower) => Some(&**entry),
                // Another key of the same hash comes first.
                Some(_) => table.find(config, lower),
                None => None,
            })
        })
    }

    /// Puts `new` in the place of `old`, which has the same key. Costs what differs between the two.
    pub(super) fn replace(
        &mut self,
        config: &Config,
        old: Option<&Arc<Entry>>,
        new: Option<&Arc<Entry>>,
    ) {
        let Some(either) = new.or(old) else { return };
        let lower: Arc<[u8]> = either.key.wire().to_ascii_lowercase().into();
        let hash = key::hash(&config.hasher, &lower);
        match new {
            Some(new) => self.entries.insert(hash, new.clone(), |entry| entry.key.is(&lower)),
            None => {
                self.entries.remove(hash, |entry| entry.key.is(&lower));
            }
        }
        let pointed = |entry: Option<&Arc<Entry>>| {
            entry.map(|entry| entry.pointed(&config.options)).unwrap_or_default()
        };
        move_owner(&mut self.pointed, &lower, &pointed(old), &pointed(new));
        let external = |entry: Option<&Arc<Entry>>| {
            let mut addresses: Vec<IpAddr> = entry
                .and_then(|entry| entry.external.as_ref())
                .map(|external| external.addresses().collect())
                .unwrap_or_default();
            addresses.sort_unstable();
            addresses
        };
        move_owner(&mut self.external, &lower, &external(old), &external(new));
    }

    /// Every entry, in the order of their names.
    pub(super) fn sorted(&self) -> Vec<&Entry> {
        let mut entries = Vec::with_capacity(self.entries.len());
        self.entries.for_each(&mut |_, entry| entries.push(&**entry));
        entries.sort_by_cached_key(|entry| {
            (entry.key.service().to_ascii_lowercase(), entry.key.namespace().to_ascii_lowercase())
        });
        entries
    }

    /// Calls `each` with every entry that isn't the same in `before`: the old one, and the new one. Costs what differs.
    pub(super) fn differences(
        &self,
        before: &Self,
        each: &mut impl FnMut(Option<&Arc<Entry>>, Option<&Arc<Entry>>),
    ) {
        self.entries.differences(&before.entries, &mut |old, new| {
            let same =
                |a: &Arc<Entry>, b: &Arc<Entry>| a.key.is(&b.key.wire().to_ascii_lowercase());
            for new in new {
                let old = old.iter().find(|old| same(old, new));
                if old.is_none_or(|old| !Arc::ptr_eq(old, new)) {
                    each(old, Some(new));
                }
            }
            for old in old.iter().filter(|old| !new.iter().any(|new| same(old, new))) {
                each(Some(old), None);
            }
        });
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl Entry {
    /// Whether the Service's own name exists.
    pub(super) fn is_live(&self, options: &Options) -> bool {
        match self.body {
            Body::Orphan => false,
            Body::Alias(_) => true,
            Body::Headless => self.endpoints.is_some(),
            Body::Cluster { .. } => !options.ignore_empty_service || self.endpoints.is_some(),
        }
    }

    /// The addresses that have a PTR record because of it, sorted.
    fn pointed(&self, options: &Options) -> Vec<IpAddr> {
        // CoreDNS has names for endpoints whose Service is gone; they resolve to nothing.
        if options.mode == Mode::Strict
            && (!self.is_live(options) || matches!(self.body, Body::Alias(_)))
        {
            return Vec::new();
        }
        let endpoints = self.endpoints.as_deref();
        let named = |record: &&super::endpoints::Record| {
            options.pointers != Pointers::HostnameOnly || Endpoints::has_hostname(record)
        };
        let records = endpoints.into_iter().flat_map(Endpoints::list).filter(named);
        let mut addresses: Vec<IpAddr> =
            self.addresses().chain(records.map(|record| record.address)).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }
}

/// Makes the addresses of `owner` those of `new`; both lists are sorted.
fn move_owner(index: &mut Addresses<Arc<[u8]>>, owner: &Arc<[u8]>, old: &[IpAddr], new: &[IpAddr]) {
    let same = |value: &Arc<[u8]>| value == owner;
    for address in old.iter().filter(|address| new.binary_search(address).is_err()) {
        index.remove(*address, same);
    }
    for address in new.iter().filter(|address| old.binary_search(address).is_err()) {
        index.insert(*address, owner.clone(), same);
    }
}
