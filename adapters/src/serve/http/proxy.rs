//! One request on its way through.

use arc_swap::ArcSwap;
use http_body_util::Either;
use hyper::{
    Method, Request, Response, StatusCode, Version,
    body::Incoming,
    header::{CONNECTION, EXPECT, HOST, HeaderName, HeaderValue, RETRY_AFTER, SERVER, SET_COOKIE},
    upgrade::OnUpgrade,
};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use svckit::ingress::{Busy, Rates, Routes};

use super::{
    Config, Hear, Log, Metrics, Pick,
    answer::{Body, NAME, answer},
    connection::Guard,
    cors,
    download::Download,
    head,
    ledger::{Chair, Entry, Ledger},
    peer::{self, Client, Peer},
    plan::{Order, plan},
    pool::Pool,
    send::Reply,
    upgrade,
    upload::Upload,
};
use crate::{clock, serve::limits::Room};

const ACCEPT: HeaderName = HeaderName::from_static("sec-websocket-accept");
const KEY: HeaderName = HeaderName::from_static("sec-websocket-key");

/// Clients whose rates are remembered at once.
const CLIENTS: usize = 100_000;

/// What all connections of clients share: routes, connections to pods, numbers.
pub struct Proxy {
    pub(super) routes: Arc<ArcSwap<Routes>>,
    pub(super) pick: Arc<Pick>,
    pub(super) hear: Option<Arc<Hear>>,
    pub(super) config: Config,
    pub(super) pool: Arc<Pool>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) room: Room,
    rates: Mutex<Rates>,
    busy: Arc<Mutex<Busy>>,
}

/// The client's side of an upgrade that it has asked for.
struct Wish {
    protocol: HeaderValue,
    client: OnUpgrade,
    /// It came with CONNECT, over HTTP/2.
    tunnel: bool,
}

impl Proxy {
    /// A proxy for the routes of the moment, which may be replaced at any time.
    #[must_use]
    pub fn new(routes: Arc<ArcSwap<Routes>>, pick: Arc<Pick>, config: Config) -> Self {
        let room = Room::new(config.connections);
        let rates = Mutex::new(Rates::new(CLIENTS, clock::seed()));
        let busy = Arc::new(Mutex::new(Busy::new(clock::seed())));
        let (pool, ledger) = (Arc::default(), Arc::default());
        Self { routes, pick, hear: None, config, pool, ledger, room, rates, busy }
    }

    /// The same, which tells `log` about each request when it is over.
    #[must_use]
    pub fn with_log(self, log: Arc<Log>) -> Self {
        let ledger = Arc::new(Ledger { log: Some(log), ..Ledger::default() });
        Self { ledger, ..self }
    }

    /// The same, which lets `hear` know which pods can be reached, so that others are picked instead of those that can't.
    #[must_use]
    pub fn with_hearer(self, hear: Arc<Hear>) -> Self {
        Self { hear: Some(hear), ..self }
    }

    /// What it has done so far.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.ledger.metrics
    }

    /// Closes connections to pods that nobody uses.
    pub(super) fn forget_idle(&self) {
        self.pool.forget_idle(self.config.keep_idle);
    }

    /// Answers one request.
    pub(super) async fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: &Peer,
        guard: &Guard,
    ) -> Response<Body> {
        let mut entry = Entry::open(&self.ledger, &request, peer.addr);
        if let Some(why) = head::bad_framing(&request) {
            return own(entry, answer(StatusCode::BAD_REQUEST, why));
        }
        if request.version() == Version::HTTP_2 {
            head::join_cookies(request.headers_mut());
        }
        let client = peer.client(request.headers(), &self.config);
        entry.set_client(client.addr);
        let planned = plan(&self.routes.load(), &*self.pick, &request, client);
        let mut order = match planned {
            Ok(order) => order,
            Err(response) => return own(entry, *response),
        };
        if let Err(wait) = self.within_rates(&order, client) {
            return own(entry, too_many(wait));
        }
        if let Some(most) = order.options.concurrency
            && let Some(ingress) = &order.ingress
        {
            match Chair::take(&self.busy, ingress, client.addr, most) {
                Some(chair) => entry.seat(chair),
                None => return own(entry, too_many(Duration::from_secs(1))),
            }
        }
        let wish = Wish::of(&mut request, &self.config);
        let request = self.forward(request, &order, peer, wish.as_ref());
        entry.set_route(order.ingress.take(), request.body().counter());
        entry.hold(order.picked.connection.take());
        match self.send(request, &order, &mut entry).await {
            Ok(reply) => self.pass_back(reply, &order, wish, entry, guard),
            Err(failure) => own(entry, answer(failure.status, failure.why)),
        }
    }

    /// Whether the client may ask now; else how long it has to wait.
    fn within_rates(&self, order: &Order, client: Client) -> Result<(), Duration> {
        let (limits, Some(ingress)) = (&order.options.rates, &order.ingress) else { return Ok(()) };
        if limits.is_empty() {
            return Ok(());
        }
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        limits.iter().try_for_each(|limit| rates.admit(ingress, client.addr, limit, now))
    }

    /// The request as the pod gets it.
    fn forward(
        &self,
        request: Request<Incoming>,
        order: &Order,
        peer: &Peer,
        wish: Option<&Wish>,
    ) -> Request<Upload> {
        let (mut head, body) = request.into_parts();
        let headers = &mut head.headers;
        // The authority of an absolute target replaces the header; HTTP/2 has no other.
        let authority = head.uri.authority();
        if let Some(host) = authority.and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
            headers.insert(HOST, host);
        }
        let trailers = order.protocol.is_http2() && head::takes_trailers(headers);
        head::strip(headers);
        // Whoever reads the body has told the client to go on.
        headers.remove(EXPECT);
        peer.write(headers);
        if trailers {
            head::ask_for_trailers(headers);
        }
        if let Some(wish) = wish {
            head::switch(headers, wish.protocol.clone());
            if wish.tunnel {
                head.method = Method::GET;
                headers.insert(KEY, nonce());
            }
        }
        let options = &order.options;
        if let Some(host) = options.upstream_host.as_deref().and_then(|host| host.parse().ok()) {
            headers.insert(HOST, host);
        }
        if let Some(prefix) = options.forwarded_prefix.as_deref().and_then(|it| it.parse().ok()) {
            peer::prefix(headers, prefix);
        }
        let tunnel = wish.is_some_and(|wish| wish.tunnel);
        let body = if tunnel {
            Upload::none()
        } else {
            Upload::new(body, options.limits.max_body, self.config.body_timeout)
        };
        let mut request = Request::new(body);
        *request.method_mut() = head.method;
        *request.uri_mut() = order.target.clone().into();
        *request.headers_mut() = head.headers;
        request
    }

    /// A pod's response as the client gets it.
    fn pass_back(
        &self,
        reply: Reply,
        order: &Order,
        wish: Option<Wish>,
        mut entry: Entry,
        guard: &Guard,
    ) -> Response<Body> {
        let Reply { mut response, pod, mut lease } = reply;
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let on_pod = switched.then(|| hyper::upgrade::on(&mut response));
        let (mut head, body) = response.into_parts();
        head::strip(&mut head.headers);
        head.headers.entry(SERVER).or_insert(NAME);
        if let Some(cors) = &order.options.cors {
            cors::allow(&mut head.headers, cors, order.origin.as_ref());
        }
        if let (Some(affinity), Some((key, true))) = (&order.options.affinity, order.kept)
            && let Ok(cookie) = affinity.set_cookie(key, order.https).parse()
        {
            head.headers.append(SET_COOKIE, cookie);
        }
        if let Some(on_pod) = on_pod {
            let Some(wish) = wish else {
                // Nobody has asked for it.
                let why = format!("{pod} has switched protocols");
                return own(entry, answer(StatusCode::BAD_GATEWAY, why));
            };
            if wish.tunnel {
                head.status = StatusCode::OK;
                head.headers.remove(ACCEPT);
            } else {
                head::switch(&mut head.headers, wish.protocol);
            }
            if let Some(lease) = lease.take() {
                lease.line.let_go();
            }
            let idle = self.config.upgrade_timeout;
            let (chair, ledger) = (entry.stand_up(), self.ledger.clone());
            upgrade::connect(wish.client, on_pod, idle, (guard.clone(), chair), ledger);
        }
        entry.set_status(head.status);
        let patience = order.options.limits.read.unwrap_or(self.config.response_timeout);
        let mut response = Response::new(Either::Left(Download::new(body, lease, patience, entry)));
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        response
    }
}

impl Wish {
    /// The upgrade that a request asks for, if it may have it.
    fn of(request: &mut Request<Incoming>, config: &Config) -> Option<Self> {
        let protocol = head::upgrade(request, config)?;
        let tunnel = request.method() == Method::CONNECT;
        Some(Self { protocol, client: hyper::upgrade::on(request), tunnel })
    }
}

/// The client has asked too often.
fn too_many(wait: Duration) -> Response<Body> {
    let mut response = answer(StatusCode::TOO_MANY_REQUESTS, "more than this client may ask");
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

/// Enters an answer of our own. Nothing more is read from a client that could not be understood, or has not said all.
fn own(mut entry: Entry, mut response: Response<Body>) -> Response<Body> {
    entry.set_status(response.status());
    if matches!(response.status().as_u16(), 400 | 408 | 413) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Sixteen random octets in base64, for a WebSocket whose client has not sent any: over HTTP/2 nobody needs them.
fn nonce() -> HeaderValue {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |_| DIGITS.get(clock::entropy() as usize % 64).copied().unwrap_or(b'A');
    let mut text: Vec<u8> = (0..21).map(digit).collect();
    // The last digit stands for two bits only.
    text.extend(b"A==");
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("AAAAAAAAAAAAAAAAAAAAAA=="))
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("config", &self.config).finish_non_exhaustive()
    }
}
