//! The zone itself: SOA, NS, and the server's own name.
//!
//! When one of the server's addresses is an endpoint of Services, those are the zone's name servers; else
//! `ns.dns` below the zone is, with the addresses from the settings. External zones have `ns1.dns` below theirs.

use core::net::IpAddr;
use std_alloc::{string::ToString, vec::Vec};

use super::{
    Name, Record as Owned, Snapshot,
    answer::Context,
    code,
    endpoints::Endpoints,
    entry::{Body, Entry},
    reply::{Reply, Section, Spelling},
    served::Kind,
    side::Side,
};

/// Seconds after which a secondary asks, asks again, and gives up.
pub(super) const TIMES: [u32; 3] = [7_200, 1_800, 86_400];

/// The longest time a denial is kept unless told otherwise.
const LONGEST_DENIAL: u32 = 300;

impl Snapshot {
    /// Writes the SOA of the context's zone.
    #[inline(never)]
    pub(super) fn soa(&self, section: Section, context: &Context<'_>, reply: &mut Reply<'_>) {
        let options = &self.config.options;
        let external = options.external.as_ref().filter(|_| context.kind.is_outside());
        let mut apex_label = [0; 64];
        let (mname, rname): (&[u8], &[u8]) = match external {
            None => (b"\x02ns\x03dns", b"\x0ahostmaster"),
            Some(_) => (b"\x03ns1", b"\x0ahostmaster"),
        };
        let apex =
            external.map_or(&[][..], |external| wire_label(&external.apex_label, &mut apex_label));
        let (ttl, minimum) = self.denial_ttl(context.ttl);
        let owner = Spelling { runs: [&[]; 4], tail: context.tail() };
        reply.record(section, owner, (code::SOA, ttl), |reply| {
            for name in [mname, rname] {
                reply.name(Spelling { runs: [name, apex, &[], &[]], tail: context.tail() })?;
            }
            let [refresh, retry, expire] = TIMES;
            for number in [self.serial(context.kind), refresh, retry, expire, minimum] {
                reply.put(&number.to_be_bytes())?;
            }
            Some(())
        });
    }

    /// The TTL of an SOA record, and the number in it.
    pub(super) fn denial_ttl(&self, ttl: u32) -> (u32, u32) {
        match self.config.options.negative_ttl {
            Some(negative) => (negative, negative),
            None => (ttl.min(LONGEST_DENIAL), ttl),
        }
    }

    /// The serial of a kind of zone.
    pub(super) fn serial(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Cluster | Kind::Reverse(_) | Kind::Search => self.serials.cluster,
            Kind::Multicluster => self.serials.multicluster,
            Kind::External | Kind::ExternalReverse(_) => self.serials.external,
        }
    }

    /// SOA and NS at the apex.
    pub(super) fn emit_apex(&self, context: &Context<'_>, reply: &mut Reply<'_>) {
        match context.qtype {
            code::SOA => self.soa(Section::Answer, context, reply),
            code::NS if context.kind.is_outside() => self.emit_external_ns(context, reply),
            code::NS => self.emit_ns(context, reply),
            _ => {}
        }
    }

    fn emit_ns(&self, context: &Context<'_>, reply: &mut Reply<'_>) {
        let owner = Spelling { runs: [&[]; 4], tail: context.tail() };
        let kind = (code::NS, context.ttl);
        let servers = self.servers(context);
        let mut last: Option<&Name> = None;
        for server in &servers {
            if last.replace(&server.owner) != Some(&server.owner) {
                reply.record(Section::Answer, owner, kind, |reply| {
                    reply.put(server.owner.as_wire())
                });
            }
        }
        if servers.is_empty() {
            let name = Spelling { runs: [b"\x02ns", b"\x03dns", &[], &[]], tail: context.tail() };
            reply.record(Section::Answer, owner, kind, |reply| reply.name(name));
            for address in &self.config.options.server_addresses {
                reply.address(Section::Additional, name, context.ttl, *address);
            }
        }
        for server in servers {
            let owner = Spelling::wire(server.owner.as_wire());
            if let Some(address) = server.data.as_address() {
                reply.address(Section::Additional, owner, context.ttl, address);
            }
        }
    }

    fn emit_external_ns(&self, context: &Context<'_>, reply: &mut Reply<'_>) {
        let Some(external) = &self.config.options.external else { return };
        let mut apex_label = [0; 64];
        let apex = wire_label(&external.apex_label, &mut apex_label);
        let name = Spelling { runs: [b"\x03ns1", apex, &[], &[]], tail: context.tail() };
        let owner = Spelling { runs: [&[]; 4], tail: context.tail() };
        reply.record(Section::Answer, owner, (code::NS, context.ttl), |reply| reply.name(name));
        for address in self.glue(context) {
            reply.address(Section::Additional, name, context.ttl, address);
        }
    }

    /// The addresses of `ns.dns` or `ns1.dns`.
    pub(super) fn emit_server(&self, context: &Context<'_>, reply: &mut Reply<'_>) {
        if !matches!(context.qtype, code::A | code::AAAA) {
            return;
        }
        for address in self.glue(context) {
            if address.is_ipv4() == (context.qtype == code::A) {
                let owner = Spelling::at(context.owner);
                reply.address(Section::Answer, owner, context.ttl, address);
            }
        }
    }

    /// Where the server is reached: by Services it stands behind, else by its own addresses.
    fn glue(&self, context: &Context<'_>) -> Vec<IpAddr> {
        let servers = self.servers(context);
        if servers.is_empty() {
            return self.config.options.server_addresses.clone();
        }
        let mut addresses: Vec<_> =
            servers.iter().filter_map(|server| server.data.as_address()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    fn servers(&self, context: &Context<'_>) -> Vec<Owned> {
        let labels = super::name::labels(context.zone());
        let zone = Name::from_labels(labels).unwrap_or_else(|_| Name::root());
        self.nameservers(&zone)
    }

    /// The Services that this server is an endpoint of, as address records below `zone`, name by name. None when the
    /// server stands outside of the cluster, or `zone` isn't served.
    #[must_use]
    pub fn nameservers(&self, zone: &Name) -> Vec<Owned> {
        let Some(served) = self.config.served.named(zone) else { return Vec::new() };
        let outside = served.kind.is_outside();
        let external = self.config.options.external.as_ref().filter(|_| outside);
        let ttl = served.ttl;
        let headless = external.is_none_or(|external| external.headless);
        let mut servers = Vec::new();
        for own in &self.config.options.server_addresses {
            for key in self.services.pointed.get(*own) {
                let found = self.services.find(&self.config, key);
                let behind = |entry: &&Entry| {
                    let mut endpoints = entry.endpoints.iter().flat_map(|all| all.at(*own));
                    entry.is_live(&self.config.options) && endpoints.next().is_some()
                };
                let Some(entry) = found.filter(behind) else { continue };
                let side = Side { entry, outside };
                if headless && side.stands_for_endpoints() {
                    self.endpoint_servers(entry, *own, |label, address| {
                        let name = spelled(&[label], entry, outside, zone);
                        servers.extend(name.map(|name| Owned::address(name, ttl, address)));
                    });
                } else if !matches!(entry.body, Body::Headless) || outside {
                    let v4 = side.v4().iter().copied().map(IpAddr::V4);
                    let v6 = side.v6().iter().copied().map(IpAddr::V6);
                    let Some(name) = spelled(&[], entry, outside, zone) else { continue };
                    if !side.stands_for_endpoints() {
                        let owned = |address| Owned::address(name.clone(), ttl, address);
                        servers.extend(v4.chain(v6).map(owned));
                    }
                }
            }
        }
        servers.sort_by_cached_key(ToString::to_string);
        servers.dedup();
        servers
    }

    fn endpoint_servers(&self, entry: &Entry, own: IpAddr, mut each: impl FnMut(&[u8], IpAddr)) {
        let Some(endpoints) = entry.endpoints.as_deref() else { return };
        for record in Endpoints::at(endpoints, own) {
            each(endpoints.label(record).as_bytes(), record.address);
        }
    }
}

/// The name of a Service, or of something below it, in a zone.
pub(super) fn spelled(labels: &[&[u8]], entry: &Entry, outside: bool, zone: &Name) -> Option<Name> {
    let class: Option<&[u8]> = (!outside).then_some(b"svc");
    let service = [entry.key.service(), entry.key.namespace()];
    let all = labels.iter().copied().chain(service).chain(class).chain(zone.labels());
    Name::from_labels(all).ok()
}

/// A text as one label in wire form.
fn wire_label<'b>(text: &str, buffer: &'b mut [u8; 64]) -> &'b [u8] {
    let octets = text.as_bytes().iter().take(63);
    let length = octets.len();
    for (place, octet) in buffer.iter_mut().zip([length as u8].iter().chain(octets)) {
        *place = *octet;
    }
    buffer.get(..=length).unwrap_or_default()
}
