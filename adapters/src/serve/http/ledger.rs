//! What became of each request: the access log, and numbers for Prometheus.

mod metrics;
mod record;

pub use metrics::Metrics;
pub use record::{Log, Record};

use hyper::{Request, StatusCode};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use svckit::{Time, balance::Connection, model::NamespacedName};

use crate::clock;

/// Where requests are entered.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) metrics: Metrics,
    pub(super) log: Option<Arc<Log>>,
}

/// One request that is under way; it is closed when this is dropped.
pub(super) struct Entry {
    ledger: Arc<Ledger>,
    started: Time,
    status: StatusCode,
    sent: u64,
    received: Option<Arc<AtomicU64>>,
    ingress: Option<NamespacedName>,
    /// Counts the request to its pod, where the Service's method counts.
    connection: Option<Connection>,
    /// Only for the log.
    record: Option<Box<Record>>,
}

impl Entry {
    /// A request starts.
    pub(super) fn open<B>(ledger: &Arc<Ledger>, request: &Request<B>, client: IpAddr) -> Self {
        let record = ledger.log.is_some().then(|| Box::new(Record::open(request, client)));
        Self {
            ledger: ledger.clone(),
            started: clock::now(),
            status: StatusCode::INTERNAL_SERVER_ERROR,
            sent: 0,
            received: None,
            ingress: None,
            connection: None,
            record,
        }
    }

    pub(super) const fn set_status(&mut self, status: StatusCode) {
        self.status = status;
    }

    pub(super) const fn add_sent(&mut self, octets: usize) {
        self.sent += octets as u64;
    }

    /// Whose the request is, and where its octets are counted.
    pub(super) fn set_route(
        &mut self,
        ingress: Option<NamespacedName>,
        received: Option<Arc<AtomicU64>>,
    ) {
        self.ingress = ingress;
        self.received = received;
    }

    /// It is counted to its pod until it ends.
    pub(super) fn hold(&mut self, connection: Option<Connection>) {
        self.connection = connection;
    }

    /// Who it really is that asks.
    pub(super) fn set_client(&mut self, client: IpAddr) {
        if let Some(record) = &mut self.record {
            record.client = client;
        }
    }

    /// A pod is asked.
    pub(super) fn tried(&mut self, pod: std::net::SocketAddr) {
        if let Some(record) = &mut self.record {
            record.pods.push(pod);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let took = clock::now().saturating_since(self.started);
        let received = self.received.as_ref().map_or(0, |count| count.load(Ordering::Relaxed));
        let Ledger { metrics, log } = &*self.ledger;
        metrics.request(self.status, took, self.ingress.as_ref());
        metrics.octets(received, self.sent);
        if let (Some(log), Some(record)) = (log, &mut self.record) {
            record.status = self.status.as_u16();
            record.took = took;
            (record.received, record.sent) = (received, self.sent);
            record.ingress = self.ingress.take();
            log(record);
        }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("status", &self.status).finish_non_exhaustive()
    }
}
