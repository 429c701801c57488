//! What the zone knows of one Service, laid out for answers.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std_alloc::{boxed::Box, sync::Arc, vec::Vec};

use super::{Name, endpoints::Endpoints, key::Key};
use crate::model::{Exposure, Protocol, Service};

/// One Service, or one ServiceImport.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) body: Body,
    /// The Service's ports; a headless Service's SRV records come from its slices instead.
    pub(super) ports: Box<[PortRecord]>,
    /// Its ready endpoints, if there are any.
    pub(super) endpoints: Option<Box<Endpoints>>,
    /// Its addresses outside the cluster, if there are any.
    pub(super) external: Option<Box<External>>,
}

/// How a name answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    /// With its own addresses.
    Cluster { v4: Option<Ipv4Addr>, v6: Option<Ipv6Addr> },
    /// With its endpoints.
    Headless,
    /// With another name.
    Alias(Name),
    /// Not at all: there are slices, but no Service.
    Orphan,
}

/// A port that SRV records tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PortRecord {
    /// Empty for an unnamed one.
    pub(super) name: Arc<str>,
    pub(super) protocol: Protocol,
    pub(super) port: u16,
}

/// Addresses outside the cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct External {
    pub(super) v4: Box<[Ipv4Addr]>,
    pub(super) v6: Box<[Ipv6Addr]>,
    /// Load balancers that only have a name.
    pub(super) names: Box<[Name]>,
}

impl Entry {
    /// The entry of a Service with its endpoints; `None` when nothing is to be known of it.
    pub(super) fn new(key: Key, service: Option<&Service>, endpoints: Option<Endpoints>) -> Self {
        let endpoints = endpoints.map(Box::new);
        let Some(service) = service else {
            return Self {
                key,
                body: Body::Orphan,
                ports: Box::default(),
                endpoints,
                external: None,
            };
        };
        let ports = service.ports.iter().map(|port| PortRecord {
            name: port.name.clone(),
            protocol: port.protocol,
            port: port.port.get(),
        });
        Self {
            key,
            body: Body::of(&service.exposure),
            ports: ports.collect(),
            endpoints,
            external: External::of(service).map(Box::new),
        }
    }

    /// Whether `other` differs in what the cluster's own zones answer.
    pub(super) fn same_inside(&self, other: &Self) -> bool {
        self.body == other.body && self.ports == other.ports && self.endpoints == other.endpoints
    }

    /// Whether external zones answer for it: it has an external address, or endpoints stand in for one.
    pub(super) fn shows_outside(&self, headless: bool) -> bool {
        self.external.is_some()
            || headless && self.body == Body::Headless && self.endpoints.is_some()
    }

    /// Whether `other` differs in what external zones answer.
    pub(super) fn same_outside(&self, other: &Self) -> bool {
        let headless = self.body == Body::Headless || other.body == Body::Headless;
        self.external == other.external
            && self.ports == other.ports
            && (!headless || self.body == other.body && self.endpoints == other.endpoints)
    }

    /// Its cluster IPs.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let (v4, v6) = match self.body {
            Body::Cluster { v4, v6 } => (v4, v6),
            _ => (None, None),
        };
        v4.map(IpAddr::V4).into_iter().chain(v6.map(IpAddr::V6))
    }
}

impl Body {
    fn of(exposure: &Exposure) -> Self {
        match exposure {
            Exposure::Headless(_) => Self::Headless,
            Exposure::ClusterIp(ips) | Exposure::NodePort(ips) | Exposure::LoadBalancer(ips, _) => {
                Self::cluster(ips.iter())
            }
            Exposure::ExternalName(target) => match target.parse::<Name>() {
                // An alias for an address is no alias (the API server lets it through).
                Ok(name) if target.trim_end_matches('.').parse::<IpAddr>().is_err() => {
                    Self::Alias(name)
                }
                _ => Self::Orphan,
            },
        }
    }

    /// Of these addresses, the first of each family.
    pub(super) fn cluster(addresses: impl Iterator<Item = IpAddr>) -> Self {
        let (mut first4, mut first6) = (None, None);
        for address in addresses {
            match address {
                IpAddr::V4(address) => first4 = first4.or(Some(address)),
                IpAddr::V6(address) => first6 = first6.or(Some(address)),
            }
        }
        Self::Cluster { v4: first4, v6: first6 }
    }
}

impl External {
    /// `spec.externalIPs` and what the load balancer has told; `None` when there is nothing.
    fn of(service: &Service) -> Option<Self> {
        let mut external = Self::default();
        let mut addresses = service.external_ips.clone();
        if let Some(balancer) = service.load_balancer() {
            addresses.extend(balancer.vips.iter().chain(&balancer.proxies));
            external.names =
                balancer.hostnames.iter().filter_map(|name| name.parse().ok()).collect();
        }
        addresses.sort_unstable();
        addresses.dedup();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for address in addresses {
            match address {
                IpAddr::V4(address) => v4.push(address),
                IpAddr::V6(address) => v6.push(address),
            }
        }
        (external.v4, external.v6) = (v4.into(), v6.into());
        (external != Self::default()).then_some(external)
    }

    /// All of its addresses.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let v4 = self.v4.iter().copied().map(IpAddr::V4);
        v4.chain(self.v6.iter().copied().map(IpAddr::V6))
    }
}
