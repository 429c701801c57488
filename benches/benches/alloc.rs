//! Claim: a draw costs much the same from a range that is half full and from one with one number in 10,000 left (at
//! most 4 times as much), at least 50 times less than looking at one bit after the other there, and a full range is
//! known without a search. Resting numbers don't change that.
//!
//! Each figure is for a draw and its release, but for full ranges, which is for the refusal.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::{hint::black_box, net::IpAddr, time::Duration};
use svckit::{
    Seed, Time,
    alloc::{AddressRange, NodePorts, PortRange, Protocols},
    model::Protocol,
};

const SEED: Seed = Seed([1, 2, 3, 4]);

/// How full a range is: one in so many numbers is free; none for 0.
const FILLS: [(&str, u64); 3] = [("50%", 2), ("99.99%", 10_000), ("full", 0)];

/// 4,094, 65,534 and 1,048,574 addresses.
const CIDRS: [&str; 3] = ["10.96.0.0/20", "10.96.0.0/16", "10.96.0.0/12"];

/// The ranges to measure; small ones when each bench runs only once.
fn cidrs() -> [&'static str; 3] {
    if svckit_benches::is_measuring() {
        CIDRS
    } else {
        ["10.96.0.0/28", "10.96.0.0/24", "10.96.0.0/20"]
    }
}

fn addresses(c: &mut Criterion) {
    let mut group = c.benchmark_group("alloc/addresses");
    for (cidr, (fill, one_in), rest) in cases(&[0, 1_000]) {
        let id = if rest == 0 { fill.into() } else { format!("{fill} and resting") };
        group.bench_function(BenchmarkId::new(id, cidr), |b| {
            let mut range = filled(cidr, one_in, rest);
            let mut now = 0;
            b.iter(|| {
                now += 1;
                let drawn = range.allocate(Time::from_nanos(now));
                drawn.is_ok_and(|addr| range.release(addr, Time::from_nanos(now)))
            });
        });
    }
    group.finish();
}

/// The same, one bit after the other from a random one on.
fn bit_scan(c: &mut Criterion) {
    let mut group = c.benchmark_group("alloc/bit_scan");
    for (cidr, (fill, one_in), _) in cases(&[0]) {
        group.bench_function(BenchmarkId::new(fill, cidr), |b| {
            let range = filled(cidr, one_in, 0);
            let size = range.usable();
            let mut held: Vec<bool> = numbers(&range).map(|addr| range.is_held(addr)).collect();
            let mut random = 1_u64;
            b.iter(|| {
                random = mix(random);
                let start = ((u128::from(random) * u128::from(size)) >> 64) as usize;
                let (before, after) = held.split_at_mut(start);
                let drawn = after.iter_mut().chain(before).find(|held| !**held);
                drawn.map(|held| *black_box(held) = false)
            });
        });
    }
    group.finish();
}

fn node_ports(c: &mut Criterion) {
    let mut group = c.benchmark_group("alloc/node_ports");
    let both = Protocols::from(Protocol::Tcp) | Protocol::Udp.into();
    for (fill, one_in) in FILLS {
        for (name, protocols) in [("TCP", Protocol::Tcp.into()), ("TCP and UDP", both)] {
            group.bench_function(BenchmarkId::new(name, fill), |b| {
                let mut ports =
                    NodePorts::new(PortRange::DEFAULT, SEED).with_quarantine(Duration::ZERO);
                for _ in 0..held(u64::from(PortRange::DEFAULT.size()), one_in) {
                    ports.allocate(Protocols::ALL, Time::default()).expect("there is room");
                }
                b.iter(|| {
                    let drawn = ports.allocate(protocols, Time::default());
                    drawn
                        .is_ok_and(|port| ports.release(port, protocols, Time::default()).is_some())
                });
            });
        }
    }
    group.finish();
}

fn cases(rests: &[u64]) -> impl Iterator<Item = (&'static str, (&'static str, u64), u64)> {
    let rests = rests.iter().copied();
    rests.flat_map(|rest| {
        cidrs().into_iter().flat_map(move |cidr| FILLS.map(|fill| (cidr, fill, rest)))
    })
}

fn filled(cidr: &str, one_in: u64, rest: u64) -> AddressRange {
    let range = AddressRange::new(cidr.parse().expect("a CIDR"), SEED).expect("not too large");
    let mut range = range.with_quarantine(Duration::from_nanos(rest));
    for _ in 0..held(range.usable(), one_in) {
        range.allocate(Time::default()).expect("there is room");
    }
    range
}

fn held(size: u64, one_in: u64) -> u64 {
    size - size.checked_div(one_in).map_or(0, |free| free.max(1))
}

/// All service addresses of an IPv4 range.
fn numbers(range: &AddressRange) -> impl Iterator<Item = IpAddr> {
    range.cidr().hosts()
}

fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_add(1);
    x ^ (x >> 31)
}

criterion_group!(benches, addresses, bit_scan, node_ports);
criterion_main!(benches);
