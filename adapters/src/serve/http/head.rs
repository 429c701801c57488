//! Heads of requests and responses on their way through.

use hyper::{
    HeaderMap, Method, Request, Version,
    ext::Protocol,
    header::{
        CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING,
        UPGRADE,
    },
};
use std::borrow::Cow;
use svckit::ingress::{is_dangerous, is_hop_by_hop, is_listed, may_upgrade};

use super::{Config, peer};

/// The target as it stood in the request line, as far as the parser has kept it; of HTTP/2, `:path`.
pub(super) fn target<B>(request: &Request<B>) -> Cow<'_, str> {
    let uri = request.uri();
    match (uri.scheme(), uri.path_and_query()) {
        (_, Some(path)) if request.version() == Version::HTTP_2 => path.as_str().into(),
        (None, Some(path)) => path.as_str().into(),
        _ => uri.to_string().into(),
    }
}

/// The hosts that a request names, at most two of them: values of `Host`, and `:authority` when it differs.
pub(super) fn hosts<'r, B>(
    request: &'r Request<B>,
    hosts: &'r mut [&'r [u8]; 2],
) -> &'r [&'r [u8]] {
    let given = request.headers().get_all(HOST).iter().map(HeaderValue::as_bytes);
    let authority = request.uri().authority().filter(|_| request.version() == Version::HTTP_2);
    let authority = authority.map(|authority| authority.as_str().as_bytes());
    let mut found = 0;
    for host in authority.into_iter().chain(given) {
        let same = authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host));
        if found > 0 && same {
            continue;
        }
        let Some(place) = hosts.get_mut(found) else { break };
        *place = host;
        found += 1;
    }
    hosts.get(..found).unwrap_or_default()
}

/// Why the framing of a request is refused: two servers could see its end in two places.
pub(super) fn bad_framing<B>(request: &Request<B>) -> Option<&'static str> {
    let headers = request.headers();
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    let encoding = encodings.next();
    let lengths = headers.get_all(CONTENT_LENGTH).iter().count();
    // Of the two together the parser drops the length, and it ends the connection.
    if lengths > 1 || encodings.next().is_some() {
        return Some("framed more than once");
    }
    let encoding = encoding?;
    if request.version() != Version::HTTP_11 {
        return Some("Transfer-Encoding outside HTTP/1.1");
    }
    let chunked = encoding.as_bytes().eq_ignore_ascii_case(b"chunked");
    (!chunked).then_some("a Transfer-Encoding other than chunked")
}

/// The protocol to which a request may switch its connection: WebSocket, or one that the configuration names.
pub(super) fn upgrade<B>(request: &Request<B>, config: &Config) -> Option<HeaderValue> {
    if request.method() == Method::CONNECT {
        let protocol = request.extensions().get::<Protocol>()?;
        // RFC 8441: what is a GET with an upgrade in HTTP/1.1.
        let websocket = may_upgrade(b"GET", protocol.as_str().as_bytes());
        return websocket.then_some(HeaderValue::from_static("websocket"));
    }
    let headers = request.headers();
    let mut upgrades = headers.get_all(UPGRADE).iter();
    let (asked, other) = (upgrades.next()?, upgrades.next());
    let listed =
        headers.get_all(CONNECTION).iter().any(|value| is_listed(value.as_bytes(), "upgrade"));
    if !listed || other.is_some() || request.version() != Version::HTTP_11 {
        return None;
    }
    if may_upgrade(request.method().as_str().as_bytes(), asked.as_bytes()) {
        return Some(HeaderValue::from_static("websocket"));
    }
    let named =
        |name: &String| name != "h2c" && asked.as_bytes().eq_ignore_ascii_case(name.as_bytes());
    let get = request.method() == Method::GET;
    (get && config.upgrades.iter().any(named)).then(|| asked.clone())
}

/// Takes away what belongs to one connection, and what strangers may not say.
pub(super) fn strip(headers: &mut HeaderMap) {
    let mut listed: Option<HeaderValue> = None;
    let mut several = Vec::new();
    for value in headers.get_all(CONNECTION) {
        let plain = |word: &[u8]| value.as_bytes().eq_ignore_ascii_case(word);
        if plain(b"close") || plain(b"keep-alive") || plain(b"upgrade") {
            continue;
        }
        match &listed {
            None => listed = Some(value.clone()),
            Some(_) => several.push(value.clone()),
        }
    }
    let named = |name: &HeaderName| {
        let mut lists = listed.iter().chain(&several);
        lists.any(|list| is_listed(list.as_bytes(), name.as_str()))
    };
    let goes = |name: &HeaderName| {
        is_hop_by_hop(name.as_str())
            || is_dangerous(name.as_str())
            || peer::is_disguised(name)
            || named(name)
    };
    // Most heads have one such header, or none.
    while let Some(name) = headers.keys().find(|name| goes(name)).cloned() {
        headers.remove(name);
    }
}

/// Whether the client takes trailers, which gRPC can't do without.
pub(super) fn takes_trailers(headers: &HeaderMap) -> bool {
    headers.get_all(TE).iter().any(|value| is_listed(value.as_bytes(), "trailers"))
}

/// Asks for trailers.
pub(super) fn ask_for_trailers(headers: &mut HeaderMap) {
    headers.insert(TE, HeaderValue::from_static("trailers"));
}

/// Asks for an upgrade, or agrees to it.
pub(super) fn switch(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// Makes one line of several cookies, as HTTP/1.1 has it (RFC 9113 8.2.3).
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(COOKIE).iter();
    let (Some(first), Some(second)) = (cookies.next(), cookies.next()) else { return };
    let mut joined = first.as_bytes().to_vec();
    for cookie in std::iter::once(second).chain(cookies) {
        joined.extend(b"; ");
        joined.extend(cookie.as_bytes());
    }
    // Pieces of header values are header values.
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        headers.insert(COOKIE, joined);
    }
}
