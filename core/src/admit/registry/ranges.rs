//! Ranges for cluster IPs that come and go while Services exist: what ServiceCIDR objects ask for.

use super::Registry;
use crate::alloc::AllocError;
use ipnet::IpNet;
use std_alloc::vec::Vec;

impl Registry {
    /// Adds a range for cluster IPs behind the others. One that is draining is used again.
    ///
    /// # Errors
    ///
    /// [`AllocError::RangeTooLarge`] and [`AllocError::RangeKnown`].
    ///
    /// ```
    /// use svckit::{Seed, admit::{Registry, Settings}};
    ///
    /// let mut registry = Registry::new(Settings::default(), Seed([1; 4]))?;
    /// let more = "10.200.0.0/24".parse()?;
    /// registry.add_range(more)?;
    /// registry.drain_range(more)?;
    /// assert_eq!(registry.remove_drained(), [], "nothing was held in it");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn add_range(&mut self, range: IpNet) -> Result<(), AllocError> {
        self.pool.add(range)
    }

    /// Hands nothing of this range out any more, not even by number. What is held stays held.
    ///
    /// # Errors
    ///
    /// [`AllocError::RangeUnknown`].
    pub fn drain_range(&mut self, range: IpNet) -> Result<(), AllocError> {
        self.pool.drain(range)
    }

    /// Takes away the draining ranges whose addresses nobody holds, or which another range has as well.
    ///
    /// Those that stay are returned with the number of addresses that keep them. Costs a walk over what is held in
    /// the draining ranges; nothing when none drains.
    pub fn remove_drained(&mut self) -> Vec<(IpNet, u64)> {
        self.pool.remove_drained()
    }
}
