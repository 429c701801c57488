//! TCP connections to service ports, carried to their backends.
//!
//! A connection goes to the backend that was picked, or to the next one if that can't be reached. Both directions
//! end by themselves (half-close). A service port without backends resets its clients, as a kernel's reject would.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use svckit::model::{Port, Protocol};
use tokio::{
    io::copy_bidirectional_with_sizes,
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use super::balancer::Balancer;

/// How long one backend may take to answer a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// How many backends are tried for one connection.
const TRIES: usize = 3;
/// Bytes in flight, each way.
const BUFFER: usize = 32 << 10;
/// How long to wait when the process is out of descriptors.
const PAUSE: Duration = Duration::from_millis(20);

/// Takes connections for as long as the service port is there.
pub(super) async fn accept(listener: TcpListener, target: (IpAddr, Port), balancer: Arc<Balancer>) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                tokio::spawn(carry(stream, client, target, balancer.clone()));
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Carries one connection until both ends have closed it.
async fn carry(
    mut client: TcpStream,
    peer: SocketAddr,
    target: (IpAddr, Port),
    balancer: Arc<Balancer>,
) {
    let picked = balancer.pick(peer.ip(), (target.0, Protocol::Tcp, target.1));
    let backends = picked.map(|picked| picked.backends).unwrap_or_default();
    for backend in backends.into_iter().take(TRIES) {
        if let Ok(Ok(mut backend)) = timeout(CONNECT, TcpStream::connect(backend)).await {
            // Small writes go out at once, as they came in. A connection that breaks has nobody left to tell.
            let _ = (client.set_nodelay(true), backend.set_nodelay(true));
            let _ = copy_bidirectional_with_sizes(&mut client, &mut backend, BUFFER, BUFFER).await;
            return;
        }
    }
    // Closing with a reset: the client sees a refusal, not an end of data.
    let _ = client.set_zero_linger();
}
