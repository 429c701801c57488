//! Claims: a call through the C face costs at most 1.35 times the same work inline, one at a time, and at most 1.1 times
//! in batches of 64; the guard that stops panics is on in both.
//!
//! The functions are the ones that C calls, called from here; what a C compiler adds is the call itself. Each side has its
//! flows in its own form: a Rust caller in the core's, a C caller in the header's.
#![allow(
    missing_docs,
    clippy::undocumented_unsafe_blocks,
    clippy::panic,
    reason = "criterion's macros; handles live as long as the measurement, and arrays are as long as said"
)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::{
    hint::black_box,
    net::{Ipv4Addr, SocketAddr},
    ptr,
    sync::Arc,
};
use svckit::{
    Seed, Time,
    api::{self, Object, ObjectMeta},
    balance::Affinity,
    dns::{Message, Peer, Type},
    model::{Port, Protocol},
    table::{Flow, Outcome, Publisher, Snapshot},
};
use svckit_ffi::*;

/// How many are asked for in one round.
const ROUND: usize = 4096;

/// Services, and endpoints of each. Those of one endpoint are the most common ones; where there are more, they take
/// turns, which are counted in shared memory.
fn sizes() -> &'static [(u32, u32)] {
    let quick = !svckit_benches::is_measuring();
    if quick {
        &[(100, 1), (100, 3)]
    } else {
        &[(1_000, 1), (10_000, 1), (100_000, 1), (10_000, 10)]
    }
}

fn size((services, endpoints): (u32, u32)) -> String {
    format!("{services} of {endpoints}")
}

/// Scatters numbers; a stand-in for what clients ask.
fn scatter(n: u64) -> u64 {
    (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn vip(n: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a60_0100 + n)
}

/// Services and their endpoints, as an API server has them.
fn objects((services, endpoints): (u32, u32)) -> Vec<Object> {
    (0..services).flat_map(|n| [service(n), slice(n, endpoints)]).collect()
}

fn named(name: String) -> ObjectMeta {
    ObjectMeta { name, namespace: "shop".into(), ..Default::default() }
}

fn service(n: u32) -> Object {
    let port = api::ServicePort { port: 80, ..Default::default() };
    let spec = api::ServiceSpec {
        cluster_ip: vip(n).to_string(),
        ports: vec![port],
        ..Default::default()
    };
    Object::Service(Box::new(api::Service {
        api_version: "v1".into(),
        kind: "Service".into(),
        metadata: named(format!("s{n}")),
        spec,
        ..Default::default()
    }))
}

fn slice(n: u32, endpoints: u32) -> Object {
    let pod = |m| Ipv4Addr::from_bits(0x0af4_0000 + n * endpoints + m).to_string();
    let pod = |m| api::Endpoint { addresses: vec![pod(m)], ..Default::default() };
    let mut metadata = named(format!("s{n}-1"));
    metadata.labels.insert("kubernetes.io/service-name".into(), format!("s{n}"));
    let name = Some(String::new());
    Object::EndpointSlice(Box::new(api::EndpointSlice {
        api_version: "discovery.k8s.io/v1".into(),
        kind: "EndpointSlice".into(),
        metadata,
        address_type: "IPv4".into(),
        ports: vec![api::EndpointPort { name, port: Some(8080), ..Default::default() }],
        endpoints: (0..endpoints).map(pod).collect(),
    }))
}

fn ip(address: Ipv4Addr) -> svckit_ip {
    svckit_ip { bytes: address.to_ipv6_mapped().octets() }
}

fn well(status: svckit_status) {
    assert_eq!(status, svckit_status::Ok);
}

/// A cluster behind its C handle.
struct World {
    cluster: *mut svckit_cluster,
    table: *mut svckit_table,
    zone: *mut svckit_zone,
}

impl World {
    fn new(size: (u32, u32)) -> Self {
        let mut world =
            Self { cluster: ptr::null_mut(), table: ptr::null_mut(), zone: ptr::null_mut() };
        let seed = svckit_seed { words: [1, 2, 3, 4] };
        let written = |object| serde_json::to_string(object).unwrap_or_else(|e| panic!("{e}"));
        let objects: String = objects(size).iter().map(written).collect();
        let none = ptr::null_mut();
        unsafe {
            let cluster = &raw mut world.cluster;
            well(svckit_cluster_new(ptr::null(), 0, &raw const seed, none, cluster));
            let (text, len) = (objects.as_ptr(), objects.len());
            well(svckit_cluster_apply(world.cluster, text, len, 0, none));
            well(svckit_cluster_table(world.cluster, &raw mut world.table));
            well(svckit_cluster_zone(world.cluster, &raw mut world.zone));
        }
        world
    }
}

impl Drop for World {
    fn drop(&mut self) {
        unsafe {
            svckit_table_free(self.table);
            svckit_zone_free(self.zone);
            svckit_cluster_free(self.cluster);
        }
    }
}

/// The same cluster as the core has it.
struct Inline {
    snapshot: Arc<Snapshot>,
    zone: svckit::dns::Snapshot,
}

impl Inline {
    fn new(size: (u32, u32)) -> Self {
        let mut cluster =
            svckit::cluster::Cluster::new(svckit::cluster::Settings::default(), Seed([1, 2, 3, 4]))
                .unwrap_or_else(|error| panic!("{error}"));
        let objects = objects(size);
        assert!(cluster.apply(&objects, Time::default()).findings.is_empty());
        let mut publisher = Publisher::new(Seed([1, 2, 3, 4]));
        let whole = svckit::forward::Changed { whole: true, ..Default::default() };
        publisher.follow(cluster.proxy(), &whole);
        Self { snapshot: publisher.publish(), zone: cluster.zone().snapshot() }
    }
}

fn picks(c: &mut Criterion) {
    let mut group = c.benchmark_group("ffi/pick");
    group.throughput(Throughput::Elements(ROUND as u64));
    let port = Port::new(80).unwrap_or_else(|| panic!("80 is a port"));
    for &each in sizes() {
        let (world, inline, services) = (World::new(each), Inline::new(each), each.0);
        let number = |n: u64| (scatter(n) >> 20) as u32 % services;
        let asked: Vec<svckit_flow> = (0..ROUND as u64)
            .map(|n| svckit_flow {
                source: ip(Ipv4Addr::from_bits(0xc000_0200 + n as u32)),
                address: ip(vip(number(n))),
                source_port: 5000,
                port: 80,
                protocol: SVCKIT_PROTOCOLS_TCP,
            })
            .collect();
        let flows: Vec<Flow> = (0..ROUND as u64)
            .map(|n| Flow {
                source: SocketAddr::new(Ipv4Addr::from_bits(0xc000_0200 + n as u32).into(), 5000),
                address: vip(number(n)).into(),
                port,
                protocol: Protocol::Tcp,
            })
            .collect();
        group.bench_function(BenchmarkId::new("single, inline", size(each)), |b| {
            let mut affinity = Affinity::new(1000, Seed([5; 4]));
            b.iter(|| {
                flows.iter().zip(0..).fold(0_u64, |sum, (flow, n)| {
                    let picked =
                        inline.snapshot.pick(black_box(flow), &mut affinity, Time::default(), n);
                    sum + picked.backend().map_or(0, |backend| u64::from(backend.port()))
                })
            });
        });
        group.bench_function(BenchmarkId::new("single, C", size(each)), |b| {
            b.iter(|| {
                asked.iter().zip(0..).fold(0_u64, |sum, (flow, n)| {
                    let mut pick = svckit_pick::default();
                    let flow = black_box(ptr::from_ref(flow));
                    well(unsafe { svckit_table_pick(world.table, flow, n, &raw mut pick) });
                    sum + u64::from(pick.port)
                })
            });
        });
        for batch in [32, 64] {
            let name =
                |face: &str| BenchmarkId::new(format!("batch of {batch}, {face}"), size(each));
            group.bench_function(name("inline"), |b| {
                let mut affinity = Affinity::new(1000, Seed([5; 4]));
                let mut out = vec![Outcome::NotAService; batch];
                b.iter(|| {
                    flows.chunks_exact(batch).zip(0..).fold(0_u64, |sum, (flows, n)| {
                        let now = Time::default();
                        let flows = black_box(flows);
                        inline.snapshot.pick_batch(flows, &mut affinity, now, n, &mut out);
                        out.iter()
                            .filter_map(Outcome::backend)
                            .fold(sum, |sum, backend| sum + u64::from(backend.port()))
                    })
                });
            });
            group.bench_function(name("C"), |b| {
                let mut out = vec![svckit_pick::default(); batch];
                b.iter(|| {
                    asked.chunks_exact(batch).zip(0..).fold(0_u64, |sum, (flows, n)| {
                        let (flows, to) = (black_box(flows.as_ptr()), out.as_mut_ptr());
                        well(unsafe { svckit_table_pick_many(world.table, flows, batch, n, to) });
                        out.iter().fold(sum, |sum, pick| sum + u64::from(pick.port))
                    })
                });
            });
        }
    }
    group.finish();
}

fn answers(c: &mut Criterion) {
    let mut group = c.benchmark_group("ffi/answer");
    group.throughput(Throughput::Elements(ROUND as u64));
    for &each in sizes() {
        let (world, inline, services) = (World::new(each), Inline::new(each), each.0);
        let question = |n: u64| {
            let number = (scatter(n) >> 20) as u32 % services;
            let name = format!("s{number}.shop.svc.cluster.local").parse();
            Message::question(1, &name.unwrap_or_else(|error| panic!("{error}")), Type(1))
        };
        let questions: Vec<Vec<u8>> = (0..ROUND as u64).map(question).collect();
        let mut buf = [0_u8; 512];
        group.bench_function(BenchmarkId::new("single, inline", size(each)), |b| {
            b.iter(|| {
                questions.iter().zip(0..).fold(0, |sum, (question, n)| {
                    let outcome = inline.zone.answer(black_box(question), Peer::udp(n), &mut buf);
                    sum + outcome.length().unwrap_or_default()
                })
            });
        });
        group.bench_function(BenchmarkId::new("single, C", size(each)), |b| {
            b.iter(|| {
                questions.iter().zip(0..).fold(0, |sum, (question, entropy)| {
                    let address = ip(Ipv4Addr::UNSPECIFIED);
                    let peer = svckit_peer { address, entropy, tcp: false };
                    let mut reply = svckit_reply::default();
                    let (message, len) = (black_box(question.as_ptr()), question.len());
                    let (room, cap, out) = (buf.as_mut_ptr(), buf.len(), &raw mut reply);
                    let peer = &raw const peer;
                    well(unsafe {
                        svckit_zone_answer(world.zone, message, len, peer, room, cap, out)
                    });
                    sum + reply.len
                })
            });
        });
    }
    group.finish();
}

/// The smallest calls that look at a handle: what the guard costs.
fn guard(c: &mut Criterion) {
    let world = World::new((10, 1));
    c.bench_function("ffi/guard alone", |b| {
        let mut generation = 0;
        b.iter(|| {
            let table = black_box(world.table);
            well(unsafe { svckit_table_generation(table, &raw mut generation) });
            generation
        });
    });
}

criterion_group!(benches, guard, picks, answers);
criterion_main!(benches);
