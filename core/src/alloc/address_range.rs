//! The service addresses of one CIDR.

use super::{
    AllocError,
    bands::{Bands, static_addresses},
    bitmap::Bitmap,
    draws::Draws,
    quarantine::Quarantine,
};
use crate::{Seed, Time};
use core::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
    time::Duration,
};
use ipnet::IpNet;
use std_alloc::vec::Vec;

/// What Kubernetes' bitmap allocator uses of an IPv6 range.
const BITMAP_MODE: u128 = 65_536;

/// Ranges up to this many addresses have all their words from the start (128 KiB), larger ones as they are needed.
const DENSE: u64 = 1 << 20;

/// The service addresses of one CIDR, and which of them are held.
///
/// An IPv4 range may have any size, an IPv6 range may be a /64 at most. Usable are all addresses but the network
/// address and, in IPv4, the broadcast address. Bits after the prefix length are ignored, as an API server ignores
/// them in its flags.
///
/// ```
/// use svckit::{Seed, Time, alloc::AddressRange};
///
/// let mut range = AddressRange::new("10.96.0.0/24".parse()?, Seed([1, 2, 3, 4]))?;
/// let dns = "10.96.0.10".parse()?;
/// range.reserve(dns)?;
/// assert!(range.reserve(dns).is_err(), "somebody holds it");
///
/// let drawn = range.allocate(Time::default())?;
/// assert!(range.dynamic_band().is_some_and(|band| band.contains(&drawn)));
/// assert!(range.release(drawn, Time::default()));
/// assert_eq!(range.free(), 253);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct AddressRange {
    cidr: IpNet,
    /// The network address as a number; service address `n` is the one `n + 1` after it.
    network: u128,
    /// Held or resting.
    taken: Bands,
    resting: Quarantine,
    draws: Draws,
}

impl AddressRange {
    /// All service addresses of `cidr`, none of them held.
    ///
    /// # Errors
    ///
    /// [`AllocError::RangeTooLarge`] for an IPv6 range larger than a /64.
    pub fn new(cidr: IpNet, seed: Seed) -> Result<Self, AllocError> {
        Self::of_size(cidr, u128::MAX, seed)
    }

    /// As [`AddressRange::new`], with only the first 65,536 addresses of an IPv6 range.
    ///
    /// So do API servers without the `IPAddress` API (before 1.33). Their data has to be read with this one.
    ///
    /// # Errors
    ///
    /// None; an IPv6 range may have any size.
    pub fn in_bitmap_mode(cidr: IpNet, seed: Seed) -> Result<Self, AllocError> {
        Self::of_size(cidr, if cidr.addr().is_ipv6() { BITMAP_MODE } else { u128::MAX }, seed)
    }

    fn of_size(cidr: IpNet, limit: u128, seed: Seed) -> Result<Self, AllocError> {
        let range = cidr.trunc();
        let (network, unusable) = match range {
            IpNet::V4(v4) => (u128::from(u32::from(v4.network())), 2),
            IpNet::V6(v6) => (u128::from(v6.network()), 1),
        };
        let host_bits = u32::from(range.max_prefix_len() - range.prefix_len());
        let size = 1_u128.checked_shl(host_bits).unwrap_or(u128::MAX).min(limit);
        let usable = u64::try_from(size.saturating_sub(unusable))
            .map_err(|_| AllocError::RangeTooLarge { range })?;
        let taken = Bands::new(usable, static_addresses(size), |len| {
            if usable < DENSE { Bitmap::dense(len) } else { Bitmap::sparse(len, seed) }
        });
        let resting = Quarantine::new(seed);
        Ok(Self { cidr: range, network, taken, resting, draws: Draws::new(seed) })
    }

    /// Released addresses rest this long before they are drawn again; zero is not at all. Default:
    /// [`QUARANTINE`](super::QUARANTINE).
    #[must_use]
    pub const fn with_quarantine(mut self, rest: Duration) -> Self {
        self.set_quarantine(rest);
        self
    }

    pub(super) const fn set_quarantine(&mut self, rest: Duration) {
        self.resting.set_rest(rest);
    }

    /// The range itself, with zeros after the prefix length.
    #[must_use]
    pub const fn cidr(&self) -> IpNet {
        self.cidr
    }

    /// How many service addresses there are.
    #[must_use]
    pub const fn usable(&self) -> u64 {
        self.taken.len()
    }

    /// How many of them nobody holds.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.usable() - self.held_count()
    }

    /// How many of them are held.
    #[must_use]
    pub fn held_count(&self) -> u64 {
        self.taken.held() - self.resting.len()
    }

    /// The first service address; `None` when there are none (an IPv4 /31 or /32, an IPv6 /128). The `kubernetes`
    /// Service has it in the default range.
    #[must_use]
    pub fn first(&self) -> Option<IpAddr> {
        (self.usable() > 0).then(|| self.addr(0))
    }

    /// The last service address.
    #[must_use]
    pub fn last(&self) -> Option<IpAddr> {
        self.usable().checked_sub(1).map(|last| self.addr(last))
    }

    /// The addresses that are drawn last, left to people who choose themselves: 1/16 of the range, at least 16 and
    /// at most 256 of them (KEP-3070). `None` for ranges of 16 addresses or fewer.
    #[must_use]
    pub fn static_band(&self) -> Option<RangeInclusive<IpAddr>> {
        let last = self.taken.split().checked_sub(1)?;
        Some(self.first()?..=self.addr(last))
    }

    /// How many addresses the static band has.
    #[must_use]
    pub const fn static_band_len(&self) -> u64 {
        self.taken.split()
    }

    /// The addresses that are drawn first; `None` when there are no service addresses.
    #[must_use]
    pub fn dynamic_band(&self) -> Option<RangeInclusive<IpAddr>> {
        Some(self.addr(self.taken.split())..=self.last()?)
    }

    /// Whether this is one of the service addresses, held or not.
    #[must_use]
    pub fn contains(&self, addr: IpAddr) -> bool {
        self.number(addr).is_some()
    }

    /// Whether somebody holds this address.
    #[must_use]
    pub fn is_held(&self, addr: IpAddr) -> bool {
        self.number(addr).is_some_and(|number| self.holds(number))
    }

    /// Takes this very address, resting or not.
    ///
    /// # Errors
    ///
    /// [`AllocError::AddressOutOfRange`] and [`AllocError::AddressTaken`].
    pub fn reserve(&mut self, addr: IpAddr) -> Result<(), AllocError> {
        let number = self
            .number(addr)
            .ok_or_else(|| AllocError::AddressOutOfRange { addr, ranges: self.cidr.into() })?;
        if self.resting.remove(number) || self.taken.insert(number) {
            Ok(())
        } else {
            Err(AllocError::AddressTaken { addr })
        }
    }

    /// Takes any free address: of the dynamic band, else of the static band, else the one that rested longest.
    ///
    /// # Errors
    ///
    /// [`AllocError::AddressesExhausted`], without a search.
    pub fn allocate(&mut self, now: Time) -> Result<IpAddr, AllocError> {
        self.draw_rested(now)
            .or_else(|| self.draw_resting())
            .ok_or_else(|| AllocError::AddressesExhausted { ranges: self.cidr.into() })
    }

    /// Gives an address back, to rest. Answers whether it was held, so releasing twice is harmless.
    pub fn release(&mut self, addr: IpAddr, now: Time) -> bool {
        let Some(number) = self.number(addr).filter(|number| self.holds(*number)) else {
            return false;
        };
        self.resting.add(number, now) || self.taken.remove(number)
    }

    /// Gives an address back that nobody has seen, as after a write that failed: it need not rest. Answers whether
    /// it was held.
    pub fn cancel(&mut self, addr: IpAddr) -> bool {
        let number = self.number(addr).filter(|number| self.holds(*number));
        number.is_some_and(|number| self.taken.remove(number))
    }

    /// The addresses held, in order: everything that [`AddressRange::restore`] needs. What rests is not among them;
    /// a caller's clock doesn't survive a restart.
    pub fn held(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let held = self.taken.iter().filter(|number| !self.resting.contains(*number));
        held.map(|number| self.addr(number))
    }

    /// Takes all of these, and returns what could not be taken and why.
    pub fn restore(&mut self, addrs: impl IntoIterator<Item = IpAddr>) -> Vec<AllocError> {
        addrs.into_iter().filter_map(|addr| self.reserve(addr).err()).collect()
    }

    /// Takes an address that doesn't rest, if there is one.
    pub(super) fn draw_rested(&mut self, now: Time) -> Option<IpAddr> {
        while let Some(number) = self.resting.pop_rested(now) {
            self.taken.remove(number);
        }
        let number = self.taken.draw(self.draws.next())?;
        self.taken.insert(number);
        Some(self.addr(number))
    }

    /// Takes the address that rested longest.
    pub(super) fn draw_resting(&mut self) -> Option<IpAddr> {
        let number = self.resting.pop()?;
        Some(self.addr(number))
    }

    fn holds(&self, number: u64) -> bool {
        self.taken.contains(number) && !self.resting.contains(number)
    }

    fn number(&self, addr: IpAddr) -> Option<u64> {
        let addr = match (self.cidr, addr) {
            (IpNet::V4(_), IpAddr::V4(v4)) => u128::from(u32::from(v4)),
            (IpNet::V6(_), IpAddr::V6(v6)) => u128::from(v6),
            _ => return None,
        };
        let number = addr.checked_sub(self.network)?.checked_sub(1)?;
        u64::try_from(number).ok().filter(|number| *number < self.usable())
    }

    /// Only for numbers of the range; others would wrap around.
    fn addr(&self, number: u64) -> IpAddr {
        let addr = self.network.wrapping_add(1).wrapping_add(u128::from(number));
        match self.cidr {
            IpNet::V4(_) => Ipv4Addr::from(addr as u32).into(),
            IpNet::V6(_) => Ipv6Addr::from(addr).into(),
        }
    }
}

#[cfg(test)]
mod tests;
