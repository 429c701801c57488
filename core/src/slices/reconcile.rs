//! From the endpoints that a Service should have to the fewest writes that give it those.

use std_alloc::{collections::BTreeMap, format, sync::Arc, vec::Vec};

use super::Write;
use crate::{
    model::{Endpoint, EndpointSlice, Family, NamespacedName, Service, SlicePort},
    name::word,
};

/// The most endpoints that a slice gets, as in Kubernetes.
pub const MAX_ENDPOINTS: usize = 100;

/// What slices of one Service have in common.
pub(super) type Group = (Family, Vec<SlicePort>);

/// Endpoints by group, each group's sorted by [`identity`].
pub(super) type Wanted = BTreeMap<Group, Vec<Endpoint>>;

/// Brings a Service's slices to what is wanted. `slices` are the ones it has, and become the ones it gets.
///
/// Costs O(n log n) in the Service's endpoints.
pub(super) fn reconcile(
    service: &Service,
    mut wanted: Wanted,
    slices: &mut BTreeMap<NamespacedName, Arc<EndpointSlice>>,
    writes: &mut Vec<Write>,
) {
    if wanted.values().all(Vec::is_empty) {
        wanted.clear();
        for family in families(service) {
            wanted.insert((family, Vec::new()), Vec::new());
        }
    }
    let mut before: BTreeMap<Group, Vec<Arc<EndpointSlice>>> = BTreeMap::new();
    for slice in core::mem::take(slices).into_values() {
        before.entry((slice.family, slice.ports.clone())).or_default().push(slice);
    }
    let mut spare = Vec::new();
    let mut fresh = Vec::new();
    for (group, endpoints) in wanted {
        let old = before.remove(&group).unwrap_or_default();
        fill(group, endpoints, old, slices, writes, &mut spare, &mut fresh);
    }
    spare.extend(before.into_values().flatten());
    pair(service, spare, fresh, slices, writes);
}

/// One group: endpoints stay where they are, newcomers go where there is room.
fn fill(
    group: Group,
    endpoints: Vec<Endpoint>,
    old: Vec<Arc<EndpointSlice>>,
    slices: &mut BTreeMap<NamespacedName, Arc<EndpointSlice>>,
    writes: &mut Vec<Write>,
    spare: &mut Vec<Arc<EndpointSlice>>,
    fresh: &mut Vec<(Group, Vec<Endpoint>)>,
) {
    let placeholder = endpoints.is_empty();
    let mut left: BTreeMap<_, Endpoint> =
        endpoints.into_iter().map(|e| (identity(&e), e)).collect();
    let mut kept: Vec<(Arc<EndpointSlice>, Vec<Endpoint>)> = Vec::new();
    for slice in old {
        let stay: Vec<Endpoint> =
            slice.endpoints.iter().filter_map(|e| left.remove(&identity(e))).collect();
        if stay.is_empty() && !(placeholder && slice.endpoints.is_empty() && kept.is_empty()) {
            spare.push(slice);
        } else {
            kept.push((slice, stay));
        }
    }
    let mut left: Vec<Endpoint> = left.into_values().collect();
    // Slices that change anyway are filled first, the fullest first; then the others.
    kept.sort_by_key(|(slice, stay)| {
        (slice.endpoints == *stay, MAX_ENDPOINTS - stay.len().min(MAX_ENDPOINTS))
    });
    for (slice, stay) in &mut kept {
        let changes = slice.endpoints != *stay;
        let room = MAX_ENDPOINTS.saturating_sub(stay.len());
        if changes || (left.len() < MAX_ENDPOINTS && left.len() <= room) {
            stay.extend(left.drain(..left.len().min(room)));
        }
    }
    for (slice, endpoints) in kept {
        if slice.endpoints == endpoints {
            slices.insert(slice.key.clone(), slice);
        } else {
            let slice = Arc::new(EndpointSlice { endpoints, ..(*slice).clone() });
            slices.insert(slice.key.clone(), slice.clone());
            writes.push(Write::Update(slice));
        }
    }
    while !left.is_empty() {
        let rest = left.split_off(left.len().min(MAX_ENDPOINTS));
        fresh.push((group.clone(), core::mem::replace(&mut left, rest)));
    }
    if placeholder && !slices.values().any(|slice| slice.family == group.0) {
        fresh.push((group, Vec::new()));
    }
}

/// A slice to be made and one to be deleted of the same family become one update.
fn pair(
    service: &Service,
    mut spare: Vec<Arc<EndpointSlice>>,
    fresh: Vec<(Group, Vec<Endpoint>)>,
    slices: &mut BTreeMap<NamespacedName, Arc<EndpointSlice>>,
    writes: &mut Vec<Write>,
) {
    let mut deleted_keys: Vec<NamespacedName> =
        spare.iter().map(|slice| slice.key.clone()).collect();
    for ((family, ports), endpoints) in fresh {
        let reused =
            spare.iter().position(|slice| slice.family == family).map(|at| spare.swap_remove(at));
        let key = match &reused {
            Some(slice) => slice.key.clone(),
            None => name(service, slices, &deleted_keys),
        };
        let slice =
            Arc::new(EndpointSlice { key, service: service.key.clone(), family, ports, endpoints });
        slices.insert(slice.key.clone(), slice.clone());
        deleted_keys.push(slice.key.clone());
        writes.push(if reused.is_some() { Write::Update(slice) } else { Write::Create(slice) });
    }
    writes.extend(spare.into_iter().map(|slice| Write::Delete(slice.key.clone())));
}

/// A name that no slice of the Service has: `web-x2x9z`.
fn name(
    service: &Service,
    slices: &BTreeMap<NamespacedName, Arc<EndpointSlice>>,
    others: &[NamespacedName],
) -> NamespacedName {
    let base = &service.key.name;
    let candidates = (0_u32..).map(|n| {
        let ending = word(&[base, &format!("{n}")], 5);
        NamespacedName::new(service.key.namespace.clone(), format!("{base}-{ending}"))
    });
    let free = |key: &NamespacedName| !slices.contains_key(key) && !others.contains(key);
    candidates.into_iter().find(free).unwrap_or_else(|| service.key.clone())
}

/// The families that slices are made of.
pub(super) fn families(service: &Service) -> Vec<Family> {
    match &service.exposure {
        crate::model::Exposure::Headless(families) => families.clone(),
        crate::model::Exposure::ExternalName(_) => Vec::new(),
        _ => service
            .cluster_ips()
            .map(|ips| ips.iter().map(Family::of).collect())
            .unwrap_or_default(),
    }
}

/// What makes an endpoint the same one: its addresses, host name and pod.
pub(super) fn identity(
    endpoint: &Endpoint,
) -> (Vec<core::net::IpAddr>, Option<Arc<str>>, Option<NamespacedName>) {
    let mut addresses = endpoint.addresses.clone();
    addresses.sort();
    (addresses, endpoint.hostname.clone(), endpoint.pod.clone())
}
