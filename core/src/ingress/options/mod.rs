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
//! | `backend-protocol`, `from-to-www-redirect`, `upstream-vhost`, `x-forwarded-prefix` | [`RouteOptions`] |
//! | `auth-*` | [`RouteOptions::needs_auth`]: the route is closed for proxies that can't ask |

mod affinity;
mod annotations;
mod canary;
mod cors;
mod rate;
mod redirect;
mod rewrite;
mod sources;
mod values;

pub use affinity::CookieAffinity;
pub(super) use annotations::read;
pub use canary::Canary;
pub use cors::Cors;
pub use rate::{RateLimit, Rates};
pub use redirect::Redirect;
pub(super) use redirect::to_https;
pub use rewrite::Rewrite;
pub(super) use rewrite::{is_special, regex};
pub use sources::SourceAcl;

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
    /// Paths are read as the few forms of regular expressions that rewriting needs.
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

/// What pods speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodProtocol {
    /// HTTP/1.1.
    #[default]
    Http,
    /// HTTP/2 without TLS from the first byte, as gRPC has it.
    H2c,
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
