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

/// Where a round finds its memory.
#[derive(Clone, Copy, Debug)]
enum Memory {
    /// The system clears it when it is touched, as at a process's start. So each round's cluster stays.
    Fresh,
    /// An earlier cluster has left it, as when a running process compiles everything anew.
    Left,
}

/// A whole cluster from the model to the kernel's bytes. Criterion, which would have hundreds of them, doesn't count here.
fn whole(_: &mut Criterion) {
    println!(
        "| size | memory | model to frontends | plan and bytes | together | bytes |\n|---|---|---|---|---|---|"
    );
    for size in sizes() {
        rounds(size, Memory::Left);
        rounds(size, Memory::Fresh);
    }
}

fn rounds(size: Size, memory: Memory) {
    let changes = size.changes();
    let rounds = if svckit_benches::is_measuring() { 9 } else { 1 };
    let mut times = Vec::new();
    let mut bytes = 0;
    let mut pins: Vec<Vec<u8>> = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        let mut cluster = Cluster::filled(&changes);
        let applied = start.elapsed();
        bytes = black_box(cluster.load());
        times.push((applied, start.elapsed()));
        match memory {
            Memory::Fresh => {
                cluster.sent();
                mem::forget(cluster);
            }
            // What stands behind a cluster in the heap keeps the allocator from giving its memory back to the system.
            Memory::Left if pins.is_empty() => pins.extend((0..64).map(|_| vec![1; 100_000])),
            Memory::Left => {}
        }
    }
    drop(pins);
    let median = |pick: fn(&(Duration, Duration)) -> Duration| {
        let mut all: Vec<Duration> = times.iter().map(pick).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    let (applied, rest, all) = (median(|t| t.0), median(|t| t.1 - t.0), median(|t| t.1));
    println!("| {size} | {memory:?} | {applied:.1?} | {rest:.1?} | {all:.1?} | {bytes} |");
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
