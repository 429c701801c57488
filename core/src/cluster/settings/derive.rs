//! What each area needs of the cluster's settings, in that area's own words.

use super::Settings;
use crate::{
    dns::{self, Options},
    forward::NodeConfig,
    ingress::{self, ClassSelection},
};

impl Settings {
    /// The node that forwards.
    #[must_use]
    pub fn forwarding(&self) -> NodeConfig {
        NodeConfig {
            name: self.node.as_deref().unwrap_or("localhost").into(),
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
