//! One state of the lookup.

use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use hashbrown::HashMap;
use std_alloc::{sync::Arc, vec::Vec};

use crate::{
    Seed,
    balance::RoundRobin,
    forward::ServicePort,
    model::{Port, Protocol, ServicePortName, TrafficPolicy},
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
    /// Where they listen, sorted; empty: connections are refused.
    pub endpoints: Vec<SocketAddr>,
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

    /// The state in which exactly these service ports exist; turns are carried over from this one.
    ///
    /// `node_addresses` are where node ports are served. Costs O(service ports).
    #[must_use]
    pub fn next<'a>(
        &self,
        ports: impl IntoIterator<Item = &'a Arc<ServicePort>>,
        node_addresses: &[IpAddr],
    ) -> Self {
        let mut next = Self {
            by_address: HashMap::with_hasher(self.by_address.hasher().clone()),
            by_name: HashMap::with_hasher(self.by_name.hasher().clone()),
        };
        for port in ports {
            let turn =
                self.by_name.get(&port.name).map(|known| known.turn.clone()).unwrap_or_default();
            let backends = |policy| Arc::new(Backends::of(port, policy, turn.clone()));
            let (internal, external) =
                (backends(port.policies.internal), backends(port.policies.external));
            let protocol = port.name.protocol;
            next.by_address.insert((port.cluster_ip, protocol, port.port), internal.clone());
            for ip in port.external_ips.iter().chain(&port.load_balancer_vips) {
                next.by_address.insert((*ip, protocol, port.port), external.clone());
            }
            let of_family =
                node_addresses.iter().filter(|ip| ip.is_ipv4() == port.cluster_ip.is_ipv4());
            for (ip, node_port) in of_family.filter_map(|ip| Some((ip, port.node_port?))) {
                next.by_address.insert((*ip, protocol, node_port), external.clone());
            }
            next.by_name.insert(port.name.clone(), internal);
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
    fn of(port: &ServicePort, policy: TrafficPolicy, turn: Arc<RoundRobin>) -> Self {
        Self {
            service_port: port.name.clone(),
            endpoints: port.set(policy).collect(),
            affinity: port.affinity.map(|affinity| affinity.timeout),
            turn,
        }
    }

    /// The backend whose turn it is; `None` when there is none.
    #[must_use]
    pub fn next(&self) -> Option<SocketAddr> {
        self.endpoints.get(self.turn.next(self.endpoints.len())?).copied()
    }
}
