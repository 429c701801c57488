//! Which backend a client was sent to (`sessionAffinity: ClientIP`).
//!
//! A client is remembered per service port, as kube-proxy does: two ports of one Service may stick to different
//! pods. Each new connection starts the time anew. Correctness doesn't depend on [`Affinity::expire`] being called
//! in time: what has run out is never returned, expiry only frees memory.

use core::{
    hash::Hash,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use hashbrown::HashMap;
use std_alloc::collections::BTreeSet;

use crate::{Seed, Time};

/// Limits of the affinity table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AffinityConfig {
    /// How many clients are remembered; the one whose time runs out first makes room. Default: 65,536.
    pub max_clients: usize,
}

/// Remembers which backend each client talks to; `P` names a service port.
///
/// ```
/// use core::time::Duration;
/// use svckit::{Seed, Time, balance::{Affinity, AffinityConfig}};
///
/// let mut affinity = Affinity::new(AffinityConfig::default(), Seed([1; 4]));
/// let (client, backend) = ("192.0.2.1".parse()?, "10.244.0.7:8080".parse()?);
/// affinity.remember("web", client, backend, Time::from_nanos(0), Duration::from_secs(10));
/// assert_eq!(affinity.get(&"web", client, Time::from_nanos(9_000_000_000)), Some(backend));
/// assert_eq!(affinity.get(&"web", client, Time::from_nanos(10_000_000_000)), None);
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
#[derive(Debug)]
pub struct Affinity<P> {
    config: AffinityConfig,
    clients: HashMap<(P, IpAddr), (SocketAddr, Time), ahash::RandomState>,
    by_expiry: BTreeSet<(Time, P, IpAddr)>,
}

impl Default for AffinityConfig {
    fn default() -> Self {
        Self { max_clients: 65_536 }
    }
}

impl<P: Clone + Ord + Hash> Affinity<P> {
    /// Remembers nobody. `seed` keys the table: clients choose their addresses.
    #[must_use]
    pub fn new(config: AffinityConfig, seed: Seed) -> Self {
        let clients = HashMap::with_hasher(seed.derive(0xaff1).hasher());
        Self { config, clients, by_expiry: BTreeSet::new() }
    }

    /// The backend that `client` sticks to at `now`, if any.
    pub fn get(&self, port: &P, client: IpAddr, now: Time) -> Option<SocketAddr> {
        let (backend, until) = self.clients.get(&(port.clone(), client))?;
        (*until > now).then_some(*backend)
    }

    /// From `now` on for `timeout`, `client` sticks to `backend`. O(log n).
    pub fn remember(
        &mut self,
        port: P,
        client: IpAddr,
        backend: SocketAddr,
        now: Time,
        timeout: Duration,
    ) {
        let until = now.saturating_add(timeout);
        let before = self.clients.insert((port.clone(), client), (backend, until));
        if let Some((_, expired)) = before {
            self.by_expiry.remove(&(expired, port.clone(), client));
        }
        self.by_expiry.insert((until, port, client));
        while self.by_expiry.len() > self.config.max_clients.max(1) {
            self.forget_first();
        }
    }

    /// When [`Affinity::expire`] will next forget a client.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Time> {
        self.by_expiry.first().map(|(until, ..)| *until)
    }

    /// Frees what has run out by `now`. O(log n) for each client forgotten.
    pub fn expire(&mut self, now: Time) {
        while self.next_expiry().is_some_and(|until| until <= now) {
            self.forget_first();
        }
    }

    /// How many clients are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether nobody is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    fn forget_first(&mut self) {
        if let Some((_, port, client)) = self.by_expiry.pop_first() {
            self.clients.remove(&(port, client));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_time_runs() {
        let mut affinity = Affinity::new(AffinityConfig { max_clients: 3 }, Seed([1; 4]));
        let client = |n: u8| IpAddr::from([192, 0, 2, n]);
        let backend = SocketAddr::from(([10, 0, 0, 1], 80));
        let at = |seconds: u64| Time::from_nanos(seconds * 1_000_000_000);
        let second = Duration::from_secs(1);
        for n in 0..5 {
            affinity.remember(1, client(n), backend, at(n.into()), 10 * second);
        }
        assert_eq!(affinity.len(), 3, "the first ones made room");
        assert_eq!(affinity.get(&1, client(0), at(5)), None);
        assert_eq!(affinity.get(&2, client(4), at(5)), None, "another port");
        affinity.remember(1, client(2), backend, at(11), 10 * second);
        assert_eq!(affinity.get(&1, client(2), at(20)), Some(backend), "refreshed");
        assert_eq!(affinity.get(&1, client(3), at(14)), None);
        affinity.expire(at(15));
        assert_eq!((affinity.len(), affinity.next_expiry()), (1, Some(at(21))));
    }
}
