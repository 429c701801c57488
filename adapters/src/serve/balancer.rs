//! The table that proxies of this process share, with the clients that stick to their backends.

use arc_swap::{ArcSwap, cache::Cache};
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use svckit::{
    balance::{Affinity, Connection, Connections, Ejection, EjectionRules, ProxyProtocol, keep},
    model::{Port, Protocol, ServicePortName},
    table::{Flow, Outcome, Pick, Publisher, Selection, Snapshot},
};

use super::counters::{Counters, Registry};
use crate::clock;

/// Parts of the affinity table, so that connections of different clients seldom wait for each other.
const SHARDS: usize = 16;

/// Clients that each part remembers at least.
const CLIENTS: usize = 16_384;

/// Backends that are offered for one connection at first, the picked one before the others.
const OFFERED: usize = 4;

/// Finds the backend for each new connection.
#[derive(Debug)]
pub struct Balancer {
    publisher: Mutex<Publisher>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    affinity: [Mutex<Affinity>; SHARDS],
    hasher: RandomState,
    /// Where a backend really listens, if not where the cluster thinks.
    detours: ArcSwap<HashMap<SocketAddr, SocketAddr>>,
    ejection: Mutex<Ejection>,
    /// Whether `ejection` knows of anybody: connections don't wait for it while all is well.
    failing: AtomicBool,
    counters: Registry,
}

/// One thread's view of the table: reading it costs as much as reading a pointer that seldom changes.
#[derive(Clone, Debug)]
pub struct Reader(Cache<Arc<ArcSwap<Snapshot>>, Arc<Snapshot>>);

impl Reader {
    /// The table as it is now. No other thread's memory is written to, and nobody waits; what was held before is
    /// freed by whoever changes the table next.
    #[inline]
    pub fn snapshot(&mut self) -> &Arc<Snapshot> {
        self.0.load()
    }
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
    /// How backends are told who connects.
    pub proxy_protocol: Option<ProxyProtocol>,
    /// What it takes to try another one.
    pub spare: Spare,
}

/// What it takes to try another backend.
#[derive(Debug, Default)]
pub struct Spare {
    /// The counter of each backend.
    loads: Vec<Option<Arc<Connections>>>,
    /// Who is let go if the first choice fails.
    release: Option<(u32, IpAddr)>,
}

impl Picked {
    /// Counts the connection to another choice than the first.
    pub(super) fn move_on(&mut self, choice: usize) {
        self.connection = None;
        self.connection =
            self.spare.loads.get(choice).and_then(Option::as_ref).map(Connections::open);
    }
}

impl Default for Balancer {
    fn default() -> Self {
        let seed = clock::seed();
        let mut publisher = Publisher::new(seed);
        // One process agrees with itself; whoever runs several sets a key that they share.
        publisher.set_hashing_key(clock::entropy());
        Self {
            snapshot: Arc::new(ArcSwap::new(publisher.publish())),
            publisher: Mutex::new(publisher),
            affinity: std::array::from_fn(|_| Mutex::new(Affinity::new(CLIENTS, seed))),
            hasher: RandomState::new(),
            detours: ArcSwap::default(),
            ejection: Mutex::new(Ejection::new(EjectionRules::default(), seed)),
            failing: AtomicBool::new(false),
            counters: Registry::default(),
        }
    }
}

impl Balancer {
    /// The table as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// A view for one thread.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader(Cache::new(self.snapshot.clone()))
    }

    /// Changes the table; from the return on, new connections go where it says. Readers never wait for it.
    pub fn update(&self, change: impl FnOnce(&mut Publisher)) {
        let mut publisher = lock(&self.publisher);
        change(&mut publisher);
        self.snapshot.store(publisher.publish());
    }

    /// From now on, these backends are reached at the other address.
    pub fn set_detours(&self, detours: HashMap<SocketAddr, SocketAddr>) {
        self.detours.store(Arc::new(detours));
    }

    /// When backends that fail are left out. What was known of them is forgotten.
    pub fn set_ejection(&self, rules: EjectionRules) {
        *lock(&self.ejection) = Ejection::new(rules, clock::seed());
        self.failing.store(false, Ordering::Relaxed);
    }

    /// What has happened to each service port's connections.
    #[must_use]
    pub fn counters(&self) -> &Registry {
        &self.counters
    }

    /// The backends for a connection to an address; `None` when no service port has it.
    #[must_use]
    pub fn pick(&self, client: SocketAddr, to: (IpAddr, Protocol, Port)) -> Option<Picked> {
        let snapshot = self.snapshot.load();
        let client = SocketAddr::new(client.ip().to_canonical(), client.port());
        self.choose(&snapshot, snapshot.find(&flow(client, to)))
    }

    /// The backends for a connection to a service port; `None` when it isn't there.
    #[must_use]
    pub fn pick_named(&self, client: IpAddr, name: &ServicePortName) -> Option<Picked> {
        let snapshot = self.snapshot.load();
        let client = client.to_canonical();
        self.choose(&snapshot, snapshot.find_service(name, (client, 0).into()))
    }

    /// Backends for a connection to an address as the table is now, that were not tried yet.
    pub(super) fn others(
        &self,
        client: SocketAddr,
        to: (IpAddr, Protocol, Port),
        tried: &[SocketAddr],
    ) -> Option<Picked> {
        let snapshot = self.snapshot.load();
        let found = snapshot.find(&flow(client, to)).ok()?;
        let detours = self.detours.load();
        let fresh =
            |pick: &Pick| !tried.contains(detours.get(&pick.backend).unwrap_or(&pick.backend));
        let others: Vec<Pick> = found.picks().filter(fresh).take(OFFERED).collect();
        (!others.is_empty()).then(|| self.offer(&snapshot, &found, &others))
    }

    /// A backend accepted a connection after so long, or not at all: those that fail again and again are left out for a
    /// while. For proxies that connect by themselves.
    pub fn heard(&self, backend: SocketAddr, picked: &Picked, took: Option<Duration>) {
        match took {
            Some(took) => self.worked(backend, picked, took),
            None => self.failed(backend, picked),
        }
    }

    /// A backend answered, after so long.
    pub(super) fn worked(&self, backend: SocketAddr, picked: &Picked, took: Duration) {
        if let Some(connection) = &picked.connection {
            connection.observe(took, clock::now());
        }
        if self.failing.load(Ordering::Relaxed) {
            let mut ejection = lock(&self.ejection);
            ejection.worked(backend);
            self.failing.store(!ejection.is_empty(), Ordering::Relaxed);
        }
    }

    /// A backend can't be reached. If it was the first choice, its client is let go if it shall be.
    pub(super) fn failed(&self, backend: SocketAddr, picked: &Picked) {
        let now = clock::now();
        lock(&self.ejection).failed(backend, now);
        self.failing.store(true, Ordering::Relaxed);
        if let Some((sticky, client)) = picked.spare.release
            && picked.backends.first() == Some(&backend)
            && let Some(shard) = self.shard(client)
        {
            lock(shard).release(sticky, client, now);
        }
    }

    /// The backends of all TCP service ports, where they really are.
    pub(super) fn backends(&self) -> Vec<SocketAddr> {
        let detours = self.detours.load();
        let publisher = lock(&self.publisher);
        let tcp = publisher.frontends().filter(|frontend| frontend.protocol() == Protocol::Tcp);
        let all = tcp.flat_map(|frontend| {
            let endpoints = &frontend.endpoints;
            endpoints.cluster.iter().chain(endpoints.local.iter())
        });
        let mut all: Vec<_> = all.map(|addr| *detours.get(addr).unwrap_or(addr)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The backends for a request to a service port: those of [`Balancer::pick_named`]; with a key, the best ones for
    /// it, in order, whatever the Service's own method and affinity are.
    #[must_use]
    pub fn pick_for(
        &self,
        client: IpAddr,
        name: &ServicePortName,
        key: Option<u64>,
    ) -> Option<Picked> {
        let Some(key) = key else { return self.pick_named(client, name) };
        let snapshot = self.snapshot.load();
        let found = match snapshot.find_service(name, (client.to_canonical(), 0).into()) {
            Ok(found) => found,
            Err(Outcome::NotAService) => return None,
            Err(_) => return Some(Picked::default()),
        };
        let mut left: Vec<Pick> = found.picks().collect();
        let mut best = Vec::with_capacity(OFFERED);
        while best.len() < OFFERED
            && let Some(next) = keep(left.iter().map(|pick| pick.backend), key)
        {
            best.extend(left.extract_if(.., |pick| pick.backend == next));
        }
        Some(self.offer(&snapshot, &found, &best))
    }

    /// Whether a flow that goes to `backend` may go on.
    pub(super) fn still(
        &self,
        client: SocketAddr,
        to: (IpAddr, Protocol, Port),
        backend: SocketAddr,
    ) -> bool {
        let (snapshot, detours) = (self.snapshot.load(), self.detours.load());
        let real = |addr: SocketAddr| detours.get(&addr).copied().unwrap_or(addr);
        let found = snapshot.find(&flow(client, to));
        found.is_ok_and(|found| found.endpoints().any(|addr| real(addr) == backend))
    }

    /// The counters of a service port.
    pub(super) fn count(&self, name: Option<&ServicePortName>) -> Arc<Counters> {
        self.counters.of(name)
    }

    fn shard(&self, client: IpAddr) -> Option<&Mutex<Affinity>> {
        self.affinity.get(self.hasher.hash_one(client) as usize % SHARDS)
    }

    fn choose(&self, snapshot: &Snapshot, found: Result<Selection<'_>, Outcome>) -> Option<Picked> {
        let found = match found {
            Ok(found) => found,
            Err(Outcome::NotAService) => return None,
            Err(_) => return Some(Picked::default()),
        };
        let (now, entropy) = (clock::now(), clock::entropy());
        let picked = if found.affinity().is_some() {
            // A client and those that count as it share a part.
            let shard = self.shard(found.client())?;
            found.pick_sticky(&mut lock(shard), now, entropy)
        } else {
            found.pick_at(now, entropy)
        };
        let Outcome::Backend(first) = picked else { return Some(Picked::default()) };
        let after = found.picks().skip_while(|other| other.endpoint != first.endpoint);
        let before = found.picks().take_while(|other| other.endpoint != first.endpoint);
        let all = after.chain(before);
        let offered: Vec<Pick> = if self.failing.load(Ordering::Relaxed) {
            self.healthy_first(all.collect())
        } else {
            all.take(OFFERED).collect()
        };
        Some(self.offer(snapshot, &found, &offered))
    }

    /// Those that are not left out before those that are; when all are, it is as if none were.
    fn healthy_first(&self, mut all: Vec<Pick>) -> Vec<Pick> {
        let (detours, now) = (self.detours.load(), clock::now());
        let ejection = lock(&self.ejection);
        let is_out = |pick: &Pick| {
            ejection.is_out(*detours.get(&pick.backend).unwrap_or(&pick.backend), now)
        };
        all.sort_by_key(is_out);
        all.truncate(OFFERED);
        all
    }

    fn offer(&self, snapshot: &Snapshot, found: &Selection<'_>, offered: &[Pick]) -> Picked {
        let detours = self.detours.load();
        let loads: Vec<_> =
            offered.iter().map(|pick| found.connections(pick.endpoint).cloned()).collect();
        let sticks = found.affinity().is_some() && found.releases_on_failure();
        Picked {
            service_port: snapshot.name(found.service_port()).cloned(),
            backends: offered
                .iter()
                .map(|pick| *detours.get(&pick.backend).unwrap_or(&pick.backend))
                .collect(),
            connection: loads.first().and_then(Option::as_ref).map(Connections::open),
            proxy_protocol: found.proxy_protocol(),
            spare: Spare { loads, release: sticks.then(|| (found.sticky(), found.client())) },
        }
    }
}

fn flow(source: SocketAddr, (address, protocol, port): (IpAddr, Protocol, Port)) -> Flow {
    Flow { source, address, port, protocol }
}

/// A panic elsewhere leaves what we lock whole: at worst something is remembered or not.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
