//! All routes at one moment, for any number of readers.
//!
//! # Order of decisions
//!
//! 1. The host: as it is, else `*.` in place of its first label, else the rules for every host. Only one of them is
//!    asked for the path (unless [`host_fallthrough`](super::Settings::host_fallthrough)).
//! 2. The path: exact, else the longest prefix.
//! 3. The default backend of the oldest Ingress that has the host and a default backend.
//! 4. That of the oldest Ingress without rules; the configured one; none: 404.

use ahash::RandomState;
use std_alloc::{string::String, sync::Arc};

use super::{
    DefaultRoute, Match, Outcome, PathPolicy, Request, Route, Settings, Target,
    host_routes::HostRoutes,
    hosts::HostIndex,
    sni::{Certificate, SniTable},
};

use crate::model::TlsSecret;

/// All routes at one moment: immutable, and cheap to copy.
///
/// Made by [`Router::routes`](super::Router::routes), which shows an example.
#[derive(Clone, Debug)]
pub struct Routes {
    pub(super) hasher: RandomState,
    /// By whole name.
    pub(super) exact: HostIndex<HostRoutes>,
    /// By what follows `*.`.
    pub(super) wildcard: HostIndex<HostRoutes>,
    /// For every host.
    pub(super) every: Option<HostRoutes>,
    /// When no host has anything.
    pub(super) default: Option<Arc<DefaultRoute>>,
    /// Certificates by server name.
    pub(super) sni: SniTable,
    pub(super) host_fallthrough: bool,
    pub(super) paths: PathPolicy,
}

impl Routes {
    /// No routes.
    pub(super) fn new(hasher: RandomState, settings: &Settings) -> Self {
        Self {
            hasher,
            exact: HostIndex::default(),
            wildcard: HostIndex::default(),
            every: None,
            default: None,
            sni: SniTable::default(),
            host_fallthrough: settings.host_fallthrough,
            paths: settings.paths,
        }
    }

    /// The form of paths that these routes are for.
    #[must_use]
    pub const fn path_policy(&self) -> &PathPolicy {
        &self.paths
    }

    /// Who takes requests for this host and path.
    ///
    /// Both in the form that [`RequestHead::canonical`](super::RequestHead::canonical) gives them; the host is empty
    /// for a request that names none or an address. Allocates nothing; costs a few hash probes.
    #[inline]
    #[must_use]
    pub fn lookup(&self, host: &str, path: &str) -> Outcome<'_> {
        let own = self.tier(Tier::Exact, host);
        match own.and_then(|routes| routes.find(path.as_bytes(), &self.hasher)) {
            Some(found) => Outcome::Route(found),
            None => self.lookup_beyond(own, host, path),
        }
    }

    /// The same when the rules for exactly this host, if there are any, don't take the path.
    #[inline(never)]
    fn lookup_beyond<'r>(
        &'r self,
        own: Option<&'r HostRoutes>,
        host: &str,
        path: &str,
    ) -> Outcome<'r> {
        let mut default = own.and_then(|routes| routes.default());
        let mut decided = own.is_some() && !self.host_fallthrough;
        for tier in [Tier::Wildcard, Tier::Every] {
            let Some(routes) = self.tier(tier, host).filter(|_| !decided) else { continue };
            if let Some(found) = routes.find(path.as_bytes(), &self.hasher) {
                return Outcome::Route(found);
            }
            default = default.or_else(|| routes.default());
            decided = !self.host_fallthrough;
        }
        default.or(self.default.as_deref()).map_or(Outcome::NotFound, Outcome::Default)
    }

    /// Who takes this request. `OPTIONS *` matches no path, so it goes to the host's default.
    #[must_use]
    pub fn route(&self, request: &Request<'_>) -> Outcome<'_> {
        match request.target {
            Target::Path { path, .. } => self.lookup(request.host.name(), path),
            // No rule matches an empty path.
            Target::Host => self.lookup(request.host.name(), ""),
        }
    }

    /// What a client is shown that asks for a server name in its TLS handshake, as it sends it.
    ///
    /// Costs two hash probes; allocates only for a name in upper case.
    ///
    /// ```
    /// use svckit::{Seed, ingress::{Certificate, ClassSelection, Router, Settings}};
    ///
    /// let mut router = Router::new(Settings::default(), ClassSelection::default(), Seed([1, 2, 3, 4]));
    /// assert_eq!(router.routes().certificate(b"shop.example.com"), Certificate::Unknown);
    /// ```
    #[must_use]
    pub fn certificate(&self, server_name: &[u8]) -> Certificate<'_> {
        self.sni.find(server_name, &self.hasher)
    }

    /// All names that have a certificate of their own, wildcards with their star, in no order.
    pub fn certificates(&self) -> impl Iterator<Item = (String, &Arc<TlsSecret>)> {
        self.sni.iter()
    }

    /// All routes that can take a request, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        let hosts = self.exact.values().chain(self.wildcard.values()).chain(&self.every);
        hosts.flat_map(|host| {
            let taken = |number: u32| host.shadowed().iter().any(|(loser, _)| *loser == number);
            let numbered = host.routes.iter().zip(0u32..);
            numbered.filter(move |(_, number)| !taken(*number)).map(|(route, _)| route)
        })
    }

    /// The routes of the host, as this tier has it.
    #[inline]
    pub(super) fn tier(&self, tier: Tier, host: &str) -> Option<&HostRoutes> {
        match tier {
            Tier::Exact if host.is_empty() => None,
            Tier::Exact => self.exact.get(host.as_bytes(), &self.hasher),
            Tier::Wildcard if self.wildcard.is_empty() => None,
            Tier::Wildcard => {
                let (_, parent) = host.split_once('.')?;
                self.wildcard.get(parent.as_bytes(), &self.hasher)
            }
            Tier::Every => self.every.as_ref(),
        }
    }
}

/// How a rule names hosts; the most specific comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    Exact,
    Wildcard,
    Every,
}

impl Tier {
    pub(super) const ALL: [Self; 3] = [Self::Exact, Self::Wildcard, Self::Every];
}

impl Match<'_> {
    /// The Ingress it belongs to.
    #[must_use]
    pub const fn ingress(&self) -> &crate::model::NamespacedName {
        &self.route.ingress
    }
}
