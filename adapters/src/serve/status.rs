//! Small pages over HTTP/1.1 for probes and scrapers.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, body::Incoming, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::{self, AddressFamily, SocketFlags, SocketType};
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
};

/// How long a client may take to send a question.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connections of one listener at once; further ones wait.
const CONNECTIONS: usize = 256;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The status: 200, 404, 503.
    pub status: u16,
    /// The media type of the body.
    pub media: &'static str,
    /// Headers besides that.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// Answers a path.
pub type Answer = dyn Fn(&str) -> Page + Send + Sync;

/// A listener that answers; it stops when this is dropped.
#[derive(Debug)]
pub struct Status {
    local_addr: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Status {
    /// Listens on `addr`. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// The address can't be listened on.
    pub fn bind(addr: SocketAddr, answer: Arc<Answer>) -> io::Result<Self> {
        let listener = TcpListener::from_std(listen(addr)?)?;
        let local_addr = listener.local_addr()?;
        Ok(Self { local_addr, accepting: tokio::spawn(accept(listener, answer)) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A listener of one family alone: all addresses of IPv6 are none of IPv4.
fn listen(addr: SocketAddr) -> io::Result<std::net::TcpListener> {
    let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(family, SocketType::STREAM, flags, None)?;
    net::sockopt::set_socket_reuseaddr(&socket, true)?;
    if addr.is_ipv6() {
        net::sockopt::set_ipv6_v6only(&socket, true)?;
    }
    net::bind(&socket, &addr)?;
    net::listen(&socket, 128)?;
    Ok(socket.into())
}

async fn accept(listener: TcpListener, answer: Arc<Answer>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Only fails when the semaphore is closed, which nobody does.
        let place = places.clone().acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let answer = answer.clone();
                tokio::spawn(async move {
                    serve(stream, answer).await;
                    drop(place);
                });
            }
            // Out of descriptors: some connection will end.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn serve(stream: TcpStream, answer: Arc<Answer>) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let page = answer(request.uri().path());
        async move { Ok::<_, Infallible>(response(page)) }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    // A client that breaks off has nobody left to tell.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

fn response(page: Page) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = Response::builder().status(status).header(header::CONTENT_TYPE, page.media);
    for (name, value) in page.headers {
        builder = builder.header(name, value);
    }
    // Only fails for names and values that can't be headers; ours are numbers and words.
    builder.body(Full::from(page.body)).unwrap_or_default()
}
