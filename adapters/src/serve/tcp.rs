//! TCP connections to service ports, carried to their backends.
//!
//! A connection goes to the backend that was picked, or to the next one if that can't be reached, and to any that is
//! left at last: it is lost only if nobody is there. Both directions end by themselves (half-close). A service port
//! without backends resets its clients, as a kernel's reject would.

mod header;
mod pipe;
mod relay;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};
use svckit::model::{Port, Protocol};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket, TcpStream},
    time::{sleep, timeout},
};

use super::{
    balancer::{Balancer, Picked},
    limits::{Limits, Room},
};

/// What all connections of a listener share.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) balancer: Arc<Balancer>,
    pub(super) target: (IpAddr, Port),
    pub(super) limits: Limits,
    pub(super) room: Room,
}

/// Takes connections for as long as the service port is there; waits while there are too many.
pub(super) async fn accept(listener: TcpListener, route: Route) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                let Some(place) = route.room.place().await else { return };
                let to = (route.target.0, Protocol::Tcp, route.target.1);
                let picked = route.balancer.pick(client, to).unwrap_or_default();
                // Nobody is let in before there is a descriptor for its backend too: if clients had them all, none
                // would ever be free.
                let socket = match picked.backends.first() {
                    Some(backend) => socket(*backend, &route.limits).await.ok(),
                    None => None,
                };
                let route = route.clone();
                tokio::spawn(async move {
                    carry(stream, client, &route, picked, socket).await;
                    drop(place);
                });
            }
            // Out of descriptors, or the client is gone already: others may fare better in a moment.
            Err(_) => sleep(route.limits.pause).await,
        }
    }
}

/// Carries one connection until both ends have closed it.
async fn carry(
    client: TcpStream,
    peer: SocketAddr,
    route: &Route,
    mut picked: Picked,
    socket: Option<TcpSocket>,
) {
    let counters = route.balancer.count(picked.service_port.as_ref());
    if picked.backends.is_empty() {
        counters.refused.add(1);
        // Closing with a reset: the client sees a refusal, not an end of data.
        let _ = client.set_zero_linger();
        return;
    }
    // The connection is counted from the pick on, so that those who pick now already see it.
    let Some(mut backend) = connect(route, peer, &mut picked, socket).await else {
        counters.unreachable.add(1);
        let _ = client.set_zero_linger();
        return;
    };
    counters.connections.add(1);
    // Small writes go out at once, as they came in. A connection that breaks has nobody left to tell.
    let _ = (client.set_nodelay(true), backend.set_nodelay(true));
    let told = match picked.proxy_protocol {
        Some(version) => {
            let destination = SocketAddr::new(route.target.0, route.target.1.get());
            backend.write_all(&header::header(version, peer, destination)).await
        }
        None => Ok(()),
    };
    let ways = (&counters.received, &counters.sent);
    let done = match told {
        Ok(()) => relay::relay(&client, &backend, route.limits.idle, ways).await,
        Err(error) => Err(error),
    };
    if done.is_err() {
        counters.broken.add(1);
        // Both sides learn that something was lost.
        let _ = (client.set_zero_linger(), backend.set_zero_linger());
    }
    counters.ended.add(1);
}

/// Connects to the first choice that can be reached; asks for others, as the table is then, when none can.
/// The first one already has its socket.
async fn connect(
    route: &Route,
    peer: SocketAddr,
    picked: &mut Picked,
    mut socket: Option<TcpSocket>,
) -> Option<TcpStream> {
    let to = (route.target.0, Protocol::Tcp, route.target.1);
    let (mut tried, mut silent) = (Vec::new(), 0);
    loop {
        for choice in 0..picked.backends.len() {
            let backend = *picked.backends.get(choice)?;
            if tried.contains(&backend) {
                continue;
            }
            if choice > 0 {
                picked.move_on(choice);
            }
            let start = Instant::now();
            match reach(backend, socket.take(), &route.limits).await {
                Ok(stream) => {
                    route.balancer.worked(backend, picked, start.elapsed());
                    return Some(stream);
                }
                Err(error) => silent += usize::from(error.kind() == io::ErrorKind::TimedOut),
            }
            route.balancer.failed(backend, picked);
            route.balancer.count(picked.service_port.as_ref()).retries.add(1);
            tried.push(backend);
            if silent >= route.limits.tries {
                return None;
            }
        }
        *picked = route.balancer.others(peer, to, &tried)?;
    }
}

/// Connects; waits while it is us who lack descriptors, ports or memory, which says nothing about the backend.
async fn reach(
    backend: SocketAddr,
    mut ready: Option<TcpSocket>,
    limits: &Limits,
) -> io::Result<TcpStream> {
    loop {
        let socket = match ready.take() {
            Some(socket) => socket,
            None => socket(backend, limits).await?,
        };
        match timeout(limits.connect, socket.connect(backend)).await? {
            Err(error) if is_ours(&error) => sleep(limits.pause).await,
            connected => return connected,
        }
    }
}

/// A socket for a backend; waits while there are no descriptors or no memory.
async fn socket(backend: SocketAddr, limits: &Limits) -> io::Result<TcpSocket> {
    loop {
        let socket = if backend.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        match socket {
            Err(error) if is_ours(&error) => sleep(limits.pause).await,
            made => return made,
        }
    }
}

/// Whether an error says something about this process rather than the backend.
fn is_ours(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let ours = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    error.raw_os_error().is_some_and(|code| ours.iter().any(|errno| errno.raw_os_error() == code))
}

#[cfg(test)]
mod tests;
