//! The sockets on which clients reach service ports.

use std::{
    collections::{HashMap, HashSet},
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use svckit::model::{Port, Protocol};
use tokio::{
    net::{TcpListener, TcpSocket},
    task::JoinHandle,
};

use super::{
    balancer::Balancer,
    limits::{Limits, Room},
    tcp::{self, Route},
    udp,
};

/// Connections that may wait to be accepted.
const QUEUE: u32 = 4096;

/// An address that clients on this machine connect to, and the service port's own that it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Frontend {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How; SCTP can't be served by a process.
    pub protocol: Protocol,
    /// What clients of the cluster would connect to: the table's key.
    pub target: (IpAddr, Port),
}

/// Listening sockets; open connections outlive them.
#[derive(Debug)]
pub struct Listeners {
    balancer: Arc<Balancer>,
    limits: Limits,
    room: Room,
    running: HashMap<Frontend, Task>,
    shared: HashSet<u16>,
}

/// A task that ends with its listener.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Listeners {
    /// Listens nowhere yet.
    #[must_use]
    pub fn new(balancer: Arc<Balancer>) -> Self {
        Self::with_limits(balancer, Limits::default())
    }

    /// The same with limits of the caller's.
    #[must_use]
    pub fn with_limits(balancer: Arc<Balancer>, limits: Limits) -> Self {
        Self {
            balancer,
            limits,
            room: Room::new(limits.connections),
            running: HashMap::new(),
            shared: HashSet::new(),
        }
    }

    /// TCP connections that are open now, also those of listeners that are gone.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.room.taken()
    }

    /// Stops listening, and waits for open TCP connections to end, for at most `grace`; tells whether all did.
    pub async fn drain(mut self, grace: Duration) -> bool {
        self.running.clear();
        self.room.empty(grace).await
    }

    /// TCP ports on which this process listens at the unspecified address as well: sockets that are bound from now on
    /// allow that.
    pub fn share(&mut self, ports: impl IntoIterator<Item = u16>) {
        self.shared = ports.into_iter().collect();
    }

    /// Binds what is new, unbinds what is gone, and leaves open connections alone.
    ///
    /// Returns those that could not be bound, and why. Must be called inside a tokio runtime.
    pub fn reconcile(&mut self, wanted: &[Frontend]) -> Vec<(Frontend, io::Error)> {
        let mut before = std::mem::take(&mut self.running);
        let mut fresh = Vec::new();
        for frontend in wanted {
            match before.remove(frontend) {
                Some(task) => drop(self.running.insert(frontend.clone(), task)),
                None => fresh.push(frontend),
            }
        }
        drop(before);
        let mut refused = Vec::new();
        for frontend in fresh {
            match self.start(frontend) {
                Ok(task) => drop(self.running.insert(frontend.clone(), task)),
                Err(error) => refused.push((frontend.clone(), error)),
            }
        }
        refused
    }

    fn start(&self, frontend: &Frontend) -> io::Result<Task> {
        let route = Route {
            balancer: self.balancer.clone(),
            target: frontend.target,
            limits: self.limits,
            room: self.room.clone(),
        };
        match frontend.protocol {
            Protocol::Tcp => {
                let share = self.shared.contains(&frontend.listen.port());
                let listener = listen(frontend.listen, share)?;
                Ok(Task(tokio::spawn(tcp::accept(listener, route))))
            }
            Protocol::Udp => {
                let socket = std::net::UdpSocket::bind(frontend.listen)?;
                socket.set_nonblocking(true)?;
                let socket = tokio::net::UdpSocket::from_std(socket)?;
                Ok(Task(tokio::spawn(udp::forward(socket, route))))
            }
            Protocol::Sctp => {
                Err(io::Error::new(io::ErrorKind::Unsupported, "SCTP needs a kernel's rules"))
            }
        }
    }
}

/// A TCP socket that listens at an address which is its own, and lets pods listen on its port at all others.
pub(super) fn listen_beside_pods(address: SocketAddr) -> io::Result<TcpListener> {
    // Sockets that share don't notice strangers that share too; one that doesn't share does.
    drop(std::net::TcpListener::bind(address)?);
    listen(address, true)
}

/// A TCP socket that listens; others of this user may `share` its port.
fn listen(address: SocketAddr, share: bool) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(share)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}
