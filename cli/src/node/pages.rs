//! What the node answers to probes: its own health, its figures, and the health-check node ports of Services.

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use svckit::{
    Time,
    api::Object,
    forward::{HealthCheck, Proxy},
    model::Family,
};
use svckit_adapters::{
    clock,
    serve::status::{Page, Status},
};

use super::{metrics::Metrics, sink::Written};
use crate::{exit::Stop, load::Loaded};

/// How long a change may wait for a write that succeeds, before we call ourselves unhealthy: twice kube-proxy's
/// period of full writes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The autoscaler is about to take the node away.
const TAINT: &str = "ToBeDeletedByClusterAutoscaler";

/// How things are.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) metrics: Metrics,
    /// Since when a change has been waiting.
    waiting: Option<Time>,
    eligible: bool,
    families: Vec<Family>,
}

impl State {
    /// A change is to be written.
    pub(super) fn queued(&mut self, now: Time) {
        self.waiting.get_or_insert(now);
    }

    /// A write has ended; `None`: it failed.
    pub(super) fn synced(&mut self, done: Option<&Written>, took: Duration) {
        match done {
            Some(written) => {
                self.waiting = None;
                self.metrics.last = clock::unix_seconds();
                self.metrics.full += u64::from(written.full);
                if written.any {
                    self.metrics.took(took);
                }
            }
            None => {
                self.metrics.failures += 1;
                self.queued(clock::now());
            }
        }
    }

    /// Takes note of what the cluster says.
    pub(super) fn observe(&mut self, loaded: &Loaded, refused: usize) {
        let proxy = loaded.cluster.proxy();
        self.families.clone_from(&proxy.node().families);
        self.eligible = !is_leaving(loaded, &proxy.node().name);
        let metrics = &mut self.metrics;
        (metrics.frontends, metrics.endpoints, metrics.empty) = ([0; 2], [0; 2], 0);
        for frontend in proxy.frontends() {
            let family = usize::from(frontend.key.family == Family::V6);
            let [v4, v6] = &mut metrics.frontends;
            *if family == 0 { v4 } else { v6 } += 1;
            let [v4, v6] = &mut metrics.endpoints;
            *if family == 0 { v4 } else { v6 } += frontend.endpoints.cluster.len();
            metrics.empty += usize::from(!frontend.endpoints.has_any);
        }
        metrics.refused = refused;
        metrics.findings = loaded.findings.iter().filter(|one| one.finding.is_error()).count();
    }

    fn healthy(&self) -> bool {
        self.waiting.is_none_or(|since| clock::now().saturating_since(since) < PATIENCE)
    }

    /// kube-proxy's answer; `/livez` leaves out whether the node stays.
    fn health(&self, with_node: bool) -> Page {
        let healthy = self.healthy();
        let now = clock::utc(clock::unix_seconds());
        let last = if healthy { now.clone() } else { clock::utc(self.metrics.last) };
        let family = |family: &Family| {
            let state = json!({ "lastUpdated": clock::utc(self.metrics.last), "healthy": healthy });
            (family.to_string(), state)
        };
        let status: BTreeMap<String, Value> = self.families.iter().map(family).collect();
        let mut body = json!({
            "lastUpdated": last, "currentTime": now, "healthy": healthy, "status": status,
        });
        if let (true, Some(fields)) = (with_node, body.as_object_mut()) {
            fields.insert("nodeEligible".into(), self.eligible.into());
        }
        let good = healthy && (self.eligible || !with_node);
        page(good, vec![], &body)
    }
}

/// Whether the node is on its way out. One that nobody has described stays.
fn is_leaving(loaded: &Loaded, name: &str) -> bool {
    loaded.cluster.control().given().any(|(id, object)| match object {
        Object::Node(node) if id.name == name => {
            node.metadata.deletion_timestamp.is_some()
                || node.spec.taints.iter().any(|taint| taint.key == TAINT)
        }
        _ => false,
    })
}

fn page(good: bool, headers: Vec<(&'static str, String)>, body: &Value) -> Page {
    let status = if good { 200 } else { 503 };
    Page { status, media: "application/json", headers, body: body.to_string() }
}

/// What listens.
pub(super) struct Pages {
    own: Status,
    state: Arc<Mutex<State>>,
    checks: BTreeMap<SocketAddr, Check>,
}

/// A health-check node port at one address.
struct Check {
    told: Arc<Mutex<HealthCheck>>,
    /// Ends when it is dropped.
    _listener: Status,
}

impl Pages {
    /// Listens for probes.
    pub(super) fn new(listen: SocketAddr, state: Arc<Mutex<State>>) -> Result<Self, Stop> {
        let known = state.clone();
        let answer = move |path: &str| {
            let state = known.lock().unwrap_or_else(PoisonError::into_inner);
            match path {
                "/healthz" => state.health(true),
                "/livez" => state.health(false),
                "/metrics" => Page {
                    status: 200,
                    media: "text/plain; version=0.0.4",
                    headers: vec![],
                    body: state.metrics.text(),
                },
                _ => Page {
                    status: 404,
                    media: "text/plain",
                    headers: vec![],
                    body: "there are /healthz, /livez and /metrics\n".into(),
                },
            }
        };
        let own = Status::bind(listen, Arc::new(answer)).map_err(|error| {
            Stop::system(format!("{listen}: {error}; choose another with --listen"))
        })?;
        Ok(Self { own, state, checks: BTreeMap::new() })
    }

    /// Where the node's own pages are.
    pub(super) const fn local_addr(&self) -> SocketAddr {
        self.own.local_addr()
    }

    /// Opens and closes health-check node ports; returns what went wrong.
    pub(super) fn reconcile(&mut self, proxy: &Proxy) -> Vec<String> {
        let mut wanted = BTreeMap::new();
        for check in proxy.health_checks() {
            for addr in addresses(proxy) {
                wanted.insert(SocketAddr::new(addr, check.port.get()), check.clone());
            }
        }
        self.checks.retain(|at, _| wanted.contains_key(at));
        let mut wrong = Vec::new();
        for (at, check) in wanted {
            if let Some(open) = self.checks.get(&at) {
                *open.told.lock().unwrap_or_else(PoisonError::into_inner) = check;
                continue;
            }
            let service = check.service.to_string();
            match Check::open(at, check, self.state.clone()) {
                Ok(open) => {
                    self.checks.insert(at, open);
                }
                Err(error) => wrong.push(format!("{service}: health check at {at}: {error}")),
            }
        }
        wrong
    }
}

impl Check {
    fn open(at: SocketAddr, check: HealthCheck, state: Arc<Mutex<State>>) -> std::io::Result<Self> {
        let told = Arc::new(Mutex::new(check));
        let known = told.clone();
        let answer = move |_: &str| {
            let healthy = state.lock().unwrap_or_else(PoisonError::into_inner).healthy();
            let check = known.lock().unwrap_or_else(PoisonError::into_inner);
            let body = json!({
                "service": {
                    "namespace": &*check.service.namespace,
                    "name": &*check.service.name,
                },
                "localEndpoints": check.local_endpoints,
                "serviceProxyHealthy": healthy,
            });
            let headers = vec![
                ("X-Content-Type-Options", "nosniff".to_owned()),
                ("X-Load-Balancing-Endpoint-Weight", check.local_endpoints.to_string()),
            ];
            page(healthy && check.is_healthy(), headers, &body)
        };
        Ok(Self { told, _listener: Status::bind(at, Arc::new(answer))? })
    }
}

/// The addresses at which node ports answer; without a limit, all of a family.
fn addresses(proxy: &Proxy) -> Vec<IpAddr> {
    let node = proxy.node();
    let mut all = Vec::new();
    for family in &node.families {
        let own = node.addresses.iter().filter(|addr| Family::of(**addr) == *family);
        let unlimited = node.node_port_ranges(*family).next().is_none();
        if unlimited {
            all.push(match family {
                Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
                Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
            });
        } else {
            all.extend(own.filter(|addr| node.answers_node_ports(**addr)));
        }
    }
    all
}
