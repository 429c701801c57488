//! The table that proxies of this process share, with the clients that stick to their backends.

use arc_swap::ArcSwap;
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};
use svckit::{
    balance::{Affinity, AffinityConfig},
    model::{Port, Protocol, ServicePortName},
    table::{Backends, Table},
};

use crate::clock;

/// Finds the backend for each new connection.
#[derive(Debug)]
pub struct Balancer {
    table: ArcSwap<Table>,
    affinity: Mutex<Affinity<ServicePortName>>,
    /// Where a backend really listens, if not where the cluster thinks.
    detours: ArcSwap<HashMap<SocketAddr, SocketAddr>>,
}

/// The backends to try for one connection.
#[derive(Clone, Debug)]
pub struct Picked {
    /// Whose they are.
    pub service_port: ServicePortName,
    /// The first choice, then the others; empty: refuse the connection.
    pub backends: Vec<SocketAddr>,
}

impl Default for Balancer {
    fn default() -> Self {
        let seed = clock::seed();
        Self {
            table: ArcSwap::from_pointee(Table::new(seed)),
            affinity: Mutex::new(Affinity::new(AffinityConfig::default(), seed)),
            detours: ArcSwap::default(),
        }
    }
}

impl Balancer {
    /// The table as it is now.
    #[must_use]
    pub fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// From now on, connections go where `table` says.
    pub fn publish(&self, table: Table) {
        self.table.store(Arc::new(table));
    }

    /// From now on, these backends are reached at the other address.
    pub fn set_detours(&self, detours: HashMap<SocketAddr, SocketAddr>) {
        self.detours.store(Arc::new(detours));
    }

    /// The backends for a connection to an address; `None` when no service port has it.
    #[must_use]
    pub fn pick(&self, client: IpAddr, to: (IpAddr, Protocol, Port)) -> Option<Picked> {
        let table = self.table.load();
        table.lookup(to.0, to.1, to.2).map(|backends| self.choose(client, backends))
    }

    /// The backends for a connection to a service port; `None` when it isn't there.
    #[must_use]
    pub fn pick_named(&self, client: IpAddr, name: &ServicePortName) -> Option<Picked> {
        let table = self.table.load();
        table.named(name).map(|backends| self.choose(client, backends))
    }

    fn choose(&self, client: IpAddr, backends: &Backends) -> Picked {
        let first = match backends.affinity {
            None => backends.next(),
            Some(timeout) => {
                let now = clock::now();
                // A panic elsewhere leaves the table whole: at worst a client is remembered or not.
                let mut affinity = self.affinity.lock().unwrap_or_else(PoisonError::into_inner);
                affinity.expire(now);
                let known = affinity.get(&backends.service_port, client, now);
                let first = known
                    .filter(|known| backends.endpoints.contains(known))
                    .or_else(|| backends.next());
                if let Some(backend) = first {
                    affinity.remember(backends.service_port.clone(), client, backend, now, timeout);
                }
                first
            }
        };
        let detours = self.detours.load();
        let others = backends.endpoints.iter().filter(|other| Some(**other) != first);
        let all = first.iter().chain(others).map(|addr| *detours.get(addr).unwrap_or(addr));
        Picked { service_port: backends.service_port.clone(), backends: all.collect() }
    }
}
