//! What the operator decides about nginx.

use core::net::{Ipv4Addr, SocketAddr};
use std_alloc::{vec, vec::Vec};

use super::{Target, Text};

/// How nginx is set up around the routes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// Where it listens for plain HTTP. Default: port 80 of every IPv4 address.
    pub listen: Vec<SocketAddr>,
    /// Where it listens for HTTPS. Default: port 443 of every IPv4 address; nothing without `certificates`.
    pub listen_tls: Vec<SocketAddr>,
    /// The directory in which [`File`](super::File)s will lie, as nginx sees it. Default: none, so no HTTPS.
    pub certificates: Option<Text>,
    /// A directory for everything that nginx writes, so that it needs no rights elsewhere. Default: where it was built
    /// to write.
    pub directory: Option<Text>,
    /// Which nginx it is. Default: 1.22.1.
    pub target: Target,
    /// How many workers; `None`: one for each CPU. Default: none.
    pub workers: Option<u32>,
    /// How many Services have an upstream of their own. Default: 1,000. The pods of further ones stand in tables, which
    /// nginx reads a hundred times as fast; connections to those are not kept, and none is remembered as dead. Services
    /// whose clients keep their pod always have an upstream.
    pub upstreams: usize,
    /// Octets of a request's body, unless the route says otherwise. Default: 1 MiB.
    pub max_body: u64,
}

impl Default for Config {
    fn default() -> Self {
        let every = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        Self {
            listen: vec![every(80)],
            listen_tls: vec![every(443)],
            certificates: None,
            directory: None,
            target: Target::default(),
            workers: None,
            upstreams: 1_000,
            max_body: 1 << 20,
        }
    }
}
