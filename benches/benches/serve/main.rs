//! Claim: a reader gets at the table for at most twice the price of a plain pointer, whether or not a writer publishes
//! ten thousand changes a second.
//!
//! Then the TCP proxy beside HAProxy, before the same servers: needs wrk, HAProxy, nginx and 20,000 descriptors.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "criterion's macros; a measurement that can't go on stops"
)]

mod load;
mod rivals;

use criterion::{BenchmarkId, Criterion, criterion_group};
use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicPtr, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use svckit::forward::NodeConfig;
use svckit_adapters::serve::balancer::Balancer;

fn snapshot(c: &mut Criterion) {
    let balancer = Arc::new(Balancer::default());
    let stop = Arc::new(AtomicBool::new(false));
    for writer in ["alone", "beside a writer"] {
        let writing = (writer != "alone").then(|| {
            let (balancer, stop) = (balancer.clone(), stop.clone());
            thread::spawn(move || write(&balancer, &stop))
        });
        let mut group = c.benchmark_group("serve/snapshot");
        let mut plain = 0_u64;
        let pointer = AtomicPtr::new(&raw mut plain);
        group.bench_function(BenchmarkId::new("plain pointer", writer), |b| {
            b.iter(|| black_box(&pointer).load(Ordering::Relaxed));
        });
        let mut reader = balancer.reader();
        group.bench_function(BenchmarkId::new("reader", writer), |b| {
            b.iter(|| Arc::as_ptr(black_box(&mut reader).snapshot()));
        });
        group.bench_function(BenchmarkId::new("shared count", writer), |b| {
            b.iter(|| balancer.snapshot());
        });
        group.finish();
        stop.store(true, Ordering::Relaxed);
        if let Some(writing) = writing {
            // It ends by itself once told to.
            let _ = writing.join();
        }
        stop.store(false, Ordering::Relaxed);
    }
}

/// Publishes a change every 100 µs.
fn write(balancer: &Balancer, stop: &AtomicBool) {
    let (start, mut turn) = (Instant::now(), 0_u32);
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let masquerade_all = turn.is_multiple_of(2);
        let node = NodeConfig { masquerade_all, ..NodeConfig::default() };
        balancer.update(|table| table.set_node(&node));
        thread::sleep(
            (start + Duration::from_micros(100) * turn).saturating_duration_since(Instant::now()),
        );
    }
}

criterion_group!(benches, snapshot);

fn main() {
    if !rivals::serve_if_asked() {
        benches();
        load::compare();
    }
}
