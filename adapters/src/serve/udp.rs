//! UDP flows to service ports, carried to their backends.
//!
//! A flow is one client's address and port. It has a socket of its own towards its backend, so that answers find
//! their way back, and ends when nothing was said for a while.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use svckit::model::{Port, Protocol};
use tokio::{net::UdpSocket, sync::mpsc, time::timeout};

use super::balancer::Balancer;

/// A flow ends after this long without a datagram either way; the kernel's value for unreplied flows.
const IDLE: Duration = Duration::from_secs(30);
/// How many flows one service port may have; the datagrams of others are dropped.
const MOST_FLOWS: usize = 10_000;
/// Datagrams that wait for one flow's backend.
const QUEUE: usize = 64;
/// The largest datagram.
const LARGEST: usize = 65_535;

/// Forwards datagrams for as long as the service port is there.
pub(super) async fn forward(socket: UdpSocket, target: (IpAddr, Port), balancer: Arc<Balancer>) {
    let socket = Arc::new(socket);
    let mut flows: HashMap<SocketAddr, mpsc::Sender<Vec<u8>>> = HashMap::new();
    let mut buffer = vec![0; LARGEST];
    loop {
        // An error here is an earlier datagram's (ICMP): the socket goes on.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else { continue };
        let datagram = buffer.get(..length).unwrap_or_default().to_vec();
        let datagram = match flows.get(&client).map(|flow| flow.try_send(datagram)) {
            Some(Err(mpsc::error::TrySendError::Closed(datagram))) => datagram,
            Some(_) => continue,
            None => buffer.get(..length).unwrap_or_default().to_vec(),
        };
        flows.retain(|_, flow| !flow.is_closed());
        let picked = balancer.pick(client.ip(), (target.0, Protocol::Udp, target.1));
        let backend = picked.and_then(|picked| picked.backends.first().copied());
        if let Some(backend) = backend.filter(|_| flows.len() < MOST_FLOWS) {
            let (send, queue) = mpsc::channel(QUEUE);
            // The queue is empty: there is room.
            let _ = send.try_send(datagram);
            flows.insert(client, send);
            tokio::spawn(flow(socket.clone(), client, backend, queue));
        }
    }
}

/// Carries one flow until it has been silent for [`IDLE`].
async fn flow(
    clients: Arc<UdpSocket>,
    client: SocketAddr,
    backend: SocketAddr,
    mut queue: mpsc::Receiver<Vec<u8>>,
) {
    let any: SocketAddr =
        if backend.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
    let Ok(socket) = UdpSocket::bind(any).await else { return };
    if socket.connect(backend).await.is_err() {
        return;
    }
    let mut buffer = vec![0; LARGEST];
    loop {
        let step = async {
            tokio::select! {
                datagram = queue.recv() => match datagram {
                    Some(datagram) => socket.send(&datagram).await.map(drop),
                    None => Err(std::io::ErrorKind::BrokenPipe.into()),
                },
                answer = socket.recv(&mut buffer) => match answer {
                    Ok(length) => clients.send_to(buffer.get(..length).unwrap_or_default(), client).await.map(drop),
                    Err(error) => Err(error),
                },
            }
        };
        // A backend that is gone ends its flow: the next datagram starts one with another backend.
        if !matches!(timeout(IDLE, step).await, Ok(Ok(()))) {
            return;
        }
    }
}
