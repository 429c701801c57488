//! Clients that want to be understood in two ways, and clients that want to be waited for.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on fails"
)]

mod http;

use http::{Web, World, status};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use svckit_adapters::serve::http::Config;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout},
};

const SECOND: Duration = Duration::from_secs(1);
const SHORT: Duration = Duration::from_millis(300);

/// A pod that answers each request when it has ended, and keeps all that it was sent.
async fn pod(answer: Vec<u8>) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let told: Arc<Mutex<Vec<u8>>> = Arc::default();
    let seen = told.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (seen, answer) = (seen.clone(), answer.clone());
            tokio::spawn(async move {
                let mut request = Vec::new();
                let mut buffer = [0; 65_536];
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    seen.lock().unwrap().extend(&buffer[..length]);
                    request.extend(&buffer[..length]);
                    let text = String::from_utf8_lossy(&request).to_lowercase();
                    let body = text.contains("transfer-encoding");
                    if text.ends_with(if body { "\r\n0\r\n\r\n" } else { "\r\n\r\n" }) {
                        request.clear();
                        let _ = stream.write_all(&answer).await;
                    }
                }
            });
        }
    });
    (addr, told)
}

async fn world(answer: Vec<u8>, config: Config) -> (World, Arc<Mutex<Vec<u8>>>) {
    let (addr, told) = pod(answer).await;
    let web = Web { host: "h", ..Web::default() };
    (World::with_pods(&[web], config, vec![("web".into(), addr)]), told)
}

fn ok() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n".to_vec()
}

/// Heads that are refused before anything of them reaches a pod.
const BAD_HEADS: [(&str, &[u8]); 36] = [
    ("lengths that differ", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    ("a list of lengths", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2, 3\r\n\r\nab"),
    ("a signed length", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +2\r\n\r\nab"),
    ("a negative length", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -2\r\n\r\nab"),
    ("a length in hexadecimal", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x2\r\n\r\nab"),
    ("a length with a space in it", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1 2\r\n\r\nab"),
    ("a length beyond all numbers", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n"),
    ("an empty length", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n"),
    ("an odd encoding", b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("identity", b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n"),
    ("chunked not last", b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    ("chunked twice", b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    ("two encodings", b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    ("a tab in the encoding", b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    ("quotes", b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    ("chunks in HTTP/1.0", b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("a space before the colon", b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    ("a folded header", b"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"),
    ("a folded encoding", b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    ("a space before the first header", b"GET / HTTP/1.1\r\n Host: h\r\n\r\n"),
    ("a header without a colon", b"GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n"),
    ("a header without a name", b"GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n"),
    ("a NUL", b"GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"),
    ("a bare CR", b"GET / HTTP/1.1\r\nHost: h\r\nX: a\rContent-Length: 5\r\n\r\n"),
    ("a bare LF in a value", b"GET / HTTP/1.1\r\nHost: h\r\nX: a\nY\r\n\r\n"),
    ("two hosts", b"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n"),
    ("a host twice", b"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"),
    ("a list of hosts", b"GET / HTTP/1.1\r\nHost: h, i\r\n\r\n"),
    ("an empty host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    ("no host", b"GET / HTTP/1.1\r\n\r\n"),
    ("a user in the host", b"GET / HTTP/1.1\r\nHost: i@h\r\n\r\n"),
    ("a bad host beside an absolute target", b"GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n"),
    ("two spaces", b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("another version", b"GET / HTTP/3.0\r\nHost: h\r\n\r\n"),
    ("above the root", b"GET /a/../../b HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("an escaped NUL", b"GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n"),
];

#[tokio::test]
async fn what_two_servers_could_read_in_two_ways_is_refused() {
    let (world, told) = world(ok(), Config::default()).await;
    for (name, head) in BAD_HEADS {
        // What follows must not be taken for a request.
        let request = [head, b"GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"].concat();
        let answer = world.raw(&request, SECOND).await;
        assert!((400..=505).contains(&status(&answer)), "{name}: {answer:?}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{name}: {answer:?}");
    }
    assert_eq!(String::from_utf8_lossy(&told.lock().unwrap()), "", "nothing reached the pod");
}

/// RFC 9110 8.6 lets a proxy make one of lengths that say the same.
#[tokio::test]
async fn a_length_is_passed_on_once() {
    let web = Web { host: "h", ..Web::default() };
    let world = World::new(&[web], Config::default());
    for lengths in ["Content-Length: 2\r\nContent-Length: 2", "Content-Length: 2, 2"] {
        let request =
            format!("POST / HTTP/1.1\r\nHost: h\r\n{lengths}\r\nConnection: close\r\n\r\nab");
        let answer = world.raw(request.as_bytes(), SECOND).await;
        let once =
            answer.matches("content-length: 2\n").count() == 1 && answer.contains("body: 2 bytes");
        assert!(once || status(&answer) == 400, "{lengths}: {answer}");
    }
}

#[tokio::test]
async fn bodies_that_break_their_framing_end_both_connections() {
    let (world, told) = world(ok(), Config::default()).await;
    let chunks: [(&str, &[u8]); 10] = [
        ("no number", b"zz\r\nab\r\n0\r\n\r\n"),
        ("an empty number", b"\r\nab\r\n0\r\n\r\n"),
        ("a sign", b"+2\r\nab\r\n0\r\n\r\n"),
        ("a prefix", b"0x2\r\nab\r\n0\r\n\r\n"),
        ("beyond all numbers", b"fffffffffffffffff\r\nab\r\n0\r\n\r\n"),
        ("longer than said", b"2\r\nabc\r\n0\r\n\r\n"),
        ("a bare LF after the number", b"2\nab\r\n0\r\n\r\n"),
        ("a bare LF after the data", b"2\r\nab\n0\r\n\r\n"),
        ("a bare CR in an extension", b"2;a\rb\r\nab\r\n0\r\n\r\n"),
        ("a bare LF at the end", b"2\r\nab\r\n0\n\n"),
    ];
    for (name, chunks) in chunks {
        let head = b"POST /start HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        let request = [head, chunks, b"GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"].concat();
        let answer = world.raw(&request, SECOND).await;
        assert!(answer.is_empty() || status(&answer) == 400, "{name}: {answer:?}");
        assert!(answer.matches("HTTP/1.").count() <= 1, "{name}: {answer:?}");
    }
    // Every request after a broken one came on a connection of its own, or it would be part of a body.
    let answer =
        world.raw(b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", SECOND).await;
    assert_eq!(status(&answer), 200, "{answer}");
    let told = String::from_utf8_lossy(&told.lock().unwrap()).into_owned();
    assert!(!told.contains("/hidden"), "{told}");
}

/// Pods that break off, say two things at once, or never end a head.
#[tokio::test]
async fn pods_are_not_believed_either() {
    let cases: [(&str, &[u8], bool); 8] = [
        ("cut off", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi", false),
        ("lengths that differ", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", false),
        ("no HTTP", b"220 mail ready\r\n", false),
        ("a bad chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false),
        ("a folded header", b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", false),
        ("switches unasked", b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", false),
        ("an early hint", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        ("up to the end", b"HTTP/1.0 200 OK\r\n\r\nhi", true),
    ];
    for (name, bytes, good) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(bytes).await;
                let _ = stream.shutdown().await;
            }
        });
        let web = Web { host: "h", ..Web::default() };
        let world = World::with_pods(&[web], Config::default(), vec![("web".into(), addr)]);
        let answer = world.curl(&["http://h:{http}/"]).await;
        let fine = answer.contains("[200 HTTP/1.1]") && !answer.contains("curl: (");
        assert_eq!(fine, good, "{name}: {answer}");
    }
}

#[tokio::test]
async fn nobody_is_waited_for_for_ever() {
    let config = || {
        let mut config = Config::default();
        (config.head_timeout, config.body_timeout, config.write_timeout) = (SHORT, SHORT, SHORT);
        config.handshake_timeout = SHORT;
        config
    };
    let (world, _told) = world(ok(), config()).await;
    // A head that comes byte by byte, a connection that says nothing, half a preface, half a handshake.
    let starts: [(&str, &[u8]); 4] = [
        ("a slow head", b"GET / HTTP/1.1\r\nHost: h\r\nX: "),
        ("silence", b""),
        ("half a preface", b"PR"),
        ("HTTP/2 and then silence", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
    ];
    for (name, start) in starts {
        let mut stream = TcpStream::connect(world.http.local_addr()).await.unwrap();
        stream.write_all(start).await.unwrap();
        let started = Instant::now();
        let mut came = [0; 1024];
        while started.elapsed() < 10 * SECOND {
            match timeout(SHORT / 10, stream.read(&mut came)).await {
                Ok(Ok(1..)) => {}
                Ok(_) => break,
                Err(_) if name == "a slow head" => drop(stream.write_all(b"x").await),
                Err(_) => {}
            }
        }
        assert!(started.elapsed() < 10 * SECOND, "{name}");
    }
    let mut silent = TcpStream::connect(world.https.local_addr()).await.unwrap();
    let end = timeout(10 * SECOND, silent.read(&mut [0; 16])).await;
    assert!(matches!(end, Ok(Ok(0) | Err(_))), "a handshake that never comes: {end:?}");
    // A body that stops.
    let head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab";
    assert_eq!(status(&world.raw(head, 10 * SECOND).await), 408);
    none_left(&world).await;
}

/// Until all connections are closed.
async fn none_left(world: &World) {
    let until = Instant::now() + 10 * SECOND;
    while world.proxy.metrics().connections() > 0 {
        assert!(Instant::now() < until, "{} are left", world.proxy.metrics().connections());
        sleep(SHORT / 10).await;
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut() {
    let mut large = b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n".to_vec();
    large.resize(50_000_000, b'x');
    let mut config = Config::default();
    config.write_timeout = SHORT;
    let (world, _told) = world(large, config).await;
    let mut stream = TcpStream::connect(world.http.local_addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    none_left(&world).await;
    drop(stream);
}

#[tokio::test]
async fn heads_have_a_largest_size() {
    let mut config = Config::default();
    config.head_bytes = 8 << 10;
    let (world, told) = world(ok(), config).await;
    let long = |name: &str, length: usize| format!("{name}{}", "a".repeat(length));
    let cases = [
        (
            "a large header",
            format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n\r\n", long("X: ", 9 << 10)),
        ),
        ("many headers", format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(200))),
        ("a long target", format!("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", long("/", 9 << 10))),
    ];
    for (name, request) in cases {
        let answer = world.raw(request.as_bytes(), SECOND).await;
        assert!(matches!(status(&answer), 400 | 414 | 431), "{name}: {answer}");
    }
    assert!(told.lock().unwrap().is_empty());
    // Nothing is kept of a head that never ends.
    let mut stream = TcpStream::connect(world.http.local_addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n").await.unwrap();
    let endless = async {
        while stream.write_all(b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n").await.is_ok() {}
    };
    assert!(timeout(10 * SECOND, endless).await.is_ok(), "it ends");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let mut config = Config::default();
    config.connections = 2;
    let (world, _told) = world(ok(), config).await;
    let held = [
        TcpStream::connect(world.http.local_addr()).await.unwrap(),
        TcpStream::connect(world.http.local_addr()).await.unwrap(),
    ];
    let until = Instant::now() + 10 * SECOND;
    while world.proxy.metrics().connections() < 2 {
        assert!(Instant::now() < until);
        sleep(SHORT / 30).await;
    }
    let request = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert_eq!(world.raw(request, SHORT).await, "", "there is no place");
    drop(held);
    assert_eq!(status(&world.raw(request, 10 * SECOND).await), 200);
}
