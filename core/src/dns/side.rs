//! A Service as one kind of zone shows it: with its addresses in the cluster, or with those outside.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::{
    Dialect, Name,
    endpoints::Record,
    entry::{Body, Entry, PortRecord},
    locate::PortFilter,
};

/// A Service as one kind of zone shows it.
#[derive(Clone, Copy)]
pub(super) struct Side<'s> {
    pub(super) entry: &'s Entry,
    /// With its external addresses, instead of those in the cluster.
    pub(super) outside: bool,
}

impl<'s> Side<'s> {
    /// The endpoints called `label`.
    pub(super) fn called(&self, label: &[u8], cluster: Option<&[u8]>) -> &'s [Record] {
        match &self.entry.endpoints {
            Some(endpoints) => endpoints.called(label, cluster),
            None => &[],
        }
    }

    /// Its ports: a headless Service's are those of its slices.
    pub(super) fn ports(&self) -> impl Iterator<Item = &'s PortRecord> + use<'s> {
        let own = if self.stands_for_endpoints() { &[] } else { &*self.entry.ports };
        let endpoints = self.entry.endpoints.as_deref().filter(|_| self.stands_for_endpoints());
        own.iter()
            .chain(endpoints.into_iter().flat_map(|endpoints| endpoints.port_sets().flatten()))
    }

    /// Whether its name answers with its endpoints.
    pub(super) fn stands_for_endpoints(&self) -> bool {
        matches!(self.entry.body, Body::Headless)
            && !(self.outside && self.entry.external.is_some())
    }

    /// Whether a label that is no endpoint's has names below it.
    pub(super) fn is_hollow(&self, label: &[u8], headless: bool, dialect: Dialect) -> bool {
        let protocol = label.strip_prefix(b"_").is_some_and(|protocol| {
            let filter = PortFilter { port: &[], protocol };
            !protocol.is_empty()
                && self.ports().any(|port| filter.admits(port) && !port.name.is_empty())
        });
        let cluster = dialect.multicluster
            && self.entry.endpoints.as_ref().is_some_and(|all| all.any_in_cluster(label));
        let zone = label == b"_zone" && dialect.zonal && !dialect.multicluster && headless;
        protocol || cluster || zone
    }

    /// The IPv4 addresses that its name answers with.
    pub(super) fn v4(&self) -> &'s [Ipv4Addr] {
        match (&self.entry.body, &self.entry.external) {
            (_, Some(external)) if self.outside => &external.v4,
            (Body::Cluster { v4, .. }, _) if !self.outside => v4.as_slice(),
            (Body::Headless, _) => {
                self.entry.endpoints.as_ref().map_or(&[], |endpoints| &endpoints.v4)
            }
            _ => &[],
        }
    }

    /// The IPv6 addresses likewise.
    pub(super) fn v6(&self) -> &'s [Ipv6Addr] {
        match (&self.entry.body, &self.entry.external) {
            (_, Some(external)) if self.outside => &external.v6,
            (Body::Cluster { v6, .. }, _) if !self.outside => v6.as_slice(),
            (Body::Headless, _) => {
                self.entry.endpoints.as_ref().map_or(&[], |endpoints| &endpoints.v6)
            }
            _ => &[],
        }
    }

    /// The names of its load balancers, in zones that show them.
    pub(super) fn names(&self) -> &'s [Name] {
        match &self.entry.external {
            Some(external) if self.outside => &external.names,
            _ => &[],
        }
    }
}
