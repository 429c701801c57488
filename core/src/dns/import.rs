//! Services of other clusters.

use core::net::IpAddr;
use std_alloc::{boxed::Box, vec::Vec};

use super::{
    endpoints::Endpoints,
    entry::{Body, Entry, PortRecord},
    key::Key,
};
use crate::model::{ServiceKey, ServicePort};

/// A Service that several clusters share (KEP-1645).
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceImport {
    /// Namespace and name.
    pub key: ServiceKey,
    /// Its addresses, at most one per family; none: headless.
    pub addresses: Vec<IpAddr>,
    /// Its ports.
    pub ports: Vec<ServicePort>,
}

impl ServiceImport {
    /// What the zone knows of it.
    pub(super) fn entry(&self, key: Key, endpoints: Option<Endpoints>) -> Entry {
        let body = match self.addresses.as_slice() {
            [] => Body::Headless,
            addresses => Body::cluster(addresses.iter().copied()),
        };
        let ports = self.ports.iter().map(|port| PortRecord {
            name: port.name.clone(),
            protocol: port.protocol,
            port: port.port.get(),
        });
        Entry {
            key,
            body,
            ports: ports.collect(),
            endpoints: endpoints.map(Box::new),
            external: None,
        }
    }
}
