//! Claim: what one change of one endpoint costs, from the model to the kernel's bytes, doesn't depend on how many
//! Services there are; a whole cluster costs about a microsecond per endpoint.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use svckit_benches::cluster::{Cluster, Size};

/// Sizes of clusters: Services and endpoints of each. `--test` runs keep to the first.
const SIZES: [Size; 3] = [Size(1_000, 10), Size(10_000, 10), Size(30_000, 10)];

fn sizes() -> impl Iterator<Item = Size> {
    let quick = !svckit_benches::is_measuring();
    SIZES.into_iter().take(if quick { 1 } else { SIZES.len() })
}

fn whole(c: &mut Criterion) {
    let mut group = c.benchmark_group("forward/whole_cluster");
    group.sample_size(10);
    for size in sizes() {
        group.throughput(Throughput::Elements(size.endpoints()));
        let changes = size.changes();
        group.bench_with_input(BenchmarkId::new("apply", size), &changes, |b, changes| {
            b.iter_with_large_drop(|| Cluster::filled(changes));
        });
        group.bench_with_input(
            BenchmarkId::new("plan_and_encode", size),
            &changes,
            |b, changes| {
                b.iter_batched_ref(
                    || Cluster::filled(changes),
                    Cluster::load,
                    BatchSize::PerIteration,
                );
            },
        );
    }
    group.finish();
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
