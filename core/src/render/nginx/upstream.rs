//! Pods behind a service port, as nginx's upstreams.

use core::net::SocketAddr;
use std_alloc::{collections::BTreeMap, vec, vec::Vec};

use super::directive::{Arg, Directive, Ident, Name};
use crate::{ingress::Backend, model::ServicePortName};

/// The pods of a service port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    /// Where they listen.
    pub addrs: Vec<SocketAddr>,
    /// A client keeps its pod (session affinity ClientIP).
    pub sticky: bool,
}

/// Finds the pods of a service port; none: requests are answered with 503.
pub type Pods<'a> = &'a dyn Fn(&ServicePortName) -> Servers;

/// Upstreams, numbered as they are met.
pub(super) struct Upstreams<'a> {
    pods: Pods<'a>,
    known: BTreeMap<ServicePortName, Option<Ident>>,
    written: Vec<Directive>,
}

impl<'a> Upstreams<'a> {
    pub(super) const fn new(pods: Pods<'a>) -> Self {
        Self { pods, known: BTreeMap::new(), written: Vec::new() }
    }

    /// The upstream of a backend; `None` when there is nobody to take a request.
    pub(super) fn of(&mut self, backend: &Backend) -> Option<Ident> {
        let Backend::Service(service) = backend else { return None };
        let port = service.port.as_ref().ok()?;
        if let Some(known) = self.known.get(port) {
            return *known;
        }
        let servers = (self.pods)(port);
        let upstream = (!servers.addrs.is_empty()).then(|| {
            let ident = Ident::of("sk_u", self.written.len() as u32);
            self.written.push(upstream(ident, &servers));
            ident
        });
        self.known.insert(port.clone(), upstream);
        upstream
    }

    pub(super) fn into_directives(self) -> Vec<Directive> {
        self.written
    }
}

fn upstream(name: Ident, servers: &Servers) -> Directive {
    let mut inside = Vec::new();
    if servers.sticky {
        let by = [Arg::Var(Ident::only("remote_addr")), Arg::Word("consistent")];
        inside.push(Directive::line(Name::Hash, by));
    }
    let server = |addr: &SocketAddr| Directive::line(Name::Server, [Arg::Addr(*addr)]);
    inside.extend(servers.addrs.iter().map(server));
    inside.push(Directive::line(Name::Keepalive, [Arg::Int(32)]));
    Directive::block(Name::Upstream, vec![Arg::Name(name)], inside)
}
