//! The table that proxies of this process share, with the clients that stick to their backends.

use arc_swap::ArcSwap;
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};
use svckit::{
    balance::{Affinity, Connection},
    model::{Port, Protocol, ServicePortName},
    table::{Flow, Outcome, Publisher, Selection, Snapshot},
};

use crate::clock;

/// Parts of the affinity table, so that connections of different clients seldom wait for each other.
const SHARDS: usize = 16;

/// Clients that each part remembers at least.
const CLIENTS: usize = 16_384;

/// Backends that are offered for one connection, the picked one first.
const OFFERED: usize = 4;

/// Finds the backend for each new connection.
#[derive(Debug)]
pub struct Balancer {
    publisher: Mutex<Publisher>,
    snapshot: ArcSwap<Snapshot>,
    affinity: [Mutex<Affinity>; SHARDS],
    hasher: RandomState,
    /// Where a backend really listens, if not where the cluster thinks.
    detours: ArcSwap<HashMap<SocketAddr, SocketAddr>>,
}

/// The backends to try for one connection.
#[derive(Debug, Default)]
pub struct Picked {
    /// Whose they are; `None` when there are none.
    pub service_port: Option<ServicePortName>,
    /// The first choice, then a few others; empty: refuse the connection.
    pub backends: Vec<SocketAddr>,
    /// Counts the connection to the first choice, where the Service's method counts; drop it when it ends.
    pub connection: Option<Connection>,
}

impl Default for Balancer {
    fn default() -> Self {
        let seed = clock::seed();
        let mut publisher = Publisher::new(seed);
        Self {
            snapshot: ArcSwap::new(publisher.publish()),
            publisher: Mutex::new(publisher),
            affinity: std::array::from_fn(|_| Mutex::new(Affinity::new(CLIENTS, seed))),
            hasher: RandomState::new(),
            detours: ArcSwap::default(),
        }
    }
}

impl Balancer {
    /// The table as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Changes the table; from the return on, new connections go where it says. Readers never wait for it.
    pub fn update(&self, change: impl FnOnce(&mut Publisher)) {
        let mut publisher = self.publisher.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut publisher);
        self.snapshot.store(publisher.publish());
    }

    /// From now on, these backends are reached at the other address.
    pub fn set_detours(&self, detours: HashMap<SocketAddr, SocketAddr>) {
        self.detours.store(Arc::new(detours));
    }

    /// The backends for a connection to an address; `None` when no service port has it.
    #[must_use]
    pub fn pick(&self, client: SocketAddr, to: (IpAddr, Protocol, Port)) -> Option<Picked> {
        let snapshot = self.snapshot.load();
        let (address, protocol, port) = to;
        let client = SocketAddr::new(client.ip().to_canonical(), client.port());
        let found = snapshot.find(&Flow { source: client, address, port, protocol });
        self.choose(&snapshot, client.ip(), found)
    }

    /// The backends for a connection to a service port; `None` when it isn't there.
    #[must_use]
    pub fn pick_named(&self, client: IpAddr, name: &ServicePortName) -> Option<Picked> {
        let snapshot = self.snapshot.load();
        let client = client.to_canonical();
        self.choose(&snapshot, client, snapshot.find_service(name, (client, 0).into()))
    }

    /// Whether a flow that goes to `backend` may go on.
    pub(super) fn still(
        &self,
        client: SocketAddr,
        to: (IpAddr, Protocol, Port),
        backend: SocketAddr,
    ) -> bool {
        let (snapshot, detours) = (self.snapshot.load(), self.detours.load());
        let (address, protocol, port) = to;
        let real = |addr: SocketAddr| detours.get(&addr).copied().unwrap_or(addr);
        let found = snapshot.find(&Flow { source: client, address, port, protocol });
        found.is_ok_and(|found| found.endpoints().any(|addr| real(addr) == backend))
    }

    fn choose(
        &self,
        snapshot: &Snapshot,
        client: IpAddr,
        found: Result<Selection<'_>, Outcome>,
    ) -> Option<Picked> {
        let found = match found {
            Ok(found) => found,
            Err(Outcome::NotAService) => return None,
            Err(_) => return Some(Picked::default()),
        };
        let entropy = clock::entropy();
        let picked = if found.affinity().is_some() {
            let shard = self.hasher.hash_one(client) as usize % SHARDS;
            let shard = self.affinity.get(shard)?;
            // A panic elsewhere leaves the table whole: at worst a client is remembered or not.
            let mut affinity = shard.lock().unwrap_or_else(PoisonError::into_inner);
            found.pick_sticky(&mut affinity, clock::now(), entropy)
        } else {
            found.pick_at(clock::now(), entropy)
        };
        let Outcome::Backend(first) = picked else { return Some(Picked::default()) };
        let detours = self.detours.load();
        let others = found.endpoints().skip_while(|other| *other != first.backend).skip(1);
        let before = found.endpoints().take_while(|other| *other != first.backend);
        let all = std::iter::once(first.backend).chain(others).chain(before).take(OFFERED);
        Some(Picked {
            service_port: snapshot.name(found.service_port()).cloned(),
            backends: all.map(|addr| *detours.get(&addr).unwrap_or(&addr)).collect(),
            connection: found.connections(first.endpoint).map(svckit::balance::Connections::open),
        })
    }
}
