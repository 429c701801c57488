//! From the endpoints that a Service should have to the fewest writes that give it those.
//!
//! 1. An endpoint stays in the slice it is in, with its new content; a slice that loses all becomes spare.
//! 2. Newcomers fill the slices that change anyway, the fullest first.
//! 3. What is left goes, when it is less than a slice, into the unchanged slice that it fills best, else into new
//!    ones; then again.
//! 4. A family without endpoints has one placeholder, without ports and endpoints.
//! 5. A new slice takes the name of a spare one of its family: one update in place of a create and a delete.

use core::{
    cmp::{Ordering, Reverse},
    net::IpAddr,
};
use smallvec::SmallVec;
use std_alloc::{
    collections::{BTreeMap, VecDeque},
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use super::{Config, Write, set::Slices};
use crate::{
    model::{Endpoint, EndpointSlice, Exposure, Family, NamespacedName, Service, SlicePort},
    name::word,
};

/// What slices of one Service have in common.
pub(super) type Group = (Family, Vec<SlicePort>);

/// Endpoints by group, sorted; each group comes once, and none is empty.
pub(super) type Wanted = SmallVec<[(Group, Vec<Endpoint>); 1]>;

/// A slice, and the endpoints it is to have.
type Kept = (Arc<EndpointSlice>, Vec<Endpoint>);

/// Brings a Service's slices to what is wanted: adds creates, then updates, then deletes to `writes`.
///
/// `slices` are the ones it has, and become the ones it gets. Costs O(n log n) in the Service's endpoints.
pub(super) fn reconcile(
    service: &Service,
    config: &Config,
    families: &[Family],
    wanted: Wanted,
    slices: &mut Slices,
    writes: &mut Vec<Write>,
) {
    let start = writes.len();
    let mut before: BTreeMap<Group, Vec<Arc<EndpointSlice>>> = BTreeMap::new();
    for slice in core::mem::take(slices) {
        before.entry((slice.family, slice.ports.clone())).or_default().push(slice);
    }
    let is_empty = |family: &&Family| !wanted.iter().any(|((other, _), _)| other == *family);
    let empty: SmallVec<[Family; 2]> = families.iter().filter(is_empty).copied().collect();
    let mut draft = Draft { config, slices, writes, spare: Vec::new(), fresh: Wanted::new() };
    for (group, endpoints) in wanted {
        let old = before.remove(&group).unwrap_or_default();
        draft.fill(group, endpoints, old);
    }
    for family in empty {
        let group = (family, Vec::new());
        let old = before.remove(&group).unwrap_or_default();
        draft.placeholder(group, old);
    }
    draft.spare.extend(before.into_values().flatten());
    draft.pair(service);
    let own = writes.get_mut(start..).unwrap_or_default();
    own.sort_by_key(|write| match write {
        Write::Create(_) => 0,
        Write::Update(_) => 1,
        Write::Delete(_) => 2,
    });
}

/// A Service's slices in the making.
struct Draft<'a> {
    config: &'a Config,
    slices: &'a mut Slices,
    writes: &'a mut Vec<Write>,
    /// Nobody's: to be used again or deleted.
    spare: Vec<Arc<EndpointSlice>>,
    /// Without a name yet.
    fresh: Wanted,
}

impl Draft<'_> {
    /// One group: endpoints stay where they are, newcomers go where there is room.
    fn fill(&mut self, group: Group, endpoints: Vec<Endpoint>, old: Vec<Arc<EndpointSlice>>) {
        let max = self.config.max_endpoints.max(1);
        let enough = endpoints.len().div_ceil(max);
        let (mut kept, mut left) = self.keep(endpoints, old, max);
        kept.sort_by_key(|(_, stay)| Reverse(stay.len()));
        if self.config.repack && kept.len() > enough {
            for (slice, stay) in kept.drain(enough..) {
                left.extend(stay);
                self.spare.push(slice);
            }
            kept.iter_mut().for_each(|(_, stay)| top_up(stay, &mut left, max));
        }
        let (changed, mut same): (Vec<Kept>, Vec<Kept>) =
            kept.into_iter().partition(|(slice, stay)| slice.endpoints != *stay);
        for (slice, mut stay) in changed {
            top_up(&mut stay, &mut left, max);
            self.update(&slice, stay);
        }
        while !left.is_empty() {
            let fits = |(_, stay): &Kept| left.len() < max && stay.len() + left.len() <= max;
            if let Some(at) = same.iter().position(fits) {
                let (slice, mut stay) = same.remove(at);
                stay.extend(left.drain(..));
                self.update(&slice, stay);
            } else if left.len() <= max {
                self.fresh.push((group, left.into()));
                break;
            } else {
                self.fresh.push((group.clone(), left.drain(..max).collect()));
            }
        }
        same.into_iter().for_each(|(slice, _)| self.slices.insert(slice));
    }

    /// Leaves endpoints in the slices they are in; returns those slices, and the newcomers by identity. Slices that
    /// lose all become spare.
    fn keep(
        &mut self,
        mut endpoints: Vec<Endpoint>,
        old: Vec<Arc<EndpointSlice>>,
        max: usize,
    ) -> (Vec<Kept>, VecDeque<Endpoint>) {
        endpoints.sort_by(by_identity);
        endpoints.dedup_by(|a, b| by_identity(a, b).is_eq());
        if old.is_empty() {
            return (Vec::new(), endpoints.into());
        }
        // Who stays where, before anybody moves: the search needs all of them in place.
        let mut taken: Vec<bool> = Vec::from_iter(endpoints.iter().map(|_| false));
        let staying = |slice: &Arc<EndpointSlice>| -> Vec<usize> {
            let places = slice.endpoints.iter().filter_map(|endpoint| {
                let place = endpoints.binary_search_by(|e| by_identity(e, endpoint)).ok()?;
                let taken = taken.get_mut(place)?;
                (!core::mem::replace(taken, true)).then_some(place)
            });
            places.take(max).collect()
        };
        let places: Vec<Vec<usize>> = old.iter().map(staying).collect();
        let mut left: Vec<Option<Endpoint>> = endpoints.into_iter().map(Some).collect();
        let mut kept: Vec<Kept> = Vec::new();
        for (slice, places) in old.into_iter().zip(places) {
            let stay = places.into_iter().filter_map(|place| left.get_mut(place)?.take());
            let stay: Vec<Endpoint> = stay.collect();
            if stay.is_empty() { self.spare.push(slice) } else { kept.push((slice, stay)) }
        }
        (kept, left.into_iter().flatten().collect())
    }

    /// A family without endpoints: one slice says so.
    fn placeholder(&mut self, group: Group, old: Vec<Arc<EndpointSlice>>) {
        let mut old = old.into_iter();
        let kept = old.by_ref().find_map(|slice| {
            if slice.endpoints.is_empty() {
                return Some(slice);
            }
            self.spare.push(slice);
            None
        });
        self.spare.extend(old);
        match kept {
            Some(slice) => self.slices.insert(slice),
            None => self.fresh.push((group, Vec::new())),
        }
    }

    fn update(&mut self, slice: &EndpointSlice, endpoints: Vec<Endpoint>) {
        let EndpointSlice { key, service, family, ports, .. } = slice;
        let group = (*family, ports.clone());
        let slice = self::slice(key.clone(), service.clone(), group, endpoints);
        self.slices.insert(slice.clone());
        self.writes.push(Write::Update(slice));
    }

    /// A slice to be made and one to be deleted of the same family become one update; the others go their way.
    fn pair(&mut self, service: &Service) {
        for ((family, ports), endpoints) in core::mem::take(&mut self.fresh) {
            let at = self.spare.iter().position(|slice| slice.family == family);
            let reused = at.map(|at| self.spare.remove(at).key.clone());
            let made = reused.is_none();
            let key = reused.unwrap_or_else(|| self.name(service));
            let slice = slice(key, service.key.clone(), (family, ports), endpoints);
            self.slices.insert(slice.clone());
            self.writes.push(if made { Write::Create(slice) } else { Write::Update(slice) });
        }
        self.writes.extend(self.spare.drain(..).map(|slice| Write::Delete(slice.key.clone())));
    }

    /// A name that no slice of the Service has: `web-x2x9z`. Depends on the Service's name and its slices alone.
    fn name(&self, service: &Service) -> NamespacedName {
        let base = &service.key.name;
        let named = |n: usize| {
            let ending = word(&[base, &n.to_string()], 5);
            let mut name = String::with_capacity(base.len() + 1 + ending.len());
            name.push_str(base);
            name.push('-');
            name.push_str(&ending);
            NamespacedName::new(service.key.namespace.clone(), name)
        };
        let taken = |key: &NamespacedName| {
            self.slices.contains(key) || self.spare.iter().any(|slice| slice.key == *key)
        };
        let mut number = self.slices.len();
        let mut key = named(number);
        while taken(&key) {
            number += 1;
            key = named(number);
        }
        key
    }
}

/// A slice that takes no more memory than it needs: there is one for each Service, and most are small.
fn slice(
    key: NamespacedName,
    service: NamespacedName,
    (family, ports): Group,
    mut endpoints: Vec<Endpoint>,
) -> Arc<EndpointSlice> {
    endpoints.shrink_to_fit();
    Arc::new(EndpointSlice { key, service, family, ports, endpoints })
}

/// Moves endpoints from the front of `left` until there are `max`.
fn top_up(endpoints: &mut Vec<Endpoint>, left: &mut VecDeque<Endpoint>, max: usize) {
    let room = max.saturating_sub(endpoints.len()).min(left.len());
    endpoints.extend(left.drain(..room));
}

/// The families that slices are made of, each once.
pub(super) fn families(service: &Service) -> SmallVec<[Family; 2]> {
    match &service.exposure {
        Exposure::Headless(families) => {
            let other = families.iter().find(|family| Some(*family) != families.first());
            families.first().into_iter().chain(other).copied().collect()
        }
        Exposure::ExternalName(_) => SmallVec::new(),
        _ => service.cluster_ips().into_iter().flat_map(|ips| ips.iter().map(Family::of)).collect(),
    }
}

/// Orders endpoints by what makes them the same one: addresses, host name and pod.
fn by_identity(a: &Endpoint, b: &Endpoint) -> Ordering {
    addresses(a, b).then_with(|| a.hostname.cmp(&b.hostname)).then_with(|| a.pod.cmp(&b.pod))
}

/// Orders by addresses, whose own order doesn't matter.
fn addresses(a: &Endpoint, b: &Endpoint) -> Ordering {
    let sorted = |addresses: &[IpAddr]| {
        let mut addresses = addresses.to_vec();
        addresses.sort();
        addresses
    };
    match (a.addresses.as_slice(), b.addresses.as_slice()) {
        ([a], [b]) => a.cmp(b),
        (a, b) => sorted(a).cmp(&sorted(b)),
    }
}
