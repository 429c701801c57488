//! A reverse proxy for HTTP in front of Services.
//!
//! ```text
//! client ──▶ Server ──▶ Proxy ──▶ Routes::answer ──▶ pick(backend, client) ──▶ pod
//!  HTTP/1.1, HTTP/2,     │ 400        403, 404, 413, redirects    503            502, 504
//!  with and without TLS  ▼
//!                     access log, metrics
//! ```
//!
//! What a request means is decided in [`svckit::ingress`]; this module carries bytes. Bodies are streamed both ways,
//! connections to pods are kept for the next request, and a pod that does not accept a connection is replaced by the
//! next one before anything has been sent. WebSocket connections are handed through. A [`Proxy`] may have several
//! listening [`Server`]s; its routes may be replaced under load, and nothing under way is dropped.
//!
//! Requests that two servers could frame in two ways never get through as they are: the head is parsed strictly, odd
//! framings are refused, what is sent on is framed anew, and `Content-Length` beside `Transfer-Encoding` is dropped
//! and the connection closed (RFC 9112 6.1).
//!
//! # What this module doesn't do
//!
//! It speaks no HTTP/3, keeps nothing in a cache, and asks nobody who somebody is.

mod answer;
mod config;
mod connection;
mod cors;
mod download;
mod head;
mod ledger;
mod line;
mod patience;
mod peer;
mod plan;
mod pool;
mod proxy;
mod send;
mod upgrade;
mod upload;

use arc_swap::ArcSwap;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use svckit::ingress::{BackendRef, Routes};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};
use tokio_rustls::TlsAcceptor;

pub use config::Config;
pub use ledger::{Log, Metrics, Record};
pub use proxy::Proxy;

use super::{balancer::Picked, listeners::listen_beside_pods, tls::Certificates};
use connection::{Guard, Phase, stopped};

/// Chooses pods for a request; `None`, or none: no endpoint is ready.
pub type Pick = dyn Fn(&Asked<'_>) -> Option<Picked> + Send + Sync;

/// Hears whether a pod of a choice accepted a connection: after so long, or not at all.
pub type Hear = dyn Fn(SocketAddr, &Picked, Option<Duration>) + Send + Sync;

/// What pods are chosen by.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// What is behind the route.
    pub backend: &'a BackendRef,
    /// Who asks.
    pub client: IpAddr,
    /// The number by which the client keeps its pod, where the route wants that.
    pub key: Option<u64>,
}

/// A listening socket of a [`Proxy`]; everything that came over it is cut when this is dropped.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    phase: watch::Sender<Phase>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Listens on `addr` without TLS and serves the routes of the moment, with the usual [`Config`].
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// The address can't be listened on.
    pub fn bind(
        addr: SocketAddr,
        routes: Arc<ArcSwap<Routes>>,
        pick: Arc<Pick>,
    ) -> io::Result<Self> {
        Self::start(addr, Arc::new(Proxy::new(routes, pick, Config::default())), None)
    }

    /// Listens on `addr` for a proxy; with certificates, for TLS.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// The address can't be listened on.
    pub fn start(
        addr: SocketAddr,
        proxy: Arc<Proxy>,
        certificates: Option<&Arc<Certificates>>,
    ) -> io::Result<Self> {
        let listener = listen_beside_pods(addr)?;
        let local_addr = listener.local_addr()?;
        let (phase, told) = watch::channel(Phase::Running);
        let tls = certificates.map(Certificates::acceptor);
        let accepting = tokio::spawn(accept(listener, proxy, tls, told));
        Ok(Self { local_addr, phase, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Accepts no more, lets requests that are under way finish for at most `grace`, and cuts what is left.
    ///
    /// Returns whether everything had finished.
    pub async fn stop(self, grace: Duration) -> bool {
        self.phase.send_replace(Phase::Draining);
        // Everything that is under way holds a receiver.
        timeout(grace, self.phase.closed()).await.is_ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Takes connections until told to stop.
async fn accept(
    listener: TcpListener,
    proxy: Arc<Proxy>,
    tls: Option<TlsAcceptor>,
    mut phase: watch::Receiver<Phase>,
) {
    let told = phase.clone();
    let mut sweep = tokio::time::interval(proxy.config.keep_idle.max(Duration::from_secs(1)) / 4);
    // One that waits for a place.
    let mut next = None;
    loop {
        tokio::select! {
            permit = proxy.room.place(), if next.is_some() => {
                let (Some((stream, client)), Some(permit)) = (next.take(), permit) else { return };
                let guard = Guard::new(&proxy, permit, told.clone());
                tokio::spawn(connection::serve(stream, client, proxy.clone(), tls.clone(), guard));
            }
            accepted = listener.accept(), if next.is_none() => match accepted {
                Ok(accepted) => next = Some(accepted),
                // Out of descriptors: some connection will end.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            _ = sweep.tick() => proxy.forget_idle(),
            _ = stopped(&mut phase) => return,
        }
    }
}

#[cfg(test)]
mod tests;
