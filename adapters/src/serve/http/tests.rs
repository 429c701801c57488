//! The proxy before real pods, asked by real curl and by hand over TCP.

use super::*;
use std::{
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
};
use svckit::{
    Seed,
    ingress::{ClassSelection, Router, Settings},
    model::*,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Routes of `n/web`: `path Service` for each word, on every host.
fn routes(paths: &[(&str, &str)]) -> Arc<ArcSwap<Routes>> {
    let port = Port::new(80).unwrap();
    let path = |(path, service): &(&str, &str)| IngressPath {
        path: (*path).into(),
        path_type: PathType::Prefix,
        backend: IngressBackend::Service {
            name: (*service).into(),
            port: ServicePortRef::Number(port),
        },
    };
    let rules = vec![IngressRule { host: None, paths: paths.iter().map(path).collect() }];
    let mut router = Router::new(Settings::default(), ClassSelection::default(), Seed([1; 4]));
    router.apply(&Change::Ingress(Arc::new(Ingress {
        key: NamespacedName::new("n", "web"),
        created: 0,
        uid: "".into(),
        class: None,
        default_backend: None,
        rules,
        tls: vec![],
        annotations: vec![],
    })));
    Arc::new(ArcSwap::new(router.routes()))
}

/// A proxy whose backend `web` is these pods, to be tried in this order; others have no endpoints.
fn proxy(config: Config, pods: Vec<SocketAddr>) -> Server {
    let pick = move |asked: &Asked<'_>| {
        let backends = if &*asked.backend.service.name == "web" { pods.clone() } else { vec![] };
        Some(Picked { backends, ..Picked::default() })
    };
    let routes = routes(&[("/", "web"), ("/none", "none")]);
    let proxy = Arc::new(Proxy::new(routes, Arc::new(pick), config));
    Server::start(([127, 0, 0, 1], 0).into(), proxy, None).unwrap()
}

/// A pod that answers each connection with the same bytes after it has read a head, and reports what it was sent.
async fn pod(answer: &'static str) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let tell = tell.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                loop {
                    let Ok(length @ 1..) = stream.read(&mut buffer).await else { return };
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    let _ = tell.send(text);
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    (addr, told)
}

/// A port where nobody listens.
fn closed() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Sends bytes and returns all that comes back until the end, or for a second.
async fn raw(server: &Server, bytes: &str) -> String {
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut came = Vec::new();
    let _ = timeout(Duration::from_secs(1), stream.read_to_end(&mut came)).await;
    String::from_utf8_lossy(&came).into_owned()
}

async fn curl(server: &Server, path: &str, args: &[&str]) -> String {
    let url = format!("http://{}{path}", server.local_addr());
    let mut command = std::process::Command::new("curl");
    command
        .args(["-sS", "--path-as-is", "--max-time", "5", "-w", " [%{http_code}]"])
        .args(args)
        .arg(url)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

const OK: &str =
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\r\nhi\n";

#[tokio::test]
async fn curl_gets_its_answers() {
    let (pod, mut told) = pod(OK).await;
    let server = proxy(Config::default(), vec![pod]);
    assert_eq!(
        curl(&server, "/a//b/../c?q=%2f", &["-H", "Host: Shop.example"]).await,
        "hi\n [200]"
    );
    let request = told.recv().await.unwrap();
    assert!(request.starts_with("GET /a/c?q=%2f HTTP/1.1\r\n"), "{request}");
    let wanted = ["host: Shop.example", "x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http"];
    for line in wanted.iter().chain(&["x-real-ip: 127.0.0.1", "x-forwarded-host: Shop.example"]) {
        assert!(request.lines().any(|given| given == *line), "{line} in {request}");
    }
    let statuses = [
        ("no endpoints", "/none", "503 Service Unavailable: n/none:80 has no endpoints\n [503]"),
        ("bad path", "/../etc", "400 Bad Request: bad path: '..' climbs above the root\n [400]"),
    ];
    for (name, path, want) in statuses {
        assert_eq!(curl(&server, path, &[]).await, want, "{name}");
    }
    server.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn nobody_takes_what_has_no_route() {
    let empty = Router::new(Settings::default(), ClassSelection::default(), Seed([1; 4])).routes();
    let routes = Arc::new(ArcSwap::new(empty));
    let server = Server::bind(([127, 0, 0, 1], 0).into(), routes, Arc::new(|_: &Asked<'_>| None));
    assert_eq!(curl(&server.unwrap(), "/", &[]).await, "404 Not Found: no route\n [404]");
}

#[tokio::test]
async fn hop_by_hop_headers_stay_on_their_hop() {
    let (pod, mut told) = pod(OK).await;
    let server = proxy(Config::default(), vec![pod]);
    let request = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Secret, Host\r\nX-Secret: 1\r\n\
        TE: trailers\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nProxy: evil\r\n\
        X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n\r\n";
    let answer = raw(&server, request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let lower = answer.to_ascii_lowercase();
    assert!(!lower.contains("x-hop") && lower.contains("server: svckit"), "{answer}");
    let told = told.recv().await.unwrap().to_ascii_lowercase();
    for gone in ["x-secret", "te:", "keep-alive", "upgrade", "http2-settings", "proxy:", "6.6.6.6"]
    {
        assert!(!told.contains(gone), "{gone} in {told}");
    }
    assert!(told.contains("host: h\r\n"), "{told}");
}

#[tokio::test]
async fn what_could_be_framed_in_two_ways_is_refused() {
    let (pod, mut told) = pod(OK).await;
    let server = proxy(Config::default(), vec![pod]);
    let cases = [
        (
            "two lengths",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        ),
        (
            "odd encoding",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "gzip and chunks",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunks in 1.0",
            "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("space before the colon", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nabcde"),
        ("signed length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nabcde"),
        ("folded header", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"),
        ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ("no host", "GET / HTTP/1.1\r\n\r\n"),
        ("bare line feed in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\nY\r\n\r\n"),
    ];
    for (name, request) in cases {
        let answer = raw(&server, request).await;
        assert!(
            answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.0 400"),
            "{name}: {answer:?}"
        );
    }
    assert!(told.try_recv().is_err(), "nothing reached the pod");
    assert!(raw(&server, "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n").await.contains(" 501 "));
}

/// RFC 9112 6.1: the chunks count, and nothing more is read from such a client.
#[tokio::test]
async fn a_length_beside_chunks_smuggles_nothing() {
    let (pod, mut told) = pod(OK).await;
    let server = proxy(Config::default(), vec![pod]);
    for framing in [
        "Content-Length: 41\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 41",
    ] {
        let hidden = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
        let request = format!("POST / HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n0\r\n\r\n{hidden}");
        let answer = raw(&server, &request).await.to_ascii_lowercase();
        assert_eq!(answer.matches("http/1.1 200").count(), 1, "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        let request = told.recv().await.unwrap().to_ascii_lowercase();
        assert!(!request.contains("content-length"), "{request}");
        assert!(request.contains("transfer-encoding: chunked"), "{request}");
    }
    while let Ok(more) = told.try_recv() {
        assert!(!more.contains("smuggled"), "{more}");
    }
}

#[tokio::test]
async fn another_pod_is_tried_before_anything_is_sent() {
    let (pod, _told) = pod(OK).await;
    let server = proxy(Config::default(), vec![closed(), closed(), pod]);
    assert_eq!(curl(&server, "/", &["-d", "x=1"]).await, "hi\n [200]");
    let server = proxy(Config::default(), vec![closed()]);
    assert!(curl(&server, "/", &[]).await.contains("[502]"));
}

#[tokio::test]
async fn pods_that_fail_are_told_apart() {
    let (silent, _) = pod("").await;
    let config = Config { response_timeout: Duration::from_millis(100), ..Config::default() };
    assert!(curl(&proxy(config, vec![silent]), "/", &[]).await.contains("[504]"));
    let (odd, _) = pod("SSH-2.0-x\r\n\r\n").await;
    assert!(curl(&proxy(Config::default(), vec![odd]), "/", &[]).await.contains("[502]"));
}

#[tokio::test]
async fn connections_to_pods_are_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pod = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(1..) = stream.read(&mut buffer).await {
                    stream.write_all(OK.as_bytes()).await.unwrap();
                }
            });
        }
    });
    let server = proxy(Config::default(), vec![pod]);
    for _ in 0..5 {
        assert_eq!(curl(&server, "/", &[]).await, "hi\n [200]");
    }
    assert_eq!(accepted.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn bodies_are_streamed_both_ways() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pod = listener.local_addr().unwrap();
    let server = proxy(Config::default(), vec![pod]);
    let mut client = TcpStream::connect(server.local_addr()).await.unwrap();
    client
        .write_all(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
        .await
        .unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    // The first chunk arrives while the client has not said all.
    let mut came = String::new();
    let mut buffer = [0; 4096];
    while !came.contains("\r\n\r\n2\r\nab\r\n") {
        let length = stream.read(&mut buffer).await.unwrap();
        came += std::str::from_utf8(&buffer[..length]).unwrap();
    }
    // And the answer starts before the request has ended.
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    while !answer.contains("xyz") {
        let length = client.read(&mut buffer).await.unwrap();
        answer += std::str::from_utf8(&buffer[..length]).unwrap();
    }
    client.write_all(b"0\r\n\r\n").await.unwrap();
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    while !answer.ends_with("0\r\n\r\n") {
        let length = client.read(&mut buffer).await.unwrap();
        assert!(length > 0, "{answer}");
        answer += std::str::from_utf8(&buffer[..length]).unwrap();
    }
}

#[tokio::test]
async fn websockets_are_handed_through() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pod = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).await.unwrap();
        let head = String::from_utf8_lossy(&buffer[..length]).to_ascii_lowercase();
        assert!(
            head.contains("upgrade: websocket") && head.contains("sec-websocket-key: k"),
            "{head}"
        );
        let switch =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        stream.write_all(switch.as_bytes()).await.unwrap();
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..length].to_ascii_uppercase()).await.unwrap();
        }
    });
    let server = proxy(Config::default(), vec![pod]);
    let mut client = TcpStream::connect(server.local_addr()).await.unwrap();
    let ask = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n";
    client.write_all(ask.as_bytes()).await.unwrap();
    let mut buffer = [0; 4096];
    let length = client.read(&mut buffer).await.unwrap();
    let head = String::from_utf8_lossy(&buffer[..length]).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101") && head.contains("upgrade: websocket"), "{head}");
    client.write_all(b"hello").await.unwrap();
    let length = client.read(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..length], b"HELLO");
}

#[tokio::test]
async fn stopping_waits_for_requests_and_accepts_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pod = listener.local_addr().unwrap();
    let server = proxy(Config::default(), vec![pod]);
    let addr = server.local_addr();
    let mut client = TcpStream::connect(addr).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let stopping = tokio::spawn(server.stop(Duration::from_secs(5)));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens any more");
    let mut buffer = [0; 4096];
    let _ = stream.read(&mut buffer).await.unwrap();
    stream.write_all(OK.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("hi\n"), "{answer}");
    timeout(Duration::from_secs(2), stopping).await.unwrap().unwrap();
}
