//! The proxy as real clients see it: TLS, both versions of HTTP, route options, upgrades, and changes under load.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on fails"
)]

mod http;

use http::{Web, World, header, routes, status};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use svckit_adapters::serve::http::Config;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

/// A file that goes when the test does.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("svckit-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_versions_with_and_without_tls() {
    let world = World::new(&[Web { tls: true, ..Web::default() }], Config::default());
    let trusted = Temporary::new("trusted.pem", &world.authority.certificate());
    let trust = ["--cacert", trusted.0.to_str().unwrap()];
    let (http, https) =
        ("http://shop.example.com:{http}/a?b", "https://shop.example.com:{https}/a?b");
    let cases = [
        ("1.1", vec!["--http1.1", http], "[200 HTTP/1.1]", "http"),
        ("1.0", vec!["--http1.0", http], "[200 HTTP/1", "http"),
        ("2, prior knowledge", vec!["--http2-prior-knowledge", http], "[200 HTTP/2]", "http"),
        ("1.1 over TLS", vec!["--http1.1", trust[0], trust[1], https], "[200 HTTP/1.1]", "https"),
        ("2 over TLS", vec!["--http2", trust[0], trust[1], https], "[200 HTTP/2]", "https"),
        ("TLS 1.2", vec!["--tls-max", "1.2", trust[0], trust[1], https], "[200 HTTP/2]", "https"),
    ];
    for (name, words, want, proto) in cases {
        let answer = world.curl(&words).await;
        assert!(answer.contains(want), "{name}: {answer}");
        assert!(answer.contains("GET /a?b HTTP/1.1\n"), "{name}: {answer}");
        assert_eq!(header(&answer, "x-forwarded-proto"), Some(proto), "{name}: {answer}");
        let host = header(&answer, "x-forwarded-host").unwrap_or_default();
        assert!(host.starts_with("shop.example.com:"), "{name}: {answer}");
    }
    // What is not to be trusted is not trusted, and old versions of TLS are not spoken.
    let answer = world.curl(&[https]).await;
    assert!(answer.contains("curl: (60)"), "{answer}");
    let answer = world.curl(&["--tls-max", "1.1", "-k", https]).await;
    assert!(answer.contains("curl: (35)"), "{answer}");
    // An upgrade to HTTP/2 is not agreed to: h2c would be a tunnel past every rule.
    let answer = world.curl(&["--http2", http]).await;
    assert!(answer.contains("[200 HTTP/1.1]") && !answer.contains("HTTP2-Settings"), "{answer}");
    let mut metrics = String::new();
    world.proxy.metrics().write(&mut metrics).unwrap();
    assert!(metrics.contains("svckit_http_requests_total{status=\"200\"} 7"), "{metrics}");
    assert!(metrics.contains("svckit_http_tls_failures_total 2"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_any_size_pass_both_ways() {
    let world = World::new(&[Web::default()], Config::default());
    let body = Temporary::new("body", &"x".repeat(3_000_000));
    let data = format!("@{}", body.0.display());
    let ports = ["http://shop.example.com:{http}/", "https://shop.example.com:{https}/"];
    for (version, url) in [("--http1.1", ports[0]), ("--http2", ports[1]), ("--http1.1", ports[1])]
    {
        for framing in ["Content-Type: text/plain", "Transfer-Encoding: chunked"] {
            let words =
                ["-k", version, "-H", "Expect:", "-H", framing, "--data-binary", &data, url];
            let answer = world.curl(&words).await;
            assert!(answer.contains("body: 3000000 bytes"), "{version} {framing}: {answer}");
        }
    }
}

/// The answer of a route with these annotations to a request with these words of curl.
struct Case<'a> {
    name: &'a str,
    annotations: &'a [(&'a str, &'a str)],
    words: &'a [&'a str],
    status: u16,
    /// Lines that the answer has, in any case of letters.
    lines: &'a [&'a str],
}

fn case<'a>(
    name: &'a str,
    annotations: &'a [(&'a str, &'a str)],
    words: &'a [&'a str],
    status: u16,
    lines: &'a [&'a str],
) -> Case<'a> {
    Case { name, annotations, words, status, lines }
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn options() -> Vec<Case<'static>> {
    let plain = &["http://shop.example.com:{http}/web/a?b"];
    let origin = &["-H", "Origin: https://a.example", "http://shop.example.com:{http}/"];
    let preflight = &[
        "-X",
        "OPTIONS",
        "-H",
        "Origin: https://a.example",
        "-H",
        "Access-Control-Request-Method: PUT",
        "http://shop.example.com:{http}/",
    ];
    let cors: &[_] = &[("enable-cors", "true"), ("cors-allow-origin", "https://a.example")];
    vec![
        case("none", &[], plain, 200, &["GET /web/a?b HTTP/1.1", "server: svckit"]),
        case(
            "permanent",
            &[("permanent-redirect", "https://new.example/x")],
            plain,
            301,
            &["location: https://new.example/x"],
        ),
        case(
            "temporal",
            &[("temporal-redirect", "/y"), ("temporal-redirect-code", "307")],
            plain,
            307,
            &["location: /y"],
        ),
        case(
            "ssl",
            &[("force-ssl-redirect", "true")],
            plain,
            308,
            &["location: https://shop.example.com/web/a?b"],
        ),
        case(
            "app root",
            &[("app-root", "/home")],
            &["http://shop.example.com:{http}/"],
            302,
            &["location: /home"],
        ),
        case("from elsewhere", &[("whitelist-source-range", "10.0.0.0/8")], plain, 403, &[]),
        case("from here", &[("whitelist-source-range", "127.0.0.0/8")], plain, 200, &[]),
        case("not from here", &[("denylist-source-range", "127.0.0.1")], plain, 403, &[]),
        case(
            "too large",
            &[("proxy-body-size", "3")],
            &["-d", "abcd", "http://shop.example.com:{http}/"],
            413,
            &[],
        ),
        case(
            "too large, in chunks",
            &[("proxy-body-size", "3")],
            &["-H", "Transfer-Encoding: chunked", "-d", "abcd", "http://shop.example.com:{http}/"],
            413,
            &[],
        ),
        case(
            "just so large",
            &[("proxy-body-size", "4")],
            &["-d", "abcd", "http://shop.example.com:{http}/"],
            200,
            &["body: 4 bytes"],
        ),
        case(
            "upstream host",
            &[("upstream-vhost", "inside.example"), ("x-forwarded-prefix", "/web")],
            plain,
            200,
            &["host: inside.example", "x-forwarded-prefix: /web"],
        ),
        case(
            "cors",
            cors,
            origin,
            200,
            &["access-control-allow-origin: https://a.example", "vary: origin"],
        ),
        case(
            "preflight",
            cors,
            preflight,
            204,
            &["access-control-allow-origin: https://a.example", "access-control-max-age: 1728000"],
        ),
        case("needs proof", &[("auth-url", "http://auth.example")], plain, 503, &[]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn route_options_are_carried_out() {
    for Case { name, annotations, words, status: want, lines } in options() {
        let world = World::new(&[Web { annotations, ..Web::default() }], Config::default());
        let answer = world.curl(words).await;
        assert_eq!(status(&answer), want, "{name}: {answer}");
        for line in lines {
            let found = answer.lines().any(|given| given.trim_end().eq_ignore_ascii_case(line));
            assert!(found, "{name}: {line} in {answer}");
        }
    }
    // A page of another site gets no permission.
    let annotations = &[("enable-cors", "true"), ("cors-allow-origin", "https://a.example")];
    let world = World::new(&[Web { annotations, ..Web::default() }], Config::default());
    let words = ["-H", "Origin: https://evil.example", "http://shop.example.com:{http}/"];
    let answer = world.curl(&words).await;
    assert!(
        status(&answer) == 200 && header(&answer, "access-control-allow-origin").is_none(),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canaries_take_their_part_and_paths_are_rewritten() {
    let canary = [
        ("canary", "true"),
        ("canary-by-header", "X-Canary"),
        ("canary-by-cookie", "taste"),
        ("canary-weight", "0"),
    ];
    let webs = [
        Web {
            paths: &[("/", "web"), ("/api(/|$)(.*)", "api")],
            annotations: &[("rewrite-target", "/$2")],
            ..Web::default()
        },
        Web { name: "next", host: "b.example", ..Web::default() },
        Web {
            name: "next-canary",
            host: "b.example",
            paths: &[("/", "canary")],
            annotations: &canary,
            ..Web::default()
        },
    ];
    let world = World::new(&webs, Config::default());
    let answer = world.curl(&["http://shop.example.com:{http}/api/cart/7?x=/api/"]).await;
    assert!(answer.contains("GET /cart/7?x=/api/ HTTP/1.1\n"), "{answer}");
    let url = "http://b.example:{http}/";
    let cases = [
        ("weight", vec![url], "n/web-"),
        ("header", vec!["-H", "x-canary: always", url], "n/canary-"),
        ("cookie", vec!["-H", "Cookie: a=b; taste=always", url], "n/canary-"),
        ("never", vec!["-H", "x-canary: never", "-H", "Cookie: taste=always", url], "n/web-"),
    ];
    for (name, words, want) in cases {
        let answer = world.curl(&words).await;
        assert!(
            header(&answer, "x-pod").is_some_and(|pod| pod.starts_with(want)),
            "{name}: {answer}"
        );
    }
}

/// One hundred new tables while eight clients ask without a pause: no request is lost, and each is answered by one
/// table or the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_tables_are_swapped_under_load() {
    let table = |service| {
        let paths = &[("/", service)];
        routes(&[Web { host: "h", paths, ..Web::default() }])
    };
    let both = Web { host: "h", paths: &[("/", "web"), ("/other", "other")], ..Web::default() };
    let world = Arc::new(World::new(&[both], Config::default()));
    let over = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (world, over, answered) = (world.clone(), over.clone(), answered.clone());
            tokio::spawn(async move {
                let stream = TcpStream::connect(world.http.local_addr()).await.unwrap();
                let mut stream = BufReader::new(stream);
                while !over.load(Ordering::Relaxed) {
                    stream.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
                    let (first, pod) = read_answer(&mut stream).await;
                    assert_eq!(first, "HTTP/1.1 200 OK");
                    assert!(pod.starts_with("n/web-") || pod.starts_with("n/other-"), "{pod}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for number in 0..100 {
        world.routes.store(table(if number % 2 == 0 { "other" } else { "web" }));
        sleep(Duration::from_millis(10)).await;
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let answered = answered.load(Ordering::Relaxed) as u64;
    assert!(answered > 100, "{answered}");
    assert_eq!(world.proxy.metrics().answered(200), answered);
}

/// The first line of an answer, and the pod that it is from; leaves the stream at the next answer.
async fn read_answer(stream: &mut BufReader<TcpStream>) -> (String, String) {
    let (mut first, mut pod, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).await.unwrap() > 0, "the connection was closed");
        let line = line.trim_end();
        match line.split_once(": ") {
            None if line.is_empty() => break,
            None => line.clone_into(&mut first),
            Some(("x-pod", value)) => value.clone_into(&mut pod),
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
        }
    }
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    (first, pod)
}

/// A pod that agrees to any upgrade and then says everything in upper case.
async fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let length = stream.read(&mut buffer).await.unwrap();
                let head = String::from_utf8_lossy(&buffer[..length]).to_lowercase();
                let asked = header(&head, "upgrade").unwrap_or("none").to_owned();
                let agreed = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {asked}\r\n\r\n"
                );
                stream.write_all(agreed.as_bytes()).await.unwrap();
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    stream.write_all(&buffer[..length].to_ascii_uppercase()).await.unwrap();
                }
            });
        }
    });
    addr
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upgrades_that_are_allowed_pass_and_silent_ones_end() {
    let mut config = Config::default();
    config.upgrades = vec!["spdy/3.1".into(), "h2c".into()];
    config.upgrade_timeout = Duration::from_millis(300);
    let web = Web { host: "h", ..Web::default() };
    let world = World::with_pods(&[web], config, vec![("web".into(), echo().await)]);
    for (protocol, passes) in
        [("websocket", true), ("SPDY/3.1", true), ("h2c", false), ("tls/1.2", false)]
    {
        let mut stream = TcpStream::connect(world.http.local_addr()).await.unwrap();
        let ask = format!(
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
        );
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).await.unwrap();
        let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
        // Without an upgrade the pod's agreement is an answer to a question that nobody has asked.
        assert_eq!(status(&answer), if passes { 101 } else { 502 }, "{protocol}: {answer}");
        if !passes {
            continue;
        }
        for _ in 0..5 {
            sleep(Duration::from_millis(100)).await;
            stream.write_all(b"hello").await.unwrap();
            let length = stream.read(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], b"HELLO", "{protocol}");
        }
        let end = timeout(Duration::from_secs(5), stream.read(&mut buffer)).await;
        assert!(matches!(end, Ok(Ok(0) | Err(_))), "{protocol}: silence ends it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_cuts_nothing_that_ends_in_time() {
    let web = Web { host: "h", ..Web::default() };
    let world = World::with_pods(&[web], Config::default(), vec![("web".into(), echo().await)]);
    let addr = world.http.local_addr();
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let ask = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    stream.write_all(ask).await.unwrap();
    let mut buffer = [0; 4096];
    let length = stream.read(&mut buffer).await.unwrap();
    assert!(buffer[..length].starts_with(b"HTTP/1.1 101"));
    let World { http, .. } = world;
    let stopping = tokio::spawn(http.stop(Duration::from_secs(2)));
    sleep(Duration::from_millis(200)).await;
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens any more");
    stream.write_all(b"still").await.unwrap();
    let length = stream.read(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..length], b"STILL", "a WebSocket goes on until the grace is over");
    assert!(!stopping.await.unwrap(), "it had to be cut");
    assert!(matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_keep_their_pod_and_their_rate() {
    let sticky =
        [("affinity", "cookie"), ("session-cookie-name", "pod"), ("session-cookie-max-age", "60")];
    let limited = [("limit-rps", "1"), ("limit-burst-multiplier", "2")];
    let webs = [
        Web { annotations: &sticky, ..Web::default() },
        Web { name: "limited", host: "b.example", annotations: &limited, ..Web::default() },
    ];
    let world = World::new(&webs, Config::default());
    let url = "http://shop.example.com:{http}/";
    let answer = world.curl(&[url]).await;
    let cookie = header(&answer, "set-cookie").unwrap();
    assert!(
        cookie.starts_with("pod=") && cookie.ends_with("; Path=/; HttpOnly; Max-Age=60"),
        "{cookie}"
    );
    let (pair, _) = cookie.split_once(';').unwrap();
    let pod = header(&answer, "x-pod").unwrap();
    for _ in 0..6 {
        let again = world.curl(&["-H", &format!("Cookie: a=b; {pair}"), url]).await;
        assert_eq!((header(&again, "x-pod"), header(&again, "set-cookie")), (Some(pod), None));
    }
    let statuses: Vec<u16> = {
        let url = "http://b.example:{http}/";
        // Each answer ends with the line that curl was told to write, and no line end.
        let answers = world.curl(&[url, url, url]).await.replace("]HTTP/", "]\nHTTP/");
        answers.lines().filter(|line| line.starts_with("HTTP/")).map(status).collect()
    };
    assert_eq!(statuses, [200, 200, 429]);
}

/// A request counts until it is over, however slowly its client goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_has_so_many_requests_at_once() {
    let limited = [("limit-connections", "1")];
    let world = World::new(&[Web { annotations: &limited, ..Web::default() }], Config::default());
    let mut slow = TcpStream::connect(world.http.local_addr()).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: shop.example.com\r\nContent-Length: 4\r\n\r\nab";
    slow.write_all(head.as_bytes()).await.unwrap();
    let url = "http://shop.example.com:{http}/";
    let asked = async || status(&world.curl(&[url]).await);
    let mut refused = asked().await;
    for _ in 0..50 {
        if refused == 429 {
            break;
        }
        // The proxy hasn't read the head yet.
        sleep(Duration::from_millis(20)).await;
        refused = asked().await;
    }
    assert_eq!(refused, 429);
    slow.write_all(b"cd").await.unwrap();
    let (line, _) = read_answer(&mut BufReader::new(slow)).await;
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    assert_eq!(asked().await, 200);
}
