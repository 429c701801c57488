//! The endpoints of one service port, out of any number of slices.

use core::net::SocketAddr;
use std_alloc::{sync::Arc, vec::Vec};

use super::Candidate;
use crate::model::{EndpointSlice, Family, Protocol};

/// All endpoints of one service port of one family, sorted by address, each once.
///
/// A slice's port is found by name and protocol, and its number is where the endpoints listen; a Service's own
/// `targetPort` plays no part. Of each endpoint the first address counts. An endpoint that occurs twice (in two
/// slices, or because an address was reused) is the last one that isn't terminating, or else the first one.
pub fn candidates<'a>(
    slices: &'a [Arc<EndpointSlice>],
    name: &str,
    protocol: Protocol,
    family: Family,
    node: &str,
) -> Vec<Candidate<'a>> {
    let ours = slices.iter().filter(|slice| slice.family == family);
    let mut found: Vec<Candidate<'a>> =
        Vec::with_capacity(ours.map(|slice| slice.endpoints.len()).sum());
    for slice in slices.iter().filter(|slice| slice.family == family) {
        let ports = slice.ports.iter().filter(|p| *p.name == *name && p.protocol == protocol);
        for port in ports.filter_map(|port| port.port) {
            for endpoint in &slice.endpoints {
                let Some(addr) = endpoint.addresses.first() else { continue };
                found.push(Candidate {
                    addr: SocketAddr::new(*addr, port.get()),
                    local: !node.is_empty() && endpoint.node.as_deref() == Some(node),
                    conditions: endpoint.conditions,
                    zone_hints: endpoint.zone_hints(),
                    node_hints: endpoint.node_hints(),
                });
            }
        }
    }
    if found.is_sorted_by(|a, b| a.addr < b.addr) {
        return found;
    }
    found.sort_by_key(|candidate| candidate.addr);
    found.dedup_by(|later, kept| {
        let same = later.addr == kept.addr;
        if same && !later.conditions.terminating {
            *kept = *later;
        }
        same
    });
    found
}

/// `wanted` in the order of `before`: who stays keeps its place, newcomers fill the holes, the last ones move up.
///
/// Data planes number endpoints by place, so that one endpoint that comes or goes touches one or two places.
pub(super) fn settle(before: &[SocketAddr], wanted: &[SocketAddr]) -> Arc<[SocketAddr]> {
    if before.is_empty() {
        return super::compile::shared(wanted);
    }
    let sorted = |list: &[SocketAddr]| {
        let mut list = list.to_vec();
        list.sort_unstable();
        list
    };
    let (old, new) = (sorted(before), sorted(wanted));
    let mut placed: Vec<Option<SocketAddr>> =
        before.iter().map(|addr| new.binary_search(addr).is_ok().then_some(*addr)).collect();
    let mut coming = new.into_iter().filter(|addr| old.binary_search(addr).is_err());
    for hole in placed.iter_mut().filter(|place| place.is_none()) {
        *hole = coming.next();
    }
    placed.extend(coming.map(Some));
    let mut place = 0;
    while let Some(taken) = placed.get(place) {
        if taken.is_some() {
            place += 1;
        } else {
            placed.swap_remove(place);
        }
    }
    super::compile::shared(&placed.into_iter().flatten().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survivors_keep_their_places() {
        let cases = [
            ("from nothing: sorted as given", "", "abc", "abc"),
            ("nothing changes", "cab", "abc", "cab"),
            ("one more goes to the end", "cab", "abcd", "cabd"),
            ("one less: the last moves into the hole", "abcd", "bcd", "dbc"),
            ("the last leaves", "abcd", "abc", "abc"),
            ("one for another", "abc", "acd", "adc"),
            ("two leave, one of them last", "abcd", "bc", "cb"),
            ("all leave", "abc", "", ""),
        ];
        let addrs = |text: &str| -> Vec<SocketAddr> {
            text.bytes().map(|b| SocketAddr::from(([10, 0, 0, b], 80))).collect()
        };
        for (name, before, wanted, want) in cases {
            assert_eq!(*settle(&addrs(before), &addrs(wanted)), *addrs(want), "{name}");
        }
    }
}
