//! Claims: building a Maglev table costs at most 0.7 of the textbook's way; a rendezvous table takes one endpoint in or
//! out in an eighth of that; a client of a million is refreshed within 1.3 of a bare hash look-up.
#![allow(
    missing_docs,
    clippy::indexing_slicing,
    reason = "criterion's macros, and fixtures of known size"
)]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};
use svckit::{
    Seed, Time,
    balance::{
        Affinity, Balance, Connections, Draw, EndpointId, LeastConnections, Maglev, Random,
        Rendezvous, RendezvousTable, RoundRobin, SmoothRoundRobin, TwoChoices, Weighted,
    },
};
use svckit_benches::turns::Turns;

fn is_quick() -> bool {
    !svckit_benches::is_measuring()
}

fn scatter(n: u64) -> u64 {
    (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn endpoints(n: u64) -> Vec<(u64, u16)> {
    (0..n).map(|n| (scatter(n), 1)).collect()
}

/// Sets of endpoints, each another one: a processor learns the branches of a table that is built again and again.
fn sets(n: u64) -> Vec<Vec<(u64, u16)>> {
    (0..16).map(|set| (0..n).map(|n| (scatter(scatter(set) ^ n), 1)).collect()).collect()
}

/// Maglev as its paper writes it: one permutation per endpoint, walked with a remainder.
fn textbook(endpoints: &[(u64, u16)], size: u64) -> Vec<i32> {
    let walks: Vec<(u64, u64)> = endpoints
        .iter()
        .map(|(id, _)| (scatter(*id) % size, scatter(!*id) % (size - 1) + 1))
        .collect();
    let mut next = vec![0_u64; endpoints.len()];
    let mut entry = vec![-1; size as usize];
    let mut filled = 0;
    loop {
        for (i, (offset, skip)) in walks.iter().enumerate() {
            let mut c = (offset + next[i] * skip) % size;
            while entry[c as usize] >= 0 {
                next[i] += 1;
                c = (offset + next[i] * skip) % size;
            }
            entry[c as usize] = i as i32;
            next[i] += 1;
            filled += 1;
            if filled == size {
                return entry;
            }
        }
    }
}

/// Slots and endpoints.
const fn sizes() -> &'static [(u32, u64)] {
    &[(1_021, 10), (16_381, 100), (65_537, 100)]
}

fn maglev(_: &mut Criterion) {
    for &(size, n) in sizes() {
        let sets = sets(if is_quick() { 1 } else { n });
        let slots = u64::from(size) * sets.len() as u64;
        let mut turns = Turns::new(format!("{size} slots, {n} endpoints, each slot"), slots);
        turns.side("textbook", || {
            let one = |all: &Vec<(u64, u16)>| textbook(all, size.into()).len() as u64;
            sets.iter().map(one).sum()
        });
        turns.side("maglev", || {
            sets.iter().map(|all| Maglev::with_size(all, size).slots() as u64).sum()
        });
        turns.run();
    }
}

fn rendezvous(c: &mut Criterion) {
    let mut group = c.benchmark_group("balance/table");
    for &(size, n) in sizes() {
        let all = endpoints(if is_quick() { 2 } else { n });
        let id = |name| BenchmarkId::new(name, format!("{size}/{n}"));
        let mut table = RendezvousTable::new(size);
        table.update(&all);
        group.bench_function(id("rendezvous, one leaves"), |b| {
            let leave = |mut table: RendezvousTable| {
                table.update(&all[1..]);
                table
            };
            b.iter_batched(|| table.clone(), leave, BatchSize::LargeInput);
        });
        let mut fewer = RendezvousTable::new(size);
        fewer.update(&all[1..]);
        group.bench_function(id("rendezvous, one comes"), |b| {
            let come = |mut table: RendezvousTable| {
                table.update(&all);
                table
            };
            b.iter_batched(|| fewer.clone(), come, BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn picks(c: &mut Criterion) {
    let mut group = c.benchmark_group("balance/pick");
    group.throughput(Throughput::Elements(1024));
    for n in [10_u64, 100, 1000] {
        let all = endpoints(n);
        let weights: Vec<u16> = (0..n as u16).map(|n| n % 7 + 1).collect();
        let counted: Vec<(Arc<Connections>, u16)> = (0..n).map(|_| (Arc::default(), 1)).collect();
        let mut table = RendezvousTable::new(Maglev::new(&all).slots() as u32);
        table.update(&all);
        let methods: [(&str, &dyn Balance); 9] = [
            ("random", &Random::new(n as usize)),
            ("weighted", &Weighted::new(&weights)),
            ("round robin", &RoundRobin::new(n as usize, 0)),
            ("smooth round robin", &SmoothRoundRobin::new(&weights, 0)),
            ("two choices", &TwoChoices::new(counted.clone())),
            ("peak EWMA", &TwoChoices::by_latency(counted.clone())),
            ("maglev", &Maglev::new(&all)),
            ("rendezvous table", &table),
            ("least connections", &LeastConnections::new(counted)),
        ];
        for (name, method) in methods {
            group.bench_function(BenchmarkId::new(name, n), |b| b.iter(|| draw(method)));
        }
        let rendezvous = Rendezvous::new(&all);
        group.bench_function(BenchmarkId::new("rendezvous", n), |b| b.iter(|| draw(&rendezvous)));
    }
    group.finish();
}

fn draw(method: &dyn Balance) -> usize {
    (0..1024).fold(0, |sum, n| {
        let random = scatter(n);
        let draw = Draw { entropy: random, key: random, now: Time::from_nanos(1) };
        sum ^ method.pick(black_box(draw)).unwrap_or(0)
    })
}

/// Clients that come back in random order, against a bare map from (service port, address) to an endpoint.
fn affinity(c: &mut Criterion) {
    let mut group = c.benchmark_group("balance/affinity");
    let asked = 16_384;
    group.throughput(Throughput::Elements(asked));
    let sizes: &[u64] = if is_quick() { &[100, 300, 1000] } else { &[10_000, 100_000, 1_000_000] };
    for &clients in sizes {
        let client = |n: u64| ((n % 1000) as u32, Ipv4Addr::from_bits(scatter(n) as u32));
        let mut bare = hashbrown::HashMap::with_hasher(Seed([5; 4]).hasher());
        let mut affinity = Affinity::new(clients as usize, Seed([1, 2, 3, 4]));
        let hour = Duration::from_secs(3600);
        for (port, ip) in (0..clients).map(client) {
            bare.insert(u64::from(port) << 32 | u64::from(ip.to_bits()), (port + 1, 0_u32));
            let fresh = || EndpointId::new(port + 1);
            affinity.endpoint(port, ip.into(), Time::default(), hour, |_| true, fresh);
        }
        eprintln!("{clients} clients: {} bytes", affinity.bytes());
        let order: Vec<_> = (0..asked).map(|n| client((scatter(n) >> 13) % clients)).collect();
        group.bench_function(BenchmarkId::new("bare look-up", clients), |b| {
            b.iter(|| {
                order.iter().fold(0, |sum, (port, ip)| {
                    let key = u64::from(*port) << 32 | u64::from(ip.to_bits());
                    sum ^ bare.get(black_box(&key)).map_or(0, |(id, _)| *id)
                })
            });
        });
        let now = Time::from_nanos(1_000_000_000);
        group.bench_function(BenchmarkId::new("refresh", clients), |b| {
            b.iter(|| {
                order.iter().fold(0, |sum, (port, ip)| {
                    let ip: IpAddr = black_box(*ip).into();
                    let id = affinity.endpoint(*port, ip, now, hour, |_| true, || None);
                    sum ^ id.map_or(0, EndpointId::get)
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, maglev, rendezvous, picks, affinity);
criterion_main!(benches);
