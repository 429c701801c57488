//! How a DNS server is, over HTTP.
//!
//! ```text
//! /health   200 while the process runs
//! /ready    200 once everything has been told, 503 before
//! /healthz  200 while one name resolves, asked over UDP as clients do; 503 with the reason when not
//! /metrics  counters, for Prometheus
//! ```

use super::{super::listeners::listen_beside_pods, Server};
use crate::clock;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use svckit::dns::{Message, Name, Type};
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::Semaphore,
    task::JoinHandle,
    time::timeout,
};

/// How long the server may take to answer its own question.
const PATIENCE: Duration = Duration::from_secs(1);
/// Connections at once.
const CONNECTIONS: usize = 64;

/// What is asked about.
struct Asked {
    server: SocketAddr,
    names: Arc<dyn super::Names>,
    metrics: Arc<super::Metrics>,
    /// What must resolve.
    name: Name,
}

/// An HTTP server that tells; it ends when it is dropped.
#[derive(Debug)]
pub struct Status {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Status {
    /// Listens on `address` for questions about `server`; `name` is what `/healthz` looks up, in a cluster
    /// `kubernetes.default.svc` and its domain. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// The address can't be bound.
    pub fn bind(address: SocketAddr, server: &Server, name: Name) -> io::Result<Self> {
        let listener = listen_beside_pods(address)?;
        let asked = Asked {
            server: server.local_addr(),
            names: server.names(),
            metrics: server.metrics(),
            name,
        };
        let address = listener.local_addr()?;
        Ok(Self { address, task: tokio::spawn(serve(listener, Arc::new(asked))) })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, asked: Arc<Asked>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let asked = asked.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let service = service_fn(|request| answer(request, asked.clone()));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(5))
                .serve_connection(TokioIo::new(stream), service);
            // Nobody hears that a client went away.
            let _ = timeout(Duration::from_secs(60), connection).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    asked: Arc<Asked>,
) -> Result<Response<Full<Bytes>>, hyper::http::Error> {
    let (status, text) = match request.uri().path() {
        "/health" => (StatusCode::OK, "ok\n".into()),
        "/ready" if asked.names.is_synced() => (StatusCode::OK, "ok\n".into()),
        "/ready" => (StatusCode::SERVICE_UNAVAILABLE, "not everything has been told yet\n".into()),
        "/healthz" => match asked.resolve().await {
            Ok(()) => (StatusCode::OK, "ok\n".into()),
            Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}: {reason}\n", asked.name)),
        },
        "/metrics" => (StatusCode::OK, asked.metrics.text()),
        _ => (StatusCode::NOT_FOUND, "there are /health, /ready, /healthz and /metrics\n".into()),
    };
    Response::builder()
        .status(status)
        .header("content-type", "text/plain; charset=utf-8")
        .body(Full::from(text))
}

impl Asked {
    /// Whether the name has an address, asked as a client asks.
    async fn resolve(&self) -> Result<(), String> {
        let any = if self.server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let asking = async {
            let socket = UdpSocket::bind(any).await?;
            socket.connect(self.server).await?;
            let mut said = String::from("no address");
            for qtype in [1, 28] {
                let id = clock::entropy() as u16;
                socket.send(&Message::question(id, &self.name, Type(qtype))).await?;
                let mut reply = [0; 512];
                let length = socket.recv(&mut reply).await?;
                match Message::decode(reply.get(..length).unwrap_or_default()) {
                    Ok(reply) if reply.id == id && reply.answer.iter().any(is_address) => {
                        return Ok(Ok(()));
                    }
                    Ok(reply) => said = reply.rcode.to_string(),
                    Err(error) => said = error.to_string(),
                }
            }
            Ok::<_, io::Error>(Err(said))
        };
        match timeout(PATIENCE, asking).await {
            Ok(Ok(said)) => said,
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer".into()),
        }
    }
}

fn is_address(record: &svckit::dns::Record) -> bool {
    record.data.as_address().is_some()
}
