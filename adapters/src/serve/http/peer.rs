//! Who asks, and what servers behind the proxy are told about it.

use hyper::{
    HeaderMap,
    header::{HOST, HeaderName, HeaderValue},
    http::uri::PathAndQuery,
};
use std::net::{IpAddr, SocketAddr};

use super::Config;

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const SCHEME: HeaderName = HeaderName::from_static("x-forwarded-scheme");
const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Headers that only a trusted client may send.
const CLAIMS: [HeaderName; 8] = [FORWARDED, FOR, PROTO, X_HOST, X_PORT, SCHEME, PREFIX, REAL_IP];

/// The other end of a connection; what is written for each request is made once.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) addr: IpAddr,
    pub(super) https: bool,
    /// Whether what it says about its own client counts.
    trusted: bool,
    ip: HeaderValue,
    port: HeaderValue,
}

/// Who asks, as far as that can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) addr: IpAddr,
    pub(super) https: bool,
}

impl Peer {
    /// The peer of a connection that came to `local`.
    pub(super) fn new(
        peer: SocketAddr,
        local: Option<SocketAddr>,
        https: bool,
        config: &Config,
    ) -> Self {
        let addr = peer.ip().to_canonical();
        let port = local.map_or(0, |local| local.port());
        Self {
            addr,
            https,
            trusted: config.trusts(addr),
            // Addresses are always header values.
            ip: addr.to_string().parse().unwrap_or(HeaderValue::from_static("unknown")),
            port: port.into(),
        }
    }

    /// Who asks: the last one in `X-Forwarded-For` that is no proxy of ours, when the peer is one.
    pub(super) fn client(&self, headers: &HeaderMap, config: &Config) -> Client {
        if !self.trusted {
            return Client { addr: self.addr, https: self.https };
        }
        let lists = headers.get_all(FOR);
        let named: Vec<IpAddr> = lists
            .iter()
            .filter_map(|list| list.to_str().ok())
            .flat_map(|list| list.split(','))
            .map_while(|item| item.trim().parse().ok())
            .collect();
        let stranger = named.iter().rev().find(|addr| !config.trusts(**addr));
        let addr = stranger.or_else(|| named.first()).map_or(self.addr, IpAddr::to_canonical);
        let said = headers.get(PROTO).map(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
        Client { addr, https: said.unwrap_or(self.https) }
    }

    /// Tells the server behind the proxy who asks, and for which host.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let chain = headers.get(FOR).filter(|_| self.trusted).and_then(|chain| self.after(chain));
        if !self.trusted {
            for name in CLAIMS {
                headers.remove(name);
            }
        }
        headers.insert(FOR, chain.unwrap_or_else(|| self.ip.clone()));
        if let Some(host) = headers.get(HOST).cloned() {
            headers.entry(X_HOST).or_insert(host);
        }
        headers.entry(REAL_IP).or_insert_with(|| self.ip.clone());
        headers.entry(X_PORT).or_insert_with(|| self.port.clone());
        let proto = if self.https { "https" } else { "http" };
        headers.entry(PROTO).or_insert(HeaderValue::from_static(proto));
    }

    /// The chain of proxies with ours at its end.
    fn after(&self, chain: &HeaderValue) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&[chain.as_bytes(), b", ", self.ip.as_bytes()].concat()).ok()
    }
}

/// Sets `X-Forwarded-Prefix`.
pub(super) fn prefix(headers: &mut HeaderMap, value: HeaderValue) {
    headers.insert(PREFIX, value);
}

/// Whether a header is another spelling of one that only trusted clients may send: programs that turn headers into
/// variables can't tell `X_Forwarded_For` from `X-Forwarded-For`.
pub(super) fn is_disguised(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    let same = |claim: &HeaderName| {
        let claim = claim.as_str().as_bytes();
        let plain = |byte: u8| if byte == b'_' { b'-' } else { byte };
        claim.len() == name.len()
            && claim.iter().zip(name).all(|(claim, given)| *claim == plain(*given))
    };
    name.contains(&b'_') && CLAIMS.iter().any(same)
}

/// A path, and the query that it came with.
pub(super) fn target(path: &str, query: Option<&str>) -> Option<PathAndQuery> {
    match query {
        None => PathAndQuery::try_from(path).ok(),
        Some(query) => PathAndQuery::try_from([path, "?", query].concat()).ok(),
    }
}
