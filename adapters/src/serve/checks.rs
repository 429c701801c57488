//! Active checks: whether backends accept connections, asked now and then.

use std::{
    net::SocketAddr,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::balancer::{Balancer, Picked};

/// Backends that are asked at once.
const AT_ONCE: usize = 32;

/// Checks that go on until this is dropped, or the balancer is.
#[derive(Debug)]
pub struct Checks(JoinHandle<()>);

impl Drop for Checks {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Checks {
    /// Connects to each backend of each TCP service port every so often; one that doesn't accept within `patience`
    /// has failed, as if a client's connection had. Must be called inside a tokio runtime.
    #[must_use]
    pub fn start(balancer: &Arc<Balancer>, every: Duration, patience: Duration) -> Self {
        let balancer = Arc::downgrade(balancer);
        Self(tokio::spawn(check(balancer, every, patience)))
    }
}

async fn check(balancer: Weak<Balancer>, every: Duration, patience: Duration) {
    loop {
        sleep(every).await;
        let Some(backends) = balancer.upgrade().map(|balancer| balancer.backends()) else { return };
        for some in backends.chunks(AT_ONCE) {
            let mut asked = JoinSet::new();
            for backend in some {
                asked.spawn(ask(*backend, patience));
            }
            while let Some(Ok((backend, took))) = asked.join_next().await {
                let Some(balancer) = balancer.upgrade() else { return };
                balancer.heard(backend, &Picked::default(), took);
            }
        }
    }
}

async fn ask(backend: SocketAddr, patience: Duration) -> (SocketAddr, Option<Duration>) {
    let start = Instant::now();
    let connected = timeout(patience, TcpStream::connect(backend)).await;
    (backend, matches!(connected, Ok(Ok(_))).then(|| start.elapsed()))
}
