use core::time::Duration;
use std::{collections::BTreeMap, vec, vec::Vec};

use super::*;
use crate::{Seed, Time};

fn draws(n: u64) -> impl Iterator<Item = Draw> {
    (0..n).map(|n| Draw { entropy: mix(n), key: mix(n ^ 0xabcd), ..Draw::default() })
}

fn counts(balance: &dyn Balance, endpoints: usize, n: u64) -> Vec<u64> {
    let mut counts = vec![0; endpoints];
    draws(n).for_each(|draw| counts[balance.pick(draw).unwrap()] += 1);
    counts
}

/// Pearson's statistic against the weights.
fn chi_square(counts: &[u64], weights: &[u16]) -> f64 {
    let (n, sum) =
        (counts.iter().sum::<u64>() as f64, weights.iter().map(|w| f64::from(*w)).sum::<f64>());
    let term = |(count, weight): (&u64, &u16)| {
        let expected = n * f64::from(*weight) / sum;
        if expected == 0.0 {
            *count as f64 * 1e9
        } else {
            (*count as f64 - expected).powi(2) / expected
        }
    };
    counts.iter().zip(weights).map(term).sum()
}

fn identities(weights: &[u16]) -> Vec<(u64, u16)> {
    (1..).zip(weights).map(|(n, weight)| (mix(n), *weight)).collect()
}

#[test]
fn random_ones_follow_their_weights() {
    let even = [1; 10];
    let uneven = [1, 2, 3, 0, 10, 100, 7, 7, 1, 33];
    let cases: [(&str, &dyn Balance, &[u16]); 4] = [
        ("random", &Random::new(10), &even),
        ("weighted, even", &Weighted::new(&even), &even),
        ("weighted, uneven", &Weighted::new(&uneven), &uneven),
        ("rendezvous, even", &Rendezvous::new(&identities(&even)), &even),
    ];
    for (name, balance, weights) in cases {
        let chi = chi_square(&counts(balance, 10, 100_000), weights);
        assert!(chi < 27.9, "{name}: {chi} exceeds 9 degrees of freedom at 0.1%");
    }
    let chi = chi_square(&counts(&Rendezvous::new(&identities(&uneven)), 10, 100_000), &uneven);
    assert!(chi < 27.9, "rendezvous, uneven: {chi}");
}

#[test]
fn turns_are_exact_and_spread() {
    let weights = [5, 1, 0, 2, 2];
    let smooth = SmoothRoundRobin::new(&weights, 0);
    let picks: Vec<_> = draws(20).map(|draw| smooth.pick(draw).unwrap()).collect();
    for n in 1..=20_usize {
        for (endpoint, weight) in weights.iter().enumerate() {
            let got = picks[..n].iter().filter(|pick| **pick == endpoint).count() as f64;
            let due = n as f64 * f64::from(*weight) / 10.0;
            assert!((got - due).abs() < 1.5, "{endpoint} after {n}: {got}, due {due}");
        }
    }
    assert_eq!(picks[..10], picks[10..]);
    let heavy = SmoothRoundRobin::new(&[u16::MAX, 1, 1], 0);
    assert_eq!(counts(&heavy, 3, 4098)[1], 1, "scaled rounds leave nobody out");
}

#[test]
fn tables_are_even_and_disturb_little() {
    for n in [1, 2, 3, 10, 100, 300] {
        let all = identities(&vec![1; n]);
        let table = Maglev::new(&all);
        let counts = counts(&table, n, 20_000 * n as u64);
        let worst =
            counts.iter().map(|count| (*count as f64 / 20_000.0 - 1.0).abs()).fold(0.0, f64::max);
        assert!(worst < 0.06, "{n} endpoints: off by {worst}");
        let fewer = Maglev::with_size(&all[..n - 1], table.slots() as u32);
        let moved = draws(10_000)
            .filter(|draw| {
                let was = table.pick(*draw);
                was != Some(n - 1) && was != fewer.pick(*draw)
            })
            .count();
        assert!(moved < 400, "{n} endpoints: {moved} of 10000 moved without need");
    }
}

/// Whatever came and went, the table is the one that the endpoints alone make, and nobody else has moved.
#[test]
fn nobody_moves_in_a_rendezvous_table_without_need() {
    let mut table = RendezvousTable::new(1021);
    let mut present: Vec<(u64, u16)> = vec![];
    for step in 0..60_u64 {
        let before: Vec<_> = (0..1021).map(|slot| owner(&table, slot, &present)).collect();
        let (random, was) = (mix(step), present.clone());
        let weight = if step < 40 { 3 } else { 1 + (random >> 50) as u16 % 4 };
        match random % 3 {
            0 if !present.is_empty() => {
                present.swap_remove(random as usize / 3 % present.len());
            }
            _ => present.push((mix(random), weight)),
        }
        table.update(&present);
        let mut fresh = RendezvousTable::new(1021);
        fresh.update(&present);
        for slot in 0..1021 {
            let now = owner(&table, slot, &present);
            assert_eq!(now, owner(&fresh, slot, &present), "step {step}, slot {slot}");
            let had =
                before[slot as usize].filter(|id| present.iter().any(|(other, _)| other == id));
            let come = |id: u64| !was.iter().any(|(other, _)| *other == id);
            assert!(had.is_none() || had == now || come(now.unwrap()), "step {step}, slot {slot}");
        }
    }
    let all = identities(&[1; 10]);
    table.update(&all);
    let counts = counts(&table, 10, 100_000);
    assert!(counts.iter().all(|count| (7_500..12_500).contains(count)), "{counts:?}");
}

fn owner(table: &RendezvousTable, slot: u64, endpoints: &[(u64, u16)]) -> Option<u64> {
    let key = ((u128::from(slot) << 64) / 1021 + (1 << 50)) as u64;
    table.pick(Draw { key, ..Draw::default() }).map(|place| endpoints[place].0)
}

#[test]
fn tables_do_not_depend_on_the_order() {
    let mut endpoints = identities(&[1, 2, 3, 4, 5]);
    let (maglev, rendezvous) = (Maglev::new(&endpoints), Rendezvous::new(&endpoints));
    endpoints.reverse();
    let (maglev2, rendezvous2) = (Maglev::new(&endpoints), Rendezvous::new(&endpoints));
    for draw in draws(1000) {
        assert_eq!(maglev.pick(draw).map(|n| 4 - n), maglev2.pick(draw));
        assert_eq!(rendezvous.pick(draw).map(|n| 4 - n), rendezvous2.pick(draw));
    }
    assert_eq!(
        counts(&maglev, 5, 150_000).iter().map(|n| (n + 5_000) / 10_000).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
}

#[test]
fn nothing_to_pick_is_none() {
    let none: [(&str, &dyn Balance); 10] = [
        ("rendezvous table", &RendezvousTable::new(251)),
        ("spill over", &SpillOver::new([], 1)),
        ("random", &Random::new(0)),
        ("round robin", &RoundRobin::new(0, 5)),
        ("smooth", &SmoothRoundRobin::new(&[0, 0], 5)),
        ("weighted", &Weighted::new(&[0])),
        ("least connections", &LeastConnections::new([])),
        ("two choices", &TwoChoices::new([])),
        ("maglev", &Maglev::new(&[(1, 0)])),
        ("rendezvous", &Rendezvous::new(&[(1, 0)])),
    ];
    for (name, balance) in none {
        assert_eq!(draws(50).find_map(|draw| balance.pick(draw)), None, "{name}");
    }
}

#[test]
fn loads_even_out_by_weight() {
    let counters: Vec<_> = (0..3).map(|_| std_alloc::sync::Arc::<Connections>::default()).collect();
    let weights = [1, 1, 2];
    let weighted = || counters.iter().cloned().zip(weights);
    let spilling = weighted().map(|(counter, weight)| (counter, weight, weight == 2));
    let schemes: [(&str, &dyn Balance, u32); 4] = [
        ("least connections", &LeastConnections::new(weighted()), 1),
        ("by latency, all alike", &TwoChoices::by_latency(weighted()), 12),
        ("near ones first, beyond their threshold", &SpillOver::new(spilling, 10), 12),
        ("two choices", &TwoChoices::new(weighted()), 12),
    ];
    for (name, scheme, slack) in schemes {
        let open: Vec<_> =
            draws(400).map(|draw| counters[scheme.pick(draw).unwrap()].open()).collect();
        for (counter, weight) in counters.iter().zip(weights) {
            let off = counter.count().abs_diff(100 * u32::from(weight));
            assert!(off <= slack, "{name}: weight {weight} has {}", counter.count());
        }
        drop(open);
        assert_eq!(counters[0].count(), 0);
    }
}

/// The table answers as a plain map would, over many clients and times.
#[test]
fn affinity_is_a_map_with_timeouts() {
    let mut affinity = Affinity::new(10_000, Seed([1, 2, 3, 4]));
    let mut map = BTreeMap::new();
    let timeout = Duration::from_secs(60);
    for step in 0..40_000_u64 {
        let random = mix(step);
        let now = Time::from_nanos(step * 62_500_000);
        let host = (random % 500) as u32;
        let client: IpAddr = match random >> 60 {
            0..8 => Ipv4(host),
            _ => core::net::Ipv6Addr::from_bits(u128::from(host) << 64).into(),
        };
        let port = (random >> 32) as u32 % 2;
        let fresh = EndpointId::new(step as u32 + 1);
        let got = affinity.endpoint(port, client, now, timeout, |id| id.get() % 7 != 0, || fresh);
        let known = map
            .get(&(port, client))
            .copied()
            .filter(|(id, until): &(EndpointId, Time)| *until > now && id.get() % 7 != 0);
        let want = known.map(|(id, _)| id).or(fresh);
        assert_eq!(got, want, "step {step}");
        map.insert((port, client), (want.unwrap(), now.saturating_add(timeout)));
    }
}

#[expect(non_snake_case, reason = "reads as the address it makes")]
fn Ipv4(bits: u32) -> IpAddr {
    core::net::Ipv4Addr::from_bits(bits).into()
}

#[test]
fn affinity_stays_bounded_and_keeps_the_recent() {
    let limit = 1000;
    let mut affinity = Affinity::new(limit, Seed([9; 4]));
    let timeout = Duration::from_secs(3600);
    let at = |n: u32| Time::from_nanos(u64::from(n) * 100_000_000);
    for n in 0..50_000 {
        affinity.endpoint(1, Ipv4(n), at(n), timeout, |_| true, || EndpointId::new(n + 1));
    }
    assert!(affinity.bytes() <= limit * 16 * 4, "{}", affinity.bytes());
    let recent =
        (49_500..50_000).filter(|n| affinity.get(1, Ipv4(*n), at(50_000)).is_some()).count();
    assert!(recent >= 490, "{recent} of the last 500");
    let late = at(50_000 + 36_000);
    assert!(affinity.is_empty(late));
    affinity.endpoint(1, Ipv4(1), late, timeout, |_| true, || EndpointId::new(1));
    assert_eq!(affinity.len(late), 1);
}
