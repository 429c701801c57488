//! Times and numbers of the proxy.

use ipnet::IpNet;
use std::{net::IpAddr, time::Duration};

/// Times and numbers of a [`Proxy`](super::Proxy).
///
/// Those of a route, when its Ingress has any, come before these.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How long a pod may take to accept a connection. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long a pod may take to start its answer, and to go on with it. Default: 60 s.
    pub response_timeout: Duration,
    /// How long a client may take for its TLS handshake. Default: 10 s.
    pub handshake_timeout: Duration,
    /// How long a client may take to send the head of a request; also how long an unused connection is kept open.
    /// Default: 30 s.
    pub head_timeout: Duration,
    /// How long a client may pause within the body of a request. Default: 60 s.
    pub body_timeout: Duration,
    /// How long a peer may leave what was sent to it unread. Default: 60 s.
    pub write_timeout: Duration,
    /// How long a WebSocket may be silent both ways. Default: an hour.
    pub upgrade_timeout: Duration,
    /// How many of the pods that were picked are tried before the answer is 502. Default: 3.
    pub tries: usize,
    /// How long an unused connection to a pod is kept. Default: 60 s.
    pub keep_idle: Duration,
    /// How many unused connections are kept for one pod. Default: 64.
    pub idle: usize,
    /// Clients' connections at once, over all listeners of a proxy; further ones wait in the kernel's queue.
    /// Default: 100,000.
    pub connections: usize,
    /// Octets of a request's head, and of an answer's. Larger ones get 431 and 502. Default: 32 KiB.
    pub head_bytes: usize,
    /// Requests at once on one HTTP/2 connection. Default: 128.
    pub streams: u32,
    /// Protocols besides WebSocket to which a GET may switch its connection, in lower case. Default: none. `h2c` is
    /// never passed on: it would open a tunnel past every rule.
    pub upgrades: Vec<String>,
    /// Clients that are proxies of ours: their `X-Forwarded-*` are kept and added to, and say who asks. Default: none.
    pub trusted: Vec<IpNet>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(60),
            handshake_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            upgrade_timeout: Duration::from_secs(3600),
            tries: 3,
            keep_idle: Duration::from_secs(60),
            idle: 64,
            connections: 100_000,
            head_bytes: 32 << 10,
            streams: 128,
            upgrades: Vec::new(),
            trusted: Vec::new(),
        }
    }
}

impl Config {
    /// Whether a peer is a proxy of ours.
    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted.iter().any(|net| net.contains(&peer))
    }
}
