//! Gateways, and the routes that attach themselves to them.

use core::time::Duration;
use std_alloc::{sync::Arc, vec::Vec};

use super::{NamespacedName, PathType, Port};

/// Where requests come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Namespace and name.
    pub key: NamespacedName,
    /// Ports and the hosts they are for.
    pub listeners: Vec<Listener>,
}

/// A port and the hosts it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Unique in its Gateway.
    pub name: Arc<str>,
    /// Lower case; `None`: every host; after `*.` one label or more.
    pub hostname: Option<Arc<str>>,
    /// The port.
    pub port: Port,
    /// It ends TLS.
    pub tls: bool,
    /// The namespaces whose routes may attach themselves.
    pub routes_from: RoutesFrom,
}

/// The namespaces whose routes may attach themselves to a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoutesFrom {
    /// That of the Gateway.
    #[default]
    Same,
    /// All.
    All,
    /// None, not even that of the Gateway.
    None,
}

/// Rules for requests.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpRoute {
    /// Namespace and name.
    pub key: NamespacedName,
    /// Seconds since 1970 at which it was made, 0 when unknown; the oldest wins conflicts.
    pub created: i64,
    /// Lower case; empty: those of the listeners.
    pub hostnames: Vec<Arc<str>>,
    /// Where it attaches itself.
    pub parents: Vec<Parent>,
    /// In the order of the manifest.
    pub rules: Vec<HttpRule>,
}

/// Where a route attaches itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The Gateway.
    pub gateway: NamespacedName,
    /// Only this listener.
    pub listener: Option<Arc<str>>,
    /// Only listeners of this port.
    pub port: Option<Port>,
}

/// What becomes of some requests.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpRule {
    /// Any of them takes a request.
    pub matches: Vec<HttpMatch>,
    /// What is done to requests and answers.
    pub filters: HttpFilters,
    /// Where they go, by weight.
    pub backends: Vec<HttpBackend>,
    /// How long the whole may take.
    pub timeout: Option<Duration>,
    /// How long one attempt may take.
    pub backend_timeout: Option<Duration>,
}

/// All of it must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpMatch {
    /// Starts with `/`.
    pub path: Arc<str>,
    /// Exact or Prefix.
    pub path_type: PathType,
    /// `None`: any.
    pub method: Option<Arc<str>>,
    /// Names in lower case, each once, and values.
    pub headers: Vec<(Arc<str>, Arc<str>)>,
    /// Names, each once, and values.
    pub query: Vec<(Arc<str>, Arc<str>)>,
}

/// What is done to requests and answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpFilters {
    /// Headers for the backend.
    pub request_headers: HeaderChange,
    /// Headers for the client.
    pub response_headers: HeaderChange,
    /// Requests are answered with another address.
    pub redirect: Option<HttpRedirect>,
    /// The host that the backend sees.
    pub host: Option<Arc<str>>,
    /// The path that the backend sees.
    pub path: Option<PathChange>,
}

/// Changes to headers, carried out in this order. Names are compared without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderChange {
    /// In place of what is there.
    pub set: Vec<(Arc<str>, Arc<str>)>,
    /// Beside what is there.
    pub add: Vec<(Arc<str>, Arc<str>)>,
    /// Gone.
    pub remove: Vec<Arc<str>>,
}

/// An answer that names another address; `None`: as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRedirect {
    /// `https` instead of `http`, or the other way round.
    pub scheme: Option<Arc<str>>,
    /// The host.
    pub host: Option<Arc<str>>,
    /// The port.
    pub port: Option<Port>,
    /// The path.
    pub path: Option<PathChange>,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
}

/// Another path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathChange {
    /// This one.
    Full(Arc<str>),
    /// This in place of the prefix that matched.
    Prefix(Arc<str>),
}

/// Where a part of the requests goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpBackend {
    /// A Service and its port; `None`: an object that is no Service, so its part is answered with 500.
    pub service: Option<(NamespacedName, Port)>,
    /// Its part of the sum of all weights; 0: none.
    pub weight: u32,
    /// What is done to requests that go there, after the rule's own changes.
    pub filters: HttpFilters,
}

/// Who may refer to Services of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceGrant {
    /// Namespace and name.
    pub key: NamespacedName,
    /// Namespaces whose HTTPRoutes may.
    pub from: Vec<Arc<str>>,
    /// `None`: to every Service.
    pub to: Vec<Option<Arc<str>>>,
}

impl HeaderChange {
    /// Carries the changes out on a list of headers.
    ///
    /// ```
    /// use svckit::model::HeaderChange;
    ///
    /// let change = HeaderChange {
    ///     set: vec![("X-Set".into(), "new".into())],
    ///     add: vec![("x-add".into(), "two".into())],
    ///     remove: vec!["X-Gone".into()],
    /// };
    /// let mut headers = vec![
    ///     ("x-set".into(), "old".into()),
    ///     ("X-Add".into(), "one".into()),
    ///     ("x-gone".into(), "1".into()),
    /// ];
    /// change.apply(&mut headers);
    /// let texts: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    /// assert_eq!(texts, ["X-Add: one", "X-Set: new", "x-add: two"]);
    /// ```
    pub fn apply(&self, headers: &mut Vec<(Arc<str>, Arc<str>)>) {
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        for (name, value) in &self.set {
            headers.retain(|(given, _)| !same(given, name));
            headers.push((name.clone(), value.clone()));
        }
        headers.extend(self.add.iter().cloned());
        headers.retain(|(given, _)| !self.remove.iter().any(|name| same(given, name)));
    }
}
