//! What to do with a request, options and all.
//!
//! In this order: who may ask, who has to prove it, redirects, preflight questions of browsers, sizes, and at last a
//! backend. A canary changes the backend only: whoever may not reach the stable version may not reach the other one.

use core::net::IpAddr;
use std_alloc::{borrow::Cow, format, string::String, sync::Arc};

use super::{
    Backend, Cors, Match, Outcome, PodProtocol, Request, Route, RouteOptions, Routes, Target,
    options::to_https, routes::Tier,
};
use crate::model::NamespacedName;

/// What a request brings beside its host and path.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// Who asks.
    pub client: IpAddr,
    /// `GET`.
    pub method: &'a [u8],
    /// It came encrypted, as far as that can be trusted.
    pub https: bool,
    /// The octets of its body, when they are known.
    pub body: Option<u64>,
    /// The value of a header, by its name in lower case.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// A random number: chooses among versions.
    pub roll: u64,
}

/// What to do with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer<'r> {
    /// Send it to a backend.
    Forward(Forward<'r>),
    /// Answer with another address.
    Redirect {
        /// 300 to 308.
        status: u16,
        /// The value of `Location`.
        location: String,
    },
    /// A browser asks what it may do: answer with 204 and what [`Cors`] says.
    Preflight(&'r Cors),
    /// Answer with this status.
    Refuse {
        /// 403, 404, 413 or 503.
        status: u16,
        /// Why, in a few words for the client.
        why: &'static str,
    },
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward<'r> {
    /// What is behind the route.
    pub backend: &'r Backend,
    /// The path for the pod; the query stays as it is.
    pub path: Cow<'r, str>,
    /// Sizes, times, headers.
    pub options: &'r Arc<RouteOptions>,
    /// What the backend's pods speak.
    pub protocol: PodProtocol,
    /// Whose route it is; `None`: the configured default.
    pub ingress: Option<&'r NamespacedName>,
}

impl Routes {
    /// What to do with a request.
    ///
    /// Allocates only for what it rewrites.
    #[must_use]
    pub fn answer<'r>(&'r self, request: &Request<'r>, with: &Circumstances<'_>) -> Answer<'r> {
        if let Some(answer) = self.other_host(request, with) {
            return answer;
        }
        let found = match self.route(request) {
            Outcome::Route(found) => Ok(found),
            Outcome::Default(default) => Err(default),
            Outcome::NotFound => return Answer::Refuse { status: 404, why: "no route" },
        };
        let options: &Arc<RouteOptions> = match &found {
            Ok(found) => &found.route.options,
            Err(default) => &default.options,
        };
        let (path, query) = match request.target {
            Target::Path { path, query } => (path, query),
            Target::Host => ("*", None),
        };
        if let Some(answer) = before(options, request.host.name(), path, query, with) {
            return answer;
        }
        let (backend, path, ingress) = match found {
            Ok(found) => {
                let path = rewritten(found.route, path, found.matched);
                (found.backend(with), path, Some(&found.route.ingress))
            }
            Err(default) => (&*default.backend, Cow::Borrowed(path), default.ingress.as_ref()),
        };
        let protocol = options.protocol_of(backend);
        Answer::Forward(Forward { backend, path, options, protocol, ingress })
    }
}

impl Routes {
    /// A redirect to the host with `www.`, or without, when only that one has rules and asks for this.
    fn other_host(&self, request: &Request<'_>, with: &Circumstances<'_>) -> Option<Answer<'_>> {
        let host = request.host.name();
        let Target::Path { path, query } = request.target else { return None };
        if host.is_empty() || self.tier(Tier::Exact, host).is_some() {
            return None;
        }
        let other = match host.strip_prefix("www.") {
            Some(bare) if bare.starts_with("www.") => return None,
            Some(bare) => Cow::Borrowed(bare),
            None => Cow::Owned(format!("www.{host}")),
        };
        let Outcome::Route(found) = self.lookup(&other, path) else { return None };
        if !found.route.options.www || found.route.host.as_deref() != Some(&*other) {
            return None;
        }
        let scheme = if with.https { "https" } else { "http" };
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        let location = format!("{scheme}://{other}{path}{query}");
        Some(Answer::Redirect { status: 308, location })
    }
}

impl<'r> Match<'r> {
    /// The route's backend, or that of a version which takes the request instead.
    #[must_use]
    pub fn backend(&self, with: &Circumstances<'_>) -> &'r Backend {
        let versions = || {
            let of = |(_, route): &'r (u32, Arc<Route>)| {
                Some((&*route.backend, route.options.canary.as_ref()?))
            };
            self.canaries.iter().filter_map(of)
        };
        let asked = versions().find(|(_, canary)| canary.decides(with.header) == Some(true));
        // Each has its own part of the million, one after the other.
        let mut left = with.roll % 1_000_000;
        let by_chance = || {
            let drawn = versions().find(|(_, canary)| {
                let taken = left < u64::from(canary.per_million);
                left = left.saturating_sub(u64::from(canary.per_million));
                taken
            });
            drawn.filter(|(_, canary)| canary.decides(with.header) != Some(false))
        };
        asked.or_else(by_chance).map_or(&self.route.backend, |(backend, _)| backend)
    }
}

/// What is answered without asking a backend.
fn before<'r>(
    options: &'r RouteOptions,
    host: &str,
    path: &str,
    query: Option<&str>,
    with: &Circumstances<'_>,
) -> Option<Answer<'r>> {
    let refuse = |status, why| Some(Answer::Refuse { status, why });
    if !options.sources.admits(with.client) {
        return refuse(403, "not from there");
    }
    if options.needs_auth.is_some() {
        return refuse(503, "needs a proof of identity that nobody here can check");
    }
    if let Some(status) = options.https.filter(|_| !with.https)
        && let Some(location) = to_https(host, path, query)
    {
        return Some(Answer::Redirect { status, location });
    }
    if let Some(redirect) = &options.redirect {
        let location = String::from(&*redirect.location);
        return Some(Answer::Redirect { status: redirect.status, location });
    }
    if let Some(cors) = &options.cors
        && with.method == b"OPTIONS"
        && (with.header)("access-control-request-method").is_some()
    {
        return Some(Answer::Preflight(cors));
    }
    if let Some(root) = options.app_root.as_ref().filter(|_| path == "/") {
        let location =
            query.map_or_else(|| String::from(&**root), |query| format!("{root}?{query}"));
        return Some(Answer::Redirect { status: 302, location });
    }
    let larger = |max| with.body.is_some_and(|body| body > max);
    if options.limits.max_body.is_some_and(larger) {
        refuse(413, "the body is too large")
    } else {
        None
    }
}

/// The path for the pod.
fn rewritten<'r>(route: &Route, path: &'r str, matched: usize) -> Cow<'r, str> {
    match &route.rewrite {
        Some(rewrite) if path.starts_with('/') => Cow::Owned(rewrite.apply(path, matched)),
        _ => Cow::Borrowed(path),
    }
}
