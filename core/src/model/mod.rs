//! The checked, slim form that everything below admission works on.
//!
//! A value of these types can't be wrong: addresses are numbers, names have been looked at, and what may not go
//! together has no way to be written down. [`crate::admit`] makes them; nothing below it sees a manifest.
//!
//! [`Change`] is the one stream that drives forwarding, lookups, names and routes.

mod change;
mod endpoint_slice;
mod http_route;
mod ingress;
mod ingress_class;
mod key;
mod node;
mod pod;
mod port;
mod service;
mod tls_secret;

pub use change::Change;
pub use endpoint_slice::{Addresses, Conditions, Endpoint, EndpointSlice, Hints, SlicePort};
pub use http_route::{
    Gateway, HeaderChange, HttpBackend, HttpFilters, HttpMatch, HttpRedirect, HttpRoute, HttpRule,
    Listener, Parent, PathChange, ReferenceGrant, RoutesFrom,
};
pub use ingress::{
    Ingress, IngressBackend, IngressPath, IngressRule, IngressTls, PathType, ServicePortRef,
};
pub use ingress_class::IngressClass;
pub use key::{NamespacedName, ServiceKey, ServicePortName};
pub use node::Node;
pub use pod::{ContainerPort, Pod};
pub use port::{BadPort, Family, Port, Protocol};
pub use service::{
    Affinity, ClusterIps, Exposure, LoadBalancer, Service, ServicePort, TargetPort,
    TrafficDistribution, TrafficPolicy,
};
pub use tls_secret::TlsSecret;

pub(crate) use service::ANNOTATION_PREFIX;
