//! Numbers for Prometheus.

use hyper::StatusCode;
use std::{
    collections::HashMap,
    fmt::{self, Write},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use svckit::model::NamespacedName;

/// Upper bounds of the histogram, in seconds.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Ingresses that are counted one by one; requests of further ones are counted without a name, so that a cluster
/// whose Ingresses come and go doesn't fill the memory.
const NAMED: usize = 10_000;

/// What a proxy has done since it was started. All numbers may be read at any time.
#[derive(Debug)]
pub struct Metrics {
    /// By status, 100 to 599.
    statuses: [AtomicU64; 500],
    /// By Ingress, then by the first digit of the status.
    ingresses: RwLock<HashMap<NamespacedName, [AtomicU64; 5]>>,
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    pub(in crate::serve::http) accepted: AtomicU64,
    pub(in crate::serve::http) open: AtomicU64,
    pub(in crate::serve::http) upgraded: AtomicU64,
    pub(in crate::serve::http) handshakes_failed: AtomicU64,
    pub(in crate::serve::http) unreachable: AtomicU64,
    pub(in crate::serve::http) opened: AtomicU64,
    pub(in crate::serve::http) repeated: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            statuses: [const { AtomicU64::new(0) }; 500],
            ingresses: RwLock::default(),
            buckets: [const { AtomicU64::new(0) }; BOUNDS.len() + 1],
            nanoseconds: AtomicU64::new(0),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            open: AtomicU64::new(0),
            upgraded: AtomicU64::new(0),
            handshakes_failed: AtomicU64::new(0),
            unreachable: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
        }
    }
}

impl Metrics {
    /// Requests that were answered with this status.
    #[must_use]
    pub fn answered(&self, status: u16) -> u64 {
        let at = usize::from(status).wrapping_sub(100);
        self.statuses.get(at).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Clients' connections that are open now.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn request(
        &self,
        status: StatusCode,
        took: Duration,
        ingress: Option<&NamespacedName>,
    ) {
        let status = usize::from(status.as_u16());
        if let Some(count) = self.statuses.get(status.wrapping_sub(100)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = self.buckets.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        if let Some(ingress) = ingress {
            self.ingress(ingress, status / 100);
        }
    }

    pub(super) fn octets(&self, received: u64, sent: u64) {
        if received > 0 {
            self.received.fetch_add(received, Ordering::Relaxed);
        }
        self.sent.fetch_add(sent, Ordering::Relaxed);
    }

    fn ingress(&self, ingress: &NamespacedName, class: usize) {
        let count = |known: &HashMap<NamespacedName, [AtomicU64; 5]>| {
            let counts = known.get(ingress)?;
            counts.get(class.wrapping_sub(1))?.fetch_add(1, Ordering::Relaxed);
            Some(())
        };
        if count(&self.ingresses.read().unwrap_or_else(PoisonError::into_inner)).is_some() {
            return;
        }
        let mut known = self.ingresses.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < NAMED {
            known.entry(ingress.clone()).or_default();
        }
        count(&known);
    }

    /// Writes all numbers in Prometheus' text format.
    ///
    /// # Errors
    ///
    /// Only those of `out`.
    pub fn write(&self, out: &mut impl Write) -> fmt::Result {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        head(out, "requests_total", "counter", "Requests by status.")?;
        for (status, count) in (100..).zip(&self.statuses) {
            if load(count) > 0 {
                writeln!(out, "svckit_http_requests_total{{status=\"{status}\"}} {}", load(count))?;
            }
        }
        head(out, "ingress_requests_total", "counter", "Requests by Ingress and class of status.")?;
        let known = self.ingresses.read().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<_> = known.iter().collect();
        sorted.sort_by_key(|(name, _)| *name);
        for (NamespacedName { namespace, name }, counts) in sorted {
            for (class, count) in (1..).zip(counts).filter(|(_, count)| load(count) > 0) {
                write!(out, "svckit_http_ingress_requests_total{{namespace=\"{namespace}\",")?;
                writeln!(out, "ingress=\"{name}\",class=\"{class}xx\"}} {}", load(count))?;
            }
        }
        drop(known);
        self.write_durations(out)?;
        let counters = [
            ("received_bytes_total", &self.received, "Octets of requests' bodies."),
            ("sent_bytes_total", &self.sent, "Octets of pods' answers."),
            ("connections_total", &self.accepted, "Connections of clients."),
            ("tls_failures_total", &self.handshakes_failed, "TLS handshakes that failed."),
            ("pod_connections_total", &self.opened, "Connections to pods."),
            ("pod_failures_total", &self.unreachable, "Connections that pods did not accept."),
            ("retries_total", &self.repeated, "Requests that were sent again."),
        ];
        for (name, count, help) in counters {
            head(out, name, "counter", help)?;
            writeln!(out, "svckit_http_{name} {}", load(count))?;
        }
        let gauges = [
            ("connections", &self.open, "Connections of clients that are open."),
            ("upgraded_connections", &self.upgraded, "Those that have become WebSockets."),
        ];
        for (name, count, help) in gauges {
            head(out, name, "gauge", help)?;
            writeln!(out, "svckit_http_{name} {}", load(count))?;
        }
        Ok(())
    }

    fn write_durations(&self, out: &mut impl Write) -> fmt::Result {
        let name = "request_duration_seconds";
        head(out, name, "histogram", "From the head of a request to the end of its answer.")?;
        let mut all = 0;
        let bounds = BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&self.buckets) {
            all += count.load(Ordering::Relaxed);
            writeln!(out, "svckit_http_{name}_bucket{{le=\"{bound}\"}} {all}")?;
        }
        let seconds = Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)).as_secs_f64();
        writeln!(out, "svckit_http_{name}_sum {seconds}")?;
        writeln!(out, "svckit_http_{name}_count {all}")
    }
}

fn head(out: &mut impl Write, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(out, "# HELP svckit_http_{name} {help}")?;
    writeln!(out, "# TYPE svckit_http_{name} {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_prometheus_text() {
        let metrics = Metrics::default();
        let web = NamespacedName::new("shop", "web");
        metrics.request(StatusCode::OK, Duration::from_millis(3), Some(&web));
        metrics.request(StatusCode::OK, Duration::from_millis(30), Some(&web));
        metrics.request(StatusCode::NOT_FOUND, Duration::from_secs(11), None);
        metrics.octets(5, 7);
        let mut text = String::new();
        metrics.write(&mut text).unwrap();
        for line in [
            "svckit_http_requests_total{status=\"200\"} 2",
            "svckit_http_requests_total{status=\"404\"} 1",
            "svckit_http_ingress_requests_total{namespace=\"shop\",ingress=\"web\",class=\"2xx\"} 2",
            "svckit_http_request_duration_seconds_bucket{le=\"0.005\"} 1",
            "svckit_http_request_duration_seconds_bucket{le=\"10\"} 2",
            "svckit_http_request_duration_seconds_bucket{le=\"+Inf\"} 3",
            "svckit_http_request_duration_seconds_sum 11.033",
            "svckit_http_request_duration_seconds_count 3",
            "svckit_http_received_bytes_total 5",
            "svckit_http_sent_bytes_total 7",
            "svckit_http_connections 0",
        ] {
            assert!(text.lines().any(|given| given == line), "{line} in\n{text}");
        }
        assert_eq!((metrics.answered(200), metrics.answered(999)), (2, 0));
    }
}
