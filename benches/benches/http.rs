//! Claim: a request through the proxy costs the same before 10,000 hosts as before 10: its way over two sockets is
//! all that counts.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion's macros, and fixtures that are known"
)]

use arc_swap::ArcSwap;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::{net::SocketAddr, sync::Arc};
use svckit::{
    Seed,
    ingress::{ClassSelection, Router, Routes, Settings},
    model::{
        Change, Ingress, IngressBackend, IngressPath, IngressRule, NamespacedName, PathType, Port,
        ServicePortRef,
    },
};
use svckit_adapters::serve::{
    balancer::Picked,
    http::{Asked, Config, Proxy, Server},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Full sizes to measure; small ones when each bench only runs once.
fn sizes() -> [usize; 3] {
    if !svckit_benches::is_measuring() { [10, 20, 40] } else { [10, 1_000, 10_000] }
}

/// Five paths for each of so many hosts.
fn routes(hosts: usize) -> Arc<Routes> {
    let mut router = Router::new(Settings::default(), ClassSelection::default(), Seed([1; 4]));
    let path = |text: &str| IngressPath {
        path: text.into(),
        path_type: PathType::Prefix,
        backend: IngressBackend::Service {
            name: "web".into(),
            port: ServicePortRef::Number(Port::new(80).unwrap()),
        },
    };
    for host in 0..hosts {
        let paths = ["/", "/api", "/api/v1", "/static", "/login"].map(path).into();
        router.apply(&Change::Ingress(Arc::new(Ingress {
            key: NamespacedName::new("n", format!("web-{host}").as_str()),
            created: 0,
            uid: "".into(),
            class: None,
            default_backend: None,
            rules: vec![IngressRule { host: Some(format!("h{host}.example").into()), paths }],
            tls: vec![],
            annotations: vec![],
        })));
    }
    router.routes()
}

/// A pod that answers whatever ends with an empty line.
async fn pod() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(1..) = stream.read(&mut buffer).await {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n";
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    });
    addr
}

fn request(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = c.benchmark_group("http/request");
    for hosts in sizes() {
        let (server, mut client) = runtime.block_on(async {
            let pod = pod().await;
            let pick =
                move |_: &Asked<'_>| Some(Picked { backends: vec![pod], ..Picked::default() });
            let routes = Arc::new(ArcSwap::new(routes(hosts)));
            let proxy = Arc::new(Proxy::new(routes, Arc::new(pick), Config::default()));
            let server = Server::start(([127, 0, 0, 1], 0).into(), proxy, None).unwrap();
            let client = TcpStream::connect(server.local_addr()).await.unwrap();
            (server, client)
        });
        let ask = format!("GET /api/v1/x HTTP/1.1\r\nHost: h{}.example\r\n\r\n", hosts / 2);
        let mut buffer = [0; 4096];
        group.bench_function(BenchmarkId::from_parameter(hosts), |b| {
            b.iter(|| {
                runtime.block_on(async {
                    client.write_all(ask.as_bytes()).await.unwrap();
                    let length = client.read(&mut buffer).await.unwrap();
                    assert!(buffer.starts_with(b"HTTP/1.1 200") && length > 50);
                });
            });
        });
        drop(server);
    }
    group.finish();
}

criterion_group!(benches, request);
criterion_main!(benches);
