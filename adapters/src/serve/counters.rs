//! What has happened to each service port's connections.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use svckit::model::ServicePortName;

/// One number that grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Its value.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
}

/// The numbers of one service port.
#[derive(Debug, Default)]
pub struct Counters {
    /// TCP connections and UDP flows that reached a backend.
    pub connections: Counter,
    /// Those of them that have ended.
    pub ended: Counter,
    /// Those that found no backend that may be used.
    pub refused: Counter,
    /// Those none of whose backends could be reached.
    pub unreachable: Counter,
    /// Backends that could not be reached, so that another one was tried.
    pub retries: Counter,
    /// Those that broke off, or were silent for too long.
    pub broken: Counter,
    /// Bytes from clients to backends.
    pub received: Counter,
    /// Bytes from backends to clients.
    pub sent: Counter,
}

/// The counters of all service ports that had connections.
#[derive(Debug, Default)]
pub struct Registry(Mutex<BTreeMap<ServicePortName, Arc<Counters>>>);

/// The name and meaning of a number in Prometheus' text format, and how it is read.
type Metric = (&'static str, &'static str, &'static str, fn(&Counters) -> u64);

const METRICS: [Metric; 8] = [
    ("connections_total", "counter", "Connections and flows that reached a backend.", |c| {
        c.connections.get()
    }),
    ("connections_open", "gauge", "Those that are open.", |c| {
        c.connections.get().saturating_sub(c.ended.get())
    }),
    ("connections_refused_total", "counter", "Found no backend that may be used.", |c| {
        c.refused.get()
    }),
    ("connections_unreachable_total", "counter", "Could reach none of their backends.", |c| {
        c.unreachable.get()
    }),
    ("connect_retries_total", "counter", "Backends that could not be reached.", |c| {
        c.retries.get()
    }),
    ("connections_broken_total", "counter", "Broke off or were silent for too long.", |c| {
        c.broken.get()
    }),
    ("received_bytes_total", "counter", "Bytes from clients.", |c| c.received.get()),
    ("sent_bytes_total", "counter", "Bytes to clients.", |c| c.sent.get()),
];

impl Registry {
    /// The counters of a service port; those of nobody count for nothing.
    pub(super) fn of(&self, name: Option<&ServicePortName>) -> Arc<Counters> {
        let Some(name) = name else { return Arc::default() };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counters) = all.get(name) {
            return counters.clone();
        }
        all.entry(name.clone()).or_default().clone()
    }

    /// All of them by name.
    #[must_use]
    pub fn all(&self) -> Vec<(ServicePortName, Arc<Counters>)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(name, counters)| (name.clone(), counters.clone())).collect()
    }

    /// All of them in Prometheus' text format.
    #[must_use]
    pub fn text(&self) -> String {
        let (all, mut text) = (self.all(), String::new());
        for (name, kind, help, read) in METRICS {
            // Writing to a String can't fail.
            let _ = writeln!(text, "# HELP svckit_{name} {help}\n# TYPE svckit_{name} {kind}");
            for (port, counters) in &all {
                let ServicePortName { service, port, protocol } = port;
                let _ = writeln!(
                    text,
                    "svckit_{name}{{namespace=\"{}\",service=\"{}\",port=\"{port}\",protocol=\"{protocol}\"}} {}",
                    service.namespace,
                    service.name,
                    read(counters)
                );
            }
        }
        text
    }
}
