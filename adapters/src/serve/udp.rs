//! UDP flows to service ports, carried to their backends.
//!
//! A flow is one client's address and port. It has a socket of its own towards its backend, so that answers find
//! their way back, and ends when nothing was said for a while, when its backend is gone (ICMP), or when the service
//! port doesn't have that backend any more. The client's next datagram then starts another flow.
//!
//! A socket waits without a buffer: datagrams pass through one on the stack when there are some, so an idle flow or
//! listener costs a task and no more.

use rustix::{
    io::Errno,
    net::{SendFlags, send, sendto},
};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Weak},
};
use svckit::model::{Port, Protocol};
use tokio::{
    io::Interest,
    net::UdpSocket,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{balancer::Picked, counters::Counters, tcp::Route};

/// The largest datagram.
const LARGEST: usize = 65_535;

/// The fewest flows at which ended ones are looked for.
const FEW: usize = 64;

/// One client's flow.
#[derive(Debug)]
struct Flow {
    socket: Arc<UdpSocket>,
    backend: SocketAddr,
    /// What was picked, as long as the task has it: connections are counted by that.
    picked: Weak<Picked>,
    task: JoinHandle<()>,
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How a flow ends by itself.
enum Fate {
    /// Nobody has said anything for a while.
    Silent,
    /// The backend is gone.
    Gone,
}

/// Counts a flow's end, however it comes.
struct Ending(Arc<Counters>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.ended.add(1);
    }
}

/// The flows of one listener.
struct Flows {
    clients: Arc<UdpSocket>,
    route: Route,
    flows: HashMap<SocketAddr, Flow>,
    /// At this many, those that have ended are forgotten.
    sweep_at: usize,
    generation: u64,
}

/// Forwards datagrams for as long as the service port is there.
pub(super) async fn forward(socket: UdpSocket, route: Route) {
    let clients = Arc::new(socket);
    let generation = route.balancer.snapshot().generation();
    let flows = HashMap::new();
    let mut all = Flows { clients: clients.clone(), route, flows, sweep_at: FEW, generation };
    while clients.readable().await.is_ok() {
        all.receive();
    }
}

impl Flows {
    /// Takes what has arrived.
    fn receive(&mut self) {
        let mut buffer = [0; LARGEST];
        loop {
            match self.clients.try_recv_from(&mut buffer) {
                Ok((length, client)) => self.send(client, buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An earlier datagram's fate (ICMP): the socket goes on.
                Err(_) => {}
            }
        }
    }

    /// Sends a datagram to its flow's backend; if that turns out to be gone, to another one's.
    fn send(&mut self, client: SocketAddr, datagram: &[u8]) {
        self.follow_table();
        if !self.try_send(client, datagram) {
            self.try_send(client, datagram);
        }
    }

    /// Whether that was all there is to do.
    fn try_send(&mut self, client: SocketAddr, datagram: &[u8]) -> bool {
        if self.flows.get(&client).is_none_or(|flow| flow.task.is_finished()) {
            self.flows.remove(&client);
            let Ok(flow) = self.open(client) else { return true };
            self.flows.insert(client, flow);
        }
        let Some(flow) = self.flows.get(&client) else { return true };
        // Not tokio's way of sending: that refuses until the new socket's turn in the event loop has come.
        match send(&flow.socket, datagram, SendFlags::DONTWAIT) {
            // Full queues lose datagrams, as networks do, and so do narrow ones.
            Ok(_) | Err(Errno::AGAIN | Errno::NOBUFS | Errno::MSGSIZE) => true,
            // ICMP says of an earlier datagram that nobody is there. It says so once, so the flow's own task won't hear.
            Err(_) => {
                if let Some(picked) = flow.picked.upgrade() {
                    self.route.balancer.failed(flow.backend, &picked);
                }
                self.flows.remove(&client);
                false
            }
        }
    }

    fn open(&mut self, client: SocketAddr) -> io::Result<Flow> {
        if self.flows.len() >= self.sweep_at {
            self.flows.retain(|_, flow| !flow.task.is_finished());
            self.sweep_at = (self.flows.len() * 2).max(FEW);
        }
        if self.flows.len() >= self.route.limits.flows {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let picked = self.route.balancer.pick(client, self.to()).unwrap_or_default();
        let counters = self.route.balancer.count(picked.service_port.as_ref());
        let Some(backend) = picked.backends.first().copied() else {
            counters.refused.add(1);
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        let any: SocketAddr =
            if backend.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
        let socket = std::net::UdpSocket::bind(any)?;
        socket.connect(backend)?;
        socket.set_nonblocking(true)?;
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        let limits = self.route.limits;
        let (clients, balancer) = (Arc::downgrade(&self.clients), self.route.balancer.clone());
        let answers = answer(socket.clone(), clients, client, limits.flow);
        counters.connections.add(1);
        let ending = Ending(counters);
        let picked = Arc::new(picked);
        let known = Arc::downgrade(&picked);
        let task = tokio::spawn(async move {
            match answers.await {
                Fate::Silent => {}
                // ICMP says that nobody is there.
                Fate::Gone => balancer.failed(backend, &picked),
            }
            drop((picked, ending));
        });
        Ok(Flow { socket, backend, picked: known, task })
    }

    /// Ends the flows whose backends the service port has lost, once for each state of the table.
    fn follow_table(&mut self) {
        let generation = self.route.balancer.snapshot().generation();
        if generation != self.generation {
            self.generation = generation;
            let (to, balancer) = (self.to(), self.route.balancer.clone());
            self.flows.retain(|client, flow| balancer.still(*client, to, flow.backend));
        }
    }

    fn to(&self) -> (IpAddr, Protocol, Port) {
        (self.route.target.0, Protocol::Udp, self.route.target.1)
    }
}

/// Carries a backend's answers to its client, until there were none for `idle`.
async fn answer(
    socket: Arc<UdpSocket>,
    clients: Weak<UdpSocket>,
    client: SocketAddr,
    idle: std::time::Duration,
) -> Fate {
    loop {
        // What ICMP says of an earlier datagram makes a socket ready, but not readable.
        let ready = tokio::select! {
            ready = socket.ready(Interest::READABLE | Interest::ERROR) => ready,
            () = sleep_until(Instant::now() + idle) => return Fate::Silent,
        };
        let (Ok(ready), Some(clients)) = (ready, clients.upgrade()) else { return Fate::Silent };
        if ready.is_error() && is_refused(&socket) {
            return Fate::Gone;
        }
        if pass(&socket, &clients, client).is_err() {
            return Fate::Gone;
        }
    }
}

/// Whether ICMP has said that nobody is there. It says so once: to us, or to who sends next.
fn is_refused(socket: &UdpSocket) -> bool {
    let told: io::Result<()> = socket.try_io(Interest::ERROR, || match socket.take_error()? {
        Some(error) => Err(error),
        None => Err(io::ErrorKind::WouldBlock.into()),
    });
    told.is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock)
}

/// Passes on what has been answered.
fn pass(socket: &UdpSocket, clients: &UdpSocket, client: SocketAddr) -> io::Result<()> {
    let mut buffer = [0; LARGEST];
    loop {
        match socket.try_recv(&mut buffer) {
            // What the client's queue has no room for is lost, as in networks.
            Ok(length) => {
                let answer = buffer.get(..length).unwrap_or_default();
                let _ = sendto(clients, answer, SendFlags::DONTWAIT, &client);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
