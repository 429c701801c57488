//! The cluster's DNS on sockets: UDP and TCP on one port.
//!
//! ```text
//! socket ─▶ snapshot.answer ─▶ reply
//!                 ├ not ours ─▶ upstream, relayed as it came
//!                 └ alias out ▶ upstream, then snapshot.complete
//! ```
//!
//! What is answered from the snapshot never waits; only questions that somebody else has to be asked about get a
//! task of their own. Transfers go over TCP, to the clients that may have them.

mod tcp;
mod upstream;

pub use upstream::Upstream;

use crate::clock;
use arc_swap::ArcSwap;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use svckit::dns::{Outcome, Peer, Snapshot, Transport};
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::{Semaphore, watch},
    task::JoinHandle,
};

/// Octets of the largest message.
const LARGEST: usize = 65_535;

/// Questions that may wait for an upstream at once; those beyond are refused, so that nobody can make the server
/// remember more.
const WAITING: usize = 1_024;

/// A DNS server that runs until it is stopped, or dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// What all tasks of a server share.
#[derive(Debug)]
struct Shared {
    zone: Arc<ArcSwap<Snapshot>>,
    upstream: Upstream,
    waiting: Semaphore,
    /// Whom whole zones are sent to.
    secondaries: Vec<IpAddr>,
    /// Turns the order of addresses from reply to reply.
    turn: AtomicU64,
}

impl Server {
    /// Listens on `address`, UDP and TCP; port 0 takes a free one. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// The address can't be bound; or, with port 0, no port was free for both protocols.
    pub fn bind(
        address: SocketAddr,
        zone: Arc<ArcSwap<Snapshot>>,
        upstream: Upstream,
    ) -> io::Result<Self> {
        Self::bind_with_secondaries(address, zone, upstream, Vec::new())
    }

    /// The same, with clients that may fetch whole zones (AXFR).
    ///
    /// # Errors
    ///
    /// As [`Server::bind`].
    pub fn bind_with_secondaries(
        address: SocketAddr,
        zone: Arc<ArcSwap<Snapshot>>,
        upstream: Upstream,
        secondaries: Vec<IpAddr>,
    ) -> io::Result<Self> {
        let (udp, tcp) = both(address)?;
        let address = udp.local_addr()?;
        let [turn, ..] = clock::seed().0;
        let shared = Arc::new(Shared {
            zone,
            upstream,
            waiting: Semaphore::new(WAITING),
            secondaries,
            turn: AtomicU64::new(turn),
        });
        let (stop, stopped) = watch::channel(false);
        let tasks = vec![
            tokio::spawn(serve_udp(Arc::new(udp), shared.clone(), stopped.clone())),
            tokio::spawn(tcp::serve(tcp, shared, stopped)),
        ];
        Ok(Self { address, stop, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more questions, and waits up to five seconds for the connections that are open.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        for task in std::mem::take(&mut self.tasks) {
            let abort = task.abort_handle();
            if tokio::time::timeout(Duration::from_secs(5), task).await.is_err() {
                abort.abort();
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// One port for both protocols. A port that is free for one may be taken for the other, so a few are tried.
fn both(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tries = if address.port() == 0 { 16 } else { 1 };
    loop {
        let tcp = std::net::TcpListener::bind(address)?;
        tries -= 1;
        match std::net::UdpSocket::bind(tcp.local_addr()?) {
            Ok(udp) => {
                udp.set_nonblocking(true)?;
                tcp.set_nonblocking(true)?;
                return Ok((UdpSocket::from_std(udp)?, TcpListener::from_std(tcp)?));
            }
            Err(error) if tries == 0 => return Err(error),
            Err(_) => {}
        }
    }
}

async fn serve_udp(
    socket: Arc<UdpSocket>,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let (mut message, mut out) = (vec![0; LARGEST], vec![0; LARGEST]);
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut message) => received,
            _ = stopped.changed() => return,
        };
        // An error is about an earlier reply that nobody took.
        let Ok((length, client)) = received else { continue };
        let Some(question) = message.get(..length) else { continue };
        let peer = shared.peer(Transport::Udp, client);
        match shared.zone.load().answer(question, peer, &mut out) {
            Outcome::Reply(length) => send(&socket, out.get(..length), client).await,
            Outcome::Drop => {}
            outcome => {
                let (socket, shared) = (socket.clone(), shared.clone());
                let (question, mut out) = (question.to_vec(), out.clone());
                tokio::spawn(async move {
                    let length = shared.elsewhere(&question, peer, outcome, &mut out).await;
                    send(&socket, out.get(..length), client).await;
                });
            }
        }
    }
}

async fn send(socket: &UdpSocket, reply: Option<&[u8]>, client: SocketAddr) {
    if let Some(reply) = reply.filter(|reply| !reply.is_empty()) {
        // A reply that can't be sent is a reply that got lost: the client asks again.
        let _ = socket.send_to(reply, client).await;
    }
}

impl Shared {
    fn peer(&self, transport: Transport, client: SocketAddr) -> Peer {
        let entropy = self.turn.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        Peer { transport, address: Some(client.ip()), entropy }
    }

    /// Has somebody else asked, and returns how much of `out` to send.
    async fn elsewhere(
        &self,
        question: &[u8],
        peer: Peer,
        outcome: Outcome,
        out: &mut [u8],
    ) -> usize {
        let Ok(_permit) = self.waiting.try_acquire() else {
            return outcome.length().unwrap_or(0);
        };
        let mut outcome = outcome;
        while let Outcome::NeedUpstream(need) = &outcome {
            let said = self.upstream.resolve(need, peer).await;
            outcome = self.zone.load().complete(question, peer, need, said.as_deref(), out);
        }
        match outcome {
            Outcome::Foreign(refusal) => {
                match self.upstream.relay(question, peer.transport).await {
                    Some(reply) => match out.get_mut(..reply.len()) {
                        Some(room) => {
                            room.copy_from_slice(&reply);
                            reply.len()
                        }
                        None => refusal,
                    },
                    None => refusal,
                }
            }
            outcome => outcome.length().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests;
