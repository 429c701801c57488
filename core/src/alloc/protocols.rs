//! Sets of transport protocols.

use crate::model::Protocol;
use core::{fmt, num::NonZeroU8, ops::BitOr};

/// One or more transport protocols; never none.
///
/// ```
/// use svckit::{alloc::Protocols, model::Protocol};
///
/// let dns = Protocols::from(Protocol::Tcp) | Protocol::Udp.into();
/// assert!(dns.contains(Protocol::Udp) && !dns.contains(Protocol::Sctp));
/// assert_eq!(dns.to_string(), "TCP, UDP");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Protocols(NonZeroU8);

impl Protocols {
    /// All there are. A caller who always asks for all of them gets what Kubernetes does: its node ports don't know
    /// protocols, and 30053/TCP keeps others from 30053/UDP.
    pub const ALL: Self = Self(NonZeroU8::MIN.saturating_add(6));

    /// The set of these; `None` when there are none.
    pub fn of(protocols: impl IntoIterator<Item = Protocol>) -> Option<Self> {
        Self::from_bits(protocols.into_iter().fold(0, |bits, protocol| bits | bit(protocol)))
    }

    /// The set whose bits 0, 1 and 2 stand for TCP, UDP and SCTP; `None` for no bits and for others.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match NonZeroU8::new(bits) {
            Some(set) if bits <= Self::ALL.bits() => Some(Self(set)),
            _ => None,
        }
    }

    /// The bits 0, 1 and 2 for TCP, UDP and SCTP.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0.get()
    }

    /// Whether this one is in the set.
    #[must_use]
    pub const fn contains(self, protocol: Protocol) -> bool {
        self.bits() & bit(protocol) != 0
    }

    /// Those of the set, TCP first.
    pub fn iter(self) -> impl Iterator<Item = Protocol> {
        Protocol::ALL.into_iter().filter(move |protocol| self.contains(*protocol))
    }
}

impl From<Protocol> for Protocols {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Tcp => Self(NonZeroU8::MIN),
            Protocol::Udp => Self(NonZeroU8::MIN.saturating_add(1)),
            Protocol::Sctp => Self(NonZeroU8::MIN.saturating_add(3)),
        }
    }
}

impl BitOr for Protocols {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, protocol) in self.iter().enumerate() {
            f.write_str(if n == 0 { "" } else { ", " })?;
            f.write_str(protocol.as_str())?;
        }
        Ok(())
    }
}

const fn bit(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 1,
        Protocol::Udp => 2,
        Protocol::Sctp => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_sets_agree() {
        for protocol in Protocol::ALL {
            assert_eq!(Protocols::from(protocol).bits(), bit(protocol));
            assert!(Protocols::ALL.contains(protocol));
        }
        for bits in 0..=u8::MAX {
            let set = Protocols::from_bits(bits);
            assert_eq!(set.is_some(), (1..8).contains(&bits), "{bits}");
            assert_eq!(set, set.and_then(|set| Protocols::of(set.iter())), "{bits}");
        }
        assert_eq!(Protocols::of([]), None);
    }
}
