//! What a cluster has to hand out.

use crate::{
    admit::Gates,
    alloc::{AllocError, PortRange},
};
use core::{net::IpAddr, net::Ipv4Addr, time::Duration};
use ipnet::IpNet;
use std_alloc::vec::Vec;

/// What a cluster has to hand out, and how strict it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Ranges for cluster IPs, any number of each family, the preferred one first; the family of the first is the
    /// default. Default: `10.96.0.0/12`.
    pub service_cidrs: Vec<IpNet>,
    /// Where node ports and health check ports come from. Default: 30000–32767.
    pub node_ports: PortRange,
    /// Which writes are accepted. Default: as Kubernetes v1.36.
    pub gates: Gates,
    /// How long an address or port that was given back is not drawn again, because clients may still remember it.
    /// Default: one minute.
    pub quarantine: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let range = IpNet::new(IpAddr::V4(Ipv4Addr::new(10, 96, 0, 0)), 12);
        Self {
            service_cidrs: range.into_iter().collect(),
            node_ports: PortRange::DEFAULT,
            gates: Gates::default(),
            quarantine: Duration::from_secs(60),
        }
    }
}

/// Settings that make no cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// There is no range for cluster IPs. Give at least one.
    #[error("there is no range for cluster IPs")]
    NoRange,
    /// A range can't be kept track of.
    #[error("can't hand out cluster IPs: {0}")]
    Range(AllocError),
}
