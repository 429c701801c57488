//! Addresses and texts of a name, through the aliases that lead to them.
//!
//! A record whose host is a name is an alias. Only aliases that end at something are told. Strictly, a name with a
//! port is the target of an SRV record and no alias.

use std_alloc::vec::Vec;

use super::{
    find::{Hit, Reach},
    record::Host,
    tree::SkyDns,
};
use crate::dns::{Data, Mode, Name, Record, code};

/// Aliases followed one after the other.
const LONGEST: usize = 8;

/// Records of an answer.
#[derive(Default)]
pub(super) struct Found {
    pub(super) answer: Vec<Record>,
    pub(super) additional: Vec<Record>,
    /// Who knows more, when an alias leads out of the zones; it is the last record.
    pub(super) outside: Option<Name>,
}

impl SkyDns {
    /// The records of one type behind `name`, which is in `zone`; `before` holds the targets on the way there.
    /// `None`: the name isn't there.
    pub(super) fn chained(
        &self,
        zone: &Name,
        name: &Name,
        qtype: u16,
        before: &mut Vec<Name>,
    ) -> Option<Found> {
        let hits = self.hits_of(zone, name, qtype)?;
        let mut found = Found::default();
        let mut outside = None;
        for hit in hits {
            let data = match (hit.leaf.record.host(), qtype) {
                (Host::Name(target), _) => {
                    let away = self.alias((zone, name, qtype), &hit, target, before, &mut found);
                    outside = outside.or(away);
                    continue;
                }
                (Host::Address(address), code::A | code::AAAA) => {
                    let data = Record::address(Name::root(), 0, address).data;
                    if data.rtype().0 != qtype {
                        continue;
                    }
                    data
                }
                (Host::None, code::TXT) if !hit.leaf.record.text.is_empty() => {
                    hit.leaf.record.texts()
                }
                _ => continue,
            };
            push(&mut found.answer, Record { owner: name.clone(), ttl: hit.leaf.ttl, data });
        }
        if let Some((ttl, target)) = outside {
            let data = Data::Cname(target.clone());
            found.answer.push(Record { owner: name.clone(), ttl, data });
            found.outside = Some(target);
        }
        Some(found)
    }

    /// The records that answer for a name; those of `apex.dns` for the zone itself, if there are any.
    fn hits_of(&self, zone: &Name, name: &Name, qtype: u16) -> Option<Vec<Hit<'_>>> {
        let apex = (name == zone && matches!(qtype, code::A | code::AAAA))
            .then(|| child(&[b"apex", b"dns"], zone))
            .flatten();
        let apex = apex.and_then(|apex| self.find(&apex, qtype, Reach::Below));
        apex.or_else(|| self.find(name, qtype, Reach::Below))
    }

    /// Follows one alias inside the zone; returns where it leads if that is outside.
    fn alias(
        &self,
        (zone, name, qtype): (&Name, &Name, u16),
        hit: &Hit<'_>,
        target: Name,
        before: &mut Vec<Name>,
        found: &mut Found,
    ) -> Option<(u32, Name)> {
        let strict = self.config.options.mode == Mode::Strict;
        let port = strict && hit.leaf.record.port != 0;
        // What leads to the name itself, or below it, leads nowhere.
        let circles = target.is_within(name) || before.contains(&target);
        if port || circles || before.len() >= LONGEST {
            return None;
        }
        if !target.is_within(zone) {
            return Some((hit.leaf.ttl, target));
        }
        before.push(target.clone());
        let next = self.chained(zone, &target, qtype, before);
        before.pop();
        let next = next.filter(|next| !next.answer.is_empty())?;
        let data = Data::Cname(target);
        found.answer.push(Record { owner: name.clone(), ttl: hit.leaf.ttl, data });
        found.answer.extend(next.answer);
        found.outside = found.outside.take().or(next.outside);
        None
    }
}

/// Adds a record, unless one says the same already.
pub(super) fn push(records: &mut Vec<Record>, record: Record) {
    let same = |other: &Record| other.owner == record.owner && other.data == record.data;
    if !records.iter().any(same) {
        records.push(record);
    }
}

/// Labels below a zone.
pub(super) fn child(labels: &[&[u8]], zone: &Name) -> Option<Name> {
    Name::from_labels(labels.iter().copied().chain(zone.labels())).ok()
}
