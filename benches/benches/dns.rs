//! Claim: a reply from the cache's reach costs at most 80 ns and one of 20,000 random names at most 250 ns, at least
//! 4 times less than `domain` and 15 times less than `hickory-proto` building the same reply without looking anything
//! up; one Service changes in at most 20 µs, however many there are.
//!
//! What others do is the work on the message alone: read the question, write the records that they are given.
#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "criterion's macros, and fixtures of known size"
)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use domain::{
    base::{
        Message as DomainMessage, MessageBuilder, Ttl, iana::Rcode as DomainRcode,
        message_builder::StaticCompressor,
    },
    rdata::A as DomainA,
};
use hickory_proto::{
    op::Message as HickoryMessage,
    rr::{RData, Record as HickoryRecord, rdata::A as HickoryA},
};
use std::{hint::black_box, net::Ipv4Addr, sync::Arc};
use svckit::{
    Seed,
    dns::{Message, Name, Options, Peer, Snapshot, Type, Zone},
    model::{
        Change, ClusterIps, Conditions, Endpoint, EndpointSlice, Exposure, Family, NamespacedName,
        Port, Protocol, Service, ServicePort, SlicePort, TargetPort,
    },
};

const DOMAIN: &str = "cluster.local";

fn service(n: usize, version: usize, exposure: Option<Exposure>) -> Change {
    let port = Port::new(80).unwrap();
    let address = Ipv4Addr::from(0x0a60_0000 + n as u32 + ((version as u32) << 20));
    Change::Service(Arc::new(Service::new(
        NamespacedName::new(format!("n{}", n % 50), format!("s{n}")),
        exposure.unwrap_or(Exposure::ClusterIp(ClusterIps::single(address.into()))),
        vec![ServicePort {
            name: "http".into(),
            protocol: Protocol::Tcp,
            port,
            target: TargetPort::Number(port),
            node_port: None,
            app_protocol: None,
        }],
    )))
}

fn endpoints(service: &NamespacedName, count: u8) -> Change {
    let endpoint = |n: u8| Endpoint {
        addresses: [[10, 244, 0, n].into()].into(),
        conditions: Conditions::READY,
        hostname: None,
        node: None,
        zone: None,
        hints: None,
        pod: None,
    };
    Change::Slice(Arc::new(EndpointSlice {
        key: NamespacedName::new(service.namespace.clone(), "headless-1"),
        service: service.clone(),
        family: Family::V4,
        ports: vec![SlicePort {
            name: "http".into(),
            protocol: Protocol::Tcp,
            port: Port::new(8080),
            app_protocol: None,
        }],
        endpoints: (0..count).map(endpoint).collect(),
    }))
}

fn zone(services: usize) -> Zone {
    let mut options = Options::new(DOMAIN.parse().unwrap());
    options.zones.push("10.in-addr.arpa".parse().unwrap());
    let mut zone = Zone::new(options, Seed([7; 4]));
    (0..services).for_each(|n| zone.apply(&service(n, 0, None)));
    zone.apply(&Change::Synced);
    zone
}

/// Full sizes to measure; small ones when each bench only runs once.
fn sizes() -> [usize; 3] {
    if !svckit_benches::is_measuring() { [10, 20, 40] } else { [1_000, 10_000, 100_000] }
}

fn question(left: &str, qtype: u16) -> Vec<u8> {
    let name: Name = format!("{left}.{DOMAIN}").parse().unwrap();
    let mut wire = Message::question(0x1234, &name, Type(qtype));
    wire[11] = 1;
    wire.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    wire
}

fn ours(snapshot: &Snapshot, question: &[u8], turn: u64, out: &mut [u8]) -> usize {
    snapshot.answer(question, Peer::udp(turn), out).length().unwrap()
}

/// The same reply, by `domain`.
fn domains(question: &[u8], addresses: &[Ipv4Addr]) -> Vec<u8> {
    let message = DomainMessage::from_octets(question).unwrap();
    let name = message.sole_question().unwrap().into_qname();
    let target = StaticCompressor::new(Vec::with_capacity(1_232));
    let mut answer = MessageBuilder::from_target(target)
        .unwrap()
        .start_answer(&message, DomainRcode::NOERROR)
        .unwrap();
    answer.header_mut().set_aa(true);
    for address in addresses {
        answer.push((name, Ttl::from_secs(5), DomainA::new(*address))).unwrap();
    }
    let mut additional = answer.additional();
    additional
        .opt(|opt| {
            opt.set_udp_payload_size(1_232);
            Ok(())
        })
        .unwrap();
    additional.finish().into_target()
}

/// The same reply, by `hickory-proto`.
fn hickorys(question: &[u8], addresses: &[Ipv4Addr]) -> Vec<u8> {
    let message = HickoryMessage::from_vec(question).unwrap();
    let query = message.queries[0].clone();
    let mut reply = HickoryMessage::response(message.metadata.id, message.metadata.op_code);
    reply.metadata.authoritative = true;
    reply.metadata.recursion_desired = message.metadata.recursion_desired;
    for address in addresses {
        let data = RData::A(HickoryA(*address));
        reply.add_answer(HickoryRecord::from_rdata(query.name().clone(), 5, data));
    }
    reply.add_query(query);
    reply.edns = message.edns.clone();
    reply.to_vec().unwrap()
}

/// One reply again and again: its name, the zone and the code are all in the cache.
fn hot(c: &mut Criterion) {
    let mut zone = zone(sizes()[1]);
    let headless = NamespacedName::new("n1", "s1");
    zone.apply(&service(1, 0, Some(Exposure::Headless(vec![Family::V4]))));
    zone.apply(&endpoints(&headless, 60));
    let snapshot = zone.snapshot();
    let mut out = [0; 1_232];
    let mut group = c.benchmark_group("dns/hot");
    for (name, left, qtype, records) in [
        ("a1", "s7.n7.svc", 1, 1),
        ("a60", "s1.n1.svc", 1, 60),
        ("nodata", "s7.n7.svc", 28, 0),
        ("nxdomain", "none.n7.svc", 1, 0),
        ("srv", "_http._tcp.s7.n7.svc", 33, 1),
    ] {
        let asked = question(left, qtype);
        let length = ours(&snapshot, &asked, 1, &mut out);
        let reply = Message::decode(&out[..length]).unwrap();
        assert_eq!(reply.answer.len(), records, "{name}");
        let addresses: Vec<Ipv4Addr> = reply
            .answer
            .iter()
            .filter_map(|record| match record.data.as_address() {
                Some(std::net::IpAddr::V4(address)) => Some(address),
                _ => None,
            })
            .collect();
        let mut turn = 0;
        group.bench_function(BenchmarkId::new(name, "svckit"), |b| {
            b.iter(|| {
                turn += 1;
                ours(black_box(&snapshot), black_box(&asked), turn, &mut out)
            });
        });
        if records > 0 && qtype == 1 {
            for other in [domains(&asked, &addresses), hickorys(&asked, &addresses)] {
                let other = Message::decode(&other).unwrap();
                assert_eq!((other.answer.len(), other.id), (records, 0x1234));
            }
            group.bench_function(BenchmarkId::new(name, "domain"), |b| {
                b.iter(|| domains(black_box(&asked), black_box(&addresses)));
            });
            group.bench_function(BenchmarkId::new(name, "hickory-proto"), |b| {
                b.iter(|| hickorys(black_box(&asked), black_box(&addresses)));
            });
        }
    }
    group.finish();
}

/// 20,000 names in no order, in zones of three sizes: memory decides. One by one, and in batches.
fn random(c: &mut Criterion) {
    let mut group = c.benchmark_group("dns/random");
    for services in sizes() {
        let snapshot = zone(services).snapshot();
        let mut random = 1_u64;
        let questions: Vec<Vec<u8>> = (0..sizes()[2].min(20_000))
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let n = (random >> 33) as usize % services;
                question(&format!("s{n}.n{}.svc", n % 50), 1)
            })
            .collect();
        let mut out = [0; 1_232];
        let mut at = 0;
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("one", services), |b| {
            b.iter(|| {
                at = (at + 1) % questions.len();
                ours(&snapshot, &questions[at], at as u64, &mut out)
            });
        });
        let mut buffers = vec![[0; 512]; 32];
        group.throughput(Throughput::Elements(32));
        group.bench_function(BenchmarkId::new("batch32", services), |b| {
            b.iter(|| {
                at = (at + 32) % (questions.len() - 32).max(1);
                let asked = questions[at..].iter().zip(&mut buffers);
                let mut batch: Vec<_> = asked
                    .map(|(question, out)| {
                        (&question[..], Peer::udp(7), &mut out[..], svckit::dns::Outcome::Drop)
                    })
                    .collect();
                snapshot.answer_batch(&mut batch);
                batch.len()
            });
        });
    }
    group.finish();
}

/// One Service gets another address, and readers get the next snapshot.
fn change(c: &mut Criterion) {
    let mut group = c.benchmark_group("dns/change");
    for services in sizes() {
        let mut zone = zone(services);
        let mut held = zone.snapshot();
        let changes: Vec<Change> =
            (0..64).map(|n| service(n % services / 2, n % 2 + 1, None)).collect();
        let mut turn = 0;
        group.bench_function(BenchmarkId::from_parameter(services), |b| {
            b.iter(|| {
                zone.apply(&changes[turn % changes.len()]);
                turn += 1;
                held = zone.snapshot();
            });
        });
        assert!(held.is_synced());
    }
    group.finish();
}

criterion_group!(benches, hot, random, change);
criterion_main!(benches);
