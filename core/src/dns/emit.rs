//! From a node to its records.

use core::net::IpAddr;

use super::{
    Mode, Name, Snapshot,
    answer::Context,
    chosen::{Chosen, srv, weight},
    code,
    endpoints::Record,
    locate::{Node, PortFilter},
    name::Folded,
    reply::{Reply, Section, Spelling, Tail},
    side::Side,
};

/// The version of the names' schema, in wire form, and how long it may be kept.
const VERSION: (&[u8], u32) = (b"\x051.1.0", 28_800);

impl Snapshot {
    /// Writes the records of `node` that the question asks for. Returns the name that stands for it elsewhere, when
    /// the alias for that is all that could be written.
    #[inline]
    pub(super) fn emit<'s>(
        &'s self,
        node: Node<'s, '_>,
        name: &Folded,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) -> Option<&'s Name> {
        // A Service's own name, which most questions ask for, takes the short way.
        if let Node::Service(service) = node {
            return self.emit_service(service, context, reply);
        }
        self.emit_other(node, name, context, reply);
        None
    }

    #[inline(never)]
    fn emit_other(
        &self,
        node: Node<'_, '_>,
        name: &Folded,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) {
        match node {
            Node::Apex => self.emit_apex(context, reply),
            Node::Server => self.emit_server(context, reply),
            Node::Version if context.qtype == code::TXT => {
                let owner = Spelling::at(context.owner);
                let (text, ttl) = VERSION;
                reply.record(Section::Answer, owner, (code::TXT, ttl), |reply| reply.put(text));
            }
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
    }

    #[inline]
    fn emit_service<'s>(
        &'s self,
        service: Side<'s>,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) -> Option<&'s Name> {
        match context.qtype {
            code::A => {
                let v4 = service.v4();
                reply.v4(context.owner, context.ttl, v4, context.start(v4.len()));
            }
            code::AAAA => {
                let v6 = service.v6();
                reply.v6(context.owner, context.ttl, v6, context.start(v6.len()));
            }
            code::SRV => {
                self.emit_ports(service, &PortFilter::default(), context, reply);
                return None;
            }
            _ => return None,
        }
        // An alias can't stand beside addresses, so it only stands in for them.
        let bare = |_: &&Name| service.v4().is_empty() && service.v6().is_empty();
        let name = service.names().first().filter(bare)?;
        Self::emit_alias(name, context, reply)?;
        Some(name)
    }

    /// An alias for the name; returns where its target stands.
    #[inline(never)]
    pub(super) fn emit_alias(
        target: &Name,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
    ) -> Option<u16> {
        let owner = Spelling::at(context.owner);
        let kind = (code::CNAME, context.ttl);
        reply.record(Section::Answer, owner, kind, |reply| reply.put(target.as_wire()))
    }

    /// The SRV records of a Service's ports.
    #[inline(never)]
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
        let own = Spelling { runs, tail: Tail::Wire(context.zone()) };
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
