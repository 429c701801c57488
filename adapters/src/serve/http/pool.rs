//! Connections to pods, kept for the next request.

use bytes::Bytes;
use http_body_util::Limited;
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use svckit::Time;
use tokio::{net::TcpStream, time::timeout};

/// What is sent to pods: the client's body, as it comes.
pub(super) type Sender = SendRequest<Limited<Incoming>>;

/// How many unused connections are kept for one pod.
const MAX_IDLE: usize = 64;

/// Unused connections by pod.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<SocketAddr, Vec<(Sender, Time)>>>,
}

impl Pool {
    /// A connection that was used before and still stands.
    pub(super) fn take(&self, pod: SocketAddr) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = idle.get_mut(&pod)?;
        while let Some((sender, _)) = senders.pop() {
            if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    /// Keeps a connection for the next request.
    fn put(&self, pod: SocketAddr, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = idle.entry(pod).or_default();
        if senders.len() < MAX_IDLE {
            senders.push((sender, crate::clock::now()));
        }
    }

    /// Closes connections that are broken, or that nobody has used for as long as this.
    pub(super) fn forget_idle(&self, keep: Duration) {
        let now = crate::clock::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        for senders in idle.values_mut() {
            senders.retain(|(sender, since)| {
                !sender.is_closed() && now.saturating_since(*since) < keep
            });
        }
        idle.retain(|_, senders| !senders.is_empty());
    }
}

/// Opens a connection to a pod.
pub(super) async fn connect(pod: SocketAddr, patience: Duration) -> io::Result<Sender> {
    let stream = timeout(patience, TcpStream::connect(pod)).await??;
    stream.set_nodelay(true)?;
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // How it ends is seen by whoever waits for an answer on it.
    tokio::spawn(connection.with_upgrades());
    Ok(sender)
}

/// A pod's body; when it is over, its connection goes back to the pool.
#[derive(Debug)]
pub(super) struct PooledBody {
    body: Incoming,
    connection: Option<(Arc<Pool>, SocketAddr, Sender)>,
}

impl PooledBody {
    pub(super) fn new(body: Incoming, pool: Arc<Pool>, pod: SocketAddr, sender: Sender) -> Self {
        Self { body, connection: Some((pool, pod, sender)) }
    }

    /// A body whose connection serves nobody else.
    pub(super) const fn last(body: Incoming) -> Self {
        Self { body, connection: None }
    }

    /// Gives the connection back once it can take another request.
    fn finish(&mut self) {
        let Some((pool, pod, mut sender)) = self.connection.take() else { return };
        if sender.is_ready() {
            pool.put(pod, sender);
            return;
        }
        tokio::spawn(async move {
            if sender.ready().await.is_ok() {
                pool.put(pod, sender);
            }
        });
    }
}

impl Body for PooledBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(None) => self.finish(),
            // A broken connection is good for nothing.
            Poll::Ready(Some(Err(_))) => self.connection = None,
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for PooledBody {
    fn drop(&mut self) {
        // With a length, the last bytes may be read without anyone asking for the end; a body that was cut off leaves
        // a connection that never becomes ready.
        if self.body.is_end_stream() {
            self.finish();
        }
    }
}
