//! Topology hints in proportion to the zones' CPU (KEP-2433, `service.kubernetes.io/topology-mode: Auto`).
//!
//! Each zone gets as many of the ready endpoints as its share of the ready nodes' CPU asks for; an endpoint keeps its
//! own zone where it can. The outcome depends on endpoints and nodes alone, not on what was hinted before, so equal
//! clusters have equal hints. Everything is counted in whole numbers: where Kubernetes compares fractions, both sides
//! are multiplied by the cluster's CPU.

use std_alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use crate::model::{Endpoint, Hints, Node, Service};

/// Why a Service has no hints though it asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HintsOff {
    /// No node is ready, or one doesn't tell its zone or its CPU.
    #[error("insufficient node information: zone or allocatable CPU is missing")]
    NodeInformation,
    /// Traffic can't cross zones when there is only one.
    #[error("all ready nodes are in one zone")]
    OneZone,
    /// Some zone would go without.
    #[error("insufficient number of endpoints: {endpoints} for {zones} zones")]
    TooFewEndpoints {
        /// How many are ready.
        endpoints: usize,
        /// How many zones have ready nodes.
        zones: usize,
    },
    /// With so few endpoints, one zone's would get over 20 % more traffic than its share.
    #[error("the zones' least shares exceed the endpoints there are: some would be overloaded")]
    Overload,
    /// An endpoint's node doesn't tell its zone.
    #[error("a ready endpoint has no zone")]
    NoZone,
}

/// Whether a Service asks for these hints; the older annotation decides when both are there.
pub(super) fn is_auto(service: &Service) -> bool {
    let value = |name: &str| {
        let found = service.annotations.iter().find(|(key, _)| key.as_ref() == name);
        found.map(|(_, value)| value.as_ref())
    };
    let mode = value("service.kubernetes.io/topology-aware-hints")
        .or_else(|| value("service.kubernetes.io/topology-mode"));
    matches!(mode, Some("Auto" | "auto"))
}

/// CPU of the ready nodes by zone, in thousandths of a core.
pub(super) struct Capacity {
    zones: BTreeMap<Arc<str>, u128>,
    total: u128,
}

impl Capacity {
    /// Adds up all nodes that are ready and not of the control plane.
    pub(super) fn of<'a>(nodes: impl Iterator<Item = &'a Node>) -> Result<Self, HintsOff> {
        let mut zones: BTreeMap<Arc<str>, u128> = BTreeMap::new();
        for node in nodes.filter(|node| node.ready && !node.control_plane) {
            let zone = node.zone.as_ref().filter(|_| node.milli_cpu > 0);
            let zone = zone.ok_or(HintsOff::NodeInformation)?;
            *zones.entry(zone.clone()).or_default() += u128::from(node.milli_cpu);
        }
        match zones.len() {
            0 => Err(HintsOff::NodeInformation),
            1 => Err(HintsOff::OneZone),
            _ => Ok(Self { total: zones.values().sum(), zones }),
        }
    }

    /// Hints each ready endpoint of a family at a zone. Costs O(endpoints * zones).
    pub(super) fn hint(&self, endpoints: &mut [&mut Endpoint]) -> Result<(), HintsOff> {
        let mut shares = self.shares(endpoints)?;
        let mut moves: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
        while let Some((giver, receiver)) = self.step(&mut shares) {
            moves.entry(giver).or_default().push(receiver);
        }
        for endpoint in endpoints.iter_mut().rev() {
            let Some(own) = endpoint.zone.clone() else { continue };
            let moved = moves.get_mut(&own).and_then(Vec::pop);
            endpoint.hints = Hints::new(Vec::from([moved.unwrap_or(own)]), Vec::new());
        }
        Ok(())
    }

    /// How many endpoints each zone has above what it should have, times the cluster's CPU.
    fn shares(&self, endpoints: &[&mut Endpoint]) -> Result<BTreeMap<Arc<str>, i128>, HintsOff> {
        let zones = self.zones.len();
        if zones > endpoints.len() {
            return Err(HintsOff::TooFewEndpoints { endpoints: endpoints.len(), zones });
        }
        let mut shares: BTreeMap<Arc<str>, i128> = BTreeMap::new();
        for endpoint in endpoints {
            let zone = endpoint.zone.as_ref().ok_or(HintsOff::NoZone)?;
            *shares.entry(zone.clone()).or_default() += self.total.cast_signed();
        }
        let count = endpoints.len() as u128;
        let mut minima = 0;
        for (zone, cpu) in &self.zones {
            // A zone's endpoints may take 20 % more than their share: at least share / 1.2 of them, rounded up.
            let minimum = (cpu * count * 5).div_ceil(self.total * 6);
            minima += minimum;
            let wanted = (cpu * count).max(minimum * self.total);
            *shares.entry(zone.clone()).or_default() -= wanted.cast_signed();
        }
        if minima > count { Err(HintsOff::Overload) } else { Ok(shares) }
    }

    /// Moves one endpoint from the zone with the most to spare to the one that lacks most; `None` when it's even.
    fn step(&self, shares: &mut BTreeMap<Arc<str>, i128>) -> Option<(Arc<str>, Arc<str>)> {
        let one = self.total.cast_signed();
        let (giver, spare) = shares.iter().rev().max_by_key(|(_, share)| **share)?;
        let (receiver, lack) = shares.iter().min_by_key(|(_, share)| **share)?;
        let (spare, lack) = (*spare, -*lack);
        if spare * 2 < one || lack * 2 < one || (spare < one && lack < one) {
            return None;
        }
        let (giver, receiver) = (giver.clone(), receiver.clone());
        *shares.get_mut(&giver)? -= one;
        *shares.get_mut(&receiver)? += one;
        Some((giver, receiver))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Conditions;
    use std::{format, vec};

    fn node(name: &str, zone: &str, milli_cpu: u64) -> Node {
        Node {
            name: name.into(),
            zone: (!zone.is_empty()).then(|| zone.into()),
            addresses: vec![],
            pod_cidrs: vec![],
            ready: true,
            milli_cpu,
            control_plane: false,
        }
    }

    fn endpoint(zone: &str) -> Endpoint {
        Endpoint {
            addresses: [[10, 0, 0, 1].into()].into(),
            conditions: Conditions::READY,
            hostname: None,
            node: None,
            zone: (!zone.is_empty()).then(|| zone.into()),
            hints: None,
            pod: None,
        }
    }

    /// `a6b4`: six endpoints of zone a and four of b, as they are and as they are hinted.
    #[test]
    fn zones_get_their_share() {
        let even: &[(&str, u64)] = &[("a", 1000), ("b", 1000), ("c", 1000)];
        let cases = [
            ("even", even, "a4b4c4", Ok("a4b4c4")),
            ("evened out", even, "a12", Ok("a4b4c4")),
            ("ten for three", even, "a10", Ok("a4b3c3")),
            ("eleven for three", even, "a11", Err(HintsOff::Overload)),
            (
                "two for three",
                even,
                "a2",
                Err(HintsOff::TooFewEndpoints { endpoints: 2, zones: 3 }),
            ),
            ("no zone", even, "a4 4", Err(HintsOff::NoZone)),
            ("by CPU", &[("a", 3000), ("b", 1000)], "a4b4", Ok("a6b2")),
            ("a zone without nodes gives all", &[("a", 1000), ("b", 1000)], "a2z2", Ok("a2b2")),
            ("one zone", &[("a", 1000)], "a4", Err(HintsOff::OneZone)),
            ("no CPU", &[("a", 1000), ("b", 0)], "a4", Err(HintsOff::NodeInformation)),
            ("no node", &[], "a4", Err(HintsOff::NodeInformation)),
        ];
        for (name, nodes, have, want) in cases {
            let nodes: Vec<Node> =
                nodes.iter().map(|(zone, cpu)| node(&format!("n{zone}"), zone, *cpu)).collect();
            let mut endpoints: Vec<Endpoint> = parse(have).into_iter().flat_map(fill).collect();
            let mut refs: Vec<&mut Endpoint> = endpoints.iter_mut().collect();
            let came = Capacity::of(nodes.iter()).and_then(|capacity| capacity.hint(&mut refs));
            assert_eq!(came.err(), want.err(), "{name}");
            if let Ok(want) = want {
                let mut counts: BTreeMap<Arc<str>, usize> = BTreeMap::new();
                for endpoint in &endpoints {
                    *counts.entry(endpoint.zone_hints()[0].clone()).or_default() += 1;
                }
                let text: std::string::String =
                    counts.iter().map(|(zone, n)| format!("{zone}{n}")).collect();
                assert_eq!(text, want, "{name}");
            }
        }
    }

    fn fill((zone, n): (char, usize)) -> Vec<Endpoint> {
        vec![endpoint(std::string::ToString::to_string(&zone).trim()); n]
    }

    fn parse(text: &str) -> Vec<(char, usize)> {
        let starts = text.char_indices().filter(|(_, c)| !c.is_ascii_digit());
        let number = |at: usize| {
            let digits = text[at + 1..].chars().take_while(char::is_ascii_digit);
            digits.collect::<std::string::String>().parse().unwrap()
        };
        starts.map(|(at, zone)| (zone, number(at))).collect()
    }
}
