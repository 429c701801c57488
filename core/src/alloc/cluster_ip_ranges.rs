//! The service addresses of a cluster: one or more ranges per family.

use super::{AddressRange, AllocError, error::Ranges};
use crate::{Seed, Time, model::Family};
use core::{net::IpAddr, time::Duration};
use ipnet::IpNet;
use std_alloc::vec::Vec;

/// The service ranges of a cluster, preferred ones first, and which addresses are held.
///
/// A Kubernetes cluster starts with one range, or one of each family, and `ServiceCIDR` objects add and take away
/// others. Draws come from the first range of the family that has something left (in Kubernetes the order is
/// random). Ranges may overlap: an address is held in all of them or in none.
///
/// A call costs what it costs in one range, times the number of ranges.
///
/// ```
/// use svckit::{Seed, Time, alloc::ClusterIpRanges, model::Family};
///
/// let cidrs = ["10.96.0.0/16".parse()?, "fd00:10:96::/112".parse()?];
/// let mut ranges = ClusterIpRanges::new(&cidrs, Seed([1, 2, 3, 4]))?;
/// assert_eq!(ranges.families(), [Family::V4, Family::V6]);
///
/// let drawn = ranges.allocate(Family::V6, Time::default())?;
/// assert!(drawn.is_ipv6() && ranges.is_held(drawn));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClusterIpRanges {
    ranges: Vec<Range>,
    seed: Seed,
    /// Ranges made so far; each gets a seed of its own.
    made: u64,
    quarantine: Duration,
}

#[derive(Clone, Debug)]
struct Range {
    addresses: AddressRange,
    /// Nothing is drawn from it any more.
    draining: bool,
}

impl Range {
    fn family(&self) -> Family {
        Family::of(self.addresses.cidr().addr())
    }
}

impl ClusterIpRanges {
    /// These ranges, preferred ones first, with nothing held. None at all is fine: they may be added.
    ///
    /// # Errors
    ///
    /// [`AllocError::RangeTooLarge`] and [`AllocError::RangeKnown`].
    pub fn new(cidrs: &[IpNet], seed: Seed) -> Result<Self, AllocError> {
        let mut ranges = Self { ranges: Vec::new(), seed, made: 0, quarantine: super::QUARANTINE };
        cidrs.iter().try_for_each(|cidr| ranges.add(*cidr))?;
        Ok(ranges)
    }

    /// Released addresses rest this long before they are drawn again; zero is not at all. Default:
    /// [`QUARANTINE`](super::QUARANTINE).
    #[must_use]
    pub fn with_quarantine(mut self, rest: Duration) -> Self {
        self.quarantine = rest;
        for range in &mut self.ranges {
            range.addresses.set_quarantine(rest);
        }
        self
    }

    /// The families that addresses can be drawn from, the default one first.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let mut families = Vec::new();
        for range in self.ranges.iter().filter(|range| !range.draining) {
            if !families.contains(&range.family()) {
                families.push(range.family());
            }
        }
        families
    }

    /// The ranges, preferred ones first, draining ones too.
    pub fn ranges(&self) -> impl Iterator<Item = &AddressRange> {
        self.ranges.iter().map(|range| &range.addresses)
    }

    /// Adds a range behind the others. A range that is draining stops draining and keeps its place.
    ///
    /// Costs a walk over what is held in the ranges that it overlaps, if any.
    ///
    /// # Errors
    ///
    /// [`AllocError::RangeTooLarge`] and [`AllocError::RangeKnown`].
    pub fn add(&mut self, cidr: IpNet) -> Result<(), AllocError> {
        if let Ok(known) = self.range(cidr) {
            if !known.draining {
                return Err(AllocError::RangeKnown { range: cidr.trunc() });
            }
            known.draining = false;
            return Ok(());
        }
        let seed = self.seed.derive(self.made);
        let mut addresses = AddressRange::new(cidr, seed)?.with_quarantine(self.quarantine);
        for other in self.ranges().filter(|other| overlap(other.cidr(), cidr)) {
            // Refused are those that lie outside the new range, and those that two other ranges have.
            other.held().for_each(|addr| _ = addresses.reserve(addr));
        }
        self.made += 1;
        self.ranges.push(Range { addresses, draining: false });
        Ok(())
    }

    /// Draws nothing from this range any more. What is held stays held, and its addresses may still be reserved.
    ///
    /// # Errors
    ///
    /// [`AllocError::RangeUnknown`].
    pub fn drain(&mut self, cidr: IpNet) -> Result<(), AllocError> {
        self.range(cidr)?.draining = true;
        Ok(())
    }

    /// Takes a draining range away when no address is held that only this range has.
    ///
    /// Costs a walk over what is held in the range, if any.
    ///
    /// # Errors
    ///
    /// [`AllocError::RangeUnknown`] and [`AllocError::RangeInUse`].
    pub fn remove(&mut self, cidr: IpNet) -> Result<(), AllocError> {
        let cidr = cidr.trunc();
        let draining = self.range(cidr)?.draining;
        let held = self.ranges().find(|range| range.cidr() == cidr).map_or(0, |range| {
            let elsewhere = |addr: &IpAddr| {
                self.ranges().any(|other| other.cidr() != cidr && other.contains(*addr))
            };
            range.held().filter(|addr| !elsewhere(addr)).count() as u64
        });
        if held > 0 || !draining {
            return Err(AllocError::RangeInUse { range: cidr, held });
        }
        self.ranges.retain(|range| range.addresses.cidr() != cidr);
        Ok(())
    }

    /// Whether this is a service address of some range, draining or not, held or not.
    #[must_use]
    pub fn contains(&self, addr: IpAddr) -> bool {
        self.ranges().any(|range| range.contains(addr))
    }

    /// Whether this is a service address of a range that doesn't drain, held or not.
    #[must_use]
    pub fn is_open(&self, addr: IpAddr) -> bool {
        self.ranges.iter().any(|range| !range.draining && range.addresses.contains(addr))
    }

    /// The ranges that drain.
    pub fn draining(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.ranges.iter().filter(|range| range.draining).map(|range| range.addresses.cidr())
    }

    /// Whether somebody holds this address.
    #[must_use]
    pub fn is_held(&self, addr: IpAddr) -> bool {
        self.ranges().any(|range| range.is_held(addr))
    }

    /// Takes this very address.
    ///
    /// # Errors
    ///
    /// [`AllocError::NoRange`], [`AllocError::AddressOutOfRange`] and [`AllocError::AddressTaken`].
    pub fn reserve(&mut self, addr: IpAddr) -> Result<(), AllocError> {
        if self.is_held(addr) {
            return Err(AllocError::AddressTaken { addr });
        }
        if !self.take_everywhere(addr) {
            let family = Family::of(addr);
            return Err(match self.named(family, |_| true) {
                Some(ranges) => AllocError::AddressOutOfRange { addr, ranges },
                None => AllocError::NoRange { family },
            });
        }
        Ok(())
    }

    /// Takes any free address of the family, from the first range that has one and doesn't drain. A resting address
    /// is only taken when all that is free is resting.
    ///
    /// # Errors
    ///
    /// [`AllocError::NoRange`] and [`AllocError::AddressesExhausted`].
    pub fn allocate(&mut self, family: Family, now: Time) -> Result<IpAddr, AllocError> {
        let rested = self.open(family).find_map(|range| range.draw_rested(now));
        let drawn = rested.or_else(|| self.open(family).find_map(AddressRange::draw_resting));
        match drawn {
            Some(addr) => {
                self.take_everywhere(addr);
                Ok(addr)
            }
            None => Err(match self.named(family, |range| !range.draining) {
                Some(ranges) => AllocError::AddressesExhausted { ranges },
                None => AllocError::NoRange { family },
            }),
        }
    }

    /// Gives an address back, to rest. Answers whether it was held, so releasing twice is harmless.
    pub fn release(&mut self, addr: IpAddr, now: Time) -> bool {
        self.everywhere(|range| range.release(addr, now))
    }

    /// Gives an address back that nobody has seen, as after a write that failed: it need not rest. Answers whether
    /// it was held.
    pub fn cancel(&mut self, addr: IpAddr) -> bool {
        self.everywhere(|range| range.cancel(addr))
    }

    /// The addresses held, each once; in order within a range.
    pub fn held(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.ranges().enumerate().flat_map(move |(n, range)| {
            let earlier = move |addr: &IpAddr| self.ranges().take(n).any(|r| r.contains(*addr));
            range.held().filter(move |addr| !earlier(addr))
        })
    }

    /// Takes all of these, and returns what could not be taken and why.
    pub fn restore(&mut self, addrs: impl IntoIterator<Item = IpAddr>) -> Vec<AllocError> {
        addrs.into_iter().filter_map(|addr| self.reserve(addr).err()).collect()
    }

    /// Marks a free address as held in all ranges that have it. Answers whether there is one.
    fn take_everywhere(&mut self, addr: IpAddr) -> bool {
        self.everywhere(|range| {
            // Refused is what lies outside the range, and what was just drawn from it.
            _ = range.reserve(addr);
            range.contains(addr)
        })
    }

    /// Does this in all ranges. Answers whether any of them said yes.
    fn everywhere(&mut self, mut act: impl FnMut(&mut AddressRange) -> bool) -> bool {
        let said_yes =
            self.ranges.iter_mut().filter_map(|range| act(&mut range.addresses).then_some(()));
        said_yes.count() > 0
    }

    /// The ranges to draw from.
    fn open(&mut self, family: Family) -> impl Iterator<Item = &mut AddressRange> {
        let open = move |range: &&mut Range| !range.draining && range.family() == family;
        self.ranges.iter_mut().filter(open).map(|range| &mut range.addresses)
    }

    fn range(&mut self, cidr: IpNet) -> Result<&mut Range, AllocError> {
        let cidr = cidr.trunc();
        self.ranges
            .iter_mut()
            .find(|range| range.addresses.cidr() == cidr)
            .ok_or(AllocError::RangeUnknown { range: cidr })
    }

    /// What an error says about the ranges of a family.
    fn named(&self, family: Family, keep: impl Fn(&Range) -> bool) -> Option<Ranges> {
        let ranges = self.ranges.iter().filter(|range| range.family() == family && keep(range));
        Ranges::of(ranges.map(|range| range.addresses.cidr()))
    }
}

fn overlap(one: IpNet, other: IpNet) -> bool {
    one.contains(&other.network()) || other.contains(&one.network())
}

#[cfg(test)]
mod tests;
