//! What one Service holds.

use crate::model::{Family, Port, Protocol};
use core::{fmt, net::IpAddr, str::FromStr};
use std_alloc::{sync::Arc, vec::Vec};

/// What was handed out to one Service: write it down, and give it to [`super::Registry::remember`] after a restart.
///
/// Prints as one line of text and is read back from it.
///
/// ```
/// use svckit::admit::Allocation;
///
/// let text = "10.96.0.7,fd00::7 http/TCP=30080 health=30100";
/// let allocation: Allocation = text.parse()?;
/// assert_eq!(allocation.node_ports[0].port.get(), 30080);
/// assert_eq!(allocation.to_string(), text);
/// # Ok::<(), svckit::admit::BadAllocation>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocation {
    /// Its cluster IPs, the preferred one first.
    pub cluster_ips: Vec<IpAddr>,
    /// Its node ports.
    pub node_ports: Vec<AllocatedPort>,
    /// Where load balancers ask for its health.
    pub health_check_port: Option<Port>,
}

/// The node port of one port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocatedPort {
    /// The Service port's name; by name and protocol the number is found again.
    pub name: Arc<str>,
    /// The Service port's protocol.
    pub protocol: Protocol,
    /// The number.
    pub port: Port,
}

/// The text is no allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an allocation looks like 10.96.0.7 http/TCP=30080 health=30100")]
pub struct BadAllocation;

impl Allocation {
    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cluster_ips.is_empty()
            && self.node_ports.is_empty()
            && self.health_check_port.is_none()
    }

    /// The address of a family.
    pub(super) fn address(&self, family: Family) -> Option<IpAddr> {
        self.cluster_ips.iter().copied().find(|addr| Family::of(*addr) == family)
    }

    /// The node port of a Service port.
    pub(super) fn node_port(&self, name: &str, protocol: &str) -> Option<Port> {
        let found =
            |port: &&AllocatedPort| &*port.name == name && port.protocol.as_str() == protocol;
        self.node_ports.iter().find(found).map(|port| port.port)
    }
}

impl fmt::Display for Allocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, addr) in self.cluster_ips.iter().enumerate() {
            write!(f, "{}{addr}", if i == 0 { "" } else { "," })?;
        }
        for AllocatedPort { name, protocol, port } in &self.node_ports {
            write!(f, " {name}/{protocol}={port}")?;
        }
        match self.health_check_port {
            Some(port) => write!(f, " health={port}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Allocation {
    type Err = BadAllocation;

    fn from_str(text: &str) -> Result<Self, BadAllocation> {
        let mut allocation = Self::default();
        let (addresses, ports) = text.split_once(' ').unwrap_or((text, ""));
        for addr in addresses.split(',').filter(|addr| !addr.is_empty()) {
            allocation.cluster_ips.push(addr.parse().map_err(|_| BadAllocation)?);
        }
        for part in ports.split(' ').filter(|part| !part.is_empty()) {
            let (what, port) = part.split_once('=').ok_or(BadAllocation)?;
            let port = port.parse().map_err(|_| BadAllocation)?;
            match what.split_once('/') {
                Some((name, protocol)) => allocation.node_ports.push(AllocatedPort {
                    name: name.into(),
                    protocol: Protocol::parse(protocol).ok_or(BadAllocation)?,
                    port,
                }),
                None if what == "health" => allocation.health_check_port = Some(port),
                None => return Err(BadAllocation),
            }
        }
        Ok(allocation)
    }
}
