//! One state of the lookup.

use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use hashbrown::HashMap;
use std_alloc::sync::Arc;

use crate::{
    Seed,
    balance::RoundRobin,
    forward::Frontend,
    model::{Family, Port, Protocol, ServicePortName},
};

/// What clients connect to.
type Address = (IpAddr, Protocol, Port);

/// One state of the lookup. Reading takes no lock and writes to nothing but the turn of the service port it found.
#[derive(Clone, Debug)]
pub struct Table {
    by_address: HashMap<Address, Arc<Backends>, ahash::RandomState>,
    by_name: HashMap<ServicePortName, Arc<Backends>, ahash::RandomState>,
}

/// The backends of one service port for one kind of traffic.
#[derive(Clone, Debug)]
pub struct Backends {
    /// Whose they are.
    pub service_port: ServicePortName,
    /// Where they listen; empty: connections are refused.
    pub endpoints: Arc<[SocketAddr]>,
    /// How long a client sticks to its backend; `None`: it doesn't.
    pub affinity: Option<Duration>,
    turn: Arc<RoundRobin>,
}

impl Table {
    /// Knows no service port.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        let seed = seed.derive(0x7ab1e);
        Self {
            by_address: HashMap::with_hasher(seed.hasher()),
            by_name: HashMap::with_hasher(seed.hasher()),
        }
    }

    /// The state in which exactly these frontends exist; turns are carried over from this one.
    ///
    /// `node_addresses` are where node ports are served. Costs O(frontends and their endpoints).
    #[must_use]
    pub fn next<'a>(
        &self,
        frontends: impl IntoIterator<Item = &'a Arc<Frontend>>,
        node_addresses: &[IpAddr],
    ) -> Self {
        let mut next = Self {
            by_address: HashMap::with_hasher(self.by_address.hasher().clone()),
            by_name: HashMap::with_hasher(self.by_name.hasher().clone()),
        };
        for frontend in frontends {
            let name = &frontend.key.name;
            let turn = self.by_name.get(name).map(|known| known.turn.clone()).unwrap_or_default();
            let backends = |endpoints: &Arc<[SocketAddr]>| {
                Arc::new(Backends::of(frontend, endpoints.clone(), turn.clone()))
            };
            let internal = backends(frontend.internal_endpoints());
            let external = backends(frontend.external_endpoints());
            let at = |ip, port| (ip, frontend.protocol(), port);
            next.by_address
                .extend(frontend.cluster_ip.map(|ip| (at(ip, frontend.port), internal.clone())));
            let addresses = frontend.external_addresses();
            next.by_address.extend(addresses.map(|ip| (at(ip, frontend.port), external.clone())));
            let family = frontend.key.family;
            let node = node_addresses.iter().filter(|ip| Family::of(**ip) == family);
            let node_ports =
                node.filter_map(|ip| Some((at(*ip, frontend.node_port?), external.clone())));
            next.by_address.extend(node_ports);
            next.by_name.insert(name.clone(), internal);
        }
        next
    }

    /// The backends behind an address; `None` when no service port has it. O(1).
    #[must_use]
    pub fn lookup(&self, ip: IpAddr, protocol: Protocol, port: Port) -> Option<&Arc<Backends>> {
        self.by_address.get(&(ip, protocol, port))
    }

    /// The backends of a service port by name, for traffic from inside. O(1).
    #[must_use]
    pub fn named(&self, name: &ServicePortName) -> Option<&Arc<Backends>> {
        self.by_name.get(name)
    }
}

impl Backends {
    fn of(frontend: &Frontend, endpoints: Arc<[SocketAddr]>, turn: Arc<RoundRobin>) -> Self {
        let service_port = frontend.key.name.clone();
        Self { service_port, endpoints, affinity: frontend.affinity, turn }
    }

    /// The backend whose turn it is; `None` when there is none.
    #[must_use]
    pub fn next(&self) -> Option<SocketAddr> {
        self.endpoints.get(self.turn.next(self.endpoints.len())?).copied()
    }
}
