//! One connection of a client, from its first byte to its last.
//!
//! ```text
//! TCP ──▶ (TLS: the name chooses the certificate) ──▶ HTTP/1.1, or HTTP/2 by ALPN or from the first byte
//! ```
//!
//! No client may wait forever: for its handshake, for a head, within a body, with reading an answer, or without
//! asking anything.

use hyper::{
    Request,
    body::Incoming,
    rt::{Read, Write},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, watch},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{Proxy, patience::Patient, peer::Peer};

/// What HTTP/2 starts with where nothing was agreed on before (RFC 9113 3.4): no method of HTTP/1.1 has this name.
const PREFACE: &[u8; 4] = b"PRI ";

/// Whether a server goes on; when the sender is gone, everything is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    /// What is under way may end.
    Draining,
}

/// Waits until the server goes on no more; whether what is under way may end.
pub(super) async fn stopped(phase: &mut watch::Receiver<Phase>) -> bool {
    phase.wait_for(|phase| *phase == Phase::Draining).await.is_ok()
}

/// Waits until everything is cut.
async fn cut(phase: &mut watch::Receiver<Phase>) {
    // Never true, so it ends only when nobody can say it any more.
    let _ = phase.wait_for(|_| false).await;
}

/// A place among the connections; held for as long as anything of the connection is left.
#[derive(Clone)]
pub(super) struct Guard {
    phase: watch::Receiver<Phase>,
    _place: Arc<Place>,
}

struct Place {
    proxy: Arc<Proxy>,
    _permit: OwnedSemaphorePermit,
}

impl Guard {
    pub(super) fn new(
        proxy: &Arc<Proxy>,
        permit: OwnedSemaphorePermit,
        phase: watch::Receiver<Phase>,
    ) -> Self {
        proxy.ledger.metrics.accepted.fetch_add(1, Ordering::Relaxed);
        proxy.ledger.metrics.open.fetch_add(1, Ordering::Relaxed);
        Self { phase, _place: Arc::new(Place { proxy: proxy.clone(), _permit: permit }) }
    }

    /// Waits until everything is cut.
    pub(super) async fn cut(mut self) {
        cut(&mut self.phase).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.proxy.ledger.metrics.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What all requests of a connection share.
struct Line {
    proxy: Arc<Proxy>,
    peer: Peer,
    guard: Guard,
    /// Requests that have come.
    asked: AtomicU64,
}

/// Serves one connection to its end.
pub(super) async fn serve(
    stream: TcpStream,
    client: SocketAddr,
    proxy: Arc<Proxy>,
    tls: Option<TlsAcceptor>,
    guard: Guard,
) {
    // Small answers should not wait for the client's acknowledgements; without it they only come later.
    let _ = stream.set_nodelay(true);
    let config = &proxy.config;
    let peer = Peer::new(client, stream.local_addr().ok(), tls.is_some(), config);
    let mut phase = guard.phase.clone();
    let limit = config.write_timeout;
    let handshake = config.handshake_timeout;
    let head = config.head_timeout;
    let line = Arc::new(Line { proxy, peer, guard, asked: AtomicU64::new(0) });
    let Some(tls) = tls else {
        // A client that says nothing is not waited for.
        let Some(first) = before_end(&mut phase, timeout(head, is_http2(&stream))).await else {
            return;
        };
        let Ok(Ok(http2)) = first else { return };
        return speak(Patient::new(stream, limit), http2, line, phase).await;
    };
    let accepting = timeout(handshake, tls.accept(Patient::new(stream, limit)));
    let Some(accepted) = before_end(&mut phase, accepting).await else { return };
    let Ok(Ok(stream)) = accepted else {
        line.proxy.ledger.metrics.handshakes_failed.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    speak(stream, http2, line, phase).await;
}

/// What comes of a future, unless the server stops before.
async fn before_end<T>(
    phase: &mut watch::Receiver<Phase>,
    future: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        came = future => Some(came),
        _ = stopped(phase) => None,
    }
}

/// Whether a client speaks HTTP/2 without having asked.
async fn is_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut start = [0; PREFACE.len()];
    loop {
        let seen = stream.peek(&mut start).await?;
        let seen = start.get(..seen).unwrap_or_default();
        if seen.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if seen == PREFACE || !PREFACE.starts_with(seen) {
            return Ok(seen == PREFACE);
        }
        // Looking does not take: the next look sees the same bytes until there are more.
        sleep(Duration::from_millis(5)).await;
    }
}

/// Speaks HTTP on a stream.
async fn speak<S>(stream: S, http2: bool, line: Arc<Line>, phase: watch::Receiver<Phase>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(stream);
    let config = &line.proxy.config;
    let head = config.head_timeout;
    if !http2 {
        let service = service_fn({
            let line = line.clone();
            move |request| respond(line.clone(), request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            .max_header_size(config.head_bytes)
            .serve_connection(stream, service)
            .with_upgrades();
        return run(connection, phase).await;
    }
    let watched = line.clone();
    let service = service_fn({
        let line = line.clone();
        move |request| respond(line.clone(), request)
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.streams)
        .max_header_list_size(u32::try_from(config.head_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(20))
        .enable_connect_protocol();
    let connection = builder.serve_connection(stream, service);
    drop(line);
    run_watched(connection, phase, &watched, head).await;
}

async fn respond(
    line: Arc<Line>,
    request: Request<Incoming>,
) -> Result<hyper::Response<super::answer::Body>, Infallible> {
    line.asked.fetch_add(1, Ordering::Relaxed);
    Ok(line.proxy.answer(request, &line.peer, &line.guard).await)
}

/// A connection that can be asked to end after what is under way.
trait Drain: Future {
    fn drain(self: Pin<&mut Self>);
}

impl<I, S, B> Drain for http1::UpgradeableConnection<I, S>
where
    I: Read + Write + Unpin + Send + 'static,
    S: hyper::service::HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: hyper::body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn drain(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S, B, E> Drain for http2::Connection<I, S, E>
where
    I: Read + Write + Unpin,
    S: hyper::service::HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: hyper::body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: hyper::rt::bounds::Http2ServerConnExec<S::Future, B>,
{
    fn drain(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Lets a connection go on until it ends, or the server does.
async fn run(connection: impl Drain, mut phase: watch::Receiver<Phase>) {
    let mut connection = pin!(connection);
    // A client that breaks off has nobody left to tell.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        may_end = stopped(&mut phase) => if !may_end { return },
    }
    connection.as_mut().drain();
    tokio::select! {
        biased;
        _ = connection => {}
        () = cut(&mut phase) => {}
    }
}

/// The same for HTTP/2, whose clients may be silent: one that has asked nothing for so long is asked to leave, and
/// cut off when it doesn't.
async fn run_watched(
    connection: impl Drain,
    phase: watch::Receiver<Phase>,
    line: &Arc<Line>,
    patience: Duration,
) {
    let idle = async {
        let mut before = 0;
        loop {
            sleep(patience).await;
            let asked = line.asked.load(Ordering::Relaxed);
            // Ours and the service's; each request under way has one more.
            if asked == before && Arc::strong_count(line) <= 2 {
                return;
            }
            before = asked;
        }
    };
    tokio::select! {
        () = run(connection, phase) => {}
        () = idle => {}
    }
}
