//! The cluster's DNS and its Ingress inside a lab.
//!
//! ```text
//! a Service at the DNS address, with pods     ─▶ DNS listens in those pods; the kernel rules lead there
//! a Service at the DNS address, without pods  ─▶ DNS listens on the node, which counts as its endpoint
//! no Service there                            ─▶ DNS listens at the address itself, which the node has
//! Ingress                                     ─▶ port 80 of the node; 443 with certificates of Secrets
//! ```

use arc_swap::ArcSwap;
use std::{
    collections::BTreeSet,
    fs::File,
    io,
    net::{IpAddr, SocketAddr},
    os::fd::AsFd,
    sync::{Arc, mpsc},
    thread,
};
use svckit::{
    cluster::{Cluster, Settings},
    dns::{ResolvConf, Snapshot},
    forward::{Frontend, Proxy},
    model::{Change, Conditions, Endpoint, EndpointSlice, Family, NamespacedName, Port, SlicePort},
};
use svckit_adapters::serve::{
    balancer::Balancer,
    dns::{Policy, Server as DnsServer, Upstream},
    http::{Asked, Config, Proxy as HttpProxy, Server as HttpServer},
    tls::{Certificates, Fallback},
};

use crate::exit::Stop;

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// The ports of Ingress, the second one if there are certificates.
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// Where a lab's DNS listens.
pub(super) struct Faces {
    /// Where clients ask.
    pub(super) resolver: Option<IpAddr>,
    /// In pods: these are no ports of the pods' own.
    pub(super) in_pods: BTreeSet<SocketAddr>,
    /// On the node.
    on_node: Option<SocketAddr>,
    names: Arc<ArcSwap<Snapshot>>,
}

/// What serves on the node, as long as it is kept.
pub(super) struct Served {
    _dns: Option<DnsServer>,
    _http: Option<HttpServer>,
    _https: Option<HttpServer>,
}

impl Faces {
    /// Decides where DNS listens; `node` is the node's address. A Service at its address without pods gets the node
    /// for an endpoint.
    pub(super) fn place(cluster: &mut Cluster, settings: &Settings, node: IpAddr) -> Self {
        let names = Arc::new(ArcSwap::from_pointee(cluster.zone().snapshot()));
        let resolver = settings.dns_address();
        let frontends: Vec<Arc<Frontend>> = asked(cluster.proxy(), resolver).collect();
        let in_pods: BTreeSet<SocketAddr> = frontends
            .iter()
            .flat_map(|frontend| frontend.internal_endpoints().iter().copied())
            .collect();
        let on_node = match resolver {
            Some(_) if !in_pods.is_empty() => None,
            Some(_) if !frontends.is_empty() => Some(SocketAddr::new(node, DNS_PORT)),
            Some(ip) => Some(SocketAddr::new(ip, DNS_PORT)),
            None => None,
        };
        if let Some(at) = on_node {
            for (number, frontend) in frontends.iter().enumerate() {
                cluster.proxy_mut().apply(&Change::Slice(Arc::new(stand_in(frontend, at, number))));
            }
        }
        Self { resolver, in_pods, on_node, names }
    }

    /// The address that the node needs for DNS, if it has none of its own for it.
    pub(super) fn node_address(&self, node: IpAddr) -> Option<IpAddr> {
        self.on_node.map(|at| at.ip()).filter(|ip| *ip != node)
    }

    /// Serves DNS in a pod's network namespace, at those of its addresses where it should.
    ///
    /// A socket belongs to the namespace that its thread is in when it is made, so this takes a thread. Returns when
    /// the sockets are open.
    pub(super) fn serve_in_pod(&self, pid: u32, addresses: &[IpAddr]) -> Result<(), Stop> {
        let here: Vec<SocketAddr> =
            self.in_pods.iter().filter(|at| addresses.contains(&at.ip())).copied().collect();
        if here.is_empty() {
            return Ok(());
        }
        let names = self.names.clone();
        let (open, opened) = mpsc::channel();
        thread::spawn(move || {
            let served = serve_in(pid, &here, &names, &open);
            // Nobody waits any more once it has said that it is open.
            let _ = served.map_err(|error| open.send(Err(error)));
        });
        let refused = |error: io::Error| Stop::system(format!("DNS in a pod: {error}"));
        opened.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())).map_err(refused)
    }

    /// Serves what belongs on the node; says what can't be. Must be called inside a tokio runtime.
    pub(super) fn serve_on_node(&self, cluster: &mut Cluster, node: &[IpAddr]) -> Served {
        let dns = self.on_node.and_then(|at| {
            let bound = DnsServer::bind(at, self.names.clone(), Policy::new(Upstream::None));
            bound.map_err(|error| eprintln!("svckit: no DNS: can't listen on {at}: {error}")).ok()
        });
        let balancer = Balancer::default();
        let changed = cluster.proxy_mut().take_changed();
        balancer.update(|table| table.follow(cluster.proxy(), &changed));
        let pick = Arc::new(move |asked: &Asked<'_>| {
            balancer.pick_for(asked.client, asked.backend.port.as_ref().ok()?, asked.key)
        });
        let routes = Arc::new(ArcSwap::new(cluster.router().routes()));
        let encrypted = routes.load().certificates().next().is_some();
        let certificates = Arc::new(Certificates::new(routes.clone(), Fallback::None));
        let proxy = Arc::new(HttpProxy::new(routes, pick, Config::default()));
        let web = |port, certificates| {
            let at = SocketAddr::new(*node.first()?, port);
            let bound = HttpServer::start(at, proxy.clone(), certificates);
            bound
                .map_err(|error| eprintln!("svckit: no Ingress: can't listen on {at}: {error}"))
                .ok()
        };
        let https = encrypted.then(|| web(HTTPS_PORT, Some(&certificates))).flatten();
        Served { _dns: dns, _http: web(HTTP_PORT, None), _https: https }
    }

    /// What the client's `/etc/resolv.conf` says; `None`: there is no DNS.
    pub(super) fn resolv_conf(&self, settings: &Settings) -> Option<String> {
        let servers = vec![self.resolver?.to_string()];
        let domain = settings.cluster_domain.to_string();
        let conf = ResolvConf::cluster(servers, "default", &domain, &ResolvConf::default());
        Some(conf.to_string())
    }
}

/// The service ports at which clients ask for names.
fn asked(proxy: &Proxy, resolver: Option<IpAddr>) -> impl Iterator<Item = Arc<Frontend>> {
    let asked = move |frontend: &&Arc<Frontend>| {
        resolver.is_some() && frontend.cluster_ip == resolver && frontend.port.get() == DNS_PORT
    };
    proxy.frontends().filter(asked).cloned()
}

/// A slice that makes `at` the endpoint of a service port.
fn stand_in(frontend: &Frontend, at: SocketAddr, number: usize) -> EndpointSlice {
    let name = &frontend.key.name;
    EndpointSlice {
        key: NamespacedName::new(
            name.service.namespace.clone(),
            format!("{}-svckit-{number}", name.service.name),
        ),
        service: name.service.clone(),
        family: Family::of(at.ip()),
        ports: vec![SlicePort {
            name: name.port.clone(),
            protocol: name.protocol,
            port: Port::new(at.port()),
            app_protocol: None,
        }],
        endpoints: vec![Endpoint {
            addresses: [at.ip()].into(),
            conditions: Conditions::READY,
            hostname: None,
            node: None,
            zone: None,
            hints: None,
            pod: None,
        }],
    }
}

/// Enters a network namespace and serves DNS there until the process ends.
fn serve_in(
    pid: u32,
    at: &[SocketAddr],
    names: &Arc<ArcSwap<Snapshot>>,
    open: &mpsc::Sender<io::Result<()>>,
) -> io::Result<()> {
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    rustix::thread::move_into_link_name_space(
        namespace.as_fd(),
        Some(rustix::thread::LinkNameSpaceType::Network),
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let bind =
            |at: &SocketAddr| DnsServer::bind(*at, names.clone(), Policy::new(Upstream::None));
        let _servers: Vec<DnsServer> = at.iter().map(bind).collect::<io::Result<_>>()?;
        // Nobody waiting means that the lab is ending.
        let _ = open.send(Ok(()));
        std::future::pending().await
    })
}
