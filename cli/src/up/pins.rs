//! Addresses that can't be bound here, and the loopback addresses that stand for them.
//!
//! A manifest may pin a cluster IP of a real cluster's range. No process can listen there without root, so it is
//! served at an address of our range that looks like it: `169.169.0.100` becomes `127.96.0.100`. One pinned address
//! stands for one loopback address, whoever pins it, so that two Services that want one still conflict.

use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use svckit::{
    api::{Object, Service},
    cluster::Settings,
};

use super::{Simulate, stand_ins::StandIns};

/// Which loopback address stands for which pinned one.
pub(super) struct Pins {
    stand_ins: StandIns,
}

impl Pins {
    /// Maps into the first loopback range of these settings, or our default one.
    pub(super) fn new(settings: &Settings) -> Self {
        let ours = settings.service_cidrs.iter().copied().find(is_loopback);
        let default = || Settings::loopback().service_cidrs.first().copied();
        let range =
            ours.or_else(default).unwrap_or_else(|| IpNet::from(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        Self { stand_ins: StandIns::new(range) }
    }

    /// The settings for this machine: ranges that can be bound, and the resolver's address among them.
    pub(super) fn settings(&mut self, mut settings: Settings) -> Settings {
        settings.service_cidrs.retain(is_loopback);
        if settings.service_cidrs.is_empty() {
            settings.service_cidrs.push(self.stand_ins.range());
        }
        settings.pod_cidrs.retain(is_loopback);
        if settings.pod_cidrs.is_empty() {
            settings.pod_cidrs = Settings::loopback().pod_cidrs;
        }
        settings.dns_service_ip = settings.dns_service_ip.map(|addr| self.stand_ins.of(addr));
        settings.node_addresses = vec![Ipv4Addr::LOCALHOST.into()];
        settings
    }

    /// Notes the addresses that manifests pin in our range: nothing may be mapped there.
    pub(super) fn learn<'a>(&mut self, objects: impl Iterator<Item = &'a Object>) {
        let pins = objects.filter_map(|object| match object {
            Object::Service(service) => service.spec.cluster_ip.parse().ok(),
            _ => None,
        });
        pins.for_each(|addr| self.stand_ins.take(addr));
    }

    /// The object as it can be served here; itself, shared, where that changes nothing.
    pub(super) fn rewrite(&mut self, object: &Arc<Object>, simulate: Simulate) -> Arc<Object> {
        let pinned = |service: &Service| {
            !matches!(service.spec.cluster_ip.as_str(), "" | "None")
                || !service.spec.cluster_ips.is_empty()
        };
        let mut object = object.clone();
        match &*object {
            Object::Service(service) if pinned(service) => {
                if let Object::Service(service) = Arc::make_mut(&mut object) {
                    self.rewrite_service(service);
                }
            }
            Object::Pod(_) if simulate == Simulate::All => {
                if let Object::Pod(pod) = Arc::make_mut(&mut object) {
                    pod.status.pod_ip.clear();
                    pod.status.pod_ips.clear();
                }
            }
            _ => {}
        }
        object
    }

    fn rewrite_service(&mut self, service: &mut Service) {
        let spec = &mut service.spec;
        for text in spec.cluster_ips.iter_mut().chain([&mut spec.cluster_ip]) {
            if let Ok(addr @ IpAddr::V4(_)) = text.parse::<IpAddr>() {
                *text = self.stand_ins.of(addr).to_string();
            }
        }
    }
}

fn is_loopback(range: &IpNet) -> bool {
    matches!(range, IpNet::V4(range) if range.network().is_loopback() && range.prefix_len() >= 8)
}
