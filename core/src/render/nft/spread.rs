//! How connections are spread over a set of endpoints: as slots, of which rules pick one.
//!
//! Kernels pick at random among slots, or take them in turn, or by a hash of the source. Weights are endpoints with
//! several slots; consistent hashing is a table of many slots (see [`Maglev`]), the same on every node. What needs a
//! count of connections can't be done there, and is random.

use core::net::SocketAddr;
use std_alloc::{borrow::Cow, string::ToString, vec::Vec};

use super::{Pick, chain::LOCAL_SLOTS};
use crate::{
    balance::{Maglev, Method, Policy, identity},
    forward::Frontend,
};

/// Slots that weights are made of, at most: shares are kept to a thousandth.
const WEIGHED: u32 = 1_000;

/// Sizes of tables that lead equal clients to equal endpoints: the first with 100 slots per endpoint, or the last.
///
/// A table of another size moves every client, so there are few; `svckit.io/hash-slots` settles it for good.
const TABLES: [u32; 4] = [1_021, 4_093, 16_381, LOCAL_SLOTS - 15];

/// The slots of one set, and how one of them is picked.
pub(super) fn slots(frontend: &Frontend, local: bool) -> (Cow<'_, [SocketAddr]>, Pick) {
    let set = if local { &frontend.endpoints.local } else { &frontend.endpoints.cluster };
    let set = set.get(..set.len().min(LOCAL_SLOTS as usize)).unwrap_or_default();
    if frontend.annotations.is_empty() || set.is_empty() {
        return (Cow::Borrowed(set), Pick::Random);
    }
    let given = frontend.annotations.iter();
    let (policy, _) = Policy::from_annotations(given.map(|(key, value)| (&**key, &**value)));
    match policy.method {
        Method::Maglev | Method::Rendezvous | Method::RendezvousTable => {
            (hashed(set, &policy).into(), Pick::Source)
        }
        Method::RoundRobin if policy.named => (weighed(set, &policy).into(), Pick::Turn),
        _ => (weighed(set, &policy).into(), Pick::Random),
    }
}

/// The share of each endpoint; when nobody has one, all are alike.
fn weights(set: &[SocketAddr], policy: &Policy) -> Vec<u16> {
    let weight = |addr: &SocketAddr| {
        let (whole, ip) = (addr.to_string(), addr.ip().to_string());
        policy.weight([whole.as_str(), ip.as_str()])
    };
    let mut weights: Vec<u16> = set.iter().map(weight).collect();
    if weights.iter().all(|weight| *weight == 0) {
        weights.fill(1);
    }
    weights
}

/// Each endpoint as often as its share says, in lowest terms.
fn weighed(set: &[SocketAddr], policy: &Policy) -> Vec<SocketAddr> {
    let weights = weights(set, policy);
    let common = weights.iter().fold(0, |a, b| common_divisor(a, *b)).max(1);
    let sum: u32 = weights.iter().map(|weight| u32::from(weight / common)).sum();
    let most = WEIGHED.max(set.len() as u32);
    let times = |weight: u16| match u32::from(weight / common) {
        0 => 0,
        times if sum <= most => times,
        times => (times * most / sum).max(1),
    };
    let slots = set
        .iter()
        .zip(weights)
        .flat_map(|(addr, weight)| core::iter::repeat_n(*addr, times(weight) as usize));
    slots.take(LOCAL_SLOTS as usize).collect()
}

fn common_divisor(a: u16, b: u16) -> u16 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// A table that leads equal clients to equal endpoints, and moves few when one comes or goes.
fn hashed(set: &[SocketAddr], policy: &Policy) -> Vec<SocketAddr> {
    let shares = set.iter().zip(weights(set, policy));
    let shares: Vec<_> = shares.map(|(addr, weight)| (identity(*addr, 0), weight)).collect();
    let [.., most] = TABLES;
    let size = if policy.hash_slots == 0 {
        TABLES.into_iter().find(|size| *size as usize >= set.len() * 100).unwrap_or(most)
    } else {
        policy.hash_slots.min(most)
    };
    let table = Maglev::with_size(&shares, size);
    let numbers = table.numbers();
    let slots = numbers.iter().filter_map(|n| set.get(usize::from(*n)).copied());
    slots.take(LOCAL_SLOTS as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::nft::tests::frontend;
    use std::collections::BTreeMap;

    fn counts(annotations: &[(&str, &str)]) -> (BTreeMap<u8, usize>, Pick) {
        let mut frontend = frontend(&[1, 2, 3]);
        frontend.annotations =
            annotations.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let (slots, pick) = slots(&frontend, false);
        let mut counts = BTreeMap::new();
        for slot in &*slots {
            let std::net::IpAddr::V4(addr) = slot.ip() else { continue };
            *counts.entry(addr.octets()[3]).or_insert(0) += 1;
        }
        (counts, pick)
    }

    #[test]
    fn annotations_become_slots() {
        let weights = ("svckit.io/weights", "10.244.0.1=30, 10.244.0.2:8080=10, 10.244.0.3=0");
        let each = |n: [usize; 3]| (1..).zip(n).filter(|(_, n)| *n > 0).collect::<BTreeMap<_, _>>();
        assert_eq!(counts(&[]), (each([1, 1, 1]), Pick::Random));
        assert_eq!(counts(&[weights]), (each([3, 1, 0]), Pick::Random));
        let turn = ("svckit.io/balance", "round-robin");
        assert_eq!(counts(&[turn]), (each([1, 1, 1]), Pick::Turn));
        assert_eq!(counts(&[("svckit.io/balance", "peak-ewma")]).1, Pick::Random);
        let none = ("svckit.io/weights", "10.244.0.1=0, 10.244.0.2=0, 10.244.0.3=0");
        assert_eq!(counts(&[none]).0, each([1, 1, 1]), "somebody must serve");
        let huge = ("svckit.io/weights", "10.244.0.1=65535, 10.244.0.2=1");
        let (shares, _) = counts(&[huge]);
        assert!(shares[&1] >= 990 && shares[&2] == 1 && shares[&3] == 1, "{shares:?}");
    }

    #[test]
    fn hashing_is_a_table() {
        let maglev = ("svckit.io/balance", "maglev");
        let (shares, pick) = counts(&[maglev]);
        assert_eq!(pick, Pick::Source);
        assert_eq!(shares.values().sum::<usize>(), 1_021);
        assert!(shares.values().all(|n| (335..=346).contains(n)), "{shares:?}");
        let (weighed, _) = counts(&[maglev, ("svckit.io/weights", "10.244.0.1=2")]);
        assert!((505..=516).contains(&weighed[&1]), "{weighed:?}");
        let (sized, _) = counts(&[maglev, ("svckit.io/hash-slots", "509")]);
        assert_eq!(sized.values().sum::<usize>(), 509);
    }
}
