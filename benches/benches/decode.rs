//! Claims: the way from JSON to slices (decode strictly, default, validate, allocate, slice) costs the same for each
//! object whether there are 1,000 of them or 100,000; decoding is most of it.
//!
//! Each Service has ten pods. What one run takes in memory is counted by the allocator and printed once for each
//! size: allocations and bytes for each object, and what is still held at the end.
#![allow(missing_docs, reason = "criterion's macros")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::{alloc::System, fmt::Write, hint::black_box, sync::Arc, time::Instant};
use svckit::{
    Seed, Time,
    api::Object,
    cluster::{ControlPlane, Settings},
    model::Change,
};
use svckit_adapters::source::files;
use svckit_benches::{is_measuring, sizes};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Pods of each Service.
const PODS: usize = 10;

/// The Services of one namespace with their pods, as a List; as large as a team's file.
const PER_FILE: usize = 100;

/// JSON Lists of so many Services and ten times as many pods.
fn lists(services: usize) -> Vec<String> {
    (0..services).step_by(PER_FILE).map(|from| file(from, services.min(from + PER_FILE))).collect()
}

fn file(from: usize, to: usize) -> String {
    let namespace = format!("team-{}", from / PER_FILE);
    let mut text = String::from("{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n");
    for n in from..to {
        let comma = if n > from { ",\n" } else { "" };
        // Writing to a String can't fail.
        let _ = write!(
            text,
            r#"{comma}{{"apiVersion": "v1", "kind": "Service", "metadata": {{"name": "s{n}", "namespace": "{namespace}"}},
 "spec": {{"selector": {{"app": "s{n}"}}, "ports": [{{"name": "http", "port": 80, "targetPort": "http"}}]}}}}"#
        );
        for pod in 0..PODS {
            let number = n * PODS + pod;
            let ip = std::net::Ipv4Addr::from(0x0a80_0000 + number as u32);
            let _ = write!(
                text,
                r#",
{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "s{n}-{pod}", "namespace": "{namespace}",
  "labels": {{"app": "s{n}", "env": "prod"}}}},
 "spec": {{"nodeName": "n{}", "containers": [{{"name": "app", "image": "example.com/app:1",
  "ports": [{{"name": "http", "containerPort": 8080}}]}}]}},
 "status": {{"phase": "Running", "podIP": "{ip}", "podIPs": [{{"ip": "{ip}"}}],
  "conditions": [{{"type": "Ready", "status": "True"}}]}}}}"#,
                number % 100
            );
        }
    }
    text.push_str("]}\n");
    text
}

fn decoded(files: &[String]) -> Vec<Arc<Object>> {
    let objects = files.iter().flat_map(|text| {
        files::decoded(text, 1).expect("it is JSON").into_iter().filter_map(|decoded| {
            assert!(decoded.findings.is_empty(), "{:?}", decoded.findings);
            decoded.object.map(Arc::new)
        })
    });
    objects.collect()
}

/// Everything after decoding.
fn admitted(objects: &[Arc<Object>]) -> (ControlPlane, usize) {
    let mut cluster =
        ControlPlane::new(Settings::default(), Seed([7; 4])).expect("settings are right");
    let synced = cluster.sync(objects, Time::default());
    assert!(synced.findings.is_empty(), "{:?}", synced.findings);
    let slices = synced.changes.iter().filter(|change| matches!(change, Change::Slice(_))).count();
    (cluster, slices)
}

fn json(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.sample_size(10);
    for services in sizes([10, 100, 1_000], [1, 2, 3]) {
        let files = lists(services);
        let objects = decoded(&files);
        group.throughput(Throughput::Elements(objects.len() as u64));
        group.bench_function(BenchmarkId::new("decode", services), |b| {
            b.iter(|| decoded(black_box(&files)));
        });
        group.bench_function(BenchmarkId::new("admit_and_slice", services), |b| {
            b.iter(|| {
                let (cluster, slices) = admitted(black_box(&objects));
                assert_eq!(slices, services);
                cluster
            });
        });
    }
    group.finish();
}

/// What one run costs in time and memory.
fn report(_: &mut Criterion) {
    for services in sizes([100, 1_000, 10_000], [1, 2, 3]) {
        let files = lists(services);
        let bytes: usize = files.iter().map(String::len).sum();
        let region = Region::new(ALLOCATOR);
        let start = Instant::now();
        let objects = decoded(&files);
        let decoding = start.elapsed();
        let (after_decode, start) = (region.change(), Instant::now());
        let (cluster, slices) = admitted(&objects);
        let admitting = start.elapsed();
        let all = region.change();
        assert_eq!(slices, services);
        let count = objects.len();
        let held = |stats: &stats_alloc::Stats| {
            // What reallocations add and take is in both already.
            (stats.bytes_allocated as isize - stats.bytes_deallocated as isize) / count as isize
        };
        if is_measuring() {
            println!(
                "{services} Services, {} pods, {} MB of JSON: decode {decoding:.0?} ({} allocations and {} bytes held \
                 an object), admit, allocate and slice {admitting:.0?} ({} allocations and {} bytes held an object)",
                count - services,
                bytes >> 20,
                after_decode.allocations / count,
                held(&after_decode),
                (all.allocations - after_decode.allocations) / count,
                held(&all) - held(&after_decode),
            );
        }
        drop(cluster);
    }
}

criterion_group!(benches, report, json);
criterion_main!(benches);
