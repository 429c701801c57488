//! What became of each request: the access log, and numbers for Prometheus.

mod metrics;
mod record;

pub use metrics::Metrics;
pub use record::{Log, Record};

use hyper::{Request, StatusCode};
use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use svckit::{
    Time,
    balance::Connection,
    ingress::{Busy, Seat},
    model::NamespacedName,
};

use crate::clock;

/// Where requests are entered.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) metrics: Metrics,
    pub(super) log: Option<Arc<Log>>,
}

/// A place among the requests that a client may have under way; free again when this is dropped.
pub(super) struct Chair {
    busy: Arc<Mutex<Busy>>,
    seat: Option<Seat>,
}

impl Chair {
    /// A place, if the client has one left.
    pub(super) fn take(
        busy: &Arc<Mutex<Busy>>,
        ingress: &NamespacedName,
        client: IpAddr,
        most: u32,
    ) -> Option<Self> {
        let mut counts = busy.lock().unwrap_or_else(PoisonError::into_inner);
        let seat = Some(counts.enter(ingress, client, most)?);
        Some(Self { busy: busy.clone(), seat })
    }
}

impl Drop for Chair {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            self.busy.lock().unwrap_or_else(PoisonError::into_inner).leave(seat);
        }
    }
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
    /// Its place among the requests that its client may have under way.
    chair: Option<Chair>,
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
            chair: None,
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

    /// It is one of those that its client may have under way.
    pub(super) fn seat(&mut self, chair: Chair) {
        self.chair = Some(chair);
    }

    /// It goes on as something else.
    pub(super) const fn stand_up(&mut self) -> Option<Chair> {
        self.chair.take()
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
