//! What becomes of a request: the core's decision, and what it takes to carry it out.

use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri, Version,
    body::Incoming,
    header::{CONTENT_LENGTH, HeaderValue, ORIGIN},
    http::uri::PathAndQuery,
};
use std::sync::Arc;
use svckit::{
    ingress::{
        Answer, Backend, Circumstances, Forward, PodProtocol, RequestHead, RouteOptions, Routes,
        Scratch, Target,
    },
    model::NamespacedName,
};

use super::{
    Asked, Pick,
    answer::{Body, answer, redirect, status},
    cors, head,
    peer::{self, Client},
};
use crate::{clock, serve::balancer::Picked};

/// A request that a pod gets.
pub(super) struct Order {
    /// The pods to try.
    pub(super) picked: Picked,
    pub(super) target: PathAndQuery,
    pub(super) options: Arc<RouteOptions>,
    /// What the pods speak.
    pub(super) protocol: PodProtocol,
    /// The number by which the client keeps its pod, and whether it has just been given one.
    pub(super) kept: Option<(u64, bool)>,
    pub(super) ingress: Option<NamespacedName>,
    /// The client asked encrypted.
    pub(super) https: bool,
    /// The page that asks, if browsers are to be told whether it may.
    pub(super) origin: Option<HeaderValue>,
}

/// What becomes of a request.
///
/// # Errors
///
/// An answer of our own.
pub(super) fn plan(
    routes: &Routes,
    pick: &Pick,
    request: &Request<Incoming>,
    client: Client,
) -> Result<Order, Box<Response<Body>>> {
    let target = head::target(request);
    let mut hosts: [&[u8]; 2] = Default::default();
    let asked = RequestHead {
        method: method(request),
        target: target.as_bytes(),
        hosts: head::hosts(request, &mut hosts),
        http_1_0: request.version() == Version::HTTP_10,
    };
    let mut scratch = Scratch::default();
    let asked = asked
        .canonical(routes.path_policy(), &mut scratch)
        .map_err(|error| Box::new(answer(status(error.status()), error)))?;
    let headers = request.headers();
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let with = Circumstances {
        client: client.addr,
        method: method(request),
        https: client.https,
        body: length(headers),
        header: &header,
        roll: clock::entropy(),
    };
    let Forward { backend, path, options, protocol, ingress } = match routes.answer(&asked, &with) {
        Answer::Forward(forward) => forward,
        Answer::Redirect { status: number, location } => {
            return Err(Box::new(redirect(status(number), &location)));
        }
        Answer::Preflight(cors) => return Err(Box::new(cors::preflight(cors, headers))),
        Answer::Refuse { status: number, why } => {
            return Err(Box::new(answer(status(number), why)));
        }
    };
    let kept = options.affinity.as_ref().map(|affinity| {
        let given = header("cookie").and_then(|cookies| affinity.key(cookies));
        given.map_or_else(|| (clock::entropy(), true), |key| (key, false))
    });
    let picked = pods(pick, backend, client, kept.map(|(key, _)| key))?;
    let query = match asked.target {
        Target::Path { query, .. } => query,
        Target::Host => None,
    };
    let bad = || Box::new(answer(StatusCode::BAD_REQUEST, "the path can't stand in a request"));
    let target = as_it_came(request.uri(), &path, query).ok_or_else(bad)?;
    let asks = options.cors.as_ref().and_then(|_| headers.get(ORIGIN));
    Ok(Order {
        picked,
        target,
        options: options.clone(),
        protocol,
        kept,
        https: client.https,
        ingress: ingress.cloned(),
        origin: asks.cloned(),
    })
}

/// The pods behind a backend.
fn pods(
    pick: &Pick,
    backend: &Backend,
    client: Client,
    key: Option<u64>,
) -> Result<Picked, Box<Response<Body>>> {
    let refuse = |why| Box::new(answer(StatusCode::SERVICE_UNAVAILABLE, why));
    let Backend::Service(service) = backend else {
        return Err(refuse(format!("{backend} is not served here")));
    };
    let picked = pick(&Asked { backend: service, client: client.addr, key });
    let some = picked.filter(|picked| !picked.backends.is_empty());
    some.ok_or_else(|| refuse(format!("{backend} has no endpoints")))
}

/// A WebSocket over HTTP/2 asks with CONNECT (RFC 8441) for what is a GET otherwise.
fn method(request: &Request<Incoming>) -> &[u8] {
    let websocket = request.extensions().get::<hyper::ext::Protocol>().is_some();
    if websocket { b"GET" } else { request.method().as_str().as_bytes() }
}

/// The octets of a body, when they are known.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Path and query: those of the request, which need not be checked again, when they are the same.
fn as_it_came(uri: &Uri, path: &str, query: Option<&str>) -> Option<PathAndQuery> {
    let given = uri.path_and_query()?;
    if given.path() == path && given.query() == query {
        return Some(given.clone());
    }
    peer::target(path, query)
}
