//! From a question to a reply, for records of SkyDNS's layout.

use std_alloc::vec::Vec;

use super::{
    chain::{Found, child, push},
    find::{Hit, Reach},
    record::Host,
    tree::SkyDns,
};
use crate::dns::{
    Data, Mode, Name, Outcome, Peer, Rcode, Record, Soa, Srv, Type, Upstream,
    apex::TIMES,
    code,
    complete::{Completion, put_all},
    name::Folded,
    question::{Question, Refusal},
    reply::{Reply, Section},
    served::{Kind, Served},
    size::Sizes,
};

impl SkyDns {
    /// Answers one message into `out`, as [`Snapshot::answer`](crate::dns::Snapshot::answer) does for a cluster.
    ///
    /// Costs about the records found; this layout is for compatibility, and its answers allocate.
    pub fn answer(&self, message: &[u8], peer: Peer, out: &mut [u8]) -> Outcome {
        let mut name = Folded::new();
        let question = match Question::read(message, &mut name) {
            Ok(question) => question,
            Err(Refusal::Drop) => return Outcome::Drop,
            Err(Refusal::Header(header, rcode)) => {
                return Reply::bare(header, rcode, out).map_or(Outcome::Drop, Outcome::Reply);
            }
        };
        let sizes = self.sizes();
        let ceiling = sizes.advertised(&question);
        let limit = sizes.limit(&question, peer.transport);
        let Some(mut reply) = Reply::new(&question, limit, out) else { return Outcome::Drop };
        if let Some(rcode) = question.refused() {
            return Outcome::Reply(reply.finish(rcode, false, ceiling));
        }
        let Some(zone) = self.config.served.of(question.name) else {
            return Outcome::Foreign(reply.finish(Rcode::REFUSED, false, ceiling));
        };
        let Some(found) = self.found(zone, &question) else {
            let rcode = if self.synced { Rcode::NXDOMAIN } else { Rcode::SERVFAIL };
            self.deny(zone, &question, &mut reply);
            let length = reply.finish(rcode, true, ceiling);
            let passed = rcode == Rcode::NXDOMAIN && zone.fallthrough;
            return if passed { Outcome::Foreign(length) } else { Outcome::Reply(length) };
        };
        put_all(Section::Answer, &found.answer, &question, &mut reply);
        put_all(Section::Additional, &found.additional, &question, &mut reply);
        if found.answer.is_empty() {
            self.deny(zone, &question, &mut reply);
        }
        let length = reply.finish(Rcode::NOERROR, true, ceiling);
        match found.outside {
            Some(target) => {
                Outcome::NeedUpstream(Upstream::new(length, target, Type(question.qtype)))
            }
            None => Outcome::Reply(length),
        }
    }

    /// Finishes a reply that an alias leads out of; see
    /// [`Snapshot::complete`](crate::dns::Snapshot::complete).
    pub fn complete(
        &self,
        message: &[u8],
        peer: Peer,
        need: &Upstream,
        said: Option<&[u8]>,
        out: &mut [u8],
    ) -> Outcome {
        let mut name = Folded::new();
        let Ok(question) = Question::read(message, &mut name) else { return Outcome::Drop };
        let completion = Completion { sizes: self.sizes(), question: &question, peer };
        completion.alias(need, said, out, |reply| {
            if let Some(zone) = self.config.served.of(question.name) {
                self.deny(zone, &question, reply);
            }
        })
    }

    fn sizes(&self) -> Sizes {
        Sizes { mode: self.config.options.mode, ceiling: self.config.options.udp_ceiling }
    }

    /// The records that a question finds; `None`: its name isn't there.
    fn found(&self, served: &Served, question: &Question<'_>) -> Option<Found> {
        let strict = self.config.options.mode == Mode::Strict;
        let zone =
            Name::from_labels(crate::dns::name::labels(question.asked_suffix(served.labels)));
        let zone = zone.unwrap_or_else(|_| Name::root());
        let name = Name::from_labels(crate::dns::name::labels(question.asked())).ok()?;
        let apex = name == zone;
        let exists = |found: Option<Found>| match found {
            None if strict && (apex || self.find(&name, 0, Reach::Below).is_some()) => {
                Some(Found::default())
            }
            found => found,
        };
        let reverse = matches!(served.kind, Kind::Reverse(_));
        exists(match question.qtype {
            code::A | code::AAAA | code::TXT if strict && reverse => {
                self.find(&name, 0, Reach::Below).map(|_| Found::default())
            }
            code::A | code::AAAA | code::TXT => {
                self.chained(&zone, &name, question.qtype, &mut Vec::new())
            }
            code::CNAME => {
                self.find(&name, code::CNAME, Reach::Exact).map(|hits| alias(&name, &hits))
            }
            code::PTR => {
                self.find(&name, code::PTR, Reach::Exact).map(|hits| pointers(&name, &hits))
            }
            code::MX => self.mail(&zone, &name),
            code::SRV => self.services(&zone, &name),
            code::SOA if apex || !strict => {
                Some(Found { answer: Vec::from([self.soa(zone.clone())]), ..Found::default() })
            }
            code::NS if apex => self.servers(&zone),
            _ => self.chained(&zone, &name, code::A, &mut Vec::new()).map(|_| Found::default()),
        })
    }

    fn soa(&self, zone: Name) -> Record {
        let options = &self.config.options;
        let name = |labels: &[&[u8]]| child(labels, &zone).unwrap_or_else(Name::root);
        let [refresh, retry, expire] = TIMES;
        let (mname, rname) = (name(&[b"ns", b"dns"]), name(&[b"hostmaster"]));
        let (serial, minimum) = (self.serial, options.negative_ttl);
        let soa = Soa { mname, rname, serial, refresh, retry, expire, minimum };
        Record { owner: zone, ttl: minimum.min(300), data: Data::Soa(soa) }
    }

    fn deny(&self, zone: &Served, question: &Question<'_>, reply: &mut Reply<'_>) {
        let suffix = crate::dns::name::labels(question.asked_suffix(zone.labels));
        let zone = Name::from_labels(suffix).unwrap_or_else(|_| Name::root());
        put_all(Section::Authority, &[self.soa(zone)], question, reply);
    }

    /// The name servers: keys below `ns.dns`, or this server.
    fn servers(&self, zone: &Name) -> Option<Found> {
        let options = &self.config.options;
        let own = child(&[b"ns", b"dns"], zone)?;
        let mut found = Found::default();
        let mut server = |name: Name, ttl: u32, address| {
            let data = Data::Ns(name.clone());
            push(&mut found.answer, Record { owner: zone.clone(), ttl, data });
            found.additional.push(Record::address(name, ttl, address));
        };
        match self.find(&own, code::NS, Reach::Below) {
            Some(hits) => {
                for hit in hits {
                    if let Host::Address(address) = hit.leaf.record.host() {
                        server(hit.leaf.record.stripped(&hit.name), hit.leaf.ttl, address);
                    }
                }
            }
            None if options.mode == Mode::Strict => {
                for address in &options.server_addresses {
                    server(own.clone(), options.ttl, *address);
                }
                if found.answer.is_empty() {
                    let data = Data::Ns(own);
                    found.answer.push(Record { owner: zone.clone(), ttl: options.ttl, data });
                }
            }
            None => return None,
        }
        Some(found)
    }

    /// SRV records, and the addresses of their targets.
    fn services(&self, zone: &Name, name: &Name) -> Option<Found> {
        let strict = self.config.options.mode == Mode::Strict;
        let mut hits = self.find(name, code::SRV, Reach::Below)?;
        if strict {
            // A record without a port says nothing about a service.
            hits.retain(|hit| hit.leaf.record.port != 0);
        }
        let mut found = Found::default();
        let all: Vec<_> = hits.iter().map(|hit| (self.priority(hit), weight(hit))).collect();
        for hit in &hits {
            let Some((target, address)) = target(hit) else { continue };
            let priority = self.priority(hit);
            let sum: u32 =
                all.iter().filter(|(other, _)| *other == priority).map(|(_, weight)| weight).sum();
            let weight = (100 * weight(hit) / sum.max(1)).max(1) as u16;
            let port = hit.leaf.record.port;
            let data = Data::Srv(Srv { priority, weight, port, target: target.clone() });
            let record = Record { owner: name.clone(), ttl: hit.leaf.ttl, data };
            // CoreDNS tells equal targets once only when they are made of keys.
            match address.is_some() || strict {
                true => push_target(&mut found.answer, record),
                false => found.answer.push(record),
            }
            self.locate(zone, target, address.map(|address| (hit.leaf.ttl, address)), &mut found);
        }
        Some(found)
    }

    fn mail(&self, zone: &Name, name: &Name) -> Option<Found> {
        let mut found = Found::default();
        for hit in self.find(name, code::MX, Reach::Below)? {
            let Some((host, address)) = target(&hit).filter(|_| hit.leaf.record.mail) else {
                continue;
            };
            let data = Data::Mx(self.priority(&hit), host.clone());
            push(&mut found.answer, Record { owner: name.clone(), ttl: hit.leaf.ttl, data });
            self.locate(zone, host, address.map(|address| (hit.leaf.ttl, address)), &mut found);
        }
        Some(found)
    }

    /// Adds the addresses of a target: its own, or what its name leads to inside the zone.
    fn locate(
        &self,
        zone: &Name,
        target: Name,
        own: Option<(u32, core::net::IpAddr)>,
        found: &mut Found,
    ) {
        if let Some((ttl, address)) = own {
            return push(&mut found.additional, Record::address(target, ttl, address));
        }
        if !target.is_within(zone) {
            return;
        }
        // CoreDNS doesn't look for IPv6 addresses.
        let both = [code::A, code::AAAA];
        let types = if self.config.options.mode == Mode::Strict { &both[..] } else { &[code::A] };
        for qtype in types {
            let behind = self.chained(zone, &target, *qtype, &mut Vec::new());
            for record in behind.into_iter().flat_map(|behind| behind.answer) {
                push(&mut found.additional, record);
            }
        }
    }

    fn priority(&self, hit: &Hit<'_>) -> u16 {
        match hit.leaf.record.priority {
            0 => self.config.options.priority,
            given => given,
        }
    }
}

fn weight(hit: &Hit<'_>) -> u32 {
    match hit.leaf.record.weight {
        0 => 100,
        given => given.into(),
    }
}

/// The name that a record points to, and its address if that name is made of the key.
fn target(hit: &Hit<'_>) -> Option<(Name, Option<core::net::IpAddr>)> {
    let record = &hit.leaf.record;
    match record.host() {
        Host::Address(address) => Some((record.stripped(&hit.name), Some(address))),
        Host::Name(name) => Some((record.stripped(&name), None)),
        Host::None => None,
    }
}

/// Adds an SRV record, unless one has its target and port already.
fn push_target(records: &mut Vec<Record>, record: Record) {
    let place = |record: &Record| match &record.data {
        Data::Srv(srv) => Some((srv.target.clone(), srv.port)),
        _ => None,
    };
    if !records.iter().any(|other| place(other) == place(&record)) {
        records.push(record);
    }
}

/// The alias that a key itself is.
fn alias(name: &Name, hits: &[Hit<'_>]) -> Found {
    let mut found = Found::default();
    if let Some(hit) = hits.first()
        && let Host::Name(target) = hit.leaf.record.host()
    {
        let data = Data::Cname(target);
        found.answer.push(Record { owner: name.clone(), ttl: hit.leaf.ttl, data });
    }
    found
}

fn pointers(name: &Name, hits: &[Hit<'_>]) -> Found {
    let mut found = Found::default();
    for hit in hits {
        if let Host::Name(target) = hit.leaf.record.host() {
            let data = Data::Ptr(target);
            push(&mut found.answer, Record { owner: name.clone(), ttl: hit.leaf.ttl, data });
        }
    }
    found
}
