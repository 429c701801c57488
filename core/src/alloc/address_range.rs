//! The addresses of one range.

use core::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
    time::Duration,
};
use ipnet::IpNet;

use super::{AllocError, Bitmap, quarantine::Quarantine, static_band};
use crate::{Seed, Time, model::Family};

/// The longest that a range may be: IPv4 /8.
const MOST: u64 = 1 << 24;
/// Of an IPv6 range only this many addresses are used, the first ones, as in Kubernetes.
const MOST_V6: u64 = 1 << 16;

/// The addresses of one range, and which of them are held.
///
/// Network addresses are never handed out, nor IPv4 broadcast addresses.
///
/// ```
/// use svckit::{Seed, Time, alloc::AddressRange};
///
/// let mut range = AddressRange::new("10.96.0.0/24".parse()?, Seed([1; 4]))?;
/// let drawn = range.allocate(Time::default())?;
/// assert!(range.dynamic_band().is_some_and(|band| band.contains(&drawn)));
/// assert!(range.reserve(drawn).is_err());
/// assert!(range.release(drawn, Time::default()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct AddressRange {
    range: IpNet,
    /// Slot 0 is the address after the network's.
    held: Bitmap,
    quarantine: Quarantine,
    /// Slots below are the static band.
    band: usize,
    draws: u64,
}

impl AddressRange {
    /// All addresses of `range` are free. Takes a quarter of a byte for each.
    ///
    /// # Errors
    ///
    /// The range is an IPv4 range larger than a /8.
    pub fn new(range: IpNet, seed: Seed) -> Result<Self, AllocError> {
        let range = range.trunc();
        let host_bits = range.max_prefix_len() - range.prefix_len();
        let size = 1_u64.checked_shl(host_bits.into()).unwrap_or(u64::MAX);
        let (size, excluded) = match range {
            IpNet::V4(_) if size > MOST => return Err(AllocError::RangeTooLarge { range }),
            IpNet::V4(_) => (size, 2),
            IpNet::V6(_) => (if host_bits >= 64 { MOST_V6 } else { size.min(MOST_V6) }, 1),
        };
        let slots = size.saturating_sub(excluded) as usize;
        let band = static_band(size, 16, 256) as usize;
        let Seed([draws, ..]) = seed;
        Ok(Self {
            range,
            held: Bitmap::new(slots),
            quarantine: Quarantine::new(slots, Duration::ZERO),
            band,
            draws,
        })
    }

    /// The same, but addresses that were given back are not drawn again for `period`, unless nothing else is left.
    #[must_use]
    pub fn with_quarantine(mut self, period: Duration) -> Self {
        self.quarantine = Quarantine::new(self.held.capacity(), period);
        self
    }

    /// The range, with its network address.
    #[must_use]
    pub const fn range(&self) -> IpNet {
        self.range
    }

    /// How many addresses can be handed out.
    #[must_use]
    pub const fn usable(&self) -> usize {
        self.held.capacity()
    }

    /// How many of them are free.
    #[must_use]
    pub const fn free(&self) -> usize {
        self.held.capacity() - self.held.len()
    }

    /// The addresses for people to pick; `None` when the range is too small to have any.
    #[must_use]
    pub fn static_band(&self) -> Option<RangeInclusive<IpAddr>> {
        self.between(0, self.band)
    }

    /// The addresses that draws prefer; `None` when the range has no address at all.
    #[must_use]
    pub fn dynamic_band(&self) -> Option<RangeInclusive<IpAddr>> {
        self.between(self.band, self.held.capacity())
    }

    /// How many addresses the static band has.
    #[must_use]
    pub const fn static_band_len(&self) -> usize {
        self.band
    }

    /// Whether `addr` is one that could be handed out.
    #[must_use]
    pub fn contains(&self, addr: IpAddr) -> bool {
        self.slot(addr).is_some()
    }

    /// Whether `addr` is held.
    #[must_use]
    pub fn is_held(&self, addr: IpAddr) -> bool {
        self.slot(addr).is_some_and(|slot| self.held.contains(slot))
    }

    /// Takes `addr` for a caller that asked for exactly this address.
    ///
    /// # Errors
    ///
    /// It is not in the range, or somebody holds it.
    pub fn reserve(&mut self, addr: IpAddr) -> Result<(), AllocError> {
        let slot = self.slot(addr).ok_or(AllocError::AddressOutOfRange { addr })?;
        if !self.held.insert(slot) {
            return Err(AllocError::AddressTaken { addr });
        }
        self.quarantine.hold(slot);
        Ok(())
    }

    /// Takes any free address: of the dynamic band, then of the static one, then one in quarantine.
    ///
    /// # Errors
    ///
    /// Nothing is free. Known in O(1).
    pub fn allocate(&mut self, now: Time) -> Result<IpAddr, AllocError> {
        let family = Family::of(self.range.network());
        if self.held.is_full() {
            return Err(AllocError::AddressesExhausted { family });
        }
        self.draws = crate::seed::mix(self.draws);
        let end = self.held.capacity();
        let slot = self
            .draw(self.band, end, now)
            .or_else(|| self.draw(0, self.band, now))
            .or_else(|| self.held.next_free(0))
            .ok_or(AllocError::AddressesExhausted { family })?;
        self.held.insert(slot);
        self.quarantine.hold(slot);
        Ok(self.addr(slot))
    }

    /// Gives `addr` back. Returns whether it was held, so releasing twice is harmless.
    pub fn release(&mut self, addr: IpAddr, now: Time) -> bool {
        let Some(slot) = self.slot(addr).filter(|slot| self.held.remove(*slot)) else {
            return false;
        };
        self.quarantine.release(slot, now);
        true
    }

    /// The addresses that are held, in order.
    pub fn held(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.held.iter().map(|slot| self.addr(slot))
    }

    /// A slot between `start` and `end`, from a place that the seed gives, with wrap-around.
    fn draw(&mut self, start: usize, end: usize, now: Time) -> Option<usize> {
        let width = end.checked_sub(start).filter(|width| *width > 0)?;
        let from = start + ((u128::from(self.draws) * width as u128) >> 64) as usize;
        self.quarantine
            .next(&self.held, from, end, now)
            .or_else(|| self.quarantine.next(&self.held, start, from, now))
    }

    fn between(&self, start: usize, end: usize) -> Option<RangeInclusive<IpAddr>> {
        (start < end).then(|| self.addr(start)..=self.addr(end - 1))
    }

    fn slot(&self, addr: IpAddr) -> Option<usize> {
        let offset = match (self.range.network(), addr) {
            (IpAddr::V4(base), IpAddr::V4(addr)) => {
                u32::from(addr).checked_sub(u32::from(base))?.into()
            }
            (IpAddr::V6(base), IpAddr::V6(addr)) => {
                u128::from(addr).checked_sub(u128::from(base))?
            }
            _ => return None,
        };
        let slot = usize::try_from(offset.checked_sub(1)?).ok()?;
        (slot < self.held.capacity()).then_some(slot)
    }

    fn addr(&self, slot: usize) -> IpAddr {
        match self.range.network() {
            IpAddr::V4(base) => {
                Ipv4Addr::from(u32::from(base).wrapping_add(slot as u32 + 1)).into()
            }
            IpAddr::V6(base) => {
                Ipv6Addr::from(u128::from(base).wrapping_add(slot as u128 + 1)).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        AddressRange::new(text.parse().unwrap(), Seed([3; 4])).unwrap()
    }

    #[test]
    fn odd_ranges_have_the_addresses_they_should() {
        let cases = [
            ("10.0.0.0/32", 0),
            ("10.0.0.0/31", 0),
            ("10.0.0.0/30", 2),
            ("10.0.0.0/8", 16_777_214),
            ("fd00::/128", 0),
            ("fd00::/127", 1),
            ("fd00::/112", 65_535),
            ("fd00::/48", 65_535),
            ("::/0", 65_535),
            ("255.255.255.0/24", 254),
        ];
        for (text, usable) in cases {
            let mut range = range(text);
            assert_eq!(range.usable(), usable, "{text}");
            for _ in 0..usable.min(300) {
                range.allocate(Time::default()).unwrap();
            }
            assert_eq!(range.free(), usable - usable.min(300), "{text}");
        }
        assert!(AddressRange::new("10.0.0.0/7".parse().unwrap(), Seed([0; 4])).is_err());
    }

    #[test]
    fn draws_avoid_the_static_band_until_they_must_not() {
        let mut range = range("192.168.1.0/27");
        let (low, all) = (range.static_band().unwrap(), range.usable());
        let drawn: std_alloc::vec::Vec<_> =
            (0..all).map(|_| range.allocate(Time::default()).unwrap()).collect();
        assert!(drawn[..14].iter().all(|addr| !low.contains(addr)));
        assert!(drawn[14..].iter().all(|addr| low.contains(addr)));
        assert!(range.allocate(Time::default()).is_err());
    }

    #[test]
    fn what_was_released_waits_unless_nothing_else_is_free() {
        let mut range = range("10.0.0.0/30").with_quarantine(Duration::from_nanos(100));
        let first = range.allocate(Time::from_nanos(0)).unwrap();
        range.release(first, Time::from_nanos(10));
        let second = range.allocate(Time::from_nanos(20)).unwrap();
        assert_ne!(first, second, "in quarantine");
        assert_eq!(range.allocate(Time::from_nanos(30)), Ok(first), "nothing else is free");
        range.release(first, Time::from_nanos(40));
        assert_eq!(range.reserve(first), Ok(()), "asked for by name");
        range.release(first, Time::from_nanos(50));
        range.release(second, Time::from_nanos(60));
        assert!(
            range.allocate(Time::from_nanos(500)).is_ok()
                && range.allocate(Time::from_nanos(500)).is_ok()
        );
    }
}
