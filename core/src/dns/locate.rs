//! What a name is, whatever type is asked for.
//!
//! This is where names exist or don't. Strictly, the verdict never depends on the type, and whatever stands above
//! an existing name exists too; [`as_coredns`] turns a verdict into the one CoreDNS gives for a type.

use core::net::IpAddr;

use super::{
    Class, Dialect, Left, Mode, Name, PodRecords, Shape, Snapshot,
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

impl PortFilter<'_> {
    /// Whether it lets a port through.
    pub(super) fn admits(&self, port: &PortRecord) -> bool {
        let matches =
            |want: &[u8], has: &str| want.is_empty() || want.eq_ignore_ascii_case(has.as_bytes());
        matches(self.port, &port.name) && matches(self.protocol, port.protocol.as_str())
    }
}

impl Snapshot {
    /// What `name` is in `zone`.
    pub(super) fn locate<'s, 'n>(&'s self, zone: &Served, name: &'n Folded) -> Node<'s, 'n> {
        if name.count() == zone.labels {
            return Node::Apex;
        }
        match zone.kind {
            Kind::Cluster => self.locate_in_cluster(zone, name, &self.services, false),
            Kind::Multicluster => self.locate_in_cluster(zone, name, &self.imports, true),
            Kind::Reverse(root) => self.locate_reverse(zone, root, name),
            Kind::External => self.locate_outside(zone, name),
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

    fn locate_in_cluster<'s, 'n>(
        &'s self,
        zone: &Served,
        name: &'n Folded,
        table: &'s Table,
        multicluster: bool,
    ) -> Node<'s, 'n> {
        let left = name.count() - zone.labels;
        match (left, name.label(left - 1)) {
            (1, b"dns-version") => return Node::Version,
            (1, b"dns") => return Node::Hollow,
            (2, b"dns") if name.label(0) == b"ns" => return Node::Server,
            _ => {}
        }
        let dialect = Dialect { multicluster, zonal: self.config.options.zonal };
        let Some(shape) = Shape::of(left, |index| name.label(index), dialect) else {
            return Node::Missing;
        };
        match (shape.class, shape.namespace) {
            (Some(Class::Pod), Some(namespace)) if !multicluster => {
                self.locate_pod(&shape, namespace)
            }
            (Some(Class::Pod), Some(_)) => Node::Missing,
            (_, None) => Node::Branch,
            (_, Some(namespace)) if shape.object.is_none() => match self.has_namespace(namespace) {
                true => Node::Branch,
                false => Node::Missing,
            },
            _ => match table.find(&self.config, name.span(left - 3, left - 1)) {
                Some(entry) => self.below_service(entry, shape.left, dialect),
                None => Node::Missing,
            },
        }
    }

    /// What stands at or below an existing Service's name.
    fn below_service<'s, 'n>(
        &self,
        entry: &'s Entry,
        left: Left<'n>,
        dialect: Dialect,
    ) -> Node<'s, 'n> {
        if !entry.is_live(&self.config.options) {
            return Node::Missing;
        }
        let service = Side { entry, outside: false };
        let headless = matches!(entry.body, Body::Headless);
        if let Body::Alias(target) = &entry.body {
            return if left == Left::Nothing { Node::Alias(target) } else { Node::Missing };
        }
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

    fn locate_pod(&self, shape: &Shape<'_>, namespace: &[u8]) -> Node<'static, 'static> {
        let options = &self.config.options;
        if options.pods == PodRecords::Disabled || !self.has_namespace(namespace) {
            return Node::Missing;
        }
        let Some(label) = shape.object else { return Node::Branch };
        if shape.left != Left::Nothing && options.mode == Mode::Strict {
            return Node::Missing;
        }
        match label::address_of(label) {
            Some(address)
                if options.pods == PodRecords::Insecure || self.has_pod(namespace, address) =>
            {
                Node::Pod(address)
            }
            _ => Node::Missing,
        }
    }

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
