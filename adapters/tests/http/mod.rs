//! A proxy with routes, pods and certificates of its own, and the programs that ask it.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

use arc_swap::ArcSwap;
use std::{
    net::SocketAddr,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use svckit::{
    Seed,
    balance::keep,
    ingress::{ClassSelection, Router, Routes, Settings},
    model::*,
};
use svckit_adapters::serve::{
    balancer::Picked,
    http::{Asked, Config, Proxy, Server},
    pod::{Identity, PodPort, Pods},
    tls::{Authority, Certificates, Fallback},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// One Ingress `n/NAME` for a host: paths with their Services, annotations of ingress-nginx without their prefix.
pub(crate) struct Web<'a> {
    pub(crate) name: &'a str,
    pub(crate) host: &'a str,
    pub(crate) paths: &'a [(&'a str, &'a str)],
    pub(crate) annotations: &'a [(&'a str, &'a str)],
    pub(crate) tls: bool,
}

impl Default for Web<'_> {
    fn default() -> Self {
        let paths = &[("/", "web")];
        Self { name: "web", host: "shop.example.com", paths, annotations: &[], tls: false }
    }
}

impl Web<'_> {
    fn ingress(&self) -> Ingress {
        let port = ServicePortRef::Number(Port::new(80).unwrap());
        let path = |(path, service): &(&str, &str)| IngressPath {
            path: (*path).into(),
            path_type: PathType::Prefix,
            backend: IngressBackend::Service { name: (*service).into(), port: port.clone() },
        };
        let annotation = |(name, value): &(&str, &str)| {
            (format!("nginx.ingress.kubernetes.io/{name}").into(), (*value).into())
        };
        Ingress {
            key: NamespacedName::new("n", self.name),
            created: 0,
            uid: "".into(),
            class: None,
            default_backend: None,
            rules: vec![IngressRule {
                host: Some(self.host.into()),
                paths: self.paths.iter().map(path).collect(),
            }],
            tls: if self.tls {
                vec![IngressTls { hosts: vec![self.host.into()], secret: None }]
            } else {
                vec![]
            },
            annotations: self.annotations.iter().map(annotation).collect(),
        }
    }
}

/// The routes of these Ingresses.
pub(crate) fn routes(webs: &[Web<'_>]) -> Arc<Routes> {
    routes_to(webs, None)
}

/// The same, whose Service `web` says what is spoken on its port.
pub(crate) fn routes_to(webs: &[Web<'_>], app_protocol: Option<&str>) -> Arc<Routes> {
    let mut router = Router::new(Settings::default(), ClassSelection::default(), Seed([1; 4]));
    if let Some(protocol) = app_protocol {
        let port = Port::new(80).unwrap();
        router.apply(&Change::Service(Arc::new(Service::new(
            NamespacedName::new("n", "web"),
            Exposure::ClusterIp(ClusterIps::single([10, 96, 0, 1].into())),
            vec![ServicePort {
                name: "".into(),
                protocol: Protocol::Tcp,
                port,
                target: TargetPort::Number(port),
                node_port: None,
                app_protocol: Some(protocol.into()),
            }],
        ))));
    }
    for web in webs {
        router.apply(&Change::Ingress(Arc::new(web.ingress())));
    }
    router.routes()
}

/// A proxy and what stands behind it.
pub(crate) struct World {
    pub(crate) routes: Arc<ArcSwap<Routes>>,
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) http: Server,
    pub(crate) https: Server,
    pub(crate) authority: Arc<Authority>,
    _pods: Pods,
}

impl World {
    /// A proxy before simulated pods, two for each of the Services.
    pub(crate) fn new(webs: &[Web<'_>], config: Config) -> Self {
        let mut pods = Pods::default();
        let mut services: Vec<&str> =
            webs.iter().flat_map(|web| web.paths).map(|(_, service)| *service).collect();
        services.sort_unstable();
        services.dedup();
        let mut held = Vec::new();
        let mut ports = Vec::new();
        let mut known = Vec::new();
        for service in services {
            for number in 0..2 {
                let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                let listen = listener.local_addr().unwrap();
                held.push(listener);
                known.push((service.to_owned(), listen));
                let pod = format!("n/{service}-{number}");
                let identity = Identity { pod, address: listen, services: vec![] };
                ports.push(PodPort { listen, protocol: Protocol::Tcp, identity });
            }
        }
        drop(held);
        assert!(pods.reconcile(ports).is_empty());
        let mut world = Self::with_pods(webs, config, known);
        world._pods = pods;
        world
    }

    /// A proxy before these pods of Services.
    pub(crate) fn with_pods(
        webs: &[Web<'_>],
        config: Config,
        pods: Vec<(String, SocketAddr)>,
    ) -> Self {
        let routes = Arc::new(ArcSwap::new(routes(webs)));
        let turn = AtomicUsize::new(0);
        let pick = move |asked: &Asked<'_>| {
            let of = |(service, pod): &(String, SocketAddr)| {
                (**service == *asked.backend.service.name).then_some(*pod)
            };
            let mut backends: Vec<_> = pods.iter().filter_map(of).collect();
            let first = turn.fetch_add(1, Ordering::Relaxed) % backends.len().max(1);
            backends.rotate_left(first);
            if let Some(key) = asked.key {
                backends = keep(backends, key).into_iter().collect();
            }
            Some(Picked { backends, ..Picked::default() })
        };
        let proxy = Arc::new(Proxy::new(routes.clone(), Arc::new(pick), config));
        let authority = Arc::new(Authority::new().unwrap());
        let fallback = Fallback::Authority(authority.clone());
        let certificates = Arc::new(Certificates::new(routes.clone(), fallback));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let http = Server::start(any, proxy.clone(), None).unwrap();
        let https = Server::start(any, proxy.clone(), Some(&certificates)).unwrap();
        Self { routes, proxy, http, https, authority, _pods: Pods::default() }
    }

    /// What curl says: head and body, then the status in brackets. `{http}` and `{https}` in the words stand for the
    /// ports; every host is here.
    pub(crate) async fn curl(&self, words: &[&str]) -> String {
        let (http, https) = (self.http.local_addr().port(), self.https.local_addr().port());
        let word = |word: &&str| {
            word.replace("{http}", &http.to_string()).replace("{https}", &https.to_string())
        };
        let mut command = std::process::Command::new("curl");
        command
            .args(["-sSi", "--path-as-is", "--max-time", "10", "--noproxy", "*"])
            .args(["--connect-to", "::127.0.0.1:"])
            .args(["-w", "\n[%{http_code} HTTP/%{http_version}]"])
            .args(words.iter().map(word))
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    }

    /// Sends bytes without TLS and returns all that comes back until the end, or for so long.
    pub(crate) async fn raw(&self, bytes: &[u8], patience: Duration) -> String {
        let mut stream = TcpStream::connect(self.http.local_addr()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut came = Vec::new();
        let _ = timeout(patience, stream.read_to_end(&mut came)).await;
        String::from_utf8_lossy(&came).into_owned()
    }
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    let first = answer.split_whitespace().nth(1).unwrap_or_default();
    first.parse().unwrap_or(0)
}

/// The value of a header in an answer, or in what a simulated pod says that it was asked.
pub(crate) fn header<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let pair =
        |line: &'a str| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name));
    text.lines().find_map(pair).map(|(_, value)| value.trim_end())
}
