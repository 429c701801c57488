//! Load through our proxy and through Debian's nginx, before the same pods, in one run.
//!
//! ```text
//! wrk ──▶ proxy (one thread) ──▶ nginx that answers by itself (one worker)
//!          └── ours, or nginx with one worker: user and system time are read from /proc
//! ```
//!
//! It measures, so it needs a quiet machine and wrk; `cargo test` only checks that both proxies answer. Rounds
//! alternate, so that both meet the same noise.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement that can't go on stops"
)]

use arc_swap::ArcSwap;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};
use svckit::{
    Seed,
    ingress::{ClassSelection, Router, Settings},
    model::{
        Change, Ingress, IngressBackend, IngressPath, IngressRule, NamespacedName, PathType, Port,
        ServicePortRef,
    },
};
use svckit_adapters::serve::{
    balancer::Picked,
    http::{Asked, Config, Proxy, Server},
    tls::{Authority, Certificates, Fallback},
};

/// Names the pods to the copy of this program that is the proxy.
const PODS: &str = "SVCKIT_HTTP_LOAD_PODS";
/// Seconds of one round, and rounds of each proxy.
const SECONDS: u32 = 3;
const ROUNDS: usize = 3;

fn main() {
    if let Ok(pods) = std::env::var(PODS) {
        return serve(pods.parse().unwrap());
    }
    let folder = Folder::new();
    let pods = Nginx::pods(&folder);
    let ours = Ours::start(pods.plain);
    let nginx = Nginx::proxy(&folder, pods.plain);
    let rivals: [&dyn Rival; 2] = [&ours, &nginx];
    if !svckit_benches::is_measuring() {
        rivals.iter().for_each(|rival| assert!(rival.answers(), "{}", rival.name()));
        return println!("both proxies answer");
    }
    println!("| case | proxy | requests/s | requests per CPU second | p99 |");
    println!("|---|---|---|---|---|");
    let cases = [
        ("1 kB", "/small", 64, false),
        ("1 kB, one connection", "/small", 1, false),
        ("100 kB", "/large", 64, false),
        ("1 kB over TLS", "/small", 64, true),
    ];
    for (case, path, connections, tls) in cases {
        let mut sums = [Round::default(), Round::default()];
        for _ in 0..ROUNDS {
            for (rival, sum) in rivals.iter().zip(&mut sums) {
                sum.add(&load(*rival, path, connections, tls));
            }
        }
        for (rival, sum) in rivals.iter().zip(&sums) {
            let name = rival.name();
            let (rate, per_cpu) = (sum.requests / sum.seconds, sum.requests / sum.cpu);
            println!(
                "| {case} | {name} | {rate:.0} | {per_cpu:.0} | {:.2} ms |",
                sum.p99 / ROUNDS as f64
            );
        }
        let ratio = |sum: &Round| sum.requests / sum.cpu;
        println!("| {case} | ratio | | {:.2} | |", ratio(&sums[0]) / ratio(&sums[1]));
    }
}

/// One round of load.
#[derive(Default)]
struct Round {
    requests: f64,
    seconds: f64,
    cpu: f64,
    /// Milliseconds.
    p99: f64,
}

impl Round {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.seconds += other.seconds;
        self.cpu += other.cpu;
        self.p99 += other.p99;
    }
}

fn load(rival: &dyn Rival, path: &str, connections: u32, tls: bool) -> Round {
    let (scheme, addr) = if tls { ("https", rival.tls()) } else { ("http", rival.plain()) };
    let (before, started) = (cpu(rival.process()), Instant::now());
    let output = Command::new("wrk")
        .args(["-t1", "--latency", &format!("-c{connections}"), &format!("-d{SECONDS}s")])
        .arg(format!("{scheme}://{addr}{path}"))
        .output()
        .expect("wrk makes the load: apt-get install wrk");
    let seconds = started.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        !text.contains("Non-2xx") && !text.contains("Socket errors"),
        "{}: {text}",
        rival.name()
    );
    let word = |key: &str, at: usize| {
        let line = text.lines().find(|line| line.contains(key)).unwrap_or_default();
        line.split_whitespace().nth(at).unwrap_or_default().to_owned()
    };
    Round {
        requests: word("requests in", 0).parse().unwrap(),
        seconds,
        cpu: cpu(rival.process()) - before,
        p99: milliseconds(&word("99%", 1)),
    }
}

/// `1.23ms`, `45.00us`, `1.20s`.
fn milliseconds(text: &str) -> f64 {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    let read =
        |(unit, factor): &(&str, f64)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor);
    units.iter().find_map(read).unwrap_or(f64::NAN)
}

/// User and system time of a process, in seconds.
fn cpu(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // Fields 14 and 15 of proc(5), in hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// A proxy under load.
trait Rival {
    fn name(&self) -> &'static str;
    fn plain(&self) -> SocketAddr;
    fn tls(&self) -> SocketAddr;
    /// Whose time counts.
    fn process(&self) -> u32;

    /// Whether it passes a request on.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.plain()) else { return false };
        stream.write_all(b"GET /small HTTP/1.0\r\nHost: h\r\n\r\n").unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer.contains(" 200 OK") && answer.len() > 1000
    }
}

/// The proxy of this library, as a process of its own.
struct Ours {
    process: Child,
    plain: SocketAddr,
    tls: SocketAddr,
}

impl Ours {
    fn start(pods: SocketAddr) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(PODS, pods.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut line = || lines.next().unwrap().unwrap().parse().unwrap();
        Self { plain: line(), tls: line(), process }
    }
}

impl Rival for Ours {
    fn name(&self) -> &'static str {
        "serve/http"
    }
    fn plain(&self) -> SocketAddr {
        self.plain
    }
    fn tls(&self) -> SocketAddr {
        self.tls
    }
    fn process(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Is the proxy until its input ends.
fn serve(pods: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let routes = Arc::new(ArcSwap::new(routes()));
        let pick = move |_: &Asked<'_>| Some(Picked { backends: vec![pods], ..Picked::default() });
        let proxy = Arc::new(Proxy::new(routes.clone(), Arc::new(pick), Config::default()));
        let authority = Fallback::Authority(Arc::new(Authority::new().unwrap()));
        let certificates = Arc::new(Certificates::new(routes, authority));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let plain = Server::start(any, proxy.clone(), None).unwrap();
        let tls = Server::start(any, proxy, Some(&certificates)).unwrap();
        println!("{}\n{}", plain.local_addr(), tls.local_addr());
        std::future::pending::<()>().await;
    });
}

/// `/` of every host.
fn routes() -> Arc<svckit::ingress::Routes> {
    let backend = IngressBackend::Service {
        name: "web".into(),
        port: ServicePortRef::Number(Port::new(80).unwrap()),
    };
    let path = IngressPath { path: "/".into(), path_type: PathType::Prefix, backend };
    let mut router = Router::new(Settings::default(), ClassSelection::default(), Seed([1; 4]));
    router.apply(&Change::Ingress(Arc::new(Ingress {
        key: NamespacedName::new("n", "web"),
        created: 0,
        uid: "".into(),
        class: None,
        default_backend: None,
        rules: vec![IngressRule { host: None, paths: vec![path] }],
        tls: vec![],
        annotations: vec![],
    })));
    router.routes()
}

/// A folder that goes with the run.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("svckit-http-load-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// nginx with one worker.
struct Nginx {
    process: Child,
    plain: SocketAddr,
    tls: SocketAddr,
}

impl Nginx {
    /// Answers by itself.
    fn pods(folder: &Folder) -> Self {
        fs::write(folder.0.join("small"), "x".repeat(1_000)).unwrap();
        fs::write(folder.0.join("large"), "x".repeat(100_000)).unwrap();
        let root = folder.0.display();
        Self::start(folder, "pods", &format!("root {root}; keepalive_requests 100000000;"), "")
    }

    /// Passes on what comes, with the headers that ours sends.
    fn proxy(folder: &Folder, pods: SocketAddr) -> Self {
        let upstream = format!(
            "upstream pods {{ server {pods}; keepalive 64; keepalive_requests 100000000; }}"
        );
        let server = "keepalive_requests 100000000; location / { proxy_pass http://pods; proxy_http_version 1.1;
            proxy_set_header Connection \"\"; proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Port $server_port;
            proxy_set_header X-Forwarded-Proto $scheme; }";
        Self::start(folder, "proxy", server, &upstream)
    }

    fn start(folder: &Folder, name: &str, server: &str, http: &str) -> Self {
        let (plain, tls) = (free(), free());
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let file = |ending: &str| folder.0.join(format!("{name}.{ending}"));
        fs::write(file("crt"), made.cert.pem()).unwrap();
        fs::write(file("key"), made.signing_key.serialize_pem()).unwrap();
        let (root, crt, key) = (folder.0.display(), file("crt"), file("key"));
        let conf = format!(
            "daemon off; master_process off; worker_processes 1; pid {root}/{name}.pid;
            error_log {root}/{name}.log; events {{ worker_connections 4096; }}
            http {{ access_log off; sendfile on; tcp_nodelay on; client_body_temp_path {root}/{name}.1;
            proxy_temp_path {root}/{name}.2; fastcgi_temp_path {root}/{name}.3;
            uwsgi_temp_path {root}/{name}.4; scgi_temp_path {root}/{name}.5; {http}
            server {{ listen {plain}; listen {tls} ssl; ssl_certificate {}; ssl_certificate_key {};
            {server} }} }}",
            crt.display(),
            key.display()
        );
        fs::write(file("conf"), conf).unwrap();
        let process = Self::run(&file("conf"));
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(plain).is_err() {
            assert!(Instant::now() < until, "nginx does not start");
            sleep(Duration::from_millis(20));
        }
        Self { process, plain, tls }
    }

    fn run(conf: &Path) -> Child {
        let run = |program| Command::new(program).arg("-c").arg(conf).stderr(Stdio::null()).spawn();
        run("nginx")
            .or_else(|_| run("/usr/sbin/nginx"))
            .expect("nginx is the rival: apt-get install nginx")
    }
}

impl Rival for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }
    fn plain(&self) -> SocketAddr {
        self.plain
    }
    fn tls(&self) -> SocketAddr {
        self.tls
    }
    fn process(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port where nobody listens.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
