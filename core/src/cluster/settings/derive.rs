//! What each area needs of the cluster's settings, in that area's own words.

use super::Settings;
use std_alloc::vec::Vec;

use crate::{
    api::Object,
    dns::{self, Options},
    forward::NodeConfig,
    ingress::{self, ClassSelection},
};

impl Settings {
    /// Takes over what a cluster's objects say where nobody said otherwise, that is, where these settings are still
    /// the `defaults`: the ranges of ServiceCIDRs, the pod ranges of Nodes.
    ///
    /// ```
    /// use svckit::{api::{Object, ServiceCidr}, cluster::Settings};
    ///
    /// let mut range = ServiceCidr::default();
    /// range.spec.cidrs = vec!["10.0.0.0/16".into()];
    /// let mut settings = Settings::default();
    /// settings.fill_in(&Settings::default(), &[Object::ServiceCidr(range.into())]);
    /// assert_eq!(settings.service_cidrs, ["10.0.0.0/16".parse()?]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn fill_in<'a>(&mut self, defaults: &Self, objects: impl IntoIterator<Item = &'a Object>) {
        let (mut services, mut pods) = (Vec::new(), Vec::new());
        for object in objects {
            let (ranges, texts) = match object {
                Object::ServiceCidr(it) if it.metadata.deletion_timestamp.is_none() => {
                    (&mut services, &it.spec.cidrs)
                }
                Object::Node(it) => (&mut pods, &it.spec.pod_cidrs),
                _ => continue,
            };
            for range in texts.iter().filter_map(|text| text.parse().ok()) {
                if !ranges.contains(&range) {
                    ranges.push(range);
                }
            }
        }
        if self.service_cidrs == defaults.service_cidrs && !services.is_empty() {
            self.service_cidrs = services;
        }
        if self.pod_cidrs == defaults.pod_cidrs && !pods.is_empty() {
            self.pod_cidrs = pods;
        }
    }

    /// The node that forwards.
    #[must_use]
    pub fn forwarding(&self) -> NodeConfig {
        NodeConfig {
            name: self.node_name().into(),
            zone: self.node_zone.as_deref().map(Into::into),
            addresses: self.node_addresses.clone(),
            pod_cidrs: self.pod_cidrs.clone(),
            masquerade_all: self.masquerade_all,
            node_port_addresses: self.node_port_addresses.clone(),
            localhost_node_ports: self.localhost_node_ports,
            service_cidrs: self.service_cidrs.clone(),
            ..NodeConfig::default()
        }
    }

    /// The zones that DNS answers for.
    #[must_use]
    pub fn naming(&self) -> Options {
        let mut options = Options::new(self.cluster_domain.clone());
        let ranges = match &self.reverse_zones[..] {
            [] => self.service_cidrs.iter().chain(&self.pod_cidrs),
            given => given.iter().chain(&[]),
        };
        options.zones.extend(ranges.flat_map(|range| dns::reverse_zones(*range)));
        options.ttl = self.dns_ttl;
        options.pods = self.pod_records;
        options.autopath = self.autopath;
        options.search_zone.clone_from(&self.search_zone);
        options.server_addresses = self.dns_address().into_iter().collect();
        if self.compat.iter().any(|quirk| quirk == "coredns") {
            options.mode = dns::Mode::CoreDns;
        }
        options
    }

    /// How Ingresses become routes.
    #[must_use]
    pub fn routing(&self) -> ingress::Settings {
        ingress::Settings::default()
    }

    /// Which Ingresses are ours: those of the classes that were named, or of any class there is.
    #[must_use]
    pub fn classes(&self) -> ClassSelection {
        let mut selection = ClassSelection::default();
        if !self.ingress_classes.is_empty() {
            let names = self.ingress_classes.iter().map(|name| name.as_str().into());
            selection.names = Some(names.collect());
        }
        selection
    }
}
