//! The ports that nodes answer on for Services.

use super::{
    AllocError, PortRange, Protocols, bands::Bands, bitmap::Bitmap, draws::Draws,
    quarantine::Quarantine,
};
use crate::{Seed, Time, model::Port, model::Protocol};
use core::time::Duration;
use std_alloc::{vec, vec::Vec};

/// The node ports of a cluster, and which of them are held for which protocols.
///
/// A port is free for each protocol by itself, and a draw for several protocols finds one number that is free for
/// all of them, as the two ports of a DNS Service want it. (In Kubernetes, one Service's 30053/TCP keeps others from
/// 30053/UDP; a caller who always asks for [`Protocols::ALL`] gets that.)
///
/// ```
/// use svckit::{Seed, Time, alloc::{NodePorts, PortRange, Protocols}, model::Protocol};
///
/// let mut ports = NodePorts::new(PortRange::DEFAULT, Seed([1, 2, 3, 4]));
/// let dns = Protocols::from(Protocol::Tcp) | Protocol::Udp.into();
/// let port = ports.allocate(dns, Time::default())?;
/// assert!(ports.reserve(port, Protocol::Udp.into()).is_err(), "somebody holds it");
/// assert!(ports.reserve(port, Protocol::Sctp.into()).is_ok());
/// # Ok::<(), svckit::alloc::AllocError>(())
/// ```
#[derive(Clone, Debug)]
pub struct NodePorts {
    range: PortRange,
    /// For each port, the bits of the protocols that it is held for.
    held: Vec<u8>,
    /// For each set of protocols, by its bits less one: the ports held or resting for any of them.
    taken: [Bands; SETS],
    /// For each protocol.
    resting: [(Protocol, Quarantine); 3],
    draws: Draws,
}

/// The sets of protocols there are.
const SETS: usize = Protocols::ALL.bits() as usize;

impl NodePorts {
    /// All ports of the range, none of them held. Takes about two bytes per port.
    #[must_use]
    pub fn new(range: PortRange, seed: Seed) -> Self {
        let bands = || Bands::new(range.size().into(), range.static_band_len(), Bitmap::dense);
        Self {
            range,
            held: vec![0; range.size() as usize],
            taken: core::array::from_fn(|_| bands()),
            resting: Protocol::ALL.map(|protocol| (protocol, Quarantine::new(seed))),
            draws: Draws::new(seed),
        }
    }

    /// Released ports rest this long before they are drawn again for the same protocol; zero is not at all. Default:
    /// [`QUARANTINE`](super::QUARANTINE).
    #[must_use]
    pub const fn with_quarantine(mut self, rest: Duration) -> Self {
        let [(_, tcp), (_, udp), (_, sctp)] = &mut self.resting;
        tcp.set_rest(rest);
        udp.set_rest(rest);
        sctp.set_rest(rest);
        self
    }

    /// The ports there are.
    #[must_use]
    pub const fn range(&self) -> PortRange {
        self.range
    }

    /// How many ports are free, or resting, for this protocol.
    #[must_use]
    pub fn free(&self, protocol: Protocol) -> u64 {
        let taken = self.taken(protocol.into()).map_or(0, Bands::held);
        let resting = self.resting.iter().filter(|(p, _)| *p == protocol);
        u64::from(self.range.size()) - taken + resting.map(|(_, q)| q.len()).sum::<u64>()
    }

    /// The protocols that somebody holds this port for.
    #[must_use]
    pub fn holds(&self, port: Port) -> Option<Protocols> {
        self.range.number(port).and_then(|number| self.held_at(number))
    }

    /// Takes this very port for these protocols, resting or not.
    ///
    /// # Errors
    ///
    /// [`AllocError::PortOutOfRange`] and [`AllocError::PortTaken`].
    pub fn reserve(&mut self, port: Port, protocols: Protocols) -> Result<(), AllocError> {
        let range = self.range;
        let number = range.number(port).ok_or(AllocError::PortOutOfRange { port, range })?;
        let held = self.held_at(number).map_or(0, Protocols::bits);
        if let Some(protocols) = Protocols::from_bits(held & protocols.bits()) {
            return Err(AllocError::PortTaken { port, protocols });
        }
        self.take(number, protocols);
        Ok(())
    }

    /// Takes any port that is free for all of these protocols: of the dynamic band, else of the static band, else one
    /// that rested longest.
    ///
    /// The last resort costs a walk over what rests when several protocols are asked for; all else is O(1).
    ///
    /// # Errors
    ///
    /// [`AllocError::PortsExhausted`].
    pub fn allocate(&mut self, protocols: Protocols, now: Time) -> Result<Port, AllocError> {
        self.wake(now);
        let random = self.draws.next();
        let drawn = self.taken(protocols).and_then(|taken| taken.draw(random));
        let number = drawn.or_else(|| self.rested_longest(protocols));
        let port = number.and_then(|number| Some((number, self.range.port(number)?)));
        let (number, port) =
            port.ok_or(AllocError::PortsExhausted { range: self.range, protocols })?;
        self.take(number, protocols);
        Ok(port)
    }

    /// Gives a port back, to rest. Answers the protocols of these that it was held for, so releasing twice is
    /// harmless.
    pub fn release(&mut self, port: Port, protocols: Protocols, now: Time) -> Option<Protocols> {
        let (number, released) = self.give_back(port, protocols)?;
        for (_, resting) in self.resting.iter_mut().filter(|(p, _)| released.contains(*p)) {
            resting.add(number, now);
        }
        self.index(number);
        Some(released)
    }

    /// Gives a port back that nobody has seen, as after a write that failed: it need not rest. Answers the protocols
    /// of these that it was held for.
    pub fn cancel(&mut self, port: Port, protocols: Protocols) -> Option<Protocols> {
        let (number, released) = self.give_back(port, protocols)?;
        self.index(number);
        Some(released)
    }

    /// The ports held and for what, in order: everything that [`NodePorts::restore`] needs. What rests is not among
    /// them; a caller's clock doesn't survive a restart.
    pub fn held(&self) -> impl Iterator<Item = (Port, Protocols)> + '_ {
        self.held.iter().zip(0..).filter_map(|(bits, number)| {
            Some((self.range.port(number)?, Protocols::from_bits(*bits)?))
        })
    }

    /// Takes all of these, and returns what could not be taken and why.
    pub fn restore(
        &mut self,
        ports: impl IntoIterator<Item = (Port, Protocols)>,
    ) -> Vec<AllocError> {
        ports.into_iter().filter_map(|(port, set)| self.reserve(port, set).err()).collect()
    }

    fn held_at(&self, number: u64) -> Option<Protocols> {
        self.held.get(number as usize).copied().and_then(Protocols::from_bits)
    }

    /// The ports held or resting for any of these.
    fn taken(&self, protocols: Protocols) -> Option<&Bands> {
        self.taken.get(usize::from(protocols.bits()) - 1)
    }

    fn take(&mut self, number: u64, protocols: Protocols) {
        if let Some(held) = self.held.get_mut(number as usize) {
            *held |= protocols.bits();
        }
        for (_, resting) in self.resting.iter_mut().filter(|(p, _)| protocols.contains(*p)) {
            resting.remove(number);
        }
        self.index(number);
    }

    /// Ends the holding, and leaves the index to the caller.
    fn give_back(&mut self, port: Port, protocols: Protocols) -> Option<(u64, Protocols)> {
        let number = self.range.number(port)?;
        let held = self.held.get_mut(number as usize)?;
        let released = Protocols::from_bits(*held & protocols.bits())?;
        *held &= !released.bits();
        Some((number, released))
    }

    /// Sets and clears the port in each set's bitmap, by what it is held and rests for.
    fn index(&mut self, number: u64) {
        let resting = self.resting.iter().filter(|(_, resting)| resting.contains(number));
        let resting = Protocols::of(resting.map(|(protocol, _)| *protocol));
        let taken =
            self.held_at(number).map_or(0, Protocols::bits) | resting.map_or(0, Protocols::bits);
        for (bands, set) in self.taken.iter_mut().zip(1..) {
            if taken & set != 0 {
                bands.insert(number)
            } else {
                bands.remove(number)
            };
        }
    }

    /// Ends the rest of all ports that have rested long enough.
    fn wake(&mut self, now: Time) {
        let rested = |(_, resting): &mut (_, Quarantine)| resting.pop_rested(now);
        while let Some(number) = self.resting.iter_mut().find_map(rested) {
            self.index(number);
        }
    }

    /// Of the ports that nobody holds for any of these protocols, the one whose rest ends first.
    fn rested_longest(&self, protocols: Protocols) -> Option<u64> {
        let free = |number: u64| {
            self.held_at(number).is_none_or(|held| held.bits() & protocols.bits() == 0)
        };
        self.resting
            .iter()
            .filter(|(protocol, _)| protocols.contains(*protocol))
            .filter_map(|(_, resting)| resting.iter().find(|(number, _)| free(*number)))
            .min_by_key(|(_, until)| *until)
            .map(|(number, _)| number)
    }
}

#[cfg(test)]
mod tests;
