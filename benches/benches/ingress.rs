//! Routes: lookups, compiling, replacing, memory, and reloads of nginx, beside their rivals.
//!
//! Claims: a lookup among 10,000 hosts of 5 paths costs at most 50 ns, and at most a quarter of what
//! `matchit` takes; 50,000 routes compile within 20 ms; replacing one Ingress costs at most 20 µs; 100,000 routes take
//! at most 40 MB; nginx reloads the shared layout in a twentieth of the time of one server for each host.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::indexing_slicing, reason = "numbers are below the length")]
#![allow(clippy::unwrap_used, reason = "a bench that can't go on should stop")]

use std::{collections::HashMap, hint::black_box, sync::Arc};

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use svckit::{
    Seed,
    ingress::{ClassSelection, Outcome, Router, Settings},
    model::{
        Change, ClusterIps, Exposure, Ingress, IngressBackend, IngressPath, IngressRule,
        NamespacedName, PathType, Port, Protocol, Service, ServicePort, ServicePortRef, TargetPort,
    },
};

/// Octets of memory that this process has, as the kernel counts them.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

const PATHS: [&str; 5] = ["/", "/api", "/api/v2", "/static", "/admin/users"];
const ASKED: [&str; 5] =
    ["/index.html", "/api/v1/items", "/api/v2/items/7", "/static/app.js", "/admin/users/ann"];

fn host(number: usize) -> String {
    format!("host-{number}.example.com")
}

fn ingress(number: usize, created: i64) -> Change {
    let path = |path: &&str| IngressPath {
        path: (*path).into(),
        path_type: PathType::Prefix,
        backend: IngressBackend::Service {
            name: format!("service-{number}").into(),
            port: ServicePortRef::Number(Port::new(80).unwrap()),
        },
    };
    Change::Ingress(Arc::new(Ingress {
        key: NamespacedName::new("shop", format!("ingress-{number}")),
        created,
        uid: "".into(),
        class: None,
        default_backend: None,
        rules: vec![IngressRule {
            host: Some(host(number).into()),
            paths: PATHS.iter().map(path).collect(),
        }],
        tls: Vec::new(),
        annotations: Vec::new(),
    }))
}

fn service(number: usize) -> Change {
    Change::Service(Arc::new(Service::new(
        NamespacedName::new("shop", format!("service-{number}")),
        Exposure::ClusterIp(ClusterIps::single([10, 96, 0, 1].into())),
        vec![ServicePort {
            name: "http".into(),
            protocol: Protocol::Tcp,
            port: Port::new(80).unwrap(),
            target: TargetPort::Number(Port::new(8080).unwrap()),
            node_port: None,
            app_protocol: None,
        }],
    )))
}

/// A router that knows so many Services, and no Ingress.
fn empty(services: usize) -> Router {
    let mut router =
        Router::new(Settings::default(), ClassSelection::default(), Seed([1, 2, 3, 4]));
    (0..services).for_each(|number| router.apply(&service(number)));
    router
}

fn compiled(hosts: usize) -> Router {
    let mut router = empty(hosts);
    (0..hosts).for_each(|number| router.apply(&ingress(number, 1)));
    let _ = black_box(router.routes());
    router
}

/// Requests in an order that caches can't guess.
fn requests(hosts: usize) -> Vec<(String, &'static str)> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as usize
    };
    (0..8192).map(|_| (host(next() % hosts), ASKED[next() % ASKED.len()])).collect()
}

/// Sizes; small ones when only asked whether it works.
fn sizes() -> Vec<usize> {
    let test = !svckit_benches::is_measuring();
    if test { vec![10] } else { vec![100, 1_000, 10_000] }
}

fn lookup(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ingress_lookup");
    for hosts in sizes() {
        let mut router = compiled(hosts);
        let routes = router.routes();
        let requests = requests(hosts);
        for (host, path) in &requests {
            assert!(matches!(routes.lookup(host, path), Outcome::Route(_)));
        }
        let mut turn = 0;
        group.bench_function(BenchmarkId::new("svckit", hosts), |bencher| {
            bencher.iter(|| {
                turn = (turn + 1) % requests.len();
                let (host, path) = &requests[turn];
                black_box(routes.lookup(black_box(host), black_box(path)))
            });
        });
        // matchit knows parameters, not prefixes of elements: each prefix is two patterns.
        let mut tables = HashMap::new();
        for number in 0..hosts {
            let mut table = matchit::Router::new();
            for (at, path) in PATHS.iter().enumerate() {
                if *path != "/" {
                    table.insert(*path, at).unwrap();
                }
                table.insert(format!("{}/{{*rest}}", path.trim_end_matches('/')), at).unwrap();
            }
            tables.insert(host(number), table);
        }
        group.bench_function(BenchmarkId::new("matchit", hosts), |bencher| {
            bencher.iter(|| {
                turn = (turn + 1) % requests.len();
                let (host, path) = &requests[turn];
                black_box(tables.get(black_box(host.as_str())).unwrap().at(black_box(path)).is_ok())
            });
        });
    }
    group.finish();
}

/// Prints what routes cost in memory: all that is made of Ingresses, without these and the Services, which the caller has
/// anyway.
///
/// It comes first, and frees nothing: memory that was used before would hide what is taken.
fn memory(_: &mut Criterion) {
    let sizes = if svckit_benches::is_measuring() { vec![1_000, 10_000, 20_000] } else { vec![10] };
    let mut kept = Vec::new();
    for hosts in sizes {
        let mut router = empty(hosts);
        let start = resident();
        let changes: Vec<_> = (0..hosts).map(|number| ingress(number, 1)).collect();
        let before = resident();
        changes.iter().for_each(|change| router.apply(change));
        let routes = router.routes();
        let (made, given) = (resident().saturating_sub(before), before.saturating_sub(start));
        let routes_made = hosts * PATHS.len();
        println!("ingress_memory/{routes_made}: {} kB, Ingresses {} kB", made / 1000, given / 1000);
        kept.push((router, routes, changes));
    }
}

fn compile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ingress_compile");
    group.sample_size(10);
    for hosts in sizes() {
        let changes: Vec<_> = (0..hosts).map(|number| ingress(number, 1)).collect();
        group.bench_function(BenchmarkId::new("routes", hosts * PATHS.len()), |bencher| {
            bencher.iter_batched(
                || empty(hosts),
                |mut router| {
                    changes.iter().for_each(|change| router.apply(change));
                    let _ = black_box(router.routes());
                    router
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn replace(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ingress_replace");
    for hosts in sizes() {
        let mut router = compiled(hosts);
        let mut created = 1;
        group.bench_function(BenchmarkId::new("one", hosts), |bencher| {
            bencher.iter_batched(
                || {
                    created += 1;
                    ingress(hosts / 2, created)
                },
                |change| {
                    router.apply(&change);
                    router.routes()
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, memory, lookup, compile, replace);
criterion_main!(benches);
