//! What a zone answers, and how: the settings.

use core::net::IpAddr;
use std_alloc::{sync::Arc, vec::Vec};

use super::Name;

/// Settings of a [`Zone`](super::Zone).
///
/// ```
/// use svckit::dns::{Options, PodRecords};
///
/// let mut options = Options::new("cluster.local".parse()?);
/// options.ttl = 30;
/// options.pods = PodRecords::Verified;
/// assert_eq!(options.zones.len(), 1);
/// # Ok::<_, svckit::dns::BadName>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// What is served: the cluster domain first, then further domains and reverse zones. Records that point into
    /// the cluster (PTR) use the first one that isn't a reverse zone.
    pub zones: Vec<Name>,
    /// Those of `zones` that hold ServiceImports instead of Services (KEP-1645). Default: none.
    pub multicluster_zones: Vec<Name>,
    /// Zones for external addresses. Default: none.
    pub external: Option<ExternalOptions>,
    /// Namespaces that have names; empty: all. Default: all.
    pub namespaces: Vec<Arc<str>>,
    /// Seconds that answers may be kept, 0 to 3600. Default: 5.
    pub ttl: u32,
    /// Seconds that denials may be kept. Default: as `ttl`, though at most 300 (the SOA's own TTL).
    pub negative_ttl: Option<u32>,
    /// What `10-244-0-7.shop.pod.cluster.local` answers. Default: insecure.
    pub pods: PodRecords,
    /// Endpoints without hostname are called as their pod instead of as their address. Default: off.
    pub endpoint_pod_names: bool,
    /// Services with cluster IPs but no ready endpoint have no name. Default: off.
    pub ignore_empty_service: bool,
    /// Headless Services answer for one topology zone too: `zone-a.pin._zone.db.shop.svc`. Default: off.
    pub zonal: bool,
    /// Which names a pod's address has. Default: all.
    pub pointers: Pointers,
    /// Own rules, or CoreDNS's to the letter. Default: strict.
    pub mode: Mode,
    /// The largest UDP reply, whatever the client would take; 512 to 65535. Default: 1232, which crosses any
    /// path unfragmented (DNS flag day 2020).
    pub udp_ceiling: u16,
    /// Replies leave out what clients can do without: the addresses of SRV targets. Default: off.
    pub minimal: bool,
    /// Addresses at which this server itself can be asked: the glue of NS records. Default: none.
    pub server_addresses: Vec<IpAddr>,
    /// Zones in which a missing name is somebody else's question. Default: none.
    pub fallthrough: Vec<Name>,
    /// The server's own search list, tried for clients after the cluster's. Default: none.
    pub host_search: Vec<Name>,
    /// A first question that fails as expected is answered for the whole search list of the client's pod. Needs
    /// pods verified. Default: off.
    pub autopath: bool,
    /// A zone in which one search domain stands for a whole list: `search.shop.cluster.local.` and this zone
    /// (KEP-2009 calls it `ap.k8s.io`). No pods need to be known. Default: none.
    pub search_zone: Option<Name>,
}

/// Settings of zones that hold external addresses: those of load balancers, and `externalIPs`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExternalOptions {
    /// What is served; the first that isn't a reverse zone is what PTR records point into.
    pub zones: Vec<Name>,
    /// The label below which the zone's own server is found: `ns1.dns.example.com`. Default: `dns`.
    pub apex_label: Arc<str>,
    /// Headless Services without external address answer with their endpoints. Default: off.
    pub headless: bool,
    /// Seconds that answers may be kept. Default: 5.
    pub ttl: u32,
}

/// What names made of pod addresses answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodRecords {
    /// Nothing: the names don't exist.
    Disabled,
    /// The address in the name, whoever has it.
    #[default]
    Insecure,
    /// The address in the name, if a pod of that namespace has it.
    Verified,
}

/// Which names an endpoint's address has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pointers {
    /// One for each Service behind which it stands; those with a hostname first, then by name.
    #[default]
    All,
    /// The first of them.
    One,
    /// Those with a hostname.
    HostnameOnly,
}

/// Whose rules answers follow where CoreDNS contradicts the DNS standards or itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Whether a name exists doesn't depend on the type asked for, names above existing ones exist, targets
    /// resolve, and failures are told as failures.
    #[default]
    Strict,
    /// As CoreDNS 1.14 answers, for moving over.
    CoreDns,
}

impl Options {
    /// The defaults, for one cluster domain.
    #[must_use]
    pub fn new(zone: Name) -> Self {
        Self {
            zones: Vec::from([zone]),
            multicluster_zones: Vec::new(),
            external: None,
            namespaces: Vec::new(),
            ttl: 5,
            negative_ttl: None,
            pods: PodRecords::Insecure,
            endpoint_pod_names: false,
            ignore_empty_service: false,
            zonal: false,
            pointers: Pointers::All,
            mode: Mode::Strict,
            udp_ceiling: 1232,
            minimal: false,
            server_addresses: Vec::new(),
            fallthrough: Vec::new(),
            host_search: Vec::new(),
            autopath: false,
            search_zone: None,
        }
    }

    /// Whether names of this namespace may exist.
    pub(super) fn exposes(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|shown| **shown == *namespace)
    }
}

impl ExternalOptions {
    /// The defaults, for these zones.
    #[must_use]
    pub fn new(zones: Vec<Name>) -> Self {
        Self { zones, apex_label: "dns".into(), headless: false, ttl: 5 }
    }
}
