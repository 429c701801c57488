//! The HTTP face of a simulated pod: says who it is, and what it was asked.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, fmt::Write, net::SocketAddr, sync::Arc};
use tokio::net::TcpStream;

use super::Identity;

/// Serves the requests of one connection.
pub(super) async fn serve(stream: TcpStream, client: SocketAddr, identity: Arc<Identity>) {
    let service = service_fn(move |request| answer(request, client, identity.clone()));
    // A client that breaks off has nobody left to tell.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Who we are, the request line, the headers, the length of the body.
async fn answer(
    request: Request<Incoming>,
    client: SocketAddr,
    identity: Arc<Identity>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let length = body.collect().await.map_or(0, |body| body.to_bytes().len());
    let mut text = identity.line(client);
    // Writing to a String can't fail.
    let _ = writeln!(text, "{} {} {:?}", head.method, head.uri, head.version);
    for (name, value) in &head.headers {
        let _ = writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    let _ = writeln!(text, "body: {length} bytes");
    let mut response = Response::new(Full::new(Bytes::from(text)));
    let headers = response.headers_mut();
    headers.insert(
        "content-type",
        hyper::header::HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if let Ok(pod) = identity.pod.parse() {
        headers.insert("x-pod", pod);
    }
    Ok(response)
}
