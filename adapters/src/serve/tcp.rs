//! TCP connections to service ports, carried to their backends.
//!
//! A connection goes to the backend that was picked, or to the next one if that can't be reached. Both directions
//! end by themselves (half-close). A service port without backends resets its clients, as a kernel's reject would.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use svckit::model::{Port, Protocol};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    time::{sleep, timeout},
};

use super::{
    balancer::Balancer,
    limits::{Limits, Room},
};

/// Bytes in flight, each way.
const BUFFER: usize = 32 << 10;

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
                let route = route.clone();
                tokio::spawn(async move {
                    carry(stream, client, &route).await;
                    drop(place);
                });
            }
            // Out of descriptors, or the client is gone already: others may fare better in a moment.
            Err(_) => sleep(route.limits.pause).await,
        }
    }
}

/// Carries one connection until both ends have closed it.
async fn carry(mut client: TcpStream, peer: SocketAddr, route: &Route) {
    let to = (route.target.0, Protocol::Tcp, route.target.1);
    let picked = route.balancer.pick(peer, to).unwrap_or_default();
    // Counted from the pick on, so that those who pick now already see it; a failed connect ends it.
    let mut counted = picked.connection;
    for backend in picked.backends.into_iter().take(route.limits.tries) {
        let connect = timeout(route.limits.connect, TcpStream::connect(backend));
        if let Ok(Ok(mut backend)) = connect.await {
            // Small writes go out at once, as they came in. A connection that breaks has nobody left to tell.
            let _ = (client.set_nodelay(true), backend.set_nodelay(true));
            if relay(&mut client, &mut backend, route.limits).await.is_err() {
                // Both sides learn that something was lost.
                let _ = (client.set_zero_linger(), backend.set_zero_linger());
            }
            return;
        }
        counted = None;
    }
    drop(counted);
    // Closing with a reset: the client sees a refusal, not an end of data.
    let _ = client.set_zero_linger();
}

/// Copies both ways until both have ended; fails when one breaks, or when nothing moves for too long.
async fn relay(client: &mut TcpStream, backend: &mut TcpStream, limits: Limits) -> io::Result<()> {
    let moved = AtomicU64::new(0);
    let (client_reads, client_writes) = client.split();
    let (backend_reads, backend_writes) = backend.split();
    let both = async {
        tokio::try_join!(
            copy(client_reads, backend_writes, &moved),
            copy(backend_reads, client_writes, &moved)
        )
        .map(drop)
    };
    let silence = async {
        let mut before = u64::MAX;
        loop {
            let now = moved.load(Ordering::Relaxed);
            if now == before {
                return Err(io::ErrorKind::TimedOut.into());
            }
            before = now;
            sleep(limits.idle).await;
        }
    };
    tokio::select! {
        done = both => done,
        silent = silence => silent,
    }
}

/// Copies one way until its end, and passes the end on.
async fn copy(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, moved: &AtomicU64) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(buffer.get(..length).unwrap_or_default()).await?;
        moved.fetch_add(1, Ordering::Relaxed);
    }
}
