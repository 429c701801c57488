//! What is behind a route: a Service's port, or an object that only the embedder knows.
//!
//! `port.number` is `spec.ports[].port` of the Service and `port.name` its `name`; neither is ever a target port or
//! a node port. Whether the Service has endpoints is not known here: ask for those of [`BackendRef::port`].

use core::fmt;
use std_alloc::sync::Arc;

use super::PodProtocol;
use crate::model::{
    Exposure, Protocol, Service, ServiceKey, ServicePort, ServicePortName, ServicePortRef,
};

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A Service's port.
    Service(BackendRef),
    /// An object that only the embedder knows, such as a storage bucket; in the Ingress's namespace.
    Resource {
        /// Its API group; empty: core.
        group: Arc<str>,
        /// Its kind.
        kind: Arc<str>,
        /// Its name.
        name: Arc<str>,
    },
}

/// A Service's port as an Ingress asks for it, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendRef {
    /// The Service.
    pub service: ServiceKey,
    /// The port, as the Ingress says it.
    pub asked: ServicePortRef,
    /// The service port whose endpoints take requests; without one, requests are answered with 503.
    pub port: Result<ServicePortName, Unresolved>,
    /// What its pods speak, as the port's `appProtocol` says; HTTP/1.1 unless it says otherwise.
    pub protocol: PodProtocol,
}

/// Why a backend leads nowhere. The host and the path stay claimed: the answer is 503, not somebody else's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unresolved {
    /// There is no such Service.
    #[error("there is no such Service")]
    NoService,
    /// The Service has no such TCP port.
    #[error("the Service has no such TCP port")]
    NoPort,
    /// The Service is a DNS alias: following it would let an Ingress reach any host the proxy can.
    #[error("the Service is an ExternalName, which routes don't follow")]
    ExternalName,
}

impl BackendRef {
    /// Looks the port up in the Service, if there is one.
    #[must_use]
    pub fn resolve(key: ServiceKey, asked: ServicePortRef, service: Option<&Service>) -> Self {
        let found = service.ok_or(Unresolved::NoService).and_then(|service| {
            let port = find(service, &asked)?;
            let (service, protocol) = (service.key.clone(), Protocol::Tcp);
            let name = ServicePortName { service, port: port.name.clone(), protocol };
            Ok((name, PodProtocol::of(port.app_protocol.as_deref())))
        });
        let protocol = found.as_ref().map_or(PodProtocol::Http, |(_, protocol)| *protocol);
        Self { service: key, asked, port: found.map(|(name, _)| name), protocol }
    }
}

/// The TCP port that is asked for.
fn find<'s>(service: &'s Service, asked: &ServicePortRef) -> Result<&'s ServicePort, Unresolved> {
    if matches!(service.exposure, Exposure::ExternalName(_)) {
        return Err(Unresolved::ExternalName);
    }
    let mut tcp = service.ports.iter().filter(|port| port.protocol == Protocol::Tcp);
    let port = tcp.find(|port| match asked {
        ServicePortRef::Number(number) => port.port == *number,
        ServicePortRef::Name(name) => port.name == *name,
    });
    port.ok_or(Unresolved::NoPort)
}

/// `shop/cart:http`, as the Ingress says it.
impl fmt::Display for BackendRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.asked {
            ServicePortRef::Number(port) => write!(f, "{}:{port}", self.service),
            ServicePortRef::Name(name) => write!(f, "{}:{name}", self.service),
        }
    }
}

/// `shop/cart:http`, or `StorageBucket assets` for an object of another kind.
impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(service) => service.fmt(f),
            Self::Resource { kind, name, .. } => write!(f, "{kind} {name}"),
        }
    }
}
