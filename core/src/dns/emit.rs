//! From a node to its records.

use core::net::IpAddr;

use super::{
    Mode, Name, Pointers, Snapshot,
    answer::Context,
    code,
    endpoints::{Endpoints, Record},
    entry::Entry,
    label::Label,
    locate::{Node, PortFilter, Side},
    name::Folded,
    reply::{Reply, Section, Spelling, Tail},
    served::Kind,
};

/// The version of the names' schema, in wire form, and how long it may be kept.
const VERSION: (&[u8], u32) = (b"\x051.1.0", 28_800);

impl Snapshot {
    /// Writes the records of `node` that the question asks for. Returns the name that stands for it elsewhere, when
    /// the alias for that is all that could be written.
    pub(super) fn emit<'s>(
        &'s self,
        node: Node<'s, '_>,
        name: &Folded,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) -> Option<&'s Name> {
        match node {
            Node::Apex => self.emit_apex(context, reply),
            Node::Server => self.emit_server(context, reply),
            Node::Version if context.qtype == code::TXT => {
                let owner = Spelling::at(context.owner);
                let (text, ttl) = VERSION;
                reply.record(Section::Answer, owner, (code::TXT, ttl), |reply| reply.put(text));
            }
            Node::Service(service) => return self.emit_service(service, context, reply),
            Node::Ports(service, filter) => self.emit_ports(service, &filter, context, reply),
            Node::Endpoints(service, records) => self.emit_named(service, records, context, reply),
            Node::Zonal { service, labels, prefer } => {
                self.emit_zonal(
                    service,
                    zone_label(name, labels).as_bytes(),
                    prefer,
                    context,
                    reply,
                );
            }
            Node::Pod(address) => self.emit_pod(address, context, reply),
            Node::Pointer(address) if context.qtype == code::PTR => {
                self.emit_pointers(address, context, reply);
            }
            Node::ExternalPointer(address) if context.qtype == code::PTR => {
                self.emit_external_pointers(address, context, reply);
            }
            _ => {}
        }
        None
    }

    fn emit_service<'s>(
        &'s self,
        service: Side<'s>,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) -> Option<&'s Name> {
        let (v4, v6) = (service.v4(), service.v6());
        match context.qtype {
            code::A => reply.v4(context.owner, context.ttl, v4, context.start(v4.len())),
            code::AAAA => reply.v6(context.owner, context.ttl, v6, context.start(v6.len())),
            code::SRV => self.emit_ports(service, &PortFilter::default(), context, reply),
            _ => {}
        }
        // An alias can't stand beside addresses, so it only stands in for them.
        let addresses = matches!(context.qtype, code::A | code::AAAA);
        let name =
            service.names().first().filter(|_| addresses && v4.is_empty() && v6.is_empty())?;
        let owner = Spelling::at(context.owner);
        let kind = (code::CNAME, context.ttl);
        reply.record(Section::Answer, owner, kind, |reply| reply.put(name.as_wire()))?;
        Some(name)
    }

    /// The SRV records of a Service's ports.
    fn emit_ports(
        &self,
        service: Side<'_>,
        filter: &PortFilter<'_>,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) {
        let endpoints = service.entry.endpoints.as_deref();
        if let Some(all) = endpoints.filter(|_| service.stands_for_endpoints()) {
            let chosen = Chosen { service, all, filter, admit: &|_: &Record| true };
            let start = context.start(all.list().len());
            return self.emit_chosen(&chosen, || all.groups(start), context, reply);
        }
        match context.qtype {
            code::SRV => self.emit_own_ports(service, filter, context, reply),
            // CoreDNS answers with the Service's addresses.
            code::A if self.config.options.mode == Mode::CoreDns => {
                reply.v4(context.owner, context.ttl, service.v4(), 0);
            }
            code::AAAA if self.config.options.mode == Mode::CoreDns => {
                reply.v6(context.owner, context.ttl, service.v6(), 0);
            }
            _ => {}
        }
    }

    /// SRV records whose target is the Service itself, or a load balancer's name.
    fn emit_own_ports(
        &self,
        service: Side<'_>,
        filter: &PortFilter<'_>,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) {
        let (v4, v6, names) = (service.v4(), service.v6(), service.names());
        let ports = &service.entry.ports;
        let matching = ports.iter().filter(|port| filter.admits(port)).count();
        let weight = weight(matching * (v4.len() + v6.len() + names.len()));
        let runs = [service.entry.key.wire(), context.class(), &[], &[]];
        let own = Spelling { runs, tail: Tail::Wire(context.zone) };
        let own = (!v4.is_empty() || !v6.is_empty()).then_some(own);
        let mut target = None;
        for (index, port) in ports.iter().enumerate().filter(|(_, port)| filter.admits(port)) {
            let before = ports.get(..index).unwrap_or_default();
            if before.iter().any(|other| other.port == port.port && filter.admits(other)) {
                continue;
            }
            for spelling in
                own.into_iter().chain(names.iter().map(|name| Spelling::wire(name.as_wire())))
            {
                let place = srv(reply, context, weight, port.port, spelling);
                target = target.or_else(|| place.filter(|_| own.is_some()));
            }
        }
        let Some(target) = target.filter(|_| !self.config.options.minimal) else { return };
        let owner =
            Reply::place(usize::from(target)).map_or(own, |place| Some(Spelling::at(place)));
        let addresses = v4.iter().copied().map(IpAddr::V4);
        for address in addresses.chain(v6.iter().copied().map(IpAddr::V6)) {
            if let Some(owner) = owner {
                reply.address(Section::Additional, owner, context.ttl, address);
            }
        }
    }

    /// The records of endpoints that share a label.
    fn emit_named(
        &self,
        service: Side<'_>,
        records: &[Record],
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) {
        let Some(all) = service.entry.endpoints.as_deref() else { return };
        let filter = PortFilter::default();
        let chosen = Chosen { service, all, filter: &filter, admit: &|_: &Record| true };
        self.emit_chosen(&chosen, || core::iter::once(records), context, reply);
    }

    /// The endpoints of one topology zone.
    fn emit_zonal(
        &self,
        service: Side<'_>,
        zone: &[u8],
        prefer: bool,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) {
        let Some(all) = service.entry.endpoints.as_deref() else { return };
        let anywhere = prefer && !all.list().iter().any(|record| all.in_zone(record, zone));
        let filter = PortFilter::default();
        let admit = |record: &Record| anywhere || all.in_zone(record, zone);
        let chosen = Chosen { service, all, filter: &filter, admit: &admit };
        let start = context.start(all.list().len());
        self.emit_chosen(&chosen, || all.groups(start), context, reply);
    }

    /// Addresses or SRV records of chosen endpoints; `groups` always gives the same ones.
    fn emit_chosen<'e, I: Iterator<Item = &'e [Record]>>(
        &self,
        chosen: &Chosen<'e, '_>,
        groups: impl Fn() -> I,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) {
        let owner = Spelling::at(context.owner);
        match context.qtype {
            code::SRV => {
                let start = reply.at();
                chosen.emit_srv(groups(), groups(), context, reply);
                if !self.config.options.minimal {
                    chosen.emit_targets(groups(), start, context, reply);
                }
            }
            code::A | code::AAAA => {
                let named = !chosen.filter.port.is_empty() || !chosen.filter.protocol.is_empty();
                if named && self.config.options.mode == Mode::Strict {
                    return;
                }
                for address in groups().flat_map(|group| chosen.addresses(group)) {
                    if address.is_ipv4() == (context.qtype == code::A) {
                        reply.address(Section::Answer, owner, context.ttl, address);
                    }
                }
            }
            _ => {}
        }
    }

    fn emit_pod(&self, address: IpAddr, context: &Context<'_>, reply: &mut Reply<'_>) {
        let owner = Spelling::at(context.owner);
        let family = if address.is_ipv4() { code::A } else { code::AAAA };
        if context.qtype == family {
            reply.address(Section::Answer, owner, context.ttl, address);
        }
        if context.qtype == code::SRV && self.config.options.mode == Mode::CoreDns {
            srv(reply, context, 100, 0, owner);
            reply.address(Section::Additional, owner, context.ttl, address);
        }
    }

    /// The names of an address: its Service's, else those of the endpoints that have it.
    fn emit_pointers(&self, address: IpAddr, context: &Context<'_>, reply: &mut Reply<'_>) {
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

    fn emit_external_pointers(
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

/// Endpoints that were asked for.
struct Chosen<'e, 'f> {
    service: Side<'e>,
    all: &'e Endpoints,
    filter: &'f PortFilter<'f>,
    admit: &'f dyn Fn(&Record) -> bool,
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
    fn addresses(&self, group: &'e [Record]) -> impl Iterator<Item = IpAddr> {
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
    fn emit_srv(
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
    fn emit_targets(
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
        then(Spelling { runs, tail: Tail::Wire(context.zone) });
    }
}

/// Octets of an SRV record before its target: owner, type, class, TTL, length, and three numbers.
const SRV_HEAD: usize = 18;

/// One SRV record; returns where its target stands.
fn srv(
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
fn weight(count: usize) -> u16 {
    (100 / count.max(1)).max(1) as u16
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

/// The topology zone that the leftmost labels spell.
fn zone_label(name: &Folded, labels: usize) -> std_alloc::string::String {
    let mut text = std_alloc::string::String::new();
    for index in 0..labels {
        if index > 0 {
            text.push('.');
        }
        text.push_str(&std_alloc::string::String::from_utf8_lossy(name.label(index)));
    }
    text
}

impl<'s> Side<'s> {
    /// The IPv4 addresses that its name answers with.
    pub(super) fn v4(&self) -> &'s [core::net::Ipv4Addr] {
        match (&self.entry.body, &self.entry.external) {
            (_, Some(external)) if self.outside => &external.v4,
            (super::entry::Body::Cluster { v4, .. }, _) if !self.outside => v4.as_slice(),
            (super::entry::Body::Headless, _) => {
                self.entry.endpoints.as_ref().map_or(&[], |endpoints| &endpoints.v4)
            }
            _ => &[],
        }
    }

    /// The IPv6 addresses likewise.
    pub(super) fn v6(&self) -> &'s [core::net::Ipv6Addr] {
        match (&self.entry.body, &self.entry.external) {
            (_, Some(external)) if self.outside => &external.v6,
            (super::entry::Body::Cluster { v6, .. }, _) if !self.outside => v6.as_slice(),
            (super::entry::Body::Headless, _) => {
                self.entry.endpoints.as_ref().map_or(&[], |endpoints| &endpoints.v6)
            }
            _ => &[],
        }
    }

    /// The names of its load balancers, in zones that show them.
    fn names(&self) -> &'s [Name] {
        match &self.entry.external {
            Some(external) if self.outside => &external.names,
            _ => &[],
        }
    }
}

impl Context<'_> {
    /// Whether the zone shows external addresses.
    pub(super) fn is_outside(&self) -> bool {
        matches!(self.kind, Kind::External | Kind::ExternalReverse(_))
    }
}
