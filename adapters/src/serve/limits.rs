//! How much a process serves at once, and how long it waits.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long listeners wait, and how much they take.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How long one backend may take to answer a connection. Default: 3 s.
    pub connect: Duration,
    /// How many backends may leave one connection without an answer before it is given up. Those that refuse at once
    /// don't count: all of them are tried. Default: 3.
    pub tries: usize,
    /// A TCP connection is reset when nothing has moved for this long, or up to twice as long. Default: a day, as
    /// the kernel's connection tracking has it in a cluster.
    pub idle: Duration,
    /// A UDP flow ends after this long without a datagram either way. Default: 30 s, the kernel's for flows that
    /// nobody answers.
    pub flow: Duration,
    /// Connections at once, over all listeners; further ones wait in the kernel's queues. Never more than the process
    /// has descriptors for, two each. Default: 100,000.
    pub connections: usize,
    /// UDP flows of one listener at once; the datagrams of further ones are dropped. Default: 10,000.
    pub flows: usize,
    /// The wait before accepting again when the process is out of descriptors. Default: 20 ms.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            tries: 3,
            idle: Duration::from_secs(86_400),
            flow: Duration::from_secs(30),
            connections: 100_000,
            flows: 10_000,
            pause: Duration::from_millis(20),
        }
    }
}

/// Lets the process have as many descriptors as its hard limit allows; returns how many that is.
///
/// # Errors
///
/// If the system refuses, which it has no reason to.
pub fn raise_file_limit() -> io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// Descriptors for everything but connections.
const RESERVED: u64 = 64;

/// Room for a number of connections.
#[derive(Clone, Debug)]
pub(super) struct Room {
    places: Arc<Semaphore>,
    all: usize,
}

impl Room {
    pub(super) fn new(connections: usize) -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let most = usize::try_from(descriptors.saturating_sub(RESERVED) / 2).unwrap_or(usize::MAX);
        let all = connections.min(most).clamp(1, u32::MAX as usize >> 4);
        Self { places: Arc::new(Semaphore::new(all)), all }
    }

    /// Waits for a place; `None` when the room is being left. Dropping the result gives it back.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().acquire_owned().await.ok()
    }

    /// How many places are taken.
    pub(super) fn taken(&self) -> usize {
        self.all.saturating_sub(self.places.available_permits())
    }

    /// Waits until all places are free, for at most `grace`; tells whether they are.
    pub(super) async fn empty(&self, grace: Duration) -> bool {
        let all = self.places.acquire_many(u32::try_from(self.all).unwrap_or(u32::MAX));
        timeout(grace, all).await.is_ok()
    }
}
