//! An Ingress that has been admitted.

use std_alloc::{sync::Arc, vec::Vec};

use super::{NamespacedName, Port};

/// Hosts and paths, and what is behind them.
#[derive(Clone, Debug, PartialEq)]
pub struct Ingress {
    /// Namespace and name.
    pub key: NamespacedName,
    /// Seconds since 1970 at which it was made, 0 when unknown; the oldest wins conflicts.
    pub created: i64,
    /// Unique in time and space; empty when the manifest has none.
    pub uid: Arc<str>,
    /// Its class: the field, else the older annotation.
    pub class: Option<Arc<str>>,
    /// Takes what no rule takes.
    pub default_backend: Option<IngressBackend>,
    /// Hosts, in the order of the manifest.
    pub rules: Vec<IngressRule>,
    /// Certificates.
    pub tls: Vec<IngressTls>,
    /// All annotations, for route options.
    pub annotations: Vec<(Arc<str>, Arc<str>)>,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressRule {
    /// Lower case; `None`: every host; may start with `*.`.
    pub host: Option<Arc<str>>,
    /// Its paths; empty: the host goes to the default.
    pub paths: Vec<IngressPath>,
}

/// One path of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressPath {
    /// Starts with `/`.
    pub path: Arc<str>,
    /// How it matches.
    pub path_type: PathType,
    /// Where requests go.
    pub backend: IngressBackend,
}

/// How a path matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathType {
    /// Byte by byte.
    Exact,
    /// Element by element.
    Prefix,
    /// As the implementation likes.
    ImplementationSpecific,
}

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IngressBackend {
    /// A Service in the Ingress's namespace.
    Service {
        /// Its name.
        name: Arc<str>,
        /// One of its ports.
        port: ServicePortRef,
    },
    /// An object that only the embedder knows.
    Resource {
        /// Its API group; empty: core.
        group: Arc<str>,
        /// Its kind.
        kind: Arc<str>,
        /// Its name.
        name: Arc<str>,
    },
}

/// A Service's port by name or by number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServicePortRef {
    /// `spec.ports[].port`.
    Number(Port),
    /// `spec.ports[].name`.
    Name(Arc<str>),
}

/// Hosts that share a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressTls {
    /// Lower case; may start with `*.`.
    pub hosts: Vec<Arc<str>>,
    /// A Secret in the Ingress's namespace; `None`: the default certificate.
    pub secret: Option<Arc<str>>,
}
