//! Claim: admitting a Service (defaults, rules, one address, two node ports, checked form) and deleting it again
//! costs the same among 100 Services as among 10,000; an unchanged one is recognised for less.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use svckit::{
    Seed, Time,
    admit::{Gates, Registry, Settings, service},
    api::{Service, ServicePort, StringMap},
    model::ServiceKey,
};

const NOW: Time = Time::from_nanos(0);

fn written(n: usize, kind: &str) -> Service {
    let mut service = Service::default();
    service.metadata.name = format!("service-{n}");
    service.metadata.namespace = format!("team-{}", n % 50);
    service.spec.r#type = kind.into();
    service.spec.selector = Some(StringMap::from([("app".into(), format!("app-{n}"))]));
    for (name, port) in [("http", 80), ("metrics", 9090)] {
        service.spec.ports.push(ServicePort { name: name.into(), port, ..Default::default() });
    }
    service
}

fn registry(services: usize) -> Registry {
    let mut registry =
        Registry::new(Settings::default(), Seed([7; 4])).expect("settings are right");
    for n in 0..services {
        registry.apply(written(n, "ClusterIP"), NOW).expect("the range is large enough");
    }
    registry
}

fn rules(c: &mut Criterion) {
    let given = written(0, "NodePort");
    c.bench_function("admit/default_and_validate", |b| {
        b.iter(|| {
            let mut service = black_box(&given).clone();
            service::default(&mut service);
            service::validate(&service, &Gates::default())
        });
    });
}

fn writes(c: &mut Criterion) {
    let mut group = c.benchmark_group("admit");
    for services in svckit_benches::sizes([100, 1_000, 10_000], [1, 10, 100]) {
        let mut filled = None;
        group.bench_function(BenchmarkId::new("create_and_delete", services), |b| {
            let registry = filled.get_or_insert_with(|| registry(services));
            let new = written(services, "NodePort");
            let key = ServiceKey::new(new.metadata.namespace.as_str(), new.metadata.name.as_str());
            b.iter(|| {
                registry.apply(new.clone(), NOW).expect("there is room");
                assert!(registry.delete(&key, NOW));
            });
        });
        group.bench_function(BenchmarkId::new("unchanged", services), |b| {
            let registry = filled.get_or_insert_with(|| registry(services));
            let same = written(services / 2, "ClusterIP");
            b.iter(|| {
                let admitted = registry.apply(same.clone(), NOW).expect("it was right before");
                assert!(!admitted.changed);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, rules, writes);
criterion_main!(benches);
