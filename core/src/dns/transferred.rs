//! The records that a transfer is made of.
//!
//! Strictly they are asked for, name by name, as a client would: what is transferred is what is answered.

use core::net::IpAddr;
use std_alloc::{boxed::Box, format, vec::Vec};

use super::{
    Data, Message, Mode, Name, Peer, PodRecords, Record, Soa, Srv, Type,
    apex::{TIMES, spelled},
    arpa::{Arpa, Root},
    code,
    entry::{Body, Entry, PortRecord},
    name::Folded,
    pointer_name,
    served::Kind,
    side::Side,
    transfer::Transfer,
};

impl Transfer<'_> {
    pub(super) fn soa(&self) -> Record {
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
        self.kind.is_outside()
    }

    /// Name servers, their addresses, and the version.
    pub(super) fn head(&mut self) {
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
    pub(super) fn service(&mut self, entry: &Entry) {
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
            Kind::Reverse(_) | Kind::ExternalReverse(_) | Kind::Search => {}
        }
    }

    /// What questions for the Service's names answer, its SRV and endpoint names among them.
    fn everything(&mut self, entry: &Entry) {
        let outside = self.outside();
        let zone = self.zone.clone();
        let Some(name) = spelled(&[], entry, outside, &zone) else { return };
        let mut names = Vec::from([name]);
        let side = Side { entry, outside };
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
    pub(super) fn pods(&mut self) {
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

/// `_http` and `_tcp`.
fn port_labels(port: &PortRecord) -> [Vec<u8>; 2] {
    let label = |text: &str| format!("_{}", text.to_ascii_lowercase()).into_bytes();
    [label(&port.name), label(port.protocol.as_str())]
}
