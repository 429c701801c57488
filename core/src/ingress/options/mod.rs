//! What annotations ask of a route beside its backend.
//!
//! The names are those of `nginx.ingress.kubernetes.io/*`, which most manifests have. What is understood is read into
//! [`RouteOptions`]; what is not is a finding with a hint, never silence. An annotation that should keep somebody out
//! and can't be carried out closes the route instead of opening it.
//!
//! | annotations | here |
//! |---|---|
//! | `proxy-body-size`, `proxy-connect-timeout`, `proxy-read-timeout`, `proxy-send-timeout` | [`Limits`] |
//! | `ssl-redirect`, `force-ssl-redirect`, `permanent-redirect(-code)`, `temporal-redirect(-code)`, `app-root` | [`Redirect`] |
//! | `rewrite-target`, `use-regex` | [`Rewrite`] |
//! | `whitelist-source-range`, `allowlist-source-range`, `denylist-source-range` | [`SourceAcl`] |
//! | `enable-cors`, `cors-*` | [`Cors`] |
//! | `canary`, `canary-by-header(-value)`, `canary-by-cookie`, `canary-weight(-total)` | [`Canary`] |
//! | `affinity: cookie`, `session-cookie-name`, `-path`, `-max-age`, `-expires`, `-samesite` | [`CookieAffinity`] |
//! | `limit-rps`, `limit-rpm`, `limit-burst-multiplier` | [`RateLimit`] |
//! | `limit-connections` | [`RouteOptions::concurrency`] |
//! | `backend-protocol`, `from-to-www-redirect`, `upstream-vhost`, `x-forwarded-prefix` | [`RouteOptions`] |
//! | `auth-*` | [`RouteOptions::needs_auth`]: the route is closed for proxies that can't ask |

mod affinity;
mod annotations;
mod busy;
mod canary;
mod cors;
mod expression;
mod rate;
mod redirect;
mod rewrite;
mod sources;
mod values;

pub use affinity::CookieAffinity;
pub(super) use annotations::read;
pub use busy::{Busy, Seat};
pub use canary::Canary;
pub use cors::Cors;
pub(super) use expression::{Reading, is_special};
pub use rate::{RateLimit, Rates};
pub use redirect::Redirect;
pub(super) use redirect::to_https;
pub use rewrite::Rewrite;
pub use sources::SourceAcl;

use super::Backend;
use core::time::Duration;
use std_alloc::{sync::Arc, vec::Vec};

/// What is asked of a route beside its backend. The default asks for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RouteOptions {
    /// Sizes and times.
    pub limits: Limits,
    /// Requests are answered with another address.
    pub redirect: Option<Redirect>,
    /// Plain requests are sent to https with this status, except those for ACME challenges.
    pub https: Option<u16>,
    /// `/` is answered with 302 to this path.
    pub app_root: Option<Arc<str>>,
    /// The host with `www.` is sent to the one without, or the other way round, where only one of them has rules.
    pub www: bool,
    /// What pods speak.
    pub protocol: PodProtocol,
    /// Clients keep their pod.
    pub affinity: Option<CookieAffinity>,
    /// How many requests a client may send; all of them must be kept.
    pub rates: Vec<RateLimit>,
    /// How many requests a client may have under way at once.
    pub concurrency: Option<u32>,
    /// Paths are read as regular expressions, as far as they stand for a few paths.
    pub use_regex: bool,
    /// What becomes of the path.
    pub rewrite_target: Option<Arc<str>>,
    /// Who may ask.
    pub sources: SourceAcl,
    /// What browsers may do from other sites.
    pub cors: Option<Cors>,
    /// The Ingress takes a part of another one's requests.
    pub canary: Option<Canary>,
    /// Somebody has to prove who they are, by this annotation.
    pub needs_auth: Option<Arc<str>>,
    /// The `Host` that pods see.
    pub upstream_host: Option<Arc<str>>,
    /// The value of `X-Forwarded-Prefix`.
    pub forwarded_prefix: Option<Arc<str>>,
}

impl RouteOptions {
    /// What the pods of a backend speak: as the annotation says, else as their port does.
    #[must_use]
    pub const fn protocol_of(&self, backend: &Backend) -> PodProtocol {
        match (self.protocol, backend) {
            (PodProtocol::Http, Backend::Service(service)) => service.protocol,
            (said, _) => said,
        }
    }
}

/// What pods speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodProtocol {
    /// HTTP/1.1.
    #[default]
    Http,
    /// HTTP/2 without TLS from the first byte, as gRPC has it.
    H2c,
    /// HTTP/1.1 over TLS; the pod's certificate is not checked.
    Https,
    /// HTTP/2 over TLS, as gRPC has it; the pod's certificate is not checked.
    H2,
}

impl PodProtocol {
    /// What an `appProtocol` stands for (KEP-3726, and the names that people use).
    ///
    /// ```
    /// use svckit::ingress::PodProtocol;
    ///
    /// assert_eq!(PodProtocol::of(Some("kubernetes.io/h2c")), PodProtocol::H2c);
    /// assert_eq!(PodProtocol::of(Some("https")), PodProtocol::Https);
    /// assert_eq!(PodProtocol::of(None), PodProtocol::Http);
    /// ```
    #[must_use]
    pub fn of(app_protocol: Option<&str>) -> Self {
        match app_protocol {
            Some("kubernetes.io/h2c" | "grpc") => Self::H2c,
            Some("https") => Self::Https,
            Some("grpcs") => Self::H2,
            _ => Self::Http,
        }
    }

    /// Whether it is HTTP/2, where requests share a connection.
    #[must_use]
    pub const fn is_http2(self) -> bool {
        matches!(self, Self::H2c | Self::H2)
    }

    /// Whether it is encrypted.
    #[must_use]
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::H2)
    }
}

/// Sizes and times; `None`: as the proxy likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a request's body; larger ones get 413.
    pub max_body: Option<u64>,
    /// For a connection to a pod.
    pub connect: Option<Duration>,
    /// Between two reads from a pod, the first of which is the start of its answer.
    pub read: Option<Duration>,
    /// Between two writes to a pod.
    pub send: Option<Duration>,
}

#[cfg(test)]
mod tests;
