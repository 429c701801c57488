//! Claims: a look-up and pick costs at most half as much again as a bare hash look-up of the same packed keys
//! (hashbrown, ahash) among 10,000 Services, a fifth more among 100,000; a batch of 64 is at least 5 times faster per
//! key than picks that wait for each other; one changed endpoint is published within 10 µs in a cluster of any size.
#![allow(
    missing_docs,
    clippy::indexing_slicing,
    reason = "criterion's macros, and fixtures of known size"
)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::{
    hint::black_box,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use svckit::{
    Seed, Time,
    balance::{Affinity, Method},
    forward::{Endpoints, Frontend, FrontendKey},
    model::{Family, NamespacedName, Port, Protocol, ServicePortName},
    table::{Flow, Outcome, Publisher, Snapshot},
};
use svckit_benches::turns::Turns;

/// Endpoints of each Service.
const ENDPOINTS: u32 = 10;

/// Flows asked for in one round: enough to touch all of a cluster, so that nothing stays in a nearer cache than it
/// would in service.
const FLOWS: u64 = 200_000;

fn sizes() -> &'static [u32] {
    let quick = !svckit_benches::is_measuring();
    if quick { &[100, 300, 1000] } else { &[1000, 10_000, 100_000] }
}

/// Scatters numbers; a stand-in for what clients ask.
fn scatter(n: u64) -> u64 {
    (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn port() -> Port {
    let Some(port) = Port::new(80) else { unreachable!("80 is a port") };
    port
}

fn vip(n: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a60_0000 + n)
}

fn service(n: u32) -> NamespacedName {
    NamespacedName::new("shop", format!("s{n}"))
}

fn frontend(n: u32, first: u32) -> Arc<Frontend> {
    let pod = |m| (Ipv4Addr::from_bits(0x0af4_0000 + n * 16 + first + m), 8080).into();
    let name = ServicePortName { service: service(n), port: "".into(), protocol: Protocol::Tcp };
    Arc::new(Frontend {
        cluster_ip: Some(vip(n).into()),
        endpoints: Endpoints {
            cluster: (0..ENDPOINTS).map(pod).collect(),
            has_any: true,
            ..Endpoints::default()
        },
        ..Frontend::new(FrontendKey { name, family: Family::V4 }, port())
    })
}

fn cluster(services: u32, method: Method) -> Publisher {
    let mut publisher = Publisher::new(Seed([1, 2, 3, 4]));
    for n in 0..services {
        publisher.set_method(&service(n), method);
        publisher.set(&frontend(n, 0));
    }
    publisher
}

fn packed(ip: Ipv4Addr) -> u64 {
    u64::from(ip.to_bits()) << 32 | 80 << 16 | 6
}

/// The flow that asks for a packed key.
#[inline]
fn flow(key: u64) -> Flow {
    Flow {
        source: SocketAddr::new(Ipv4Addr::from_bits(key as u32 ^ 0x0bad_cafe).into(), key as u16),
        address: Ipv4Addr::from_bits((key >> 32) as u32).into(),
        port: port(),
        protocol: Protocol::Tcp,
    }
}

fn keys(services: u32) -> Vec<u64> {
    (0..FLOWS).map(|n| packed(vip((scatter(n) >> 20) as u32 % services))).collect()
}

/// A number that needs all of what was found.
#[inline]
fn number_of(outcome: Outcome) -> u64 {
    match outcome.backend() {
        Some(SocketAddr::V4(addr)) => u64::from(addr.ip().to_bits()) << 16 | u64::from(addr.port()),
        _ => 0,
    }
}

/// Flows as they come, and flows of which each waits for what the one before it found: a look-up's time, and what a core
/// makes of many.
fn pick(_: &mut Criterion) {
    for &services in sizes() {
        let keys = keys(services);
        let mut bare = hashbrown::HashMap::with_hasher(Seed([5; 4]).hasher());
        bare.extend((0..services).map(|n| (packed(vip(n)), u64::from(n))));
        let snapshots = [Method::Random, Method::RoundRobin, Method::Maglev]
            .map(|method| (method, cluster(services, method).publish()));

        let mut turns = Turns::new(format!("{services} Services, flows as they come"), FLOWS);
        turns.side("bare look-up", || {
            keys.iter().filter_map(|key| bare.get(black_box(key))).fold(0, |a, b| a ^ *b)
        });
        for (method, snapshot) in &snapshots {
            turns.side(method.as_str(), || as_they_come(snapshot, &keys));
        }
        turns.run();

        let mut turns = Turns::new(format!("{services} Services, each waits"), FLOWS);
        turns.side("bare look-up", || {
            one_after_the_other(services, |key, _| bare.get(&key).copied().unwrap_or_default())
        });
        for (method, snapshot) in &snapshots {
            let mut affinity = Affinity::new(1, Seed([1; 4]));
            turns.side(method.as_str(), move || {
                one_after_the_other(services, |key, entropy| {
                    number_of(snapshot.pick(&flow(key), &mut affinity, Time::default(), entropy))
                })
            });
        }
        if let Some((_, snapshot)) = snapshots.first() {
            turns.side("random, 64 at once", || at_once(snapshot, &keys));
        }
        turns.run();
    }
}

fn as_they_come(snapshot: &Snapshot, keys: &[u64]) -> u64 {
    let mut affinity = Affinity::new(1, Seed([1; 4]));
    keys.iter().zip(0..).fold(0, |sum, (key, n)| {
        let flow = flow(*black_box(key));
        sum ^ number_of(snapshot.pick(&flow, &mut affinity, Time::default(), scatter(n)))
    })
}

fn one_after_the_other(services: u32, mut find: impl FnMut(u64, u64) -> u64) -> u64 {
    (0..FLOWS).fold(0, |last, n| {
        let next = scatter(last ^ n);
        let service = ((next >> 32) * u64::from(services)) >> 32;
        find(packed(vip(service as u32)), next)
    })
}

fn at_once(snapshot: &Snapshot, keys: &[u64]) -> u64 {
    let mut affinity = Affinity::new(1, Seed([1; 4]));
    let (mut flows, mut out) = ([flow(packed(vip(0))); 64], [Outcome::Dropped; 64]);
    keys.chunks_exact(64).zip(0..).fold(0, |sum, (keys, n)| {
        flows.iter_mut().zip(keys).for_each(|(place, key)| *place = flow(*key));
        let flows = black_box(&flows);
        snapshot.pick_batch(flows, &mut affinity, Time::default(), n, &mut out);
        out.iter().fold(sum, |sum, outcome| sum ^ number_of(*outcome))
    })
}

fn one_change(c: &mut Criterion) {
    let mut group = c.benchmark_group("table/one_change");
    for &services in sizes() {
        let mut publisher = cluster(services, Method::RoundRobin);
        let mut reader = publisher.publish();
        eprintln!("{services} services: {} bytes", reader.bytes());
        let changed: Vec<_> = (0..64)
            .map(|n| scatter(n) as u32 % services)
            .map(|n| [frontend(n, 1), frontend(n, 2)])
            .collect();
        let mut turn = 0;
        group.bench_function(BenchmarkId::from_parameter(services), |b| {
            b.iter(|| {
                turn += 1;
                publisher.set(&changed[turn % 64][turn / 64 % 2]);
                reader = black_box(publisher.publish());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, pick, one_change);
criterion_main!(benches);
