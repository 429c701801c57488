//! Names of external addresses: `cart.shop.example.com` for what a load balancer or `externalIPs` gives.

use super::{
    Left, Mode, Snapshot,
    entry::Body,
    locate::{Node, Spoken},
    name::Folded,
    served::Served,
    side::Side,
};

impl Snapshot {
    /// What `name`, left of which something stands, is in an external zone.
    #[inline(never)]
    pub(super) fn locate_outside<'s, 'n>(
        &'s self,
        zone: &Served,
        name: &'n Folded,
        spoken: Spoken<'s>,
    ) -> Node<'s, 'n> {
        let Some(options) = &self.config.options.external else { return Node::Missing };
        let left = name.count() - zone.labels;
        let label = |from_right: usize| name.label(left - from_right);
        if label(1).eq_ignore_ascii_case(options.apex_label.as_bytes()) {
            return match left {
                1 => Node::Hollow,
                2 if label(2) == b"ns1" => Node::Server,
                _ => Node::Missing,
            };
        }
        if !self.has_namespace(label(1)) {
            return Node::Missing;
        }
        if left == 1 {
            return Node::Branch;
        }
        let entry = match spoken {
            Spoken::Of(entry) if entry.shows_outside(options.headless) => entry,
            _ => return Node::Missing,
        };
        let service = Side { entry, outside: true };
        let below = match left {
            2 => Left::Nothing,
            3 => Left::Endpoint(label(3)),
            4 => Left::Port { port: label(4), protocol: label(3) },
            _ => return Node::Missing,
        };
        self.below_outside(service, below)
    }

    /// Whether `name` is the server that the SOA of a reverse zone names.
    #[inline(never)]
    pub(super) fn is_external_server(&self, zone: &Served, name: &Folded) -> bool {
        let Some(options) = &self.config.options.external else { return false };
        let left = name.count() - zone.labels;
        let apex =
            left > 0 && name.label(left - 1).eq_ignore_ascii_case(options.apex_label.as_bytes());
        let strict = self.config.options.mode == Mode::Strict;
        strict && apex && left == 2 && name.label(0) == b"ns1"
    }

    fn below_outside<'s, 'n>(&self, service: Side<'s>, left: Left<'n>) -> Node<'s, 'n> {
        match left {
            Left::Nothing => Node::Service(service),
            Left::Endpoint(label) if service.stands_for_endpoints() => {
                match service.called(label, None) {
                    [] => self.hollow_outside(service, label),
                    records => Node::Endpoints(service, records),
                }
            }
            Left::Endpoint(label) => self.hollow_outside(service, label),
            Left::Port { port, protocol } => self.located_port(service, port, protocol),
            _ => Node::Missing,
        }
    }

    /// `_tcp.cart.shop.example.com`, above the names of ports.
    fn hollow_outside(&self, service: Side<'_>, label: &[u8]) -> Node<'static, 'static> {
        let named = service.ports().any(|port| {
            !port.name.is_empty()
                && label.strip_prefix(b"_").is_some_and(|protocol| {
                    protocol.eq_ignore_ascii_case(port.protocol.as_str().as_bytes())
                })
        });
        if named && !matches!(service.entry.body, Body::Alias(_)) {
            Node::Hollow
        } else {
            Node::Missing
        }
    }
}
