//! What a server has done, as counters.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
};

/// Counters of one server. They only grow.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(super) udp: AtomicU64,
    pub(super) tcp: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) elsewhere: AtomicU64,
    pub(super) crowded: AtomicU64,
    pub(super) cached: AtomicU64,
    pub(super) transfers: AtomicU64,
    /// Replies by the lower four bits of their code.
    codes: [AtomicU64; 16],
}

impl Metrics {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes note of a reply.
    pub(super) fn replied(&self, reply: &[u8]) {
        let code = reply.get(3).map_or(0, |flags| usize::from(flags & 15));
        self.codes.get(code).into_iter().for_each(Self::count);
    }

    /// The counters as Prometheus reads them.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut counter = |name: &str, label: &str, help: &str, value: &AtomicU64| {
            if !help.is_empty() {
                // Writing into a String doesn't fail.
                let _ = writeln!(
                    text,
                    "# HELP svckit_dns_{name} {help}\n# TYPE svckit_dns_{name} counter"
                );
            }
            let _ = writeln!(text, "svckit_dns_{name}{label} {}", value.load(Ordering::Relaxed));
        };
        counter("questions_total", "{transport=\"udp\"}", "Messages that came.", &self.udp);
        counter("questions_total", "{transport=\"tcp\"}", "", &self.tcp);
        counter("dropped_total", "", "Messages that got no reply.", &self.dropped);
        counter("elsewhere_total", "", "Questions that others were asked about.", &self.elsewhere);
        counter(
            "crowded_total",
            "",
            "Questions refused because too many were waiting.",
            &self.crowded,
        );
        counter("cached_total", "", "Answers of others that were still known.", &self.cached);
        counter("transfers_total", "", "Whole zones that were sent.", &self.transfers);
        for (code, value) in self.codes.iter().enumerate() {
            let help = if code == 0 { "Replies, by their code." } else { "" };
            let code = svckit::dns::Rcode(code as u16);
            counter("replies_total", &format!("{{rcode=\"{code}\"}}"), help, value);
        }
        text
    }
}
