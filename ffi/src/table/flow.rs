//! Questions to the table and its answers, as C has them.

use crate::{
    SVCKIT_PROTOCOLS_SCTP, SVCKIT_PROTOCOLS_TCP, SVCKIT_PROTOCOLS_UDP, svckit_ip, svckit_text,
};
use std::net::{IpAddr, SocketAddr};
use svckit::{
    model::{Port, Protocol},
    table::{Flow, Outcome, Pick, Snapshot},
};

/// The address isn't a service port's.
pub const SVCKIT_OUTCOME_NOT_A_SERVICE: u8 = 0;
/// It goes to the endpoint.
pub const SVCKIT_OUTCOME_BACKEND: u8 = 1;
/// Refuse it: no endpoint of the service port can be used anywhere.
pub const SVCKIT_OUTCOME_NO_ENDPOINTS: u8 = 2;
/// Say nothing: there are endpoints, but not for this client here, which tries again, elsewhere.
pub const SVCKIT_OUTCOME_DROPPED: u8 = 3;

/// A new connection, or the first datagram of a flow.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_flow {
    /// Who connects.
    pub source: svckit_ip,
    /// The address connected to.
    pub address: svckit_ip,
    /// The port of who connects.
    pub source_port: u16,
    /// The port connected to.
    pub port: u16,
    /// One of `SVCKIT_PROTOCOLS_*`. What is none of them, like port 0, belongs to no service.
    pub protocol: u8,
}

/// An address and a port.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_endpoint {
    /// The address.
    pub ip: svckit_ip,
    /// The port.
    pub port: u16,
}

/// Where a connection goes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct svckit_pick {
    /// The endpoint's address; all fields but `outcome` are zero when there is no endpoint.
    pub ip: svckit_ip,
    /// Whose endpoint it is: a number for `svckit_table_service_port`. Valid while the service port exists, then used
    /// again.
    pub service_port: u32,
    /// Which endpoint of the service port.
    pub endpoint: u32,
    /// The endpoint's port.
    pub port: u16,
    /// One of `SVCKIT_OUTCOME_*`.
    pub outcome: u8,
}

/// The name of a service port.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_service_port {
    /// The Service's namespace.
    pub service_namespace: svckit_text,
    /// The Service's name.
    pub service_name: svckit_text,
    /// The port's name; empty for a Service's only port.
    pub port_name: svckit_text,
    /// One of `SVCKIT_PROTOCOLS_*`.
    pub protocol: u8,
}

impl svckit_flow {
    /// The flow as the core has it, unless no service can have it. Whoever wants to know a part of it reads no other.
    #[inline(always)]
    pub(super) fn read(&self) -> Option<Flow> {
        let (port, protocol) = (Port::new(self.port)?, protocol_of(self.protocol)?);
        let source = SocketAddr::new(self.source.into(), self.source_port);
        Some(Flow { source, address: self.address.into(), port, protocol })
    }

    /// The usual case of a pick, for which no flow is made: it would be written to memory and read back.
    #[inline(always)]
    pub(super) fn pick_at_once(&self, table: &Snapshot, entropy: u64) -> Option<Pick> {
        let (port, protocol) = (Port::new(self.port)?, protocol_of(self.protocol)?);
        table.pick_at_once(self.address.v4()?, port, protocol, entropy)
    }
}

/// One protocol of `SVCKIT_PROTOCOLS_*`.
#[inline]
pub(crate) const fn protocol_of(bit: u8) -> Option<Protocol> {
    match bit {
        SVCKIT_PROTOCOLS_TCP => Some(Protocol::Tcp),
        SVCKIT_PROTOCOLS_UDP => Some(Protocol::Udp),
        SVCKIT_PROTOCOLS_SCTP => Some(Protocol::Sctp),
        _ => None,
    }
}

/// The number for an outcome.
#[inline]
pub(super) const fn code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Backend(_) => SVCKIT_OUTCOME_BACKEND,
        Outcome::NoEndpoints => SVCKIT_OUTCOME_NO_ENDPOINTS,
        Outcome::Dropped => SVCKIT_OUTCOME_DROPPED,
        Outcome::NotAService => SVCKIT_OUTCOME_NOT_A_SERVICE,
    }
}

impl From<Outcome> for svckit_pick {
    #[inline]
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Backend(pick) => pick.into(),
            other => Self { outcome: code(&other), ..Self::default() },
        }
    }
}

impl From<Pick> for svckit_pick {
    #[inline]
    fn from(pick: Pick) -> Self {
        Self {
            ip: match pick.backend {
                SocketAddr::V4(backend) => (*backend.ip()).into(),
                SocketAddr::V6(backend) => svckit_ip { bytes: backend.ip().octets() },
            },
            port: pick.backend.port(),
            service_port: pick.service_port.get(),
            endpoint: pick.endpoint.get(),
            outcome: SVCKIT_OUTCOME_BACKEND,
        }
    }
}

impl From<SocketAddr> for svckit_endpoint {
    fn from(addr: SocketAddr) -> Self {
        Self { ip: addr.ip().into(), port: addr.port() }
    }
}

impl From<svckit_endpoint> for SocketAddr {
    fn from(endpoint: svckit_endpoint) -> Self {
        Self::new(IpAddr::from(endpoint.ip), endpoint.port)
    }
}
