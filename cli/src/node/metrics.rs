//! What there is to count, in the text format of Prometheus.

use std::{fmt::Write, time::Duration};

/// Upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 10] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Counters and gauges.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    /// Writes that changed the kernel.
    pub(super) writes: u64,
    /// Those of them that wrote everything.
    pub(super) full: u64,
    /// Writes that failed.
    pub(super) failures: u64,
    /// Damage that was repaired.
    pub(super) repairs: u64,
    /// UDP flows that led nowhere.
    pub(super) flows: u64,
    /// Seconds since 1970 at the last write that was not refused.
    pub(super) last: i64,
    /// How long writes took.
    buckets: [u64; BUCKETS.len()],
    seconds: f64,
    /// Service ports that are forwarded, per family.
    pub(super) frontends: [usize; 2],
    /// Endpoints that they lead to, per family.
    pub(super) endpoints: [usize; 2],
    /// Service ports without an endpoint.
    pub(super) empty: usize,
    /// Items that the kernel refuses.
    pub(super) refused: usize,
    /// Mistakes in the manifests.
    pub(super) findings: usize,
}

impl Metrics {
    /// Notes how long a write took.
    pub(super) fn took(&mut self, time: Duration) {
        self.writes += 1;
        let seconds = time.as_secs_f64();
        self.seconds += seconds;
        for (count, _) in self.buckets.iter_mut().zip(BUCKETS).filter(|(_, end)| seconds <= *end) {
            *count += 1;
        }
    }

    /// All of it.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let mut one = |name: &str, kind: &str, help: &str, value: &dyn std::fmt::Display| {
            // Writing to a String can't fail.
            let _ = writeln!(out, "# HELP svckit_{name} {help}\n# TYPE svckit_{name} {kind}");
            let _ = writeln!(out, "svckit_{name} {value}");
        };
        one("syncs_total", "counter", "Writes that changed the kernel.", &self.writes);
        one("full_syncs_total", "counter", "Writes of everything.", &self.full);
        one("sync_failures_total", "counter", "Writes that failed.", &self.failures);
        one("repairs_total", "counter", "Times that damaged rules were repaired.", &self.repairs);
        one("stale_udp_flows_total", "counter", "UDP flows removed.", &self.flows);
        one("last_sync_timestamp_seconds", "gauge", "When the kernel was last right.", &self.last);
        one("refused_items", "gauge", "Items that the kernel refuses.", &self.refused);
        one("empty_service_ports", "gauge", "Service ports without endpoint.", &self.empty);
        one("input_errors", "gauge", "Mistakes in the manifests.", &self.findings);
        self.families(&mut out, "service_ports", "Service ports forwarded.", self.frontends);
        self.families(&mut out, "endpoints", "Endpoints led to.", self.endpoints);
        self.histogram(&mut out);
        out
    }

    fn families(&self, out: &mut String, name: &str, help: &str, values: [usize; 2]) {
        let _ = writeln!(out, "# HELP svckit_{name} {help}\n# TYPE svckit_{name} gauge");
        for (family, value) in ["IPv4", "IPv6"].into_iter().zip(values) {
            let _ = writeln!(out, "svckit_{name}{{family=\"{family}\"}} {value}");
        }
    }

    fn histogram(&self, out: &mut String) {
        let name = "svckit_sync_duration_seconds";
        let _ = writeln!(out, "# HELP {name} How long writes took.\n# TYPE {name} histogram");
        for (end, count) in BUCKETS.iter().zip(self.buckets) {
            let _ = writeln!(out, "{name}_bucket{{le=\"{end}\"}} {count}");
        }
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {}", self.writes);
        let _ = writeln!(out, "{name}_sum {}\n{name}_count {}", self.seconds, self.writes);
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Metrics};

    #[test]
    fn buckets_add_up() {
        let mut metrics = Metrics::default();
        for micros in [50, 700, 2_000, 9_000_000] {
            metrics.took(Duration::from_micros(micros));
        }
        let text = metrics.text();
        for line in [
            "svckit_sync_duration_seconds_bucket{le=\"0.0001\"} 1",
            "svckit_sync_duration_seconds_bucket{le=\"0.001\"} 2",
            "svckit_sync_duration_seconds_bucket{le=\"5\"} 3",
            "svckit_sync_duration_seconds_bucket{le=\"+Inf\"} 4",
            "svckit_sync_duration_seconds_count 4",
            "svckit_syncs_total 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
