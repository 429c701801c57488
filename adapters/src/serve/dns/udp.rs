//! UDP: a thread for each socket, and many messages for each call of the kernel.
//!
//! Sockets of one port share its messages (`SO_REUSEPORT`). A thread waits for one message, takes what else has come
//! by then, answers all of it, and sends all replies at once; with one message at a time that is a plain
//! receive and a plain send.

use super::{LARGEST, Metrics, Shared};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};
use rustix::net::{AddressFamily, SocketType, bind, socket, sockopt};
use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{SocketAddr, TcpListener, UdpSocket},
    os::fd::AsRawFd,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use svckit::dns::{Outcome, Transport};
use tokio::runtime::Handle;

/// Messages taken at once.
const BATCH: usize = 32;
/// Octets of the longest question that is read; a question with all its options is far shorter.
const QUESTION: usize = 4_096;
/// How often a thread that hears nothing looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(200);

/// One port for both protocols, with so many UDP sockets. A port that is free for one may be taken for the other, so
/// a few are tried.
pub(super) fn both(
    address: SocketAddr,
    sockets: usize,
) -> io::Result<(Vec<UdpSocket>, TcpListener)> {
    let mut tries = if address.port() == 0 { 16 } else { 1 };
    loop {
        let tcp = TcpListener::bind(address)?;
        let address = tcp.local_addr()?;
        tries -= 1;
        match shared(address, sockets) {
            Ok(udp) => return Ok((udp, tcp)),
            Err(error) if tries == 0 => return Err(error),
            Err(_) => {}
        }
    }
}

/// UDP sockets that share an address that nobody else has.
fn shared(address: SocketAddr, sockets: usize) -> io::Result<Vec<UdpSocket>> {
    // Sockets that share don't notice strangers that share too; one that doesn't share does.
    drop(UdpSocket::bind(address)?);
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let one = |_| {
        let own = socket(family, SocketType::DGRAM, None)?;
        sockopt::set_socket_reuseport(&own, true)?;
        bind(&own, &address)?;
        let own = UdpSocket::from(own);
        own.set_read_timeout(Some(LOOK))?;
        Ok(own)
    };
    (0..sockets.max(1)).map(one).collect()
}

/// Answers until the server stops.
pub(super) fn serve(socket: &UdpSocket, shared: &Arc<Shared>, runtime: &Handle) {
    let Ok(own) = socket.try_clone().map(Arc::new) else { return };
    let mut questions = vec![0; BATCH * QUESTION];
    let mut replies: Vec<Vec<u8>> = (0..BATCH).map(|_| vec![0; LARGEST]).collect();
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let mut sending = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let mut lengths = [0; BATCH];
    while !shared.stopped.load(Ordering::Relaxed) {
        let came = receive(socket, &mut headers, &mut questions, &mut lengths);
        let Ok(clients) = came else { continue };
        let mut out = Vec::with_capacity(clients.len());
        let all = questions.chunks_exact(QUESTION).zip(&lengths).zip(&clients).zip(&mut replies);
        for (((question, length), client), reply) in all {
            Metrics::count(&shared.metrics.udp);
            let (Some(question), Some(client)) = (question.get(..*length), client) else {
                continue;
            };
            let peer = Shared::peer(Transport::Udp, *client);
            match shared.names.answer(question, peer, reply) {
                Outcome::Reply(length) => {
                    let Some(reply) = reply.get(..length) else { continue };
                    shared.metrics.replied(reply);
                    out.push((reply, SockaddrStorage::from(*client)));
                }
                Outcome::Drop => Metrics::count(&shared.metrics.dropped),
                outcome => {
                    ask(own.clone(), shared.clone(), runtime, (question, *client), reply, outcome)
                }
            }
        }
        send(socket, &mut sending, &out);
    }
}

/// Takes what has come; waits for the first message.
fn receive(
    socket: &UdpSocket,
    headers: &mut MultiHeaders<SockaddrStorage>,
    questions: &mut [u8],
    lengths: &mut [usize; BATCH],
) -> io::Result<Vec<Option<SocketAddr>>> {
    let mut slices: Vec<[IoSliceMut<'_>; 1]> =
        questions.chunks_exact_mut(QUESTION).map(|room| [IoSliceMut::new(room)]).collect();
    let came =
        recvmmsg(socket.as_raw_fd(), headers, slices.iter_mut(), MsgFlags::MSG_WAITFORONE, None)?;
    let mut clients = Vec::with_capacity(BATCH);
    for (message, length) in came.zip(lengths) {
        *length = message.bytes;
        clients.push(message.address.and_then(address));
    }
    Ok(clients)
}

fn address(storage: SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|own| SocketAddr::V4((*own).into()));
    v4.or_else(|| storage.as_sockaddr_in6().map(|own| SocketAddr::V6((*own).into())))
}

/// Sends replies. One that can't be sent got lost: the client asks again.
fn send(
    socket: &UdpSocket,
    headers: &mut MultiHeaders<SockaddrStorage>,
    replies: &[(&[u8], SockaddrStorage)],
) {
    let slices: Vec<[IoSlice<'_>; 1]> =
        replies.iter().map(|(reply, _)| [IoSlice::new(reply)]).collect();
    let clients: Vec<Option<SockaddrStorage>> =
        replies.iter().map(|(_, client)| Some(*client)).collect();
    let mut sent = 0;
    while sent < slices.len() {
        let (rest, clients) = (slices.get(sent..), clients.get(sent..));
        let (Some(rest), Some(clients)) = (rest, clients) else { return };
        let batch = sendmmsg(socket.as_raw_fd(), headers, rest, clients, [], MsgFlags::empty());
        // The one that failed is passed over.
        sent += batch.map_or(1, |batch| batch.count().max(1));
    }
}

/// Has somebody else asked, in a task.
fn ask(
    socket: Arc<UdpSocket>,
    shared: Arc<Shared>,
    runtime: &Handle,
    (question, client): (&[u8], SocketAddr),
    reply: &[u8],
    outcome: Outcome,
) {
    let peer = Shared::peer(Transport::Udp, client);
    let (question, started) = (question.to_vec(), outcome.length().unwrap_or(0));
    let mut out = vec![0; LARGEST];
    if let (Some(room), Some(reply)) = (out.get_mut(..started), reply.get(..started)) {
        room.copy_from_slice(reply);
    }
    runtime.spawn(async move {
        let length = shared.elsewhere(&question, peer, outcome, &mut out).await;
        if let Some(reply) = out.get(..length).filter(|reply| !reply.is_empty()) {
            shared.metrics.replied(reply);
            // As above.
            let _ = socket.send_to(reply, client);
        }
    });
}
