//! Simulated pods: small servers that say who they are.
//!
//! Each port of a pod speaks HTTP, or echoes whatever else a client sends over TCP or UDP; all of them say first
//! which pod answered, at which address, and for which Service:
//!
//! ```text
//! pod default/webapp-x2x9z at 127.97.0.17:8080 for service default/webapp, client 127.0.0.1:41234
//! ```
//!
//! [`Pods::reconcile`] makes the set of ports what it should be and leaves open connections alone.

mod crowd;
mod http;
mod stream;

use arc_swap::ArcSwap;
use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::SocketAddr,
    sync::Arc,
};
use svckit::model::Protocol;
use tokio::{
    net::{TcpListener, TcpStream, UdpSocket},
    task::JoinHandle,
};

use self::crowd::Crowd;

/// One port of a simulated pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodPort {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How; SCTP is not simulated.
    pub protocol: Protocol,
    /// Who it says it is.
    pub identity: Identity,
}

/// Who a pod's port says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `namespace/name` of the pod.
    pub pod: String,
    /// The address clients of the cluster know it by.
    pub address: SocketAddr,
    /// Services that lead here, `namespace/name`.
    pub services: Vec<String>,
}

impl Identity {
    /// The line that each answer starts with.
    #[must_use]
    pub fn line(&self, client: SocketAddr) -> String {
        let services = match &self.services[..] {
            [] => "no service".into(),
            [one] => format!("service {one}"),
            more => format!("services {}", more.join(" ")),
        };
        format!("pod {} at {} for {services}, client {client}\n", self.pod, self.address)
    }
}

/// The simulated pods of this process.
#[derive(Debug)]
pub struct Pods {
    ports: HashMap<(SocketAddr, Protocol), Running>,
    leaving: HashMap<(SocketAddr, Protocol), Running>,
    crowds: BTreeMap<u16, Crowd>,
    sockets: usize,
}

impl Default for Pods {
    /// As many sockets as there are ports.
    fn default() -> Self {
        Self {
            ports: HashMap::new(),
            leaving: HashMap::new(),
            crowds: BTreeMap::new(),
            sockets: usize::MAX,
        }
    }
}

/// A port that listens.
#[derive(Debug)]
struct Running {
    identity: Arc<ArcSwap<Identity>>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pods {
    /// Opens what is new, closes what is gone, and tells the others their services.
    ///
    /// Returns the ports that could not be opened, and why. Must be called inside a tokio runtime.
    pub fn reconcile(&mut self, wanted: Vec<PodPort>) -> Vec<(PodPort, io::Error)> {
        let refused = self.open(wanted);
        self.close();
        refused
    }

    /// How many sockets pods may have from now on: where they would need more, pods on loopback addresses that listen
    /// on the same TCP port share one.
    pub const fn limit(&mut self, sockets: usize) {
        self.sockets = sockets;
    }

    /// Port numbers that pods share: other sockets of this process must allow that (`SO_REUSEPORT`).
    pub fn shared_ports(&self) -> impl Iterator<Item = u16> {
        self.crowds.keys().copied()
    }

    /// Opens what is new and tells the others their services; what is gone goes on until [`Pods::close`], so that
    /// clients can be sent elsewhere first.
    pub fn open(&mut self, mut wanted: Vec<PodPort>) -> Vec<(PodPort, io::Error)> {
        self.close();
        self.gather(&mut wanted);
        let mut before = std::mem::take(&mut self.ports);
        let mut refused = Vec::new();
        for port in wanted {
            let key = (port.listen, port.protocol);
            if let Some(running) = before.remove(&key) {
                running.identity.store(Arc::new(port.identity));
                self.ports.insert(key, running);
                continue;
            }
            match Running::start(&port) {
                Ok(running) => {
                    self.ports.insert(key, running);
                }
                Err(error) => refused.push((port, error)),
            }
        }
        self.leaving = before;
        refused
    }

    /// Lets pods share sockets where there would be too many; a port that is shared stays so.
    fn gather(&mut self, wanted: &mut Vec<PodPort>) {
        let mut before = std::mem::take(&mut self.crowds);
        let shared = before.keys().copied().collect();
        for (port, members) in crowd::gather(wanted, self.sockets, &shared) {
            match before.remove(&port).map_or_else(|| Crowd::start(port), Ok) {
                Ok(crowd) => {
                    crowd.set(members);
                    self.crowds.insert(port, crowd);
                }
                // Somebody listens on this port already: each pod for itself, as far as the sockets go.
                Err(_) => wanted.extend(members),
            }
        }
    }

    /// Closes what is gone.
    pub fn close(&mut self) {
        self.leaving.clear();
    }
}

impl Running {
    fn start(port: &PodPort) -> io::Result<Self> {
        let identity = Arc::new(ArcSwap::from_pointee(port.identity.clone()));
        let task = match port.protocol {
            Protocol::Tcp => {
                let socket = std::net::TcpListener::bind(port.listen)?;
                socket.set_nonblocking(true)?;
                let own = identity.clone();
                let who = move |_: &TcpStream| Some(own.load_full());
                tokio::spawn(accept(TcpListener::from_std(socket)?, who))
            }
            Protocol::Udp => {
                let socket = std::net::UdpSocket::bind(port.listen)?;
                socket.set_nonblocking(true)?;
                tokio::spawn(answer(UdpSocket::from_std(socket)?, identity.clone()))
            }
            Protocol::Sctp => {
                return Err(io::Error::new(io::ErrorKind::Unsupported, "SCTP is not simulated"));
            }
        };
        Ok(Self { identity, task })
    }
}

/// Takes TCP connections for as long as the port is there; `who` tells which pod one is for. One for nobody is reset.
async fn accept(listener: TcpListener, who: impl Fn(&TcpStream) -> Option<Arc<Identity>>) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) => match who(&stream) {
                Some(pod) => drop(tokio::spawn(stream::serve(stream, client, pod))),
                // Zero seconds to linger: a reset. That the socket can't be told is the client's loss only.
                None => drop(stream.set_zero_linger()),
            },
            // Out of descriptors: some connection will end.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
}

/// Answers datagrams: who we are, then what was sent.
async fn answer(socket: UdpSocket, identity: Arc<ArcSwap<Identity>>) {
    loop {
        // There are thousands of such ports, and few talk at a time: room is made once something has come.
        if socket.readable().await.is_err() {
            continue;
        }
        let mut buffer = vec![0; 65_535];
        let Ok((length, client)) = socket.try_recv_from(&mut buffer) else { continue };
        let mut reply = identity.load().line(client).into_bytes();
        reply.extend(buffer.iter().take(length));
        // A client that is gone, or a datagram that would be too large: nobody is waiting.
        let _ = socket.send_to(&reply, client).await;
    }
}

#[cfg(test)]
mod tests;
