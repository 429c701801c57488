//! What to do with a request to a Gateway.

use core::time::Duration;
use std_alloc::{borrow::Cow, format, string::String};

use super::{
    GatewayRoutes,
    table::{Candidate, ListenerTable, PortTable},
};
use crate::{
    ingress::{BackendRef, PathPolicy, Rewrite},
    model::{HeaderChange, HttpFilters, HttpMatch, HttpRedirect, NamespacedName, PathChange},
};

/// A request, its host and path in the form that
/// [`RequestHead::canonical`](crate::ingress::RequestHead::canonical) gives them with [`GatewayRoutes::path_policy`].
#[derive(Clone, Copy)]
pub struct GatewayRequest<'a> {
    /// Empty for addresses.
    pub host: &'a str,
    /// The path.
    pub path: &'a str,
    /// After the `?`.
    pub query: Option<&'a str>,
    /// `GET`.
    pub method: &'a str,
    /// The name that the client asked for in its TLS handshake, in lower case.
    pub server_name: Option<&'a str>,
    /// The value of a header, by its name in lower case.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// A random number: chooses among backends.
    pub roll: u64,
}

/// What to do with a request to a Gateway.
#[derive(Clone, Debug, PartialEq)]
pub enum GatewayAnswer<'r> {
    /// Send it to a backend.
    Forward(GatewayForward<'r>),
    /// Answer with another address.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// The value of `Location`.
        location: String,
        /// Headers for the client.
        response_headers: &'r HeaderChange,
    },
    /// Answer with this status.
    Refuse {
        /// 404, 421 or 500.
        status: u16,
        /// Why, in a few words for the client.
        why: &'static str,
    },
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq)]
pub struct GatewayForward<'r> {
    /// The port whose endpoints take it.
    pub backend: &'r BackendRef,
    /// The route, and its rule from 0.
    pub route: (&'r NamespacedName, usize),
    /// The path for the pod; the query stays as it is.
    pub path: Cow<'r, str>,
    /// The host for the pod, when it is another one.
    pub host: Option<&'r str>,
    /// Changes to headers for the pod: the rule's, then the backend's.
    pub request_headers: [&'r HeaderChange; 2],
    /// Changes to headers for the client: the backend's, then the rule's.
    pub response_headers: [&'r HeaderChange; 2],
    /// How long the whole may take.
    pub timeout: Option<Duration>,
    /// How long one attempt may take.
    pub backend_timeout: Option<Duration>,
}

impl<'a> GatewayRequest<'a> {
    /// A plain GET without headers.
    #[must_use]
    pub const fn get(host: &'a str, path: &'a str) -> Self {
        let header = &|_: &str| None;
        Self { host, path, query: None, method: "GET", server_name: None, header, roll: 0 }
    }
}

impl GatewayRoutes {
    /// The form of paths that these routes are for.
    #[must_use]
    pub const fn path_policy(&self) -> &PathPolicy {
        &self.paths
    }

    /// What to do with a request that comes to a port of a Gateway.
    ///
    /// Costs hash probes for each label of the host and each length of a path, and a comparison for each condition at
    /// the paths that fit.
    #[must_use]
    pub fn answer<'r>(
        &'r self,
        gateway: &NamespacedName,
        port: u16,
        request: &GatewayRequest<'r>,
    ) -> GatewayAnswer<'r> {
        let refuse = |status, why| GatewayAnswer::Refuse { status, why };
        let Some(table) = self.ports.get(&(gateway.clone(), port)) else {
            return refuse(404, "no listener");
        };
        let Some(listener) = self.listener(table, request.host) else {
            return refuse(404, "no listener");
        };
        // The certificate was that of another listener: its rules are not for this client.
        let by_name = request.server_name.filter(|_| table.tls);
        if let Some(shown) = by_name.and_then(|name| self.listener(table, name))
            && shown.number != listener.number
        {
            return refuse(421, "the server name belongs to another listener");
        }
        match self.find(listener, request) {
            None => refuse(404, "no route"),
            Some((candidate, matched)) => self.follow(candidate, matched, table, port, request),
        }
    }

    fn listener<'r>(&'r self, table: &'r PortTable, host: &'r str) -> Option<&'r ListenerTable> {
        table.listeners.of(host, &self.hasher).next().map(|listener| &**listener)
    }

    fn find<'r>(
        &'r self,
        listener: &'r ListenerTable,
        request: &GatewayRequest<'r>,
    ) -> Option<(&'r Candidate, usize)> {
        let mut hosts = listener.hosts.of(request.host, &self.hasher);
        let holds = |matching: &HttpMatch| holds(matching, request);
        let mut asked = hosts.next()?.find(request.path, &self.hasher, holds);
        if self.host_fallthrough {
            asked = asked
                .or_else(|| hosts.find_map(|host| host.find(request.path, &self.hasher, holds)));
        }
        asked
    }

    fn follow<'r>(
        &'r self,
        candidate: &'r Candidate,
        matched: usize,
        table: &PortTable,
        port: u16,
        request: &GatewayRequest<'r>,
    ) -> GatewayAnswer<'r> {
        let rule = &candidate.rule.rule;
        if let Some(redirect) = &rule.filters.redirect {
            let scheme = if table.tls { "https" } else { "http" };
            return GatewayAnswer::Redirect {
                status: redirect.status,
                location: location(redirect, (scheme, port), matched, request),
                response_headers: &rule.filters.response_headers,
            };
        }
        let backends = &candidate.rule.backends;
        let Some((Some(backend), _, own)) = chosen(backends, request.roll) else {
            return GatewayAnswer::Refuse { status: 500, why: "the route leads nowhere" };
        };
        let change = own.path.as_ref().or(rule.filters.path.as_ref());
        let path = change.map_or(Cow::Borrowed(request.path), |change| {
            Cow::Owned(changed(change, request.path, matched))
        });
        GatewayAnswer::Forward(GatewayForward {
            backend,
            route: (&candidate.route, candidate.place.0),
            path,
            host: own.host.as_deref().or(rule.filters.host.as_deref()),
            request_headers: [&rule.filters.request_headers, &own.request_headers],
            response_headers: [&own.response_headers, &rule.filters.response_headers],
            timeout: rule.timeout,
            backend_timeout: rule.backend_timeout,
        })
    }
}

/// Whether method, headers and query are what a match asks for.
fn holds(matching: &HttpMatch, request: &GatewayRequest<'_>) -> bool {
    let method = matching.method.as_deref().is_none_or(|method| method == request.method);
    let headers = || {
        let mut wanted = matching.headers.iter();
        wanted.all(|(name, value)| (request.header)(name) == Some(value))
    };
    let query = || {
        let mut wanted = matching.query.iter();
        wanted.all(|(name, value)| parameter(request.query, name) == Some(value))
    };
    method && headers() && query()
}

/// The first parameter of this name, as it stands in the query.
fn parameter<'q>(query: Option<&'q str>, name: &str) -> Option<&'q str> {
    let mut pairs = query?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.find(|(given, _)| *given == name).map(|(_, value)| value)
}

/// A backend with its part, by weight.
type Weighted = (Option<BackendRef>, u32, HttpFilters);

/// The backend that takes this roll; `None` when no backend has a weight.
fn chosen(backends: &[Weighted], roll: u64) -> Option<&Weighted> {
    let sum: u64 = backends.iter().map(|(_, weight, _)| u64::from(*weight)).sum();
    let mut left = roll.checked_rem(sum)?;
    backends.iter().find(|(_, weight, _)| {
        let taken = left < u64::from(*weight);
        left = left.saturating_sub(u64::from(*weight));
        taken
    })
}

fn changed(change: &PathChange, path: &str, matched: usize) -> String {
    match change {
        PathChange::Full(full) => Rewrite::Full(full.clone()).apply(path, matched),
        PathChange::Prefix(prefix) => Rewrite::Prefix(prefix.clone()).apply(path, matched),
    }
}

/// The value of `Location`: what the redirect does not say stays as it came.
fn location(
    redirect: &HttpRedirect,
    (own_scheme, own_port): (&str, u16),
    matched: usize,
    request: &GatewayRequest<'_>,
) -> String {
    let scheme = redirect.scheme.as_deref().unwrap_or(own_scheme);
    let usual = if scheme == "https" { 443 } else { 80 };
    let port = match (redirect.port, &redirect.scheme) {
        (Some(port), _) => port.get(),
        (None, Some(_)) => usual,
        (None, None) => own_port,
    };
    let host = redirect.host.as_deref().unwrap_or(request.host);
    let path = redirect.path.as_ref().map_or_else(
        || String::from(request.path),
        |change| changed(change, request.path, matched),
    );
    let port = if port == usual { String::new() } else { format!(":{port}") };
    let query = request.query.map_or_else(String::new, |query| format!("?{query}"));
    format!("{scheme}://{host}{port}{path}{query}")
}
