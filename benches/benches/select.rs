//! Claims: a pod event finds its Services in the same time among 1,000 as among 100,000, in at most 1/50 of the time
//! that asking each of 10,000 takes; a Service finds its 10 pods in the same time among 1,000 as among 100,000.
#![allow(
    missing_docs,
    clippy::indexing_slicing,
    reason = "criterion's macros, and fixtures of known size"
)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use svckit::{
    Seed,
    select::{Index, Labels, Objects, Selector},
};
use svckit_benches::sizes;

/// Pods of one Service, out of 10 each; the labels that all share come first, as in real clusters.
fn labels(n: usize) -> Labels {
    let app = format!("app-{}", n / 10);
    let pairs = [
        ("a-managed-by", "charts".into()),
        ("app", app.clone()),
        ("env", "prod".into()),
        ("pod-template-hash", format!("{n:x}")),
        ("release", app),
        ("tier", ["front", "back"][n % 2].into()),
    ];
    pairs.into_iter().collect()
}

fn selector(n: usize) -> Selector {
    Selector::from_pairs([("app", format!("app-{n}")), ("env", "prod".into())])
}

fn pod_event(c: &mut Criterion) {
    let mut group = c.benchmark_group("select/pod_event");
    for services in sizes([1_000, 10_000, 100_000], [10, 20, 40]) {
        let selectors: Vec<Selector> = (0..services).map(selector).collect();
        let mut index = Index::new(Seed([7; 4]));
        selectors.iter().enumerate().for_each(|(n, s)| index.insert(n, s.clone()));
        let pod = labels(services / 2 * 10);
        group.bench_function(BenchmarkId::new("index", services), |b| {
            b.iter(|| index.matching(black_box(&pod)));
        });
        group.bench_function(BenchmarkId::new("scan", services), |b| {
            b.iter(|| selectors.iter().filter(|s| s.matches(black_box(&pod))).count());
        });
    }
    group.finish();
}

fn service_event(c: &mut Criterion) {
    let mut group = c.benchmark_group("select/service_event");
    for pods in sizes([1_000, 10_000, 100_000], [10, 20, 40]) {
        let all: Vec<Labels> = (0..pods).map(labels).collect();
        let mut objects = Objects::new(Seed([7; 4]));
        all.iter().enumerate().for_each(|(n, labels)| objects.insert(n, labels.clone()));
        let selector = selector(pods / 20);
        group.bench_function(BenchmarkId::new("lists", pods), |b| {
            b.iter(|| objects.matching(black_box(&selector)));
        });
        group.bench_function(BenchmarkId::new("scan", pods), |b| {
            b.iter(|| all.iter().filter(|labels| black_box(&selector).matches(labels)).count());
        });
    }
    group.finish();
}

criterion_group!(benches, pod_event, service_event);
criterion_main!(benches);
