//! Connections to pods.
//!
//! A connection that speaks HTTP/1.1 has no task of its own: whoever waits for its answer drives it, so that a
//! request costs no switch between tasks. One that speaks HTTP/2 serves many requests and runs by itself.

use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{
        TrySendError,
        http1::{self, SendRequest},
        http2,
    },
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};

use super::{Config, patience::Patient, upload::Upload};
use crate::serve::tls;

/// An answer, or the request back when nothing of it was sent.
pub(super) type Answered = Result<Response<Incoming>, TrySendError<Request<Upload>>>;

/// A connection that speaks HTTP/1.1: one request after the other.
pub(super) struct Line {
    sender: SendRequest<Upload>,
    /// `None` when the connection is over.
    driver: Option<Pin<Box<Driver>>>,
    /// Whether it has served a request before.
    pub(super) used: bool,
}

/// What hyper gives no name.
type Driver = dyn Future<Output = hyper::Result<()>> + Send;

/// A connection that speaks HTTP/2: any number of requests at once.
pub(super) type Trunk = http2::SendRequest<Upload>;

/// Where a pod listens, and whether what is said to it is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) pod: SocketAddr,
    pub(super) tls: bool,
}

/// Whatever bytes go over.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for S {}

/// A connection to a pod, for this protocol if it is encrypted.
async fn reach(
    at: Address,
    patience: Duration,
    config: &Config,
    alpn: &'static [u8],
) -> io::Result<Box<dyn Wire>> {
    let connecting = async {
        let stream = TcpStream::connect(at.pod).await?;
        stream.set_nodelay(true)?;
        let stream = Patient::new(stream, config.write_timeout);
        if !at.tls {
            return Ok::<Box<dyn Wire>, io::Error>(Box::new(stream));
        }
        Ok(Box::new(tls::to_pod(stream, at.pod.ip(), alpn).await?) as Box<dyn Wire>)
    };
    timeout(patience, connecting).await?
}

impl Line {
    /// Opens a connection to a pod.
    pub(super) async fn open(at: Address, patience: Duration, config: &Config) -> io::Result<Self> {
        let stream = TokioIo::new(reach(at, patience, config, b"http/1.1").await?);
        let mut builder = http1::Builder::new();
        builder.max_header_size(config.head_bytes);
        let (sender, driver) = builder.handshake(stream).await.map_err(io::Error::other)?;
        Ok(Self { sender, driver: Some(Box::pin(driver.with_upgrades())), used: false })
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn exchange(&mut self, request: Request<Upload>) -> Answered {
        let mut answer = pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        let answer = poll_fn(|context| {
            drive(driver, context);
            answer.as_mut().poll(context)
        });
        answer.await
    }

    /// Lets the connection go on.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        drive(&mut self.driver, context);
    }

    /// Whether it can take another request, as far as can be told without waiting.
    pub(super) fn is_free(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Goes on by itself, to the end: its request has switched protocols.
    pub(super) fn let_go(self) {
        if let Some(driver) = self.driver {
            tokio::spawn(driver);
        }
    }
}

fn drive(driver: &mut Option<Pin<Box<Driver>>>, context: &mut Context<'_>) {
    let over = |driver: &mut Pin<Box<Driver>>| driver.as_mut().poll(context).is_ready();
    // How it ended is told to whoever waits for its answer.
    if driver.as_mut().is_some_and(over) {
        *driver = None;
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("used", &self.used).finish_non_exhaustive()
    }
}

/// Opens a connection to a pod that speaks HTTP/2 from the first byte ("prior knowledge").
pub(super) async fn trunk(at: Address, patience: Duration, config: &Config) -> io::Result<Trunk> {
    let stream = TokioIo::new(reach(at, patience, config, b"h2").await?);
    let (sender, driver) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(config.head_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(20))
        .handshake(stream)
        .await
        .map_err(io::Error::other)?;
    // How it ends is seen by whoever waits for an answer on it.
    tokio::spawn(driver);
    Ok(sender)
}

/// Polls a future that has a line beside it: first the line, which makes the progress.
pub(super) fn poll_beside<T>(
    line: Option<&mut Line>,
    context: &mut Context<'_>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let before = poll(context);
    match line {
        Some(line) if before.is_pending() => {
            line.drive(context);
            poll(context)
        }
        _ => before,
    }
}
