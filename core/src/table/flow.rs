//! Questions to the table, and its answers.

use core::net::{IpAddr, SocketAddr};

use crate::{
    balance::EndpointId,
    model::{Port, Protocol},
};

/// A new connection, or the first datagram of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Who connects.
    pub source: SocketAddr,
    /// The address connected to.
    pub address: IpAddr,
    /// The port connected to.
    pub port: Port,
    /// How.
    pub protocol: Protocol,
}

/// A service port's number; valid while it exists, then used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub(super) u32);

impl PortId {
    /// What [`Self::get`] said.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number, as [`crate::balance::Affinity`] takes it.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// Where a connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The endpoint's address and port.
    pub backend: SocketAddr,
    /// Whose endpoint it is.
    pub service_port: PortId,
    /// Which one.
    pub endpoint: EndpointId,
}

/// What the table says about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes to this endpoint.
    Backend(Pick),
    /// Refuse it: no endpoint of the service port can be used anywhere.
    NoEndpoints,
    /// Say nothing: there are endpoints, but not for this client here, which tries again, elsewhere; or a stranger
    /// asks at a loopback address.
    Dropped,
    /// The address isn't a service port's.
    NotAService,
}

impl Outcome {
    /// The endpoint, if there is one.
    #[must_use]
    pub const fn backend(&self) -> Option<SocketAddr> {
        if let Self::Backend(pick) = self { Some(pick.backend) } else { None }
    }
}
