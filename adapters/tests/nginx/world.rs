//! Routes, pods, an nginx in a directory of its own, and curl.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use svckit::{
    Seed,
    ingress::{ClassSelection, Router, Settings},
    model::{
        Change, ClusterIps, Exposure, Ingress, IngressBackend, IngressPath, IngressRule,
        NamespacedName, PathType, Port, Protocol, Service, ServicePort, ServicePortName,
        ServicePortRef, TargetPort,
    },
    render::nginx::{Class, Config, Rendered, Servers, render},
};
use svckit_adapters::sink::nginx::{Nginx, NginxError};

/// Everything that a test needs; all of it goes when this is dropped.
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) nginx: Nginx,
    pub(crate) config: Config,
    pods: Arc<Mutex<BTreeMap<String, Vec<SocketAddr>>>>,
    directory: PathBuf,
}

impl World {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("svckit-nginx-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        let nginx = Nginx::new(&directory).unwrap();
        let mut config = nginx.config(&Config::default()).unwrap();
        config.listen = vec![free()];
        config.listen_tls = vec![free()];
        config.workers = Some(1);
        let router =
            Router::new(Settings::default(), ClassSelection::default(), Seed([1, 2, 3, 4]));
        Self { router, nginx, config, pods: Arc::default(), directory }
    }

    /// A Service of the namespace `n` with this many pods, which say who they are.
    pub(crate) fn service(&mut self, name: &str, replicas: usize) {
        self.router.apply(&Change::Service(Arc::new(service(name))));
        let pods = (0..replicas).map(|number| pod(format!("{name}-{number}"))).collect();
        self.pods.lock().unwrap().insert(name.into(), pods);
    }

    /// One more pod of a Service, whoever listens there.
    pub(crate) fn add_pod(&mut self, name: &str, addr: SocketAddr) {
        self.router.apply(&Change::Service(Arc::new(service(name))));
        self.pods.lock().unwrap().entry(name.into()).or_default().push(addr);
    }

    pub(crate) fn rendered(&mut self) -> Rendered {
        let pods = self.pods.lock().unwrap().clone();
        let servers = |port: &ServicePortName| Servers {
            addrs: pods.get(&*port.service.name).cloned().unwrap_or_default(),
            ..Servers::default()
        };
        render(&self.router.routes(), &servers, &self.config)
    }

    /// Lets nginx serve what the router has now.
    pub(crate) fn apply(&mut self) -> Result<Class, NginxError> {
        let rendered = self.rendered();
        self.nginx.apply(rendered)
    }

    pub(crate) fn plain(&self) -> SocketAddr {
        self.config.listen[0]
    }

    /// What curl gets for a URL with these words before it.
    pub(crate) fn curl(&self, words: &[&str], url: &str) -> Answer {
        let https = url.starts_with("https://");
        let listen = if https { self.config.listen_tls[0] } else { self.plain() };
        let to = format!("::{}:{}", listen.ip(), listen.port());
        let output = Command::new("curl")
            .args(["-s", "-S", "-k", "-i", "--path-as-is", "--max-time", "20", "--connect-to", &to])
            .args(words)
            .arg(url)
            .output()
            .unwrap();
        Answer::read(&String::from_utf8_lossy(&output.stdout))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.nginx.stop();
        // Nothing is lost when it stays.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// An answer, and what the pod has seen of the request.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) proto: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) pod: String,
    /// The request's lines as the pod got them.
    pub(crate) seen: Vec<String>,
}

impl Answer {
    fn read(text: &str) -> Self {
        let text = text.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(text);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let mut first = lines.next().unwrap_or_default().split(' ');
        let proto = first.next().unwrap_or_default().into();
        let status = first.next().and_then(|status| status.parse().ok()).unwrap_or_default();
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        // Other bodies are nginx's own.
        let mut body = body.lines().filter(|_| status == 200).map(str::to_owned);
        let pod = body.next().unwrap_or_default();
        Self {
            status,
            proto,
            headers: lines.filter_map(header).collect(),
            pod,
            seen: body.collect(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The Service of the pod that has answered.
    pub(crate) fn service(&self) -> &str {
        self.pod.rsplit_once('-').map_or("", |(service, _)| service)
    }

    /// A header as the pod has seen it.
    pub(crate) fn seen(&self, name: &str) -> Option<&str> {
        self.seen.iter().skip(1).find_map(|line| {
            let (given, value) = line.split_once(": ")?;
            given.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The path and query as the pod has seen them.
    pub(crate) fn target(&self) -> &str {
        self.seen.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default()
    }
}

/// An Ingress of the namespace `n` from `host/path Type service` lines, with annotations as `name=value`.
pub(crate) fn ingress(name: &str, created: i64, rules: &[&str], annotations: &[&str]) -> Change {
    let rule = |line: &&str| {
        let mut words = line.split(' ');
        let (place, kind, service) =
            (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let (host, path) = place.split_once('/').unwrap();
        let path_type = match kind {
            "Exact" => PathType::Exact,
            "Prefix" => PathType::Prefix,
            _ => PathType::ImplementationSpecific,
        };
        let port = ServicePortRef::Number(Port::new(80).unwrap());
        let backend = IngressBackend::Service { name: service.into(), port };
        let paths = vec![IngressPath { path: format!("/{path}").into(), path_type, backend }];
        IngressRule { host: (!host.is_empty()).then(|| host.into()), paths }
    };
    let annotation = |given: &&str| {
        let (name, value) = given.split_once('=').unwrap();
        (format!("nginx.ingress.kubernetes.io/{name}").into(), value.into())
    };
    Change::Ingress(Arc::new(Ingress {
        key: NamespacedName::new("n", name),
        created,
        uid: "".into(),
        class: None,
        default_backend: None,
        rules: rules.iter().map(rule).collect(),
        tls: Vec::new(),
        annotations: annotations.iter().map(annotation).collect(),
    }))
}

fn service(name: &str) -> Service {
    Service::new(
        NamespacedName::new("n", name),
        Exposure::ClusterIp(ClusterIps::single([10, 96, 0, 1].into())),
        vec![ServicePort {
            name: "http".into(),
            protocol: Protocol::Tcp,
            port: Port::new(80).unwrap(),
            target: TargetPort::Number(Port::new(8080).unwrap()),
            node_port: None,
            app_protocol: None,
        }],
    )
}

/// An address that nobody listens on, below the ports that the system gives to clients: none of those can take it
/// before nginx does.
pub(crate) fn free() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(97);
    loop {
        let number = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let address = SocketAddr::from(([127, 0, 0, 1], 10_000 + number as u16));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// A pod that does this with each of its connections; it ends with the process.
pub(crate) fn odd_pod(with: impl Fn(std::net::TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().flatten().for_each(with));
    addr
}

/// A pod that answers each request with its name and what it has seen; it ends with the process.
fn pod(name: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let name = name.clone();
            // A client that breaks off has nobody left to tell.
            thread::spawn(move || drop(serve(stream, &name)));
        }
    });
    addr
}

/// Answers requests without bodies, or with bodies of a given length, until the client has enough.
fn serve(mut stream: std::net::TcpStream, name: &str) -> std::io::Result<()> {
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let end = loop {
            if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            let length = stream.read(&mut chunk)?;
            if length == 0 {
                return Ok(());
            }
            read.extend_from_slice(&chunk[..length]);
        };
        let head = String::from_utf8_lossy(&read[..end]).replace("\r\n", "\n");
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
        });
        let whole = end + length.unwrap_or(0);
        while read.len() < whole {
            let length = stream.read(&mut chunk)?;
            if length == 0 {
                return Ok(());
            }
            read.extend_from_slice(&chunk[..length]);
        }
        read.drain(..whole);
        let body = format!("{name}\n{}", head.trim_end());
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}
