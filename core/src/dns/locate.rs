//! What a name is, whatever type is asked for.
//!
//! This is where names exist or don't. Strictly, the verdict never depends on the type, and whatever stands above
//! an existing name exists too; [`as_coredns`] turns a verdict into the one CoreDNS gives for a type.

use core::net::IpAddr;

use super::{
    Dialect, Left, Mode, Name, PodRecords, Snapshot,
    arpa::{Arpa, Root},
    code,
    endpoints::Record,
    entry::{Body, Entry, PortRecord},
    label,
    name::Folded,
    served::{Kind, Served},
    shape::without_underscore,
    side::Side,
    table::Table,
};

/// What a name is.
#[derive(Clone, Copy)]
pub(super) enum Node<'s, 'n> {
    /// Nothing.
    Missing,
    /// Something stands below it.
    Hollow,
    /// A class or a namespace.
    Branch,
    /// The zone itself.
    Apex,
    /// The version of the schema.
    Version,
    /// The server, when no Service stands for it.
    Server,
    /// A Service.
    Service(Side<'s>),
    /// Its ports of one name and protocol.
    Ports(Side<'s>, PortFilter<'n>),
    /// Its endpoints of one label.
    Endpoints(Side<'s>, &'s [Record]),
    /// Its endpoints in the topology zone that so many leftmost labels name.
    Zonal { service: Side<'s>, labels: usize, prefer: bool },
    /// Another name for something.
    Alias(&'s Name),
    /// A pod's address.
    Pod(IpAddr),
    /// An address that has names.
    Pointer(IpAddr),
    /// The same, outside the cluster.
    ExternalPointer(IpAddr),
}

/// Which ports an SRV name means; without underscores. Empty ones mean any, which only CoreDNS has.
#[derive(Clone, Copy, Default)]
pub(super) struct PortFilter<'n> {
    pub(super) port: &'n [u8],
    pub(super) protocol: &'n [u8],
}

/// The Service that a name speaks of.
#[derive(Clone, Copy)]
pub(super) enum Spoken<'s> {
    /// None: the name is no Service's, whatever there is.
    OfNone,
    /// One that doesn't exist.
    OfMissing,
    /// One that has an entry.
    Of(&'s Entry),
}

impl<'s> Spoken<'s> {
    /// What was found under a key, if there was one to look for.
    #[inline]
    pub(super) fn of(found: Option<Option<&'s Entry>>) -> Self {
        match found {
            None => Self::OfNone,
            Some(None) => Self::OfMissing,
            Some(Some(entry)) => Self::Of(entry),
        }
    }
}

impl PortFilter<'_> {
    /// Whether it lets a port through.
    pub(super) fn admits(&self, port: &PortRecord) -> bool {
        let matches =
            |want: &[u8], has: &str| want.is_empty() || want.eq_ignore_ascii_case(has.as_bytes());
        matches(self.port, &port.name) && matches(self.protocol, port.protocol.as_str())
    }
}

impl Snapshot {
    /// Where the Service that `name` speaks of would be: its table, and its key. `None` when it speaks of none.
    #[inline]
    pub(super) fn spoken_of<'s, 'n>(
        &'s self,
        zone: &Served,
        name: &'n Folded,
    ) -> Option<(&'s Table, &'n [u8])> {
        let left = name.count() - zone.labels;
        let table = match zone.kind {
            Kind::External if left >= 2 => {
                return Some((&self.services, name.span(left - 2, left)));
            }
            Kind::Cluster => &self.services,
            Kind::Multicluster => &self.imports,
            _ => return None,
        };
        (left >= 3 && name.is_at(left - 1, b"\x03svc"))
            .then(|| (table, name.span(left - 3, left - 1)))
    }

    /// What `name` is in `zone`.
    #[inline]
    pub(super) fn locate<'s, 'n>(
        &'s self,
        zone: &Served,
        name: &'n Folded,
        spoken: Spoken<'s>,
    ) -> Node<'s, 'n> {
        if name.count() == zone.labels {
            return Node::Apex;
        }
        match zone.kind {
            Kind::Cluster | Kind::Multicluster => match spoken {
                Spoken::OfNone => self.locate_above(zone, name),
                Spoken::OfMissing => Node::Missing,
                Spoken::Of(entry) => self.locate_at(entry, zone, name),
            },
            Kind::Reverse(root) => self.locate_reverse(zone, root, name),
            Kind::External => self.locate_outside(zone, name, spoken),
            Kind::Search => self.locate_search(zone, name),
            Kind::ExternalReverse(_) if self.is_external_server(zone, name) => Node::Server,
            Kind::ExternalReverse(root) => match root.read(name) {
                Arpa::Address(address) if self.services.external.has(Arpa::Address(address)) => {
                    Node::ExternalPointer(address)
                }
                arpa if self.services.external.has(arpa) => Node::Hollow,
                _ => Node::Missing,
            },
        }
    }

    /// What a name in a cluster's zone is that speaks of no Service.
    #[inline(never)]
    fn locate_above(&self, zone: &Served, name: &Folded) -> Node<'static, 'static> {
        let left = name.count() - zone.labels;
        match (name.label(left - 1), left) {
            (b"svc" | b"pod", 1) => Node::Branch,
            (b"svc", _) if self.has_namespace(name.label(0)) => Node::Branch,
            (b"pod", _) if zone.kind == Kind::Cluster => self.locate_pod(left, name),
            (b"dns-version", 1) => Node::Version,
            (b"dns", 1) => Node::Hollow,
            (b"dns", 2) if name.label(0) == b"ns" => Node::Server,
            _ => Node::Missing,
        }
    }

    /// What stands at or below an existing Service's name.
    #[inline]
    fn locate_at<'s, 'n>(&self, entry: &'s Entry, zone: &Served, name: &'n Folded) -> Node<'s, 'n> {
        let multicluster = zone.kind == Kind::Multicluster;
        let dialect = Dialect { multicluster, zonal: self.config.options.zonal };
        let below = name.count() - zone.labels - 3;
        if !entry.is_live(&self.config.options) {
            return Node::Missing;
        }
        match (&entry.body, below) {
            (Body::Alias(target), 0) => Node::Alias(target),
            (Body::Alias(_), _) => Node::Missing,
            (_, 0) => Node::Service(Side { entry, outside: false }),
            _ => match Left::of(below, |index| name.label(index), dialect) {
                Some(left) => self.locate_below(entry, left, dialect),
                None => Node::Missing,
            },
        }
    }

    /// What stands below a Service that has addresses or endpoints.
    #[inline(never)]
    fn locate_below<'s, 'n>(
        &self,
        entry: &'s Entry,
        left: Left<'n>,
        dialect: Dialect,
    ) -> Node<'s, 'n> {
        let service = Side { entry, outside: false };
        let headless = matches!(entry.body, Body::Headless);
        match left {
            Left::Nothing => Node::Service(service),
            Left::Endpoint(label) => match service.called(label, None) {
                [] if service.is_hollow(label, headless, dialect) => Node::Hollow,
                [] => Node::Missing,
                records => Node::Endpoints(service, records),
            },
            Left::Imported { endpoint, cluster } => match service.called(endpoint, Some(cluster)) {
                [] => Node::Missing,
                records => Node::Endpoints(service, records),
            },
            Left::Port { port: b"pin" | b"prefer", protocol: b"_zone" }
                if dialect.zonal && headless =>
            {
                Node::Hollow
            }
            Left::Port { port, protocol } => self.located_port(service, port, protocol),
            Left::Zonal { labels, prefer } if headless => Node::Zonal { service, labels, prefer },
            Left::Zonal { .. } => Node::Missing,
        }
    }

    /// The ports an SRV name means.
    pub(super) fn located_port<'s, 'n>(
        &self,
        service: Side<'s>,
        port: &'n [u8],
        protocol: &'n [u8],
    ) -> Node<'s, 'n> {
        let (bare_port, bare_protocol) = (without_underscore(port), without_underscore(protocol));
        let spelt = bare_port.len() + 1 == port.len() && bare_protocol.len() + 1 == protocol.len();
        let named = !bare_port.is_empty() && !bare_protocol.is_empty();
        if self.config.options.mode == Mode::Strict && !(spelt && named) {
            return Node::Missing;
        }
        let filter = PortFilter { port: bare_port, protocol: bare_protocol };
        if service.ports().any(|port| filter.admits(port)) {
            Node::Ports(service, filter)
        } else {
            Node::Missing
        }
    }

    fn locate_pod(&self, left: usize, name: &Folded) -> Node<'static, 'static> {
        let options = &self.config.options;
        let label = |from_right: usize| left.checked_sub(from_right).map(|at| name.label(at));
        let namespace = label(2).unwrap_or_default();
        if options.pods == PodRecords::Disabled || !self.has_namespace(namespace) {
            return Node::Missing;
        }
        let Some(pod) = label(3) else { return Node::Branch };
        // CoreDNS passes over what looks like an endpoint or a port of the pod.
        let deepest = if options.mode == Mode::Strict { 3 } else { 5 };
        match label::address_of(pod) {
            Some(address)
                if left <= deepest
                    && (options.pods == PodRecords::Insecure
                        || self.has_pod(namespace, address)) =>
            {
                Node::Pod(address)
            }
            _ => Node::Missing,
        }
    }

    #[inline(never)]
    fn locate_reverse(&self, zone: &Served, root: Root, name: &Folded) -> Node<'static, 'static> {
        // CoreDNS reads these before it looks at the kind of zone.
        let class = name.count() == zone.labels + 1 && matches!(name.label(0), b"svc" | b"pod");
        let strict = self.config.options.mode == Mode::Strict;
        match (name.count() - zone.labels, name.label(0)) {
            (1, b"dns") if strict => return Node::Hollow,
            (2, b"ns") if strict && name.label(1) == b"dns" => return Node::Server,
            _ => {}
        }
        match root.read(name) {
            Arpa::Address(address) if self.services.pointed.has(Arpa::Address(address)) => {
                Node::Pointer(address)
            }
            arpa if self.services.pointed.has(arpa) => Node::Hollow,
            _ if class && self.config.options.mode == Mode::CoreDns => Node::Branch,
            _ => Node::Missing,
        }
    }
}

/// The verdict that CoreDNS gives on a node when it is asked for this type.
pub(super) fn as_coredns<'s, 'n>(node: Node<'s, 'n>, qtype: u16) -> Node<'s, 'n> {
    match (qtype, node) {
        (_, Node::Hollow) if qtype != code::SOA => Node::Missing,
        (code::SOA, Node::Apex) => Node::Apex,
        // Whether the name exists isn't looked at.
        (code::SOA, _) => Node::Branch,
        (code::TXT, Node::Apex | Node::Branch | Node::Server) => Node::Missing,
        (code::PTR, Node::Server) => Node::Missing,
        (qtype, Node::Version) if qtype != code::TXT => Node::Missing,
        (qtype, Node::Pointer(_)) if qtype != code::PTR => Node::Missing,
        (_, node) => node,
    }
}
