//! The Ingress of `up`: one proxy, listening for HTTP and, when there are certificates, for HTTPS.

use arc_swap::ArcSwap;
use clap::Args;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};
use svckit::ingress::{Certificate, Routes};
use svckit_adapters::serve::{
    balancer::{Balancer, Picked},
    http::{Asked, Config, Proxy, Record, Server},
    tls::{Authority, Certificates, Fallback},
};

use super::{faces::first, listen::listen, stand_ins::EDGE};

/// What `up` takes for its Ingress.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct WebOptions {
    /// Serves HTTPS for every host, with certificates made on the spot where no Secret has one; writes the
    /// certificate that clients have to trust to FILE.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) self_signed: Option<PathBuf>,
    /// Writes a line to stderr for each request to the Ingress.
    #[arg(long)]
    pub(crate) access_log: bool,
}

/// What serves Ingresses.
pub(super) struct Web {
    routes: Arc<ArcSwap<Routes>>,
    proxy: Arc<Proxy>,
    certificates: Arc<Certificates>,
    http: Option<Server>,
    https: Option<Server>,
    /// Every name has a certificate.
    self_signed: bool,
    /// What clients have to trust, if it was written to a file.
    trusted: Option<PathBuf>,
    lowest: u16,
}

impl Web {
    /// Listens for HTTP; what can't be had is said in `refused`, and left out.
    pub(super) fn start(
        routes: Arc<ArcSwap<Routes>>,
        balancer: Arc<Balancer>,
        options: &WebOptions,
        lowest: u16,
        refused: &mut Vec<String>,
    ) -> Self {
        let hearer = balancer.clone();
        let pick = move |asked: &Asked<'_>| {
            balancer.pick_for(asked.client, asked.backend.port.as_ref().ok()?, asked.key)
        };
        let hear = move |pod, picked: &Picked, took| hearer.heard(pod, picked, took);
        let mut proxy = Proxy::new(routes.clone(), Arc::new(pick), Config::default())
            .with_hearer(Arc::new(hear));
        if options.access_log {
            proxy = proxy.with_log(Arc::new(|record: &Record| eprintln!("{record}")));
        }
        let proxy = Arc::new(proxy);
        let http = bind(80, lowest, |addr| Server::start(addr, proxy.clone(), None))
            .map_err(|error| refused.push(format!("no Ingress: can't listen: {error}")))
            .ok();
        let (fallback, trusted) = authority(options, refused);
        let self_signed = matches!(fallback, Fallback::Authority(_));
        let certificates = Arc::new(Certificates::new(routes.clone(), fallback));
        Self { routes, proxy, certificates, http, https: None, self_signed, trusted, lowest }
    }

    /// Follows a change of the routes: HTTPS is served as soon as there is something to show.
    pub(super) fn follow(&mut self) -> Vec<String> {
        let mut refused: Vec<String> = self
            .certificates
            .unusable()
            .into_iter()
            .map(|(secret, why)| format!("the certificate of Secret {secret} is not used: {why}"))
            .collect();
        let any = self.self_signed || self.routes.load().certificates().next().is_some();
        if any && self.https.is_none() && self.http.is_some() {
            let start = |addr| Server::start(addr, self.proxy.clone(), Some(&self.certificates));
            match bind(443, self.lowest, start) {
                Ok(server) => self.https = Some(server),
                Err(error) => refused.push(format!("no HTTPS: can't listen: {error}")),
            }
        }
        refused
    }

    pub(super) fn http(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(Server::local_addr)
    }

    pub(super) fn https(&self) -> Option<SocketAddr> {
        self.https.as_ref().map(Server::local_addr)
    }

    /// A command that asks for this host and path, encrypted where that can be had.
    pub(super) fn command(&self, host: &str, path: &str) -> Option<String> {
        let routes = self.routes.load();
        let own = matches!(routes.certificate(host.as_bytes()), Certificate::Secret(_));
        if let Some(addr) = self.https().filter(|_| own || self.self_signed) {
            // Whether anybody vouches for a Secret's certificate is not for us to say.
            let trust = match &self.trusted {
                Some(file) if !own => format!("--cacert {}", file.display()),
                _ => "-k".into(),
            };
            return Some(format!("curl -s {trust} {}", url("https", addr, host, path)));
        }
        Some(format!("curl -s {}", url("http", self.http()?, host, path)))
    }
}

/// A URL for a host that no resolver knows.
fn url(scheme: &str, addr: SocketAddr, host: &str, path: &str) -> String {
    let (ip, port) = (addr.ip(), addr.port());
    let usual = if scheme == "https" { 443 } else { 80 };
    let shown = if port == usual { String::new() } else { format!(":{port}") };
    format!("--resolve {host}:{port}:{ip} {scheme}://{host}{shown}{path}")
}

/// What is shown to clients whose host has no certificate.
fn authority(options: &WebOptions, refused: &mut Vec<String>) -> (Fallback, Option<PathBuf>) {
    let Some(file) = &options.self_signed else { return (Fallback::None, None) };
    let authority = match Authority::new() {
        Ok(authority) => Arc::new(authority),
        Err(error) => {
            refused.push(error.to_string());
            return (Fallback::None, None);
        }
    };
    let mut trusted = Some(file.clone()).filter(|file| !file.as_os_str().is_empty());
    if let Some(file) = &trusted
        && let Err(error) = std::fs::write(file, authority.certificate())
    {
        refused.push(format!("can't write {}: {error}", file.display()));
        trusted = None;
    }
    (Fallback::Authority(authority), trusted)
}

/// Listens at a port, or at one like it.
fn bind(
    port: u16,
    lowest: u16,
    start: impl Fn(SocketAddr) -> io::Result<Server>,
) -> io::Result<Server> {
    let edge = IpAddr::V4(EDGE);
    first(edge, [listen(edge, port, lowest, |_| false).port(), 8000 + port, 0], start)
}
