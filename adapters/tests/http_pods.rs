//! What the proxy speaks to pods: HTTP/1.1 or HTTP/2, over TLS or not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't go on fails")]

mod http;

use http::{Web, World, routes_to, status};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use svckit_adapters::serve::http::Config;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

/// A body whose length nobody is told, as gRPC's are: clients that know it don't wait for trailers.
struct Unmeasured<B>(B);

impl<B: hyper::body::Body + Unpin> hyper::body::Body for Unmeasured<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<B::Data>, B::Error>>> {
        std::pin::Pin::new(&mut self.0).poll_frame(context)
    }
}

/// A pod that speaks HTTP/2, or HTTP/1.1, over TLS if it has a certificate. It says what it was asked, with trailers.
async fn pod(acceptor: Option<TlsAcceptor>, http2: bool) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pod = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            match acceptor.clone() {
                Some(acceptor) => {
                    let stream = acceptor.accept(stream).await.unwrap();
                    tokio::spawn(speak(stream, http2))
                }
                None => tokio::spawn(speak(stream, http2)),
            };
        }
    });
    (pod, accepted)
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, http2: bool) {
    let service = service_fn(|request: Request<Incoming>| async move {
        let te = request.headers().get("te").map(|te| te.to_str().unwrap().to_owned());
        let text = format!("{:?} {} te={te:?}\n", request.version(), request.uri());
        // A server that leaves the request unread resets the stream, which may overtake the trailers.
        request.into_body().collect().await.unwrap();
        let trailers = async {
            Some(Ok([("grpc-status".parse().unwrap(), "0".parse().unwrap())].into_iter().collect()))
        };
        let body = Full::new(bytes::Bytes::from(text)).with_trailers(Box::pin(trailers));
        Ok::<_, std::convert::Infallible>(Response::new(Unmeasured(body)))
    });
    let stream = TokioIo::new(stream);
    // However the proxy ends it.
    if http2 {
        let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await;
    } else {
        let _ = http1::Builder::new().serve_connection(stream, service).await;
    }
}

/// What accepts connections with a certificate that nobody vouches for, and agrees to this protocol.
fn acceptor(protocol: &str) -> TlsAcceptor {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["pod".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// gRPC: HTTP/2 from end to end, with trailers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_speak_http_2_get_it() {
    let (pod, accepted) = pod(None, true).await;
    let annotations = &[("backend-protocol", "GRPC")];
    let web = Web { host: "h", annotations, ..Web::default() };
    let world = World::with_pods(&[web], Config::default(), vec![("web".into(), pod)]);
    for _ in 0..3 {
        let words =
            ["--http2-prior-knowledge", "-H", "TE: trailers", "-d", "x", "http://h:{http}/p.S/M"];
        let answer = world.curl(&words).await;
        let port = world.http.local_addr().port();
        let want = format!("HTTP/2.0 http://h:{port}/p.S/M te=Some(\"trailers\")\n");
        assert!(answer.contains(&want) && answer.contains("grpc-status: 0"), "{answer}");
    }
    assert_eq!(accepted.load(Ordering::Relaxed), 1, "requests share a connection");
}

/// Over TLS or not, by HTTP/1.1 or 2: as the annotation says, or the port of the Service.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_are_spoken_to_as_they_want() {
    for (annotation, app_protocol, tls, http2) in [
        (Some("HTTPS"), None, true, false),
        (Some("GRPCS"), None, true, true),
        (None, Some("https"), true, false),
        (None, Some("grpcs"), true, true),
        (None, Some("kubernetes.io/h2c"), false, true),
        (Some("HTTPS"), Some("kubernetes.io/h2c"), true, false),
        (None, Some("mysql"), false, false),
    ] {
        let acceptor = tls.then(|| acceptor(if http2 { "h2" } else { "http/1.1" }));
        let (pod, _) = pod(acceptor, http2).await;
        let annotations: Vec<_> =
            annotation.map(|it| ("backend-protocol", it)).into_iter().collect();
        let web = Web { host: "h", annotations: &annotations, ..Web::default() };
        let world = World::with_pods(&[], Config::default(), vec![("web".into(), pod)]);
        world.routes.store(routes_to(&[web], app_protocol));
        let answer = world.curl(&["http://h:{http}/a"]).await;
        let said = if http2 { "HTTP/2.0 " } else { "HTTP/1.1 /a " };
        assert!(answer.contains(said), "{annotation:?} {app_protocol:?}: {answer}");
        assert_eq!(status(&answer), 200, "{annotation:?} {app_protocol:?}: {answer}");
    }
}
