//! Whole zones: for secondaries (AXFR, IXFR), and for zone text.
//!
//! ```text
//! SOA, NS and glue, version │ Service after Service, by name │ pods │ SOA
//! ```
//!
//! Strictly, a zone holds every name that a question could find, less those that are made of the question: pods by
//! unverified address, and topology zones. As CoreDNS it holds what CoreDNS transfers: no endpoints of Services with
//! cluster IPs, and an SRV record for each endpoint even where they are equal.

use core::net::IpAddr;
use std_alloc::{boxed::Box, collections::VecDeque, format, vec::Vec};

use super::{
    Data, Message, Mode, Name, Outcome, Peer, PodRecords, Record, Snapshot, Soa, Srv, Type,
    apex::{TIMES, spelled},
    arpa::{Arpa, Root},
    code::{self, Rcode},
    entry::{Body, Entry, PortRecord},
    name::Folded,
    pointer_name,
    question::{HEADER, Question},
    reply::Reply,
    served::Kind,
};

/// Octets of one message of a transfer; a little less than TCP can carry (CoreDNS).
const MESSAGE: usize = 63_000;

/// The records of a zone, one after the other; made as they are taken.
///
/// See [`Snapshot::transfer`].
#[derive(Debug)]
pub struct Transfer<'s> {
    snapshot: &'s Snapshot,
    zone: Name,
    kind: Kind,
    ttl: u32,
    ready: VecDeque<Record>,
    /// Where answers are written.
    buffer: Vec<u8>,
    rest: Rest<'s>,
}

/// What is still to come.
#[derive(Debug)]
enum Rest<'s> {
    Services(std_alloc::vec::IntoIter<&'s Entry>),
    Pods,
    End,
    Nothing,
}

impl Snapshot {
    /// The records of a zone, between two SOA records; or a single SOA when a client that has `serial` already has
    /// all of them. `None`: the zone isn't served here.
    ///
    /// ```
    /// use svckit::{Seed, dns::{Options, Zone}};
    ///
    /// let mut zone = Zone::new(Options::new("cluster.local".parse()?), Seed([1; 4]));
    /// let snapshot = zone.snapshot();
    /// let records: Vec<_> = snapshot.transfer(&"cluster.local".parse()?, None).unwrap().collect();
    /// assert_eq!(records.len(), 4, "SOA, NS, version, SOA");
    /// assert_eq!(snapshot.transfer(&"cluster.local".parse()?, Some(0)).unwrap().count(), 1);
    /// assert!(snapshot.transfer(&"example.com".parse()?, None).is_none());
    /// # Ok::<_, svckit::dns::BadName>(())
    /// ```
    #[must_use]
    pub fn transfer(&self, zone: &Name, serial: Option<u32>) -> Option<Transfer<'_>> {
        let served = self.config.served.named(zone)?;
        let outside = matches!(served.kind, Kind::External | Kind::ExternalReverse(_));
        let external = self.config.options.external.as_ref().filter(|_| outside);
        let ttl = external.map_or(self.config.options.ttl, |external| external.ttl);
        let mut transfer = Transfer {
            snapshot: self,
            zone: zone.clone(),
            kind: served.kind,
            ttl,
            ready: VecDeque::new(),
            buffer: Vec::new(),
            rest: Rest::Nothing,
        };
        transfer.ready.push_back(transfer.soa());
        // RFC 1995: a client that isn't behind gets the SOA alone.
        let behind = |client: u32| self.serial(served.kind).wrapping_sub(client) as i32 > 0;
        if serial.is_none_or(behind) {
            transfer.head();
            let table = match served.kind {
                Kind::Multicluster => &self.imports,
                _ => &self.services,
            };
            transfer.rest = Rest::Services(table.sorted().into_iter());
        }
        Some(transfer)
    }

    /// The transfer that a message asks for, if the client is allowed to. `Err` says what to answer instead.
    ///
    /// # Errors
    ///
    /// The message asks for something else, or for a zone that isn't served: what to do with `out`.
    pub fn transfer_for<'s>(
        &'s self,
        message: &[u8],
        out: &mut [u8],
    ) -> Result<Transfer<'s>, Outcome> {
        let refused = |out: &mut [u8]| {
            let Ok(question) = Question::read(message) else { return Outcome::Drop };
            let limit = out.len();
            let Some(reply) = Reply::new(&question, limit, out) else { return Outcome::Drop };
            Outcome::Reply(reply.finish(Rcode::REFUSED, false, 512))
        };
        let Ok(question) = Question::read(message) else { return Err(refused(out)) };
        let serial = match question.qtype {
            code::AXFR => None,
            code::IXFR => question.serial,
            _ => return Err(refused(out)),
        };
        let zone = Name::from_labels(super::name::labels(question.asked()));
        let transfer = zone.ok().and_then(|zone| self.transfer(&zone, serial));
        transfer.ok_or_else(|| refused(out))
    }

    /// Whether a message asks for a transfer.
    #[must_use]
    pub fn is_transfer(message: &[u8]) -> bool {
        Question::read(message)
            .is_ok_and(|question| matches!(question.qtype, code::AXFR | code::IXFR))
    }
}

impl Transfer<'_> {
    /// The next message of the transfer that `question` asked for; `None` after the last.
    #[must_use]
    pub fn next_message(&mut self, question: &[u8]) -> Option<Vec<u8>> {
        let asked = Question::read(question).ok()?;
        let mut message = Vec::with_capacity(4_096);
        for number in [asked.header.id, asked.header.reply_flags() | 0x0400, 1, 0, 0, 0] {
            message.extend(number.to_be_bytes());
        }
        message.extend_from_slice(asked.wire);
        let mut count = 0_u16;
        while let Some(record) = self.next() {
            let before = message.len();
            record.encode(&mut message);
            if message.len() > MESSAGE && count > 0 {
                message.truncate(before);
                self.ready.push_front(record);
                break;
            }
            count += 1;
        }
        message.get_mut(6..8)?.copy_from_slice(&count.to_be_bytes());
        debug_assert!(message.len() > HEADER, "a question at least");
        (count > 0).then_some(message)
    }

    fn soa(&self) -> Record {
        let options = &self.snapshot.config.options;
        let external = options.external.as_ref().filter(|_| self.outside());
        let name = |labels: &[&str]| {
            let labels = labels.iter().map(|label| label.as_bytes());
            Name::from_labels(labels.chain(self.zone.labels())).unwrap_or_else(|_| Name::root())
        };
        let (mname, rname) = match external {
            Some(external) => {
                (name(&["ns1", &external.apex_label]), name(&["hostmaster", &external.apex_label]))
            }
            None => (name(&["ns", "dns"]), name(&["hostmaster"])),
        };
        let (ttl, minimum) = self.snapshot.denial_ttl(self.ttl);
        let [refresh, retry, expire] = TIMES;
        let serial = self.snapshot.serial(self.kind);
        let soa = Soa { mname, rname, serial, refresh, retry, expire, minimum };
        Record { owner: self.zone.clone(), ttl, data: Data::Soa(soa) }
    }

    fn outside(&self) -> bool {
        matches!(self.kind, Kind::External | Kind::ExternalReverse(_))
    }

    /// Name servers, their addresses, and the version.
    fn head(&mut self) {
        let options = &self.snapshot.config.options;
        let mut servers =
            if self.outside() { Vec::new() } else { self.snapshot.nameservers(&self.zone) };
        if servers.is_empty() {
            let Data::Soa(Soa { mname, .. }) = self.soa().data else { return };
            let own = |address: &IpAddr| Record::address(mname.clone(), self.ttl, *address);
            servers = options.server_addresses.iter().map(own).collect();
            self.push(self.zone.clone(), Data::Ns(mname));
        } else {
            let mut names: Vec<_> = servers.iter().map(|server| server.owner.clone()).collect();
            names.dedup();
            for name in names {
                self.push(self.zone.clone(), Data::Ns(name));
            }
        }
        // Addresses of Services come with the Services.
        let glued = servers.into_iter().filter(|server| server.owner.is_within(&self.zone));
        let own = |server: &Record| server.owner.labels().nth(1) == Some(b"dns") || self.outside();
        let glue: Vec<_> = glued.filter(own).collect();
        self.ready.extend(glue);
        if self.strict() && matches!(self.kind, Kind::Cluster | Kind::Multicluster) {
            self.version();
        }
    }

    fn version(&mut self) {
        let labels = [&b"dns-version"[..]].into_iter().chain(self.zone.labels());
        let Ok(owner) = Name::from_labels(labels) else { return };
        let texts = Vec::from([Box::from(&b"1.1.0"[..])]);
        self.ready.push_back(Record { owner, ttl: 28_800, data: Data::Txt(texts) });
    }

    fn strict(&self) -> bool {
        self.snapshot.config.options.mode == Mode::Strict
    }

    fn push(&mut self, owner: Name, data: Data) {
        self.ready.push_back(Record { owner, ttl: self.ttl, data });
    }

    /// The records of one Service.
    fn service(&mut self, entry: &Entry) {
        match self.kind {
            Kind::Cluster | Kind::Multicluster if !entry.is_live(&self.snapshot.config.options) => {
            }
            Kind::Cluster | Kind::Multicluster if self.strict() => self.everything(entry),
            Kind::Cluster | Kind::Multicluster => self.as_coredns(entry),
            Kind::External => self.everything(entry),
            Kind::Reverse(root) if self.strict() => {
                let endpoints = entry.endpoints.iter().flat_map(|endpoints| endpoints.addresses());
                let addresses: Vec<_> = entry.addresses().chain(endpoints).collect();
                self.pointers(root, &addresses);
            }
            Kind::ExternalReverse(root) if self.strict() => {
                let external = entry.external.iter();
                let addresses: Vec<_> =
                    external.flat_map(|external| external.addresses()).collect();
                self.pointers(root, &addresses);
            }
            Kind::Reverse(_) | Kind::ExternalReverse(_) => {}
        }
    }

    /// What questions for the Service's names answer, its SRV and endpoint names among them.
    fn everything(&mut self, entry: &Entry) {
        let outside = self.outside();
        let zone = self.zone.clone();
        let Some(name) = spelled(&[], entry, outside, &zone) else { return };
        let mut names = Vec::from([name]);
        let side = super::locate::Side { entry, outside };
        for port in side.ports().filter(|port| !port.name.is_empty()) {
            let labels = port_labels(port);
            let labels: Vec<&[u8]> = labels.iter().map(|label| &**label).collect();
            names.extend(spelled(&labels, entry, outside, &zone));
        }
        if let Some(endpoints) =
            entry.endpoints.as_deref().filter(|_| !outside || side.stands_for_endpoints())
        {
            for group in endpoints.groups(0) {
                let Some(first) = group.first() else { continue };
                let label = endpoints.label(first);
                let cluster = endpoints.cluster(first).map(str::as_bytes);
                let labels: Vec<&[u8]> = [label.as_bytes()].into_iter().chain(cluster).collect();
                names.extend(spelled(&labels, entry, outside, &zone));
            }
        }
        names.sort_by_cached_key(|name| name.as_wire().to_ascii_lowercase());
        names.dedup();
        for name in names {
            if !self.asked(&name, code::CNAME) {
                for qtype in [code::A, code::AAAA, code::SRV] {
                    self.asked(&name, qtype);
                }
            }
        }
    }

    /// Adds what a question answers; whether that is anything. Only records of the name itself count.
    fn asked(&mut self, name: &Name, qtype: u16) -> bool {
        let message = Message::question(0, name, Type(qtype));
        self.buffer.resize(usize::from(u16::MAX), 0);
        let outcome = self.snapshot.answer(&message, Peer::tcp(0), &mut self.buffer);
        let reply = outcome.length().and_then(|length| self.buffer.get(..length));
        let Some(Ok(reply)) = reply.map(Message::decode) else { return false };
        let before = self.ready.len();
        self.ready.extend(reply.answer.into_iter().filter(|record| record.owner == *name));
        self.ready.len() > before
    }

    fn pointers(&mut self, root: Root, addresses: &[IpAddr]) {
        for address in addresses {
            let name = pointer_name(*address);
            let folded = Folded::read(name.as_wire());
            let within = name.is_within(&self.zone)
                && folded.is_some_and(|folded| root.read(&folded) == Arpa::Address(*address));
            if within {
                self.asked(&name, code::PTR);
            }
        }
    }

    /// What CoreDNS transfers of a Service.
    fn as_coredns(&mut self, entry: &Entry) {
        let zone = self.zone.clone();
        let Some(name) = spelled(&[], entry, false, &zone) else { return };
        match (&entry.body, entry.endpoints.as_deref()) {
            (Body::Alias(target), _) => self.push(name, Data::Cname(target.clone())),
            (Body::Headless, Some(endpoints)) => {
                for record in endpoints.by_address() {
                    let address = |owner| Record::address(owner, self.ttl, record.address);
                    let label = endpoints.label(record);
                    let Some(own) = spelled(&[label.as_bytes()], entry, false, &zone) else {
                        continue;
                    };
                    let records = [address(name.clone()), address(own.clone())];
                    self.ready.extend(records);
                    let weight = (100 / endpoints.list().len().max(1)).max(1) as u16;
                    for port in endpoints.ports(record) {
                        self.push_srv(port, entry, weight, own.clone());
                    }
                }
            }
            (Body::Cluster { .. }, _) => {
                for address in entry.addresses() {
                    self.ready.push_back(Record::address(name.clone(), self.ttl, address));
                }
                for port in &entry.ports {
                    let srv =
                        Srv { priority: 0, weight: 100, port: port.port, target: name.clone() };
                    self.push(name.clone(), Data::Srv(srv));
                    self.push_srv(port, entry, 100, name.clone());
                }
            }
            _ => {}
        }
    }

    fn push_srv(&mut self, port: &PortRecord, entry: &Entry, weight: u16, target: Name) {
        if port.name.is_empty() {
            return;
        }
        let [name, protocol] = port_labels(port);
        if let Some(owner) = spelled(&[&name, &protocol], entry, false, &self.zone) {
            self.push(owner, Data::Srv(Srv { priority: 0, weight, port: port.port, target }));
        }
    }

    /// Verified pods' addresses.
    fn pods(&mut self) {
        let options = &self.snapshot.config.options;
        if !self.strict() || self.kind != Kind::Cluster || options.pods != PodRecords::Verified {
            return;
        }
        let mut pods = Vec::new();
        self.snapshot
            .pods
            .for_each(&mut |address, pod| pods.push((pod.namespace.clone(), address)));
        pods.sort_unstable();
        pods.dedup();
        for (namespace, address) in pods {
            let label = super::label::Label::of_address(address);
            let labels = [label.as_bytes(), namespace.as_bytes(), b"pod"];
            if let Ok(owner) = Name::from_labels(labels.into_iter().chain(self.zone.labels())) {
                self.ready.push_back(Record::address(owner, self.ttl, address));
            }
        }
    }
}

impl Iterator for Transfer<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while self.ready.is_empty() {
            match &mut self.rest {
                Rest::Services(entries) => match entries.next() {
                    Some(entry) => self.service(entry),
                    None => self.rest = Rest::Pods,
                },
                Rest::Pods => {
                    self.rest = Rest::End;
                    self.pods();
                }
                Rest::End => {
                    self.rest = Rest::Nothing;
                    let soa = self.soa();
                    self.ready.push_back(soa);
                }
                Rest::Nothing => return None,
            }
        }
        self.ready.pop_front()
    }
}

/// `_http` and `_tcp`.
fn port_labels(port: &PortRecord) -> [Vec<u8>; 2] {
    let label = |text: &str| format!("_{}", text.to_ascii_lowercase()).into_bytes();
    [label(&port.name), label(port.protocol.as_str())]
}
