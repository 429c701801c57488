//! The cluster's DNS and its Ingress, on sockets of this machine.

use arc_swap::ArcSwap;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use svckit::{
    cluster::Settings,
    dns::{Name, Snapshot, Zone},
    ingress::{Router, Routes},
    model::Change,
};
use svckit_adapters::{
    clock,
    etcd::EtcdError,
    serve::{
        balancer::Balancer,
        dns::{Policy, Server as DnsServer, Upstream, status::Status},
    },
};

use super::{
    listen::listen,
    records::Records,
    web::{self, Web},
};

/// DNS and Ingress of one cluster.
pub(super) struct Faces {
    zone: Zone,
    names: Arc<ArcSwap<Snapshot>>,
    router: Router,
    routes: Arc<ArcSwap<Routes>>,
    dns: Option<DnsServer>,
    /// Tells how the DNS server is.
    status: Option<Status>,
    records: Option<Records>,
    web: Web,
    /// Where questions go in the cluster; its port 53 is ours.
    pub(super) resolver: Option<IpAddr>,
}

impl Faces {
    /// Listens for both; what can't be bound is said in `refused`, and left out.
    pub(super) fn start(
        settings: &Settings,
        balancer: Arc<Balancer>,
        web: &web::WebOptions,
        lowest: u16,
        refused: &mut Vec<String>,
    ) -> Self {
        let mut zone = Zone::new(settings.naming(), clock::seed());
        let names = Arc::new(ArcSwap::from_pointee(zone.snapshot()));
        let mut router = Router::new(settings.routing(), settings.classes(), clock::seed());
        let routes = Arc::new(ArcSwap::new(router.routes()));
        let resolver = settings.dns_address();
        let policy = Policy::new(Upstream::from(&settings.upstream_dns));
        let dns = resolver.and_then(|ip| {
            let ports = [listen(ip, 53, lowest, |_| false).port(), 8053, 0];
            first(ip, ports, |addr| DnsServer::bind(addr, names.clone(), policy.clone()))
                .map_err(|error| refused.push(format!("no DNS: can't listen on {ip}: {error}")))
                .ok()
        });
        let status = dns.as_ref().and_then(|dns| {
            let name = Name::from_labels([&b"kubernetes"[..], b"default", b"svc"]).ok()?;
            let name = name.join(&settings.cluster_domain).ok()?;
            let bind = |addr| Status::bind(addr, dns, name.clone());
            first(dns.local_addr().ip(), [8080, 18_080, 0], bind)
                .map_err(|error| refused.push(format!("no DNS health on port 8080: {error}")))
                .ok()
        });
        let web = Web::start(routes.clone(), balancer, web, lowest, refused);
        Self { zone, names, router, routes, dns, status, records: None, web, resolver }
    }

    /// Follows the cluster's changes; returns what could not be served, and why.
    pub(super) fn apply(&mut self, changes: &[Change]) -> Vec<String> {
        for change in changes {
            self.zone.apply(change);
            self.router.apply(change);
        }
        let snapshot = self.zone.snapshot();
        if let Some(records) = &self.records {
            records.follow(snapshot.clone());
        }
        self.names.store(Arc::new(snapshot));
        self.routes.store(self.router.routes());
        self.web.follow()
    }

    /// What is wrong with the Ingresses beyond each one's own text: conflicts, classes.
    pub(super) fn findings(&mut self) -> Vec<svckit::finding::Finding> {
        self.router.findings()
    }

    pub(super) fn dns(&self) -> Option<SocketAddr> {
        self.dns.as_ref().map(DnsServer::local_addr)
    }

    /// Where `/healthz` and its like are.
    pub(super) fn status(&self) -> Option<SocketAddr> {
        self.status.as_ref().map(Status::local_addr)
    }

    /// Keeps the records in the etcd at `url` from now on.
    pub(super) fn keep_records(&mut self, url: &str, domain: &Name) -> Result<(), EtcdError> {
        self.records = Some(Records::start(url, domain, self.zone.snapshot())?);
        Ok(())
    }

    /// Takes away what others would think is still served.
    pub(super) fn stop(&mut self) {
        if let Some(records) = self.records.take() {
            records.stop();
        }
    }

    /// HTTP and HTTPS.
    pub(super) const fn web(&self) -> &Web {
        &self.web
    }

    /// A host and path that lead somewhere, to be tried.
    pub(super) fn example(&self) -> Option<(String, String)> {
        let routes = self.routes.load();
        let host = |route: &svckit::ingress::Route| {
            Some((route.host.as_ref()?.to_string(), route.path.to_string()))
        };
        routes.iter().filter_map(host).filter(|(host, _)| !host.starts_with('*')).min()
    }
}

/// The first of these ports that can be bound.
pub(super) fn first<S>(
    ip: IpAddr,
    ports: [u16; 3],
    bind: impl Fn(SocketAddr) -> io::Result<S>,
) -> io::Result<S> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for port in ports {
        match bind(SocketAddr::new(ip, port)) {
            Ok(server) => return Ok(server),
            Err(error) => last = error,
        }
    }
    Err(last)
}
