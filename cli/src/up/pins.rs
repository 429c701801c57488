//! Addresses that can't be bound here, and the loopback addresses that stand for them.
//!
//! A manifest may pin a cluster IP of a real cluster's range. No process can listen there without root, so it is
//! served at an address of our range that looks like it: `169.169.0.100` becomes `127.96.0.100`. One pinned address
//! stands for one loopback address, whoever pins it, so that two Services that want one still conflict.

use ipnet::IpNet;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};
use svckit::{
    api::{Object, Service},
    cluster::Settings,
};

use super::Simulate;

/// Which loopback address stands for which pinned one.
pub(super) struct Pins {
    range: IpNet,
    mapped: BTreeMap<IpAddr, IpAddr>,
    taken: BTreeSet<IpAddr>,
}

impl Pins {
    /// Maps into the first loopback range of these settings, or our default one.
    pub(super) fn new(settings: &Settings) -> Self {
        let ours = settings.service_cidrs.iter().copied().find(is_loopback);
        let default = || Settings::loopback().service_cidrs.first().copied();
        let range =
            ours.or_else(default).unwrap_or_else(|| IpNet::from(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        Self { range, mapped: BTreeMap::new(), taken: BTreeSet::new() }
    }

    /// The settings for this machine: ranges that can be bound, and the resolver's address among them.
    pub(super) fn settings(&mut self, mut settings: Settings) -> Settings {
        settings.service_cidrs.retain(is_loopback);
        if settings.service_cidrs.is_empty() {
            settings.service_cidrs.push(self.range);
        }
        settings.pod_cidrs.retain(is_loopback);
        if settings.pod_cidrs.is_empty() {
            settings.pod_cidrs = Settings::loopback().pod_cidrs;
        }
        settings.dns_service_ip = settings.dns_service_ip.map(|addr| self.map(addr));
        settings.node_addresses = vec![Ipv4Addr::LOCALHOST.into()];
        settings
    }

    /// Notes the addresses that manifests pin in our range: nothing may be mapped there.
    pub(super) fn learn<'a>(&mut self, objects: impl Iterator<Item = &'a Object>) {
        let range = self.range;
        let pins = objects.filter_map(|object| match object {
            Object::Service(service) => service.spec.cluster_ip.parse().ok(),
            _ => None,
        });
        self.taken.extend(pins.filter(|addr: &IpAddr| range.contains(addr)));
    }

    /// The object as it can be served here.
    pub(super) fn rewrite(&mut self, object: &Object, simulate: Simulate) -> Object {
        let mut object = object.clone();
        match &mut object {
            Object::Service(service) => self.rewrite_service(service),
            Object::Pod(pod) if simulate == Simulate::All => {
                pod.status.pod_ip.clear();
                pod.status.pod_ips.clear();
            }
            _ => {}
        }
        object
    }

    fn rewrite_service(&mut self, service: &mut Service) {
        let spec = &mut service.spec;
        for text in spec.cluster_ips.iter_mut().chain([&mut spec.cluster_ip]) {
            if let Ok(addr @ IpAddr::V4(_)) = text.parse::<IpAddr>() {
                *text = self.map(addr).to_string();
            }
        }
    }

    /// The address that stands for a pinned one; itself when it can be bound.
    fn map(&mut self, pinned: IpAddr) -> IpAddr {
        if self.range.contains(&pinned) || pinned.is_loopback() {
            return pinned;
        }
        if let Some(mapped) = self.mapped.get(&pinned) {
            return *mapped;
        }
        let (IpAddr::V4(base), IpAddr::V4(addr)) = (self.range.network(), pinned) else {
            return pinned;
        };
        let hosts = u32::MAX.checked_shr(self.range.prefix_len().into()).unwrap_or(0);
        let like = u32::from(addr) & hosts;
        let candidates = (0..hosts)
            .map(|step| (like.wrapping_add(step)) & hosts)
            .filter(|host| (1..hosts).contains(host));
        let address = |host: u32| IpAddr::V4((u32::from(base) + host).into());
        let free =
            candidates.map(address).find(|addr| !self.taken.contains(addr)).unwrap_or(pinned);
        self.taken.insert(free);
        self.mapped.insert(pinned, free);
        free
    }
}

fn is_loopback(range: &IpNet) -> bool {
    matches!(range, IpNet::V4(range) if range.network().is_loopback() && range.prefix_len() >= 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_addresses_look_like_themselves() {
        let mut pins = Pins::new(&Settings::loopback());
        let map = |pins: &mut Pins, addr: &str| pins.map(addr.parse().unwrap()).to_string();
        assert_eq!(map(&mut pins, "169.169.0.100"), "127.96.0.100");
        assert_eq!(map(&mut pins, "169.169.0.100"), "127.96.0.100", "one address stands for one");
        assert_eq!(map(&mut pins, "10.0.0.100"), "127.96.0.101", "the next free one");
        assert_eq!(map(&mut pins, "127.96.7.7"), "127.96.7.7");
        assert_eq!(map(&mut pins, "10.9.255.255"), "127.96.0.1", "never a broadcast address");
    }
}
