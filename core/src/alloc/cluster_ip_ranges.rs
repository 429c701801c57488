//! Several ranges of both families, tried in order.

use core::{net::IpAddr, time::Duration};
use ipnet::IpNet;
use std_alloc::vec::Vec;

use super::{AddressRange, AllocError};
use crate::{Seed, Time, model::Family};

/// Ranges for cluster IPs; the first one's family is the default. Ranges may overlap.
///
/// ```
/// use svckit::{Seed, Time, alloc::ClusterIpRanges, model::Family};
///
/// let mut ips = ClusterIpRanges::new(&["10.96.0.0/16".parse()?, "fd00::/112".parse()?], Seed([1; 4]))?;
/// assert_eq!(ips.families(), [Family::V4, Family::V6]);
/// let addr = ips.allocate(Family::V6, Time::default())?;
/// assert!(addr.is_ipv6() && ips.is_held(addr));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClusterIpRanges {
    ranges: Vec<AddressRange>,
}

impl ClusterIpRanges {
    /// All addresses of `ranges` are free.
    ///
    /// # Errors
    ///
    /// A range is too large.
    pub fn new(ranges: &[IpNet], seed: Seed) -> Result<Self, AllocError> {
        Self::with_quarantine(ranges, Duration::ZERO, seed)
    }

    /// The same, but addresses that were given back are not drawn again for `period`.
    ///
    /// # Errors
    ///
    /// A range is too large.
    pub fn with_quarantine(
        ranges: &[IpNet],
        period: Duration,
        seed: Seed,
    ) -> Result<Self, AllocError> {
        let range = |(n, range): (usize, &IpNet)| {
            Ok(AddressRange::new(*range, seed.derive(n as u64))?.with_quarantine(period))
        };
        Ok(Self { ranges: ranges.iter().enumerate().map(range).collect::<Result<_, _>>()? })
    }

    /// The ranges, the preferred one first.
    pub fn ranges(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.ranges.iter().map(AddressRange::range)
    }

    /// The families there are ranges of, the default one first.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let mut families: Vec<Family> = Vec::new();
        for range in self.ranges() {
            let family = Family::of(range.addr());
            if !families.contains(&family) {
                families.push(family);
            }
        }
        families
    }

    /// Whether `addr` is one that could be handed out.
    #[must_use]
    pub fn contains(&self, addr: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(addr))
    }

    /// Whether `addr` is held.
    #[must_use]
    pub fn is_held(&self, addr: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.is_held(addr))
    }

    /// Takes `addr` for a caller that asked for exactly this address, in each range that has it.
    ///
    /// # Errors
    ///
    /// No range has it, or somebody holds it.
    pub fn reserve(&mut self, addr: IpAddr) -> Result<(), AllocError> {
        if self.is_held(addr) {
            return Err(AllocError::AddressTaken { addr });
        }
        let mut found = false;
        for range in &mut self.ranges {
            found |= range.reserve(addr).is_ok();
        }
        if found { Ok(()) } else { Err(AllocError::AddressOutOfRange { addr }) }
    }

    /// Takes any free address of a family, of the first range that has one.
    ///
    /// # Errors
    ///
    /// No range of the family has a free address.
    pub fn allocate(&mut self, family: Family, now: Time) -> Result<IpAddr, AllocError> {
        let mut of_family =
            self.ranges.iter_mut().filter(|range| Family::of(range.range().addr()) == family);
        let drawn = of_family.find_map(|range| range.allocate(now).ok());
        let addr = drawn.ok_or(AllocError::AddressesExhausted { family })?;
        for range in &mut self.ranges {
            // The range that drew it has it already; one that overlaps must not draw it again.
            let _ = range.reserve(addr);
        }
        Ok(addr)
    }

    /// Gives `addr` back. Returns whether it was held.
    pub fn release(&mut self, addr: IpAddr, now: Time) -> bool {
        let mut held = false;
        for range in &mut self.ranges {
            held |= range.release(addr, now);
        }
        held
    }
}
