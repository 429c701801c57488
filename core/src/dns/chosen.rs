//! Endpoints that a question means: their addresses, and the SRV records that lead to them.

use core::net::IpAddr;

use super::{
    answer::Context,
    code,
    endpoints::{Endpoints, Record},
    label::Label,
    locate::PortFilter,
    reply::{Reply, Section, Spelling, Tail},
    side::Side,
};

/// Endpoints that were asked for.
pub(super) struct Chosen<'e, 'f> {
    pub(super) service: Side<'e>,
    pub(super) all: &'e Endpoints,
    pub(super) filter: &'f PortFilter<'f>,
    pub(super) admit: &'f dyn Fn(&Record) -> bool,
}

impl<'e> Chosen<'e, '_> {
    /// The records of a group that count.
    fn admitted(&self, group: &'e [Record]) -> impl Iterator<Item = &'e Record> {
        group.iter().filter(|record| {
            let ports = self.all.ports(record);
            let any = self.filter.port.is_empty() && self.filter.protocol.is_empty();
            (self.admit)(record) && (any || ports.iter().any(|port| self.filter.admits(port)))
        })
    }

    /// The distinct addresses of a group.
    pub(super) fn addresses(&self, group: &'e [Record]) -> impl Iterator<Item = IpAddr> {
        let mut last = None;
        let all = self.admitted(group).map(|record| record.address);
        all.filter(move |address| last.replace(*address) != Some(*address))
    }

    /// The distinct ports of a group.
    fn ports(&self, group: &'e [Record]) -> impl Iterator<Item = u16> {
        let matching = move || {
            let sets = self.all.port_sets_of(group).flatten();
            sets.filter(|port| self.filter.admits(port)).map(|port| port.port)
        };
        matching()
            .enumerate()
            .filter(move |(index, port)| !matching().take(*index).any(|other| other == *port))
            .map(|(_, port)| port)
    }

    /// One SRV record for each label and port. The weight counts endpoints, also those that share a label.
    pub(super) fn emit_srv(
        &self,
        counted: impl Iterator<Item = &'e [Record]>,
        groups: impl Iterator<Item = &'e [Record]>,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) {
        let ports = |record: &Record| {
            let ports = self.all.ports(record).iter();
            // An endpoint without ports counts as having one that no record tells.
            ports.filter(|port| self.filter.admits(port)).count().max(1)
        };
        let count = counted.flat_map(|group| self.admitted(group)).map(ports).sum();
        for group in groups {
            let Some(first) = self.admitted(group).next() else { continue };
            for port in self.ports(group) {
                self.with_target(first, context, |target| {
                    srv(reply, context, weight(count), port, target);
                });
                if reply.truncated {
                    return;
                }
            }
        }
    }

    /// The addresses of the targets; `at` is where the first SRV record stands.
    pub(super) fn emit_targets(
        &self,
        groups: impl Iterator<Item = &'e [Record]>,
        mut at: usize,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) {
        let end = reply.at();
        for group in groups {
            let Some(first) = self.admitted(group).next() else { continue };
            let ports = self.ports(group).count();
            if ports == 0 {
                continue;
            }
            if at >= end {
                return;
            }
            self.with_target(first, context, |target| {
                let owner = match Reply::place(at + SRV_HEAD) {
                    Some(place) => Spelling::at(place),
                    None => Spelling { tail: context.tail(), ..target },
                };
                for address in self.addresses(group) {
                    reply.address(Section::Additional, owner, context.ttl, address);
                }
                at += ports * (SRV_HEAD + target.length());
            });
        }
    }

    /// Spells the name of an endpoint's group.
    fn with_target(&self, record: &Record, context: &Context<'_>, then: impl FnOnce(Spelling<'_>)) {
        let label = self.all.label(record);
        let cluster = self.all.cluster(record).map(Label::of_text);
        let cluster = cluster.as_ref().map_or(&[][..], Label::wire);
        let runs = [label.wire(), cluster, self.service.entry.key.wire(), context.class()];
        then(Spelling { runs, tail: Tail::Wire(context.zone()) });
    }
}

/// Octets of an SRV record before its target: owner, type, class, TTL, length, and three numbers.
const SRV_HEAD: usize = 18;

/// One SRV record; returns where its target stands.
pub(super) fn srv(
    reply: &mut Reply<'_>,
    context: &Context<'_>,
    weight: u16,
    port: u16,
    target: Spelling<'_>,
) -> Option<u16> {
    let owner = Spelling::at(context.owner);
    let start = reply.record(Section::Answer, owner, (code::SRV, context.ttl), |reply| {
        reply.put(&[0, 0])?;
        reply.put(&weight.to_be_bytes())?;
        reply.put(&port.to_be_bytes())?;
        reply.name(target)
    })?;
    start.checked_add(6)
}

/// The weight of each of `count` equal targets (CoreDNS): hundredths, at least one.
pub(super) fn weight(count: usize) -> u16 {
    (100 / count.max(1)).max(1) as u16
}
