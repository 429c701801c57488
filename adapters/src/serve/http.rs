//! A reverse proxy for HTTP/1.1 in front of Services.
//!
//! ```text
//! client ──▶ Server ──▶ Routes::answer ──▶ pick(backend, client) ──▶ pod
//!              400, 404, 413, redirects        503                     502, 504
//! ```
//!
//! What a request means is decided in [`svckit::ingress`]; this module carries bytes. Bodies are streamed both ways,
//! connections to pods are kept for the next request, and a pod that does not accept a connection is replaced by the
//! next pick before anything has been sent. WebSocket connections are handed through.
//!
//! Requests that two servers could frame in two ways never get through as they are: the head is parsed strictly, odd
//! framings are refused, what is sent on is framed anew, and `Content-Length` beside `Transfer-Encoding` is dropped
//! and the connection closed (RFC 9112 6.1).
//!
//! # What this module doesn't do
//!
//! It ends no TLS and speaks no HTTP/2: put it behind something that does.

mod error;
mod head;
mod pool;
mod proxy;
mod upgrade;

use arc_swap::ArcSwap;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use svckit::ingress::{BackendRef, Routes};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use proxy::Proxy;

/// Chooses a pod for a backend and a client; `None`: no endpoint is ready.
pub type Pick = dyn Fn(&BackendRef, IpAddr) -> Option<SocketAddr> + Send + Sync;

/// Times and numbers of a [`Server`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How long a pod may take to accept a connection, unless the route says otherwise. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long a pod may take to start its answer, unless the route says otherwise. Default: 60 s.
    pub response_timeout: Duration,
    /// How long a client may take to send the head of a request. Default: 30 s.
    pub head_timeout: Duration,
    /// How many pods are tried before the answer is 502. Default: 3.
    pub tries: usize,
    /// How long an unused connection to a pod is kept. Default: 60 s.
    pub keep_idle: Duration,
    /// Clients that are proxies of ours: their `X-Forwarded-*` are kept and added to. Default: none.
    pub trusted: Vec<IpNet>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(60),
            head_timeout: Duration::from_secs(30),
            tries: 3,
            keep_idle: Duration::from_secs(60),
            trusted: Vec::new(),
        }
    }
}

/// A running proxy; it stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Listens on `addr` and serves the routes of the moment, with the usual [`Config`].
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
        Self::bind_with(addr, routes, pick, Config::default())
    }

    /// [`Server::bind`] with times and numbers of one's own.
    ///
    /// # Errors
    ///
    /// The address can't be listened on.
    pub fn bind_with(
        addr: SocketAddr,
        routes: Arc<ArcSwap<Routes>>,
        pick: Arc<Pick>,
        config: Config,
    ) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let local_addr = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let proxy = Arc::new(Proxy::new(routes, pick, config));
        let accepting = tokio::spawn(accept(listener, proxy, stopped));
        Ok(Self { local_addr, stop, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Accepts no more, lets requests that are under way finish for at most `grace`, and cuts what is left.
    pub async fn stop(mut self, grace: Duration) {
        // Only fails when nobody is accepting any more.
        let _ = self.stop.send(true);
        let _ = timeout(grace, &mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Takes connections until told to stop, then waits for those that are open.
async fn accept(listener: TcpListener, proxy: Arc<Proxy>, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let theirs = stopped.clone();
    let mut sweep = tokio::time::interval(proxy.config().keep_idle.max(Duration::from_secs(1)));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => {
                    connections.spawn(serve(stream, client, proxy.clone(), theirs.clone()));
                }
                // Out of descriptors: some connection will end.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
            _ = sweep.tick() => proxy.forget_idle(),
            () = told(&mut stopped) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Waits until somebody says stop, or nobody can say it any more.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Serves the requests of one connection.
async fn serve(
    stream: TcpStream,
    client: SocketAddr,
    proxy: Arc<Proxy>,
    mut stopped: watch::Receiver<bool>,
) {
    // Small answers should not wait for the client's acknowledgements; without it they only come later.
    let _ = stream.set_nodelay(true);
    let port = stream.local_addr().map_or(0, |addr| addr.port());
    let head_timeout = proxy.config().head_timeout;
    let service = hyper::service::service_fn(move |request| {
        let proxy = proxy.clone();
        async move { Ok::<_, std::convert::Infallible>(proxy.answer(request, client.ip(), port).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    // A client that breaks off has nobody left to tell.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = told(&mut stopped) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

#[cfg(test)]
mod tests;
