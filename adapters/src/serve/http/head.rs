//! Heads of requests and responses on their way through.

use hyper::{
    HeaderMap, Request, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE,
    },
};
use std::net::IpAddr;
use svckit::ingress::{is_dangerous, is_hop_by_hop, is_listed, may_upgrade};

/// What servers behind the proxy are told about the client.
pub(super) struct Forwarded {
    /// Who asks.
    pub(super) client: IpAddr,
    /// The port it asked.
    pub(super) port: u16,
    /// Whether what it says about its own client counts.
    pub(super) trusted: bool,
}

/// Headers that only a trusted client may send.
const FORWARDED: [&str; 7] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-real-ip",
];

/// The target as it stood in the request line, as far as the parser has kept it.
pub(super) fn target<B>(request: &Request<B>) -> String {
    let uri = request.uri();
    match (uri.scheme(), uri.path_and_query()) {
        (None, Some(path)) => path.as_str().into(),
        _ => uri.to_string(),
    }
}

/// Why the framing of a request is refused: two servers could see its end in two places.
pub(super) fn bad_framing<B>(request: &Request<B>) -> Option<&'static str> {
    let headers = request.headers();
    let (lengths, encodings) = (
        headers.get_all(CONTENT_LENGTH).iter().count(),
        headers.get_all(TRANSFER_ENCODING).iter().count(),
    );
    // Of the two together the parser drops the length, and it ends the connection.
    if lengths > 1 || encodings > 1 {
        return Some("framed more than once");
    }
    if encodings > 0 && request.version() != Version::HTTP_11 {
        return Some("Transfer-Encoding before HTTP/1.1");
    }
    let chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    if headers.get(TRANSFER_ENCODING).is_some_and(|value| !chunked(value)) {
        return Some("a Transfer-Encoding other than chunked");
    }
    None
}

/// Whether the request asks for a WebSocket.
pub(super) fn wants_upgrade<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let listed =
        headers.get_all(CONNECTION).iter().any(|value| is_listed(value.as_bytes(), "upgrade"));
    let websocket =
        |value: &HeaderValue| may_upgrade(request.method().as_str().as_bytes(), value.as_bytes());
    let mut upgrades = headers.get_all(UPGRADE).iter();
    let only = upgrades.next().is_some_and(websocket) && upgrades.next().is_none();
    listed && only && request.version() == Version::HTTP_11
}

/// Takes away what belongs to one connection.
pub(super) fn strip(headers: &mut HeaderMap) {
    let connection: Vec<HeaderValue> = headers.get_all(CONNECTION).iter().cloned().collect();
    let goes = |name: &HeaderName| {
        let listed = |value: &HeaderValue| is_listed(value.as_bytes(), name.as_str());
        is_hop_by_hop(name.as_str()) || is_dangerous(name.as_str()) || connection.iter().any(listed)
    };
    let gone: Vec<HeaderName> = headers.keys().filter(|name| goes(name)).cloned().collect();
    for name in gone {
        headers.remove(name);
    }
}

/// Asks for an upgrade, or agrees to it.
pub(super) fn upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

impl Forwarded {
    /// Tells the server behind the proxy who asks, and for which host.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let before = headers.get("x-forwarded-for").filter(|_| self.trusted).cloned();
        if !self.trusted {
            for name in FORWARDED {
                headers.remove(name);
            }
        }
        let client = self.client.to_string();
        let chain = match before.as_ref().and_then(|before| before.to_str().ok()) {
            Some(before) => format!("{before}, {client}"),
            None => client.clone(),
        };
        set(headers, "x-forwarded-for", &chain);
        let host = headers.get(HOST).cloned();
        for (name, value) in [("x-real-ip", client), ("x-forwarded-port", self.port.to_string())] {
            if !headers.contains_key(name) {
                set(headers, name, &value);
            }
        }
        if let Some(host) = host {
            headers.entry("x-forwarded-host").or_insert(host);
        }
        headers.entry("x-forwarded-proto").or_insert(HeaderValue::from_static("http"));
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    // Addresses and numbers are always header values.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
