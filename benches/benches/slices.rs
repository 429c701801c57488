//! Claim: with a hundred times the Services, one pod's change costs the same, and a pod of a cold start at most 2.5
//! times as much: not flat, and far from the size.
#![allow(
    missing_docs,
    clippy::indexing_slicing,
    reason = "criterion's macros, and fixtures of known size"
)]

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use std::sync::Arc;
use svckit::{
    Seed,
    model::{
        Change, ClusterIps, Exposure, NamespacedName, Pod, Port, Protocol, Service, ServicePort,
        TargetPort,
    },
    select::Selector,
    slices::Controller,
};
use svckit_benches::sizes;

/// Pods of each Service.
const PODS: usize = 10;

fn service(n: usize) -> Change {
    let Some(port) = Port::new(80) else { unreachable!("80 is a port") };
    Change::Service(Arc::new(Service {
        selector: Some(Selector::from_pairs([("app", format!("s{n}"))])),
        ..Service::new(
            NamespacedName::new(format!("n{}", n % 50), format!("s{n}")),
            Exposure::ClusterIp(ClusterIps::single([10, 96, 0, 1].into())),
            vec![ServicePort {
                name: "".into(),
                protocol: Protocol::Tcp,
                port,
                target: TargetPort::Number(port),
                node_port: None,
                app_protocol: None,
            }],
        )
    }))
}

fn pod(n: usize, ready: bool) -> Pod {
    let service = n / PODS;
    let labels = [("app", format!("s{service}")), ("env", "prod".into())];
    Pod {
        key: NamespacedName::new(format!("n{}", service % 50), format!("p{n}")),
        uid: "".into(),
        labels: labels.into_iter().collect(),
        addresses: [std::net::Ipv4Addr::from(0x0a00_0000 + n as u32).into()].into(),
        ready,
        terminating: false,
        node: None,
        host_network: false,
        hostname: None,
        subdomain: None,
        ports: vec![],
    }
}

/// A cluster's Services, then its pods as admission tells them: sisters share their labels.
fn changes(services: usize) -> Vec<Change> {
    let mut changes: Vec<_> = (0..services).map(service).collect();
    let mut before: Option<Arc<Pod>> = None;
    for n in 0..services * PODS {
        let mut pod = pod(n, true);
        before.iter().for_each(|before| pod.share_with(before));
        let pod = Arc::new(pod);
        before = Some(pod.clone());
        changes.push(Change::Pod(pod));
    }
    changes
}

fn filled(changes: &[Change]) -> Controller {
    let mut controller = Controller::new(Seed([7; 4]));
    changes.iter().for_each(|change| controller.apply(change));
    controller
}

fn cold(c: &mut Criterion) {
    let mut group = c.benchmark_group("slices/cold");
    group.sample_size(10);
    for services in sizes([100, 1_000, 10_000], [2, 4, 8]) {
        let changes = changes(services);
        group.throughput(criterion::Throughput::Elements((services * PODS) as u64));
        group.bench_function(BenchmarkId::from_parameter(services), |b| {
            b.iter_batched(
                || (),
                |()| {
                    let mut controller = filled(&changes);
                    assert_eq!(controller.take_writes().len(), services);
                    controller
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn one_change(c: &mut Criterion) {
    let mut group = c.benchmark_group("slices/one_change");
    for services in sizes([100, 1_000, 10_000], [2, 4, 8]) {
        let mut controller = filled(&changes(services));
        assert_eq!(controller.take_writes().len(), services);
        let events =
            [false, true].map(|ready| Change::Pod(Arc::new(pod(services * PODS / 2, ready))));
        let mut turn = 0;
        group.bench_function(BenchmarkId::from_parameter(services), |b| {
            b.iter(|| {
                controller.apply(&events[turn % 2]);
                turn += 1;
                let writes = controller.take_writes();
                assert_eq!(writes.len(), 1);
                writes
            });
        });
    }
    group.finish();
}

criterion_group!(benches, cold, one_change);
criterion_main!(benches);
