//! Node ports: one number may be held once for each protocol.

use core::time::Duration;
use std_alloc::vec::Vec;

use super::{AllocError, Bitmap, PortRange, quarantine::Quarantine};
use crate::{
    Seed, Time,
    model::{Port, Protocol},
};

/// A set of protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Protocols(u8);

impl Protocols {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// This one alone.
    #[must_use]
    pub const fn only(protocol: Protocol) -> Self {
        Self(1 << protocol as u8)
    }

    /// With `protocol` as well.
    #[must_use]
    pub const fn with(self, protocol: Protocol) -> Self {
        Self(self.0 | Self::only(protocol).0)
    }

    /// Whether `protocol` is one of them.
    #[must_use]
    pub const fn contains(self, protocol: Protocol) -> bool {
        self.0 & Self::only(protocol).0 != 0
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = Protocol> {
        Protocol::ALL.into_iter().filter(move |protocol| self.contains(*protocol))
    }
}

impl FromIterator<Protocol> for Protocols {
    fn from_iter<I: IntoIterator<Item = Protocol>>(protocols: I) -> Self {
        protocols.into_iter().fold(Self::NONE, Self::with)
    }
}

/// The node ports of a cluster, and who holds them for which protocol.
///
/// Kubernetes keeps one bit for a number whatever its protocol, so that 30053/TCP of one Service keeps 30053/UDP
/// from another. Here a number is free for each protocol by itself; draws still take numbers that nobody uses.
///
/// ```
/// use svckit::{Seed, Time, alloc::{NodePorts, PortRange, Protocols}, model::Protocol};
///
/// let mut ports = NodePorts::new(PortRange::default(), Seed([1; 4]));
/// let both = Protocols::only(Protocol::Tcp).with(Protocol::Udp);
/// let port = ports.allocate(both, Time::default())?;
/// assert!(ports.reserve(port, Protocols::only(Protocol::Udp)).is_err());
/// assert!(ports.reserve(port, Protocols::only(Protocol::Sctp)).is_ok());
/// # Ok::<(), svckit::alloc::AllocError>(())
/// ```
#[derive(Clone, Debug)]
pub struct NodePorts {
    range: PortRange,
    held: Vec<Protocols>,
    /// Numbers that somebody holds for any protocol.
    used: Bitmap,
    quarantine: Quarantine,
    draws: u64,
}

impl NodePorts {
    /// All ports of `range` are free.
    #[must_use]
    pub fn new(range: PortRange, seed: Seed) -> Self {
        Self::with_quarantine(range, Duration::ZERO, seed)
    }

    /// The same, but ports that were given back are not drawn again for `period`, unless nothing else is left.
    #[must_use]
    pub fn with_quarantine(range: PortRange, period: Duration, seed: Seed) -> Self {
        let Seed([_, draws, ..]) = seed;
        Self {
            range,
            held: std_alloc::vec![Protocols::NONE; range.len()],
            used: Bitmap::new(range.len()),
            quarantine: Quarantine::new(range.len(), period),
            draws,
        }
    }

    /// The range.
    #[must_use]
    pub const fn range(&self) -> PortRange {
        self.range
    }

    /// How many numbers nobody holds for any protocol.
    #[must_use]
    pub const fn free(&self) -> usize {
        self.used.capacity() - self.used.len()
    }

    /// For which protocols `port` is held.
    #[must_use]
    pub fn held(&self, port: Port) -> Protocols {
        self.range.slot(port).and_then(|slot| self.held.get(slot)).copied().unwrap_or_default()
    }

    /// Takes `port` for callers that asked for exactly this number; for all of `protocols` or for none.
    ///
    /// # Errors
    ///
    /// It is outside the range, or held for one of the protocols.
    pub fn reserve(&mut self, port: Port, protocols: Protocols) -> Result<(), AllocError> {
        let slot =
            self.range.slot(port).ok_or(AllocError::PortOutOfRange { port, range: self.range })?;
        let held = self.held(port);
        if let Some(protocol) = protocols.iter().find(|protocol| held.contains(*protocol)) {
            return Err(AllocError::PortTaken { port, protocol });
        }
        self.hold(slot, protocols);
        Ok(())
    }

    /// Takes a number that nobody uses, of the dynamic band first; failing that, one that is free for `protocols`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn allocate(&mut self, protocols: Protocols, now: Time) -> Result<Port, AllocError> {
        let exhausted = AllocError::PortsExhausted { range: self.range };
        self.draws = crate::seed::mix(self.draws);
        let (band, end) = (self.range.static_band_len(), self.range.len());
        let slot = self
            .draw(band, end, now)
            .or_else(|| self.draw(0, band, now))
            .or_else(|| self.used.next_free(0))
            .or_else(|| self.held.iter().position(|held| held.0 & protocols.0 == 0))
            .ok_or(exhausted)?;
        self.hold(slot, protocols);
        self.range.port(slot).ok_or(exhausted)
    }

    /// Gives `port` back for these protocols. Returns whether it was held for any of them.
    pub fn release(&mut self, port: Port, protocols: Protocols, now: Time) -> bool {
        let Some(slot) = self.range.slot(port) else { return false };
        let Some(held) = self.held.get_mut(slot) else { return false };
        let released = held.0 & protocols.0 != 0;
        held.0 &= !protocols.0;
        if released && *held == Protocols::NONE {
            self.used.remove(slot);
            self.quarantine.release(slot, now);
        }
        released
    }

    fn hold(&mut self, slot: usize, protocols: Protocols) {
        if let Some(held) = self.held.get_mut(slot) {
            held.0 |= protocols.0;
        }
        self.used.insert(slot);
        self.quarantine.hold(slot);
    }

    /// A slot between `start` and `end` that nobody uses, from a place that the seed gives, with wrap-around.
    fn draw(&mut self, start: usize, end: usize, now: Time) -> Option<usize> {
        let width = end.checked_sub(start).filter(|width| *width > 0)?;
        let from = start + ((u128::from(self.draws) * width as u128) >> 64) as usize;
        self.quarantine
            .next(&self.used, from, end, now)
            .or_else(|| self.quarantine.next(&self.used, start, from, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: Protocols = Protocols::only(Protocol::Tcp);
    const UDP: Protocols = Protocols::only(Protocol::Udp);

    fn port(number: u16) -> Port {
        Port::new(number).unwrap()
    }

    #[test]
    fn protocols_do_not_get_in_each_others_way() {
        let mut ports = NodePorts::new("30000-30001".parse().unwrap(), Seed([5; 4]));
        assert_eq!(ports.reserve(port(30_000), TCP), Ok(()));
        assert_eq!(ports.reserve(port(30_000), UDP), Ok(()));
        assert_eq!(
            ports.reserve(port(30_000), TCP),
            Err(AllocError::PortTaken { port: port(30_000), protocol: Protocol::Tcp })
        );
        assert!(
            ports.reserve(port(8_080), TCP).is_err_and(|e| e.to_string().contains("30000-30001"))
        );
        assert_eq!(ports.allocate(TCP, Time::default()), Ok(port(30_001)));
        assert_eq!(
            ports.allocate(UDP, Time::default()),
            Ok(port(30_001)),
            "free for this protocol"
        );
        assert!(ports.allocate(UDP, Time::default()).is_err());
        assert!(ports.release(port(30_000), TCP, Time::default()));
        assert!(!ports.release(port(30_000), TCP, Time::default()), "twice is harmless");
        assert_eq!(ports.held(port(30_000)), UDP);
    }

    use std::string::ToString;

    #[test]
    fn ranges_are_read() {
        for (text, want) in [("1-65535", Some(65_535)), ("8000+10", Some(11)), ("80", Some(1))] {
            assert_eq!(text.parse::<PortRange>().ok().map(PortRange::len), want, "{text}");
        }
        for text in ["", "0-5", "5-4", "1-65536", "a-b", "65535+1", "-1"] {
            assert!(text.parse::<PortRange>().is_err(), "{text}");
        }
    }
}
