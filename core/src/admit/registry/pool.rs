//! What there is to hand out, and what of it is taken.

use super::{Settings, SettingsError, claim::Claim};
use crate::{
    Seed, Time,
    alloc::{AddressRange, AllocError, ClusterIpRanges, NodePorts, PortRange, Protocols},
    model::{Family, Port},
};
use core::net::IpAddr;
use ipnet::IpNet;
use std_alloc::vec::Vec;

/// What there is to hand out, and what of it is taken; it does not know by whom.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    addresses: ClusterIpRanges,
    ports: NodePorts,
    families: Vec<Family>,
}

impl Pool {
    pub(super) fn new(settings: &Settings, seed: Seed) -> Result<Self, SettingsError> {
        if settings.service_cidrs.is_empty() {
            return Err(SettingsError::NoRange);
        }
        let quarantine = settings.quarantine;
        let addresses = ClusterIpRanges::new(&settings.service_cidrs, seed.derive(1))
            .map_err(SettingsError::Range)?
            .with_quarantine(quarantine);
        let ports = NodePorts::new(settings.node_ports, seed.derive(2)).with_quarantine(quarantine);
        Ok(Self { families: addresses.families(), addresses, ports })
    }

    /// The default one first.
    pub(super) fn families(&self) -> &[Family] {
        &self.families
    }

    pub(super) fn ranges(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.addresses.ranges().map(AddressRange::cidr)
    }

    pub(super) const fn node_ports(&self) -> PortRange {
        self.ports.range()
    }

    /// Whether this could be handed out at all.
    pub(super) fn contains(&self, claim: Claim) -> bool {
        match claim {
            Claim::Address(addr) => self.addresses.contains(addr),
            Claim::Port(port, _) => self.ports.range().contains(port),
        }
    }

    /// Whether this could be handed out to a Service that doesn't hold it yet: nothing is of a range that drains.
    pub(super) fn hands_out(&self, claim: Claim) -> bool {
        match claim {
            Claim::Address(addr) => self.addresses.is_open(addr),
            Claim::Port(port, _) => self.ports.range().contains(port),
        }
    }

    /// Adds a range for cluster IPs behind the others, or takes a draining one into use again.
    pub(super) fn add(&mut self, range: IpNet) -> Result<(), AllocError> {
        self.addresses.add(range)?;
        self.families = self.addresses.families();
        Ok(())
    }

    /// Draws nothing from a range any more.
    pub(super) fn drain(&mut self, range: IpNet) -> Result<(), AllocError> {
        self.addresses.drain(range)?;
        self.families = self.addresses.families();
        Ok(())
    }

    /// Takes away the draining ranges that nobody needs any more; those that stay, and how much is held in each.
    pub(super) fn remove_drained(&mut self) -> Vec<(IpNet, u64)> {
        let draining: Vec<IpNet> = self.addresses.draining().collect();
        let stays = |range: IpNet| match self.addresses.remove(range) {
            Err(AllocError::RangeInUse { held, .. }) => Some((range, held)),
            _ => None,
        };
        draining.into_iter().filter_map(stays).collect()
    }

    pub(super) fn is_taken(&self, claim: Claim) -> bool {
        match claim {
            Claim::Address(addr) => self.addresses.is_held(addr),
            Claim::Port(port, protocol) => {
                self.ports.holds(port).is_some_and(|held| held.contains(protocol))
            }
        }
    }

    pub(super) fn take(&mut self, claim: Claim) -> Result<(), AllocError> {
        match claim {
            Claim::Address(addr) => self.addresses.reserve(addr),
            Claim::Port(port, protocol) => self.ports.reserve(port, protocol.into()),
        }
    }

    pub(super) fn give_back(&mut self, claim: Claim, now: Time) {
        match claim {
            Claim::Address(addr) => self.addresses.release(addr, now),
            Claim::Port(port, protocol) => self.ports.release(port, protocol.into(), now).is_some(),
        };
    }

    pub(super) fn draw_address(&mut self, family: Family, now: Time) -> Result<IpAddr, AllocError> {
        self.addresses.allocate(family, now)
    }

    /// One number for all of `protocols`.
    pub(super) fn draw_port(
        &mut self,
        protocols: Protocols,
        now: Time,
    ) -> Result<Port, AllocError> {
        self.ports.allocate(protocols, now)
    }
}
