//! The names of addresses: PTR records.

use core::net::IpAddr;

use super::{
    Pointers, Snapshot,
    answer::Context,
    code,
    endpoints::Endpoints,
    entry::Entry,
    label::Label,
    reply::{Reply, Section, Spelling, Tail},
};

impl Snapshot {
    /// The names of an address: its Service's, else those of the endpoints that have it.
    pub(super) fn emit_pointers(
        &self,
        address: IpAddr,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) {
        let owns = |entry: &Entry| entry.addresses().any(|own| own == address);
        let mut writer = Pointing { shared: None, zone: self.config.served.primary.as_wire() };
        if let Some(entry) = self.owner_after(address, None, &owns) {
            writer.point(&[], entry.key.wire(), context, reply);
            return;
        }
        let pointers = self.config.options.pointers;
        let mut first = true;
        for wanted in [true, false] {
            let mut last = None;
            while let Some(entry) = self.owner_after(address, last, &|entry| !owns(entry)) {
                last = Some(entry.key.wire());
                let Some(all) = entry.endpoints.as_deref() else { continue };
                let mut before = None;
                for record in all.at(address) {
                    let label = all.label(record);
                    let again = before
                        .replace(label)
                        .is_some_and(|other: Label| other.as_bytes() == label.as_bytes());
                    if again || Endpoints::has_hostname(record) != wanted {
                        continue;
                    }
                    if pointers == Pointers::HostnameOnly && !wanted {
                        continue;
                    }
                    if !first && pointers == Pointers::One || reply.truncated {
                        return;
                    }
                    first = false;
                    writer.point(label.wire(), entry.key.wire(), context, reply);
                }
            }
        }
    }

    pub(super) fn emit_external_pointers(
        &self,
        address: IpAddr,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) {
        let zone = self.config.served.external.as_wire();
        let mut last: Option<&[u8]> = None;
        loop {
            let owners = self.services.external.get(address);
            let next = owners.filter(|owner| last.is_none_or(|last| &***owner > last)).min();
            let Some(next) = next.filter(|_| !reply.truncated) else { return };
            let target = Spelling { runs: [next, &[], &[], &[]], tail: Tail::Wire(zone) };
            let owner = Spelling::at(context.owner);
            reply.record(Section::Answer, owner, (code::PTR, context.ttl), |reply| {
                reply.name(target)
            });
            last = Some(next);
        }
    }

    /// The owner of an address that `admit` lets through, next after `last` in the order of keys.
    fn owner_after<'s>(
        &'s self,
        address: IpAddr,
        last: Option<&[u8]>,
        admit: &impl Fn(&Entry) -> bool,
    ) -> Option<&'s Entry> {
        let owners = self.services.pointed.get(address);
        let later = owners.filter(|owner| last.is_none_or(|last| &***owner > last));
        let entries = later.filter_map(|owner| self.services.find(&self.config, owner));
        entries.filter(|entry| admit(entry)).min_by_key(|entry| entry.key.wire())
    }
}

/// Writes PTR records whose targets share their end.
struct Pointing<'z> {
    /// Where the shared end stands, once it does.
    shared: Option<u16>,
    zone: &'z [u8],
}

impl Pointing<'_> {
    fn point(&mut self, label: &[u8], key: &[u8], context: &Context<'_>, reply: &mut Reply<'_>) {
        let owner = Spelling::at(context.owner);
        let target = match self.shared {
            Some(place) => Spelling { runs: [label, key, &[], &[]], tail: Tail::At(place) },
            None => Spelling { runs: [label, key, b"\x03svc", &[]], tail: Tail::Wire(self.zone) },
        };
        let start = reply
            .record(Section::Answer, owner, (code::PTR, context.ttl), |reply| reply.name(target));
        let end = start.map(|start| usize::from(start) + label.len() + key.len());
        self.shared = self.shared.or_else(|| end.and_then(Reply::place));
    }
}
