//! Names of tables and chains: kube-proxy's, so that people and tools that know its rules know ours.

use core::{fmt, fmt::Write, net::SocketAddr};
use sha2::{Digest, Sha256};

use crate::{forward::HostPortKey, model::ServicePortName};

/// A table; they are written in this order, so that what is refused is refused before it stops being translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Nothing but the guard of loopback addresses.
    Mangle,
    /// What is refused.
    Filter,
    /// What is translated.
    Nat,
}

/// A chain: one of a fixed few, or one of a service port or endpoint.
///
/// Names have at most 28 characters, so the latter are known by a hash. At its end are 16 characters of base32:
/// 80 bits of SHA-256 over the service port (`shop/cart:http` and its protocol, `tcp`), and, for an endpoint's chain,
/// its address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChainName {
    /// One that many service ports share, or all.
    Shared(&'static str),
    /// One with a hash: what its name begins with, and the hash.
    Own(Kind, [u8; 16]),
}

/// What a chain with a hash is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Picks from the cluster set.
    Service,
    /// Picks from the local set.
    Local,
    /// Traffic to external addresses and node ports.
    External,
    /// Who may use a load balancer's address.
    Firewall,
    /// One endpoint.
    Endpoint,
    /// One host port.
    HostPort,
}

impl Table {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Mangle, Self::Filter, Self::Nat];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mangle => "mangle",
            Self::Filter => "filter",
            Self::Nat => "nat",
        }
    }

    /// The table of this name, if it is one that we write.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.as_str() == name)
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Service,
        Self::Local,
        Self::External,
        Self::Firewall,
        Self::Endpoint,
        Self::HostPort,
    ];

    /// What its names begin with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Service => "KUBE-SVC-",
            Self::Local => "KUBE-SVL-",
            Self::External => "KUBE-EXT-",
            Self::Firewall => "KUBE-FW-",
            Self::Endpoint => "KUBE-SEP-",
            Self::HostPort => "KUBE-HP-",
        }
    }
}

impl ChainName {
    /// A chain of a service port.
    ///
    /// ```
    /// use svckit::model::{NamespacedName, Protocol, ServicePortName};
    /// use svckit::render::iptables::{ChainName, Kind};
    ///
    /// let port = ServicePortName {
    ///     service: NamespacedName::new("ns4", "svc4"),
    ///     port: "p80".into(),
    ///     protocol: Protocol::Tcp,
    /// };
    /// assert_eq!(ChainName::of(Kind::Service, &port).to_string(), "KUBE-SVC-4SW47YFZTEDKD3PK");
    /// ```
    #[must_use]
    pub fn of(kind: Kind, port: &ServicePortName) -> Self {
        Self::Own(kind, hash(format_args!("{port}{}", port.protocol.as_lower())))
    }

    /// The chain of one endpoint of a service port.
    #[must_use]
    pub fn of_endpoint(port: &ServicePortName, endpoint: SocketAddr) -> Self {
        let text = format_args!("{port}{}{endpoint}", port.protocol.as_lower());
        Self::Own(Kind::Endpoint, hash(text))
    }

    /// The chain of one host port.
    #[must_use]
    pub fn of_host_port(key: &HostPortKey) -> Self {
        let HostPortKey { addr, protocol, port, .. } = key;
        let protocol = protocol.as_lower();
        Self::Own(
            Kind::HostPort,
            match addr {
                Some(addr) => hash(format_args!("{addr}{protocol}{port}")),
                None => hash(format_args!("{protocol}{port}")),
            },
        )
    }
}

impl fmt::Display for ChainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared(name) => f.write_str(name),
            Self::Own(kind, hash) => {
                f.write_str(kind.prefix())?;
                hash.iter().try_for_each(|letter| f.write_char(char::from(*letter)))
            }
        }
    }
}

/// The first 16 characters of a text's SHA-256 in base32 (RFC 4648).
fn hash(text: fmt::Arguments<'_>) -> [u8; 16] {
    struct Sink(Sha256);
    impl Write for Sink {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.update(text.as_bytes());
            Ok(())
        }
    }
    let mut sink = Sink(Sha256::new());
    // The sink takes any text.
    let _ = sink.write_fmt(text);
    let digest = sink.0.finalize();
    let mut bits = digest.iter().take(10).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let mut letters = [0; 16];
    for letter in letters.iter_mut().rev() {
        *letter = match (bits & 31) as u8 {
            value @ 0..26 => b'A' + value,
            value => b'2' + (value - 26),
        };
        bits >>= 5;
    }
    letters
}
