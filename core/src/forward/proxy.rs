//! The state of one node's proxy, kept up to date change by change.

use core::net::{IpAddr, SocketAddr};
use hashbrown::HashMap;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};

use super::{Endpoint, Policies, ServicePort, Viewpoint, categorise};
use crate::{
    Seed,
    model::{Change, EndpointSlice, Family, NamespacedName, Service, ServiceKey, ServicePortName},
};

type Map<K, V> = HashMap<K, V, ahash::RandomState>;

/// The Services that a node forwards for, and their endpoints.
///
/// A change costs what its Service costs. Nothing is forwarded for headless and ExternalName Services, nor for those
/// that name another proxy.
#[derive(Debug)]
pub struct Proxy {
    node: String,
    zone: Option<String>,
    services: Map<ServiceKey, Arc<Service>>,
    slices: Map<ServiceKey, BTreeMap<NamespacedName, Arc<EndpointSlice>>>,
    slice_services: Map<NamespacedName, ServiceKey>,
    ports: Map<ServiceKey, Vec<Arc<ServicePort>>>,
    dirty: BTreeSet<ServiceKey>,
}

impl Proxy {
    /// The proxy of this node; `zone` is used until the node's own object says another one.
    #[must_use]
    pub fn new(node: &str, zone: Option<&str>, seed: Seed) -> Self {
        let seed = seed.derive(0xf0d);
        Self {
            node: node.into(),
            zone: zone.map(String::from),
            services: HashMap::with_hasher(seed.hasher()),
            slices: HashMap::with_hasher(seed.hasher()),
            slice_services: HashMap::with_hasher(seed.hasher()),
            ports: HashMap::with_hasher(seed.hasher()),
            dirty: BTreeSet::new(),
        }
    }

    /// Takes note of a change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Service(service) => {
                let before = self.services.insert(service.key.clone(), service.clone());
                let changed = before.as_ref() != Some(service);
                self.dirty.extend(changed.then(|| service.key.clone()));
            }
            Change::ServiceGone(key) => {
                self.services.remove(key);
                self.dirty.insert(key.clone());
            }
            Change::Slice(slice) => {
                self.slice_services.insert(slice.key.clone(), slice.service.clone());
                let slices = self.slices.entry(slice.service.clone()).or_default();
                if slices.insert(slice.key.clone(), slice.clone()).as_ref() != Some(slice) {
                    self.dirty.insert(slice.service.clone());
                }
            }
            Change::SliceGone(key) => {
                let Some(service) = self.slice_services.remove(key) else { return };
                if let Some(slices) = self.slices.get_mut(&service) {
                    slices.remove(key);
                }
                self.dirty.insert(service);
            }
            Change::Node(node) if *node.name == *self.node => {
                let zone = node.zone.as_deref().map(String::from);
                if zone.is_some() && zone != self.zone {
                    self.zone = zone;
                    self.dirty.extend(self.services.keys().cloned());
                }
            }
            _ => {}
        }
    }

    /// Brings the state of the touched Services up to date; returns their names.
    pub fn update(&mut self) -> Vec<ServiceKey> {
        let touched: Vec<ServiceKey> = core::mem::take(&mut self.dirty).into_iter().collect();
        for key in &touched {
            match self.services.get(key).map(|service| self.compile(service)) {
                Some(ports) if !ports.is_empty() => self.ports.insert(key.clone(), ports),
                _ => self.ports.remove(key),
            };
        }
        touched
    }

    /// The ports of one Service; none if this node doesn't forward for it.
    #[must_use]
    pub fn ports(&self, service: &ServiceKey) -> &[Arc<ServicePort>] {
        self.ports.get(service).map_or(&[], Vec::as_slice)
    }

    /// All ports of all Services, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<ServicePort>> {
        self.ports.values().flatten()
    }

    fn compile(&self, service: &Service) -> Vec<Arc<ServicePort>> {
        let Some(ips) = service.cluster_ips().filter(|_| service.proxy_name.is_none()) else {
            return Vec::new();
        };
        let of_ip = |ip: IpAddr| service.ports.iter().map(move |port| (ip, port));
        let ports = ips.iter().flat_map(of_ip).map(|(cluster_ip, port)| {
            let name = ServicePortName {
                service: service.key.clone(),
                port: port.name.clone(),
                protocol: port.protocol,
            };
            Arc::new(self.service_port(service, port, name, cluster_ip))
        });
        ports.collect()
    }

    fn service_port(
        &self,
        service: &Service,
        port: &crate::model::ServicePort,
        name: ServicePortName,
        cluster_ip: IpAddr,
    ) -> ServicePort {
        let family = Family::of(cluster_ip);
        let of_family =
            |ips: &[IpAddr]| ips.iter().copied().filter(|ip| Family::of(*ip) == family).collect();
        let external_ips: Vec<IpAddr> = of_family(&service.external_ips);
        let balancer = service.load_balancer();
        let load_balancer_vips: Vec<IpAddr> =
            balancer.map(|b| of_family(&b.vips)).unwrap_or_default();
        let policies = Policies {
            internal: service.internal_traffic,
            external: service.external_traffic,
            externally_accessible: port.node_port.is_some()
                || !external_ips.is_empty()
                || !load_balancer_vips.is_empty(),
        };
        let endpoints = self.endpoints(&name, family);
        let from = Viewpoint { node: &self.node, zone: self.zone.as_deref(), node_hints: true };
        ServicePort {
            family,
            port: port.port,
            cluster_ip,
            external_ips,
            load_balancer_vips,
            load_balancer: balancer.cloned(),
            node_port: port.node_port,
            affinity: service.affinity,
            categories: categorise(&endpoints, policies, from),
            endpoints: endpoints.into(),
            policies,
            name,
        }
    }

    /// The endpoints of a service port in all slices, each address once, sorted.
    fn endpoints(&self, name: &ServicePortName, family: Family) -> Vec<Endpoint> {
        let mut merged: BTreeMap<SocketAddr, Endpoint> = BTreeMap::new();
        let slices = self.slices.get(&name.service).into_iter().flat_map(BTreeMap::values);
        for slice in slices.filter(|slice| slice.family == family) {
            let named = slice
                .ports
                .iter()
                .filter(|port| port.name == name.port && port.protocol == name.protocol);
            let targets = named.filter_map(|port| port.port);
            for (target, endpoint) in
                targets.flat_map(|t| slice.endpoints.iter().map(move |e| (t, e)))
            {
                let Some(addr) = endpoint.addresses.first() else { continue };
                let addr = SocketAddr::new(*addr, target.get());
                let local = !self.node.is_empty() && endpoint.node.as_deref() == Some(&self.node);
                let endpoint = Endpoint {
                    addr,
                    conditions: endpoint.conditions,
                    local,
                    zone_hints: endpoint.zone_hints.clone(),
                    node_hints: endpoint.node_hints.clone(),
                };
                if merged.get(&addr).is_none_or(|other| endpoint.replaces(other)) {
                    merged.insert(addr, endpoint);
                }
            }
        }
        merged.into_values().collect()
    }
}
