//! The way of a request to a pod, and to another one when the first does not take it.

use hyper::{Method, Request, Response, StatusCode, Uri, body::Incoming, http::uri::Scheme};
use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::timeout;

use super::{
    Proxy,
    download::Lease,
    ledger::Entry,
    line::{Address, Answered, Line, trunk},
    plan::Order,
    upload::{Cut, Upload},
};

/// A pod's answer, and the connection it came on unless that is shared.
pub(super) struct Reply {
    pub(super) response: Response<Incoming>,
    pub(super) pod: SocketAddr,
    pub(super) lease: Option<Lease>,
}

/// Why there is no answer of a pod.
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) why: String,
}

/// The outcome of one try.
enum Try {
    Replied(Reply),
    /// Nothing of the request was taken, so another pod may have it.
    Unsent(Request<Upload>, Failure),
    Failed(Failure),
}

impl Proxy {
    /// Sends a request to the first pod that takes it.
    pub(super) async fn send(
        &self,
        mut request: Request<Upload>,
        order: &Order,
        entry: &mut Entry,
    ) -> Result<Reply, Failure> {
        let mut last = None;
        for pod in order.picked.backends.iter().copied().take(self.config.tries.max(1)) {
            if last.is_some() {
                self.ledger.metrics.repeated.fetch_add(1, Ordering::Relaxed);
            }
            entry.tried(pod);
            let at = Address { pod, tls: order.protocol.is_tls() };
            let tried = if order.protocol.is_http2() {
                self.by_trunk(request, at, order).await
            } else {
                self.by_line(request, at, order).await
            };
            match tried {
                Try::Replied(reply) => return Ok(reply),
                Try::Failed(failure) => return Err(failure),
                Try::Unsent(unsent, failure) => (request, last) = (unsent, Some(failure)),
            }
        }
        let none = || Failure::new(StatusCode::BAD_GATEWAY, "no connection to a pod");
        Err(last.unwrap_or_else(none))
    }

    /// Over HTTP/1.1: on an old connection, or on a new one.
    async fn by_line(&self, mut request: Request<Upload>, at: Address, order: &Order) -> Try {
        let patience = order.options.limits.read.unwrap_or(self.config.response_timeout);
        if let Some(line) = self.pool.take(at) {
            // The pod may be closing it just now; what can be asked twice is asked again then.
            let spare = is_repeatable(&request).then(|| copy(&request));
            match (self.on(line, request, at, patience).await, spare) {
                (Try::Failed(failure), Some(spare))
                    if failure.status == StatusCode::BAD_GATEWAY =>
                {
                    request = spare;
                }
                (Try::Unsent(unsent, _), _) => request = unsent,
                (tried, _) => return tried,
            }
        }
        let connect = order.options.limits.connect.unwrap_or(self.config.connect_timeout);
        let start = Instant::now();
        match Line::open(at, connect, &self.config).await {
            Ok(line) => {
                self.opened(at.pod, order, start);
                self.on(line, request, at, patience).await
            }
            Err(error) => self.unreachable(request, at.pod, order, &error),
        }
    }

    async fn on(
        &self,
        mut line: Line,
        request: Request<Upload>,
        at: Address,
        patience: Duration,
    ) -> Try {
        let pod = at.pod;
        let counter = request.body().counter();
        match wait(line.exchange(request), patience, counter, pod).await {
            Ok(Ok(response)) => {
                let pool = self.pool.clone();
                let lease = Lease { at, line, pool, most: self.config.idle };
                Try::Replied(Reply { response, pod, lease: Some(lease) })
            }
            Ok(Err(mut error)) => match error.take_message() {
                Some(unsent) => Try::Unsent(unsent, Failure::of(pod, error.error())),
                None => Try::Failed(Failure::of(pod, error.error())),
            },
            Err(late) => Try::Failed(late),
        }
    }

    /// Over HTTP/2, on a connection that others use as well.
    async fn by_trunk(&self, request: Request<Upload>, at: Address, order: &Order) -> Try {
        let pod = at.pod;
        let patience = order.options.limits.read.unwrap_or(self.config.response_timeout);
        let connect = order.options.limits.connect.unwrap_or(self.config.connect_timeout);
        let start = Instant::now();
        let mut shared = match self.pool.trunk(at) {
            Some(shared) => shared,
            None => match trunk(at, connect, &self.config).await {
                Ok(fresh) => {
                    self.opened(pod, order, start);
                    self.pool.share(at, fresh.clone());
                    fresh
                }
                Err(error) => return self.unreachable(request, pod, order, &error),
            },
        };
        if let Err(error) = shared.ready().await {
            return Try::Unsent(request, Failure::of(pod, &error));
        }
        let counter = request.body().counter();
        match wait(shared.try_send_request(absolute(request, at.tls)), patience, counter, pod).await
        {
            Ok(Ok(response)) => Try::Replied(Reply { response, pod, lease: None }),
            Ok(Err(mut error)) => match error.take_message() {
                Some(unsent) => Try::Unsent(unsent, Failure::of(pod, error.error())),
                None => Try::Failed(Failure::of(pod, error.error())),
            },
            Err(late) => Try::Failed(late),
        }
    }

    fn opened(&self, pod: SocketAddr, order: &Order, start: Instant) {
        self.ledger.metrics.opened.fetch_add(1, Ordering::Relaxed);
        self.hear.iter().for_each(|hear| hear(pod, &order.picked, Some(start.elapsed())));
    }

    fn unreachable(
        &self,
        request: Request<Upload>,
        pod: SocketAddr,
        order: &Order,
        error: &io::Error,
    ) -> Try {
        self.ledger.metrics.unreachable.fetch_add(1, Ordering::Relaxed);
        self.hear.iter().for_each(|hear| hear(pod, &order.picked, None));
        let status = match error.kind() {
            io::ErrorKind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        Try::Unsent(request, Failure::new(status, format!("{pod}: {error}")))
    }
}

/// Waits for the head of an answer; the clock starts anew while a body is on its way to the pod.
async fn wait(
    exchange: impl Future<Output = Answered>,
    patience: Duration,
    sent: Option<Arc<AtomicU64>>,
    pod: SocketAddr,
) -> Result<Answered, Failure> {
    let mut exchange = pin!(exchange);
    let moved = || sent.as_ref().map_or(0, |sent| sent.load(Ordering::Relaxed));
    loop {
        let before = moved();
        if let Ok(answered) = timeout(patience, exchange.as_mut()).await {
            return Ok(answered);
        }
        if moved() == before {
            let why = format!("{pod} has not answered within {patience:?}");
            return Err(Failure::new(StatusCode::GATEWAY_TIMEOUT, why));
        }
    }
}

/// Whether a request may reach a pod twice without anybody noticing (RFC 9110 9.2.2), and can: its body is gone once
/// it has been sent.
fn is_repeatable(request: &Request<Upload>) -> bool {
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    harmless && request.body().is_empty()
}

/// The same request, which has no body.
fn copy(request: &Request<Upload>) -> Request<Upload> {
    let mut copy = Request::new(Upload::none());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// HTTP/2 names scheme and host in the target.
fn absolute(mut request: Request<Upload>, tls: bool) -> Request<Upload> {
    let host = request.headers_mut().remove(hyper::header::HOST);
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(if tls { Scheme::HTTPS } else { Scheme::HTTP });
    parts.authority = host.and_then(|host| host.as_bytes().try_into().ok());
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    *request.version_mut() = hyper::Version::HTTP_2;
    request
}

impl Failure {
    fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }

    /// What an error on a connection means: a client's broken body is not the pod's fault.
    fn of(pod: SocketAddr, error: &hyper::Error) -> Self {
        let status = match Cut::of(error) {
            Some(Cut::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Some(Cut::Stalled) => StatusCode::REQUEST_TIMEOUT,
            Some(Cut::Broken(_)) => StatusCode::BAD_REQUEST,
            None => return Self::new(StatusCode::BAD_GATEWAY, format!("{pod}: {error}")),
        };
        Self::new(status, Cut::of(error).map(ToString::to_string).unwrap_or_default())
    }
}
