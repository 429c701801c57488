//! Claim: what one change of one endpoint costs, from the model to the kernel's bytes, doesn't depend on how many
//! Services there are; a whole cluster costs about a microsecond per endpoint.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use std::{
    hint::black_box,
    mem,
    time::{Duration, Instant},
};
use svckit_benches::cluster::{Cluster, Size};

/// Sizes of clusters: Services and endpoints of each. `--test` runs keep to the first.
const SIZES: [Size; 3] = [Size(1_000, 10), Size(10_000, 10), Size(30_000, 10)];

fn sizes() -> impl Iterator<Item = Size> {
    let quick = !svckit_benches::is_measuring();
    SIZES.into_iter().take(if quick { 1 } else { SIZES.len() })
}

/// A whole cluster from the model to the kernel's bytes, as at a start: on fresh memory, which no earlier round has
/// given back in pieces. So each round's cluster stays, and criterion, which would have hundreds, doesn't count.
fn whole(_: &mut Criterion) {
    println!(
        "| size | model to frontends | plan and bytes | together | bytes |\n|---|---|---|---|---|"
    );
    for size in sizes() {
        let changes = size.changes();
        let rounds = if svckit_benches::is_measuring() { 9 } else { 1 };
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..rounds {
            let start = Instant::now();
            let mut cluster = Cluster::filled(&changes);
            let applied = start.elapsed();
            bytes = black_box(cluster.load());
            times.push((applied, start.elapsed()));
            cluster.sent();
            mem::forget(cluster);
        }
        let median = |pick: fn(&(Duration, Duration)) -> Duration| {
            let mut all: Vec<Duration> = times.iter().map(pick).collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied().unwrap_or_default()
        };
        let (applied, rest, all) = (median(|t| t.0), median(|t| t.1 - t.0), median(|t| t.1));
        println!("| {size} | {applied:.1?} | {rest:.1?} | {all:.1?} | {bytes} |");
    }
}

fn one_endpoint(c: &mut Criterion) {
    let mut group = c.benchmark_group("forward/one_endpoint");
    for services in [1_000, 10_000, 100_000] {
        if services > 1_000 && !svckit_benches::is_measuring() {
            continue;
        }
        let size = Size(services, 10);
        let mut cluster = Cluster::filled(&size.changes());
        cluster.load();
        let mut steps = size.flaps().into_iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(services), |b| {
            b.iter_batched(
                || steps.next(),
                |step| step.map(|change| cluster.change(&change)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, whole, one_endpoint);
criterion_main!(benches);
