//! Which zone a name belongs to, worked out once per configuration.

use std_alloc::{boxed::Box, vec::Vec};

use super::{
    Name, Options,
    arpa::Root,
    name::{Folded, labels},
};

/// What a zone holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Services and pods of this cluster.
    Cluster,
    /// ServiceImports.
    Multicluster,
    /// Names of addresses.
    Reverse(Root),
    /// External addresses.
    External,
    /// Names of external addresses.
    ExternalReverse(Root),
    /// Searches on behalf of clients.
    Search,
}

impl Kind {
    /// Whether the zone shows external addresses.
    pub(super) const fn is_outside(self) -> bool {
        matches!(self, Self::External | Self::ExternalReverse(_))
    }
}

/// One zone that is served.
#[derive(Debug)]
pub(super) struct Served {
    /// Lower-cased.
    pub(super) wire: Box<[u8]>,
    pub(super) labels: usize,
    pub(super) kind: Kind,
    /// Of its records.
    pub(super) ttl: u32,
    /// A missing name is somebody else's question.
    pub(super) fallthrough: bool,
}

/// All of them.
#[derive(Debug)]
pub(super) struct ServedZones {
    /// Longest first.
    zones: Vec<Served>,
    /// Where PTR records of cluster addresses point into.
    pub(super) primary: Name,
    /// The same for external addresses.
    pub(super) external: Name,
}

impl ServedZones {
    pub(super) fn new(options: &Options) -> Self {
        let falls = |zone: &Name| options.fallthrough.iter().any(|falls| zone.is_within(falls));
        let external = options.external.as_ref();
        let served = |zone: &Name, kind: Kind| Served {
            wire: zone.as_wire().to_ascii_lowercase().into(),
            labels: labels(zone.as_wire()).count(),
            kind,
            ttl: external
                .filter(|_| kind.is_outside())
                .map_or(options.ttl, |external| external.ttl),
            fallthrough: falls(zone),
        };
        let mut zones: Vec<_> = options
            .zones
            .iter()
            .map(|zone| {
                let multicluster = options.multicluster_zones.contains(zone);
                let plain = if multicluster { Kind::Multicluster } else { Kind::Cluster };
                served(zone, Root::of(zone).map_or(plain, Kind::Reverse))
            })
            .collect();
        let outside = external.iter().flat_map(|external| &external.zones);
        zones.extend(outside.clone().map(|zone| {
            served(zone, Root::of(zone).map_or(Kind::External, Kind::ExternalReverse))
        }));
        zones.extend(options.search_zone.iter().map(|zone| served(zone, Kind::Search)));
        zones.sort_by_key(|zone| core::cmp::Reverse(zone.wire.len()));
        let first = |mut zones: Box<dyn Iterator<Item = &Name> + '_>| {
            zones.find(|zone| Root::of(zone).is_none()).cloned().unwrap_or_else(Name::root)
        };
        Self {
            zones,
            primary: first(Box::new(options.zones.iter())),
            external: first(Box::new(outside)),
        }
    }

    /// The longest zone that `name` is in.
    pub(super) fn of(&self, name: &Folded) -> Option<&Served> {
        self.zones.iter().find(|zone| {
            name.count()
                .checked_sub(zone.labels)
                .is_some_and(|left| name.suffix(left) == &*zone.wire)
        })
    }

    /// The cluster's zone that `name` is in.
    pub(super) fn cluster_of(&self, name: &Folded) -> Option<Name> {
        let zone = self.of(name).filter(|zone| zone.kind == Kind::Cluster)?;
        Name::from_labels(labels(&zone.wire)).ok()
    }

    /// Whether these labels, without a root, are a zone of the cluster.
    pub(super) fn is_cluster(&self, span: &[u8]) -> bool {
        let mut zones = self.zones.iter().filter(|zone| zone.kind == Kind::Cluster);
        zones.any(|zone| zone.wire.strip_suffix(&[0]) == Some(span))
    }

    /// The zone of exactly this name.
    pub(super) fn named(&self, name: &Name) -> Option<&Served> {
        self.zones.iter().find(|zone| zone.wire.eq_ignore_ascii_case(name.as_wire()))
    }
}
