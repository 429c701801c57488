//! Settings of a zone of SkyDNS records.

use core::net::IpAddr;
use std_alloc::{string::String, vec::Vec};

use crate::dns::{Mode, Name};

/// Settings of a [`SkyDns`](super::SkyDns).
///
/// ```
/// use svckit::dns::SkyOptions;
///
/// let options = SkyOptions::new(vec!["cluster.local".parse()?]);
/// assert_eq!(options.prefix, "/skydns");
/// # Ok::<_, svckit::dns::BadName>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SkyOptions {
    /// What is served, reverse zones among them.
    pub zones: Vec<Name>,
    /// Zones in which a missing name is somebody else's question. Default: none.
    pub fallthrough: Vec<Name>,
    /// What all keys start with. Default: `/skydns`.
    pub prefix: String,
    /// Seconds that answers may be kept when neither the record nor its lease says. Default: 300 (CoreDNS; SkyDNS
    /// had 3600).
    pub ttl: u32,
    /// The priority of records that give none. Default: 10.
    pub priority: u16,
    /// Seconds that denials may be kept. Default: 30.
    pub negative_ttl: u32,
    /// A name answers with what stands right below its key, as kube-dns had it and as a cluster's records are meant;
    /// SkyDNS and CoreDNS answer with everything further below too. Default: off.
    pub shallow: bool,
    /// Own rules, or CoreDNS's to the letter. Default: strict.
    pub mode: Mode,
    /// The largest UDP reply, as in [`Options`](crate::dns::Options). Default: 1232.
    pub udp_ceiling: u16,
    /// Addresses of this server, for `ns.dns` when no record gives it. Default: none.
    pub server_addresses: Vec<IpAddr>,
}

impl SkyOptions {
    /// The defaults, for these zones.
    #[must_use]
    pub fn new(zones: Vec<Name>) -> Self {
        Self {
            zones,
            fallthrough: Vec::new(),
            prefix: "/skydns".into(),
            ttl: 300,
            priority: 10,
            negative_ttl: 30,
            shallow: false,
            mode: Mode::Strict,
            udp_ceiling: 1232,
            server_addresses: Vec::new(),
        }
    }
}
