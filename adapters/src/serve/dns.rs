//! The cluster's DNS on sockets: UDP and TCP on one port.
//!
//! ```text
//! socket ─▶ names.answer ─▶ reply
//!               ├ not ours ─▶ cache ─▶ upstream, relayed as it came
//!               └ alias out ▶ cache ─▶ upstream, then names.complete
//! ```
//!
//! What is answered from the snapshot never waits. Each UDP socket has a thread of its own that takes and sends
//! messages in batches (`udp`); only questions that somebody else has to be asked about get a task. Transfers go
//! over TCP, to the clients that may have them. A new snapshot, or a new [`Policy`], is taken up by the next message.

mod cache;
mod metrics;
mod names;
pub mod status;
mod tcp;
mod udp;
mod upstream;

pub use metrics::Metrics;
pub use names::Names;
pub use upstream::Upstream;

use crate::clock;
use arc_swap::ArcSwap;
use ipnet::IpNet;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use svckit::dns::{Outcome, Peer, Transport};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
};

use cache::Cache;

/// Octets of the largest message.
const LARGEST: usize = 65_535;
/// Questions that may wait for an upstream at once; those beyond are refused, so that nobody can make the server
/// remember more.
const WAITING: usize = 1_024;
/// Replies of others that are kept.
const CACHED: usize = 10_000;

/// What a server may be told anew while it runs.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Policy {
    /// Who is asked about names of others. Default: the system's resolvers.
    pub upstream: Upstream,
    /// Whom whole zones are sent to. Default: nobody.
    pub secondaries: Vec<IpNet>,
}

impl Policy {
    /// Names of others are asked for here.
    #[must_use]
    pub fn new(upstream: Upstream) -> Self {
        Self { upstream, secondaries: Vec::new() }
    }
}

/// A DNS server that runs until it is stopped, or dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    policy: Arc<ArcSwap<Policy>>,
    metrics: Arc<Metrics>,
    ready: Arc<dyn Names>,
    stop: watch::Sender<bool>,
    stopped: Arc<AtomicBool>,
    tcp: Option<JoinHandle<()>>,
    udp: Vec<thread::JoinHandle<()>>,
}

/// What all tasks of a server share.
#[derive(Debug)]
struct Shared {
    names: Arc<dyn Names>,
    policy: Arc<ArcSwap<Policy>>,
    cache: Cache,
    waiting: Semaphore,
    metrics: Arc<Metrics>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Listens on `address`, UDP and TCP; port 0 takes a free one. UDP has a socket for each processor, four at most.
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// The address can't be bound; or, with port 0, no port was free for both protocols.
    pub fn bind(address: SocketAddr, names: Arc<dyn Names>, policy: Policy) -> io::Result<Self> {
        let sockets = thread::available_parallelism().map_or(1, usize::from).min(4);
        let (udp, tcp) = udp::both(address, sockets)?;
        let address = tcp.local_addr()?;
        tcp.set_nonblocking(true)?;
        let tcp = tokio::net::TcpListener::from_std(tcp)?;
        let (policy, metrics) =
            (Arc::new(ArcSwap::from_pointee(policy)), Arc::new(Metrics::default()));
        let stopped = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Shared {
            names: names.clone(),
            policy: policy.clone(),
            cache: Cache::new(CACHED),
            waiting: Semaphore::new(WAITING),
            metrics: metrics.clone(),
            stopped: stopped.clone(),
        });
        let (stop, stopping) = watch::channel(false);
        let runtime = tokio::runtime::Handle::current();
        let thread = |socket| {
            let (shared, runtime) = (shared.clone(), runtime.clone());
            let name = thread::Builder::new().name("dns".into());
            name.spawn(move || udp::serve(&socket, &shared, &runtime))
        };
        let udp = udp.into_iter().map(thread).collect::<io::Result<Vec<_>>>()?;
        let tcp = Some(tokio::spawn(tcp::serve(tcp, shared, stopping)));
        Ok(Self { address, policy, metrics, ready: names, stop, stopped, tcp, udp })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What it has done so far.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        self.metrics.clone()
    }

    /// What answers.
    #[must_use]
    pub fn names(&self) -> Arc<dyn Names> {
        self.ready.clone()
    }

    /// Goes on by another policy. Questions that wait for an upstream keep theirs.
    pub fn set_policy(&self, policy: Policy) {
        self.policy.store(Arc::new(policy));
    }

    /// Takes no more questions, and waits up to five seconds for the connections that are open.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(task) = self.tcp.take() {
            let abort = task.abort_handle();
            if tokio::time::timeout(Duration::from_secs(5), task).await.is_err() {
                abort.abort();
            }
        }
        let threads = std::mem::take(&mut self.udp);
        // They look up a few times a second.
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().for_each(|thread| drop(thread.join()));
        });
        let _ = joined.await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(task) = &self.tcp {
            task.abort();
        }
    }
}

impl Shared {
    fn peer(transport: Transport, client: SocketAddr) -> Peer {
        Peer { transport, address: Some(client.ip()), entropy: clock::entropy() }
    }

    /// Whether a client may have whole zones.
    fn is_secondary(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.policy.load().secondaries.iter().any(|net| net.contains(&client))
    }

    /// Has somebody else asked, and returns how much of `out` to send.
    async fn elsewhere(
        &self,
        question: &[u8],
        peer: Peer,
        mut outcome: Outcome,
        out: &mut [u8],
    ) -> usize {
        let Ok(_permit) = self.waiting.try_acquire() else {
            Metrics::count(&self.metrics.crowded);
            return outcome.length().unwrap_or(0);
        };
        Metrics::count(&self.metrics.elsewhere);
        let policy = self.policy.load_full();
        while let Outcome::NeedUpstream(need) = &outcome {
            let asked = svckit::dns::Message::question(0, &need.target, need.qtype);
            let said =
                self.cache.ask(&policy.upstream, &asked, peer.transport, &self.metrics).await;
            outcome = self.names.complete(question, peer, need, said.as_deref(), out);
        }
        let Outcome::Foreign(refusal) = outcome else { return outcome.length().unwrap_or(0) };
        let said = self.cache.ask(&policy.upstream, question, peer.transport, &self.metrics).await;
        let said = said.unwrap_or_default();
        match out.get_mut(..said.len()).filter(|room| !room.is_empty()) {
            Some(room) => {
                room.copy_from_slice(&said);
                said.len()
            }
            None => refusal,
        }
    }
}

#[cfg(test)]
mod tests;
