//! Kind `ingress-conformance`: the scenarios of the Ingress conformance suite, over real sockets.
//!
//! Each scenario gets a proxy of its own with its Ingresses; ten simulated pods stand behind each Service. Redirects
//! are not followed, so a proxy that answers with one fails. TLS is ended before svckit: a scenario over https asks
//! the same proxy, since the host chooses the route.

mod client;

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use svckit::{
    Seed, admit, api,
    ingress::{ClassSelection, Router, Settings},
    model::{
        Change, ClusterIps, Exposure, IngressClass, NamespacedName, Port, Protocol, Service,
        ServiceKey, ServicePort, TargetPort,
    },
};
use svckit_adapters::serve::{
    balancer::Picked,
    http::{Asked, Server},
    pod::{Identity, PodPort, Pods},
};

use self::client::Answer;
use super::Case;

/// Pods behind each Service.
const REPLICAS: usize = 10;

pub(crate) fn run(document: &Value) -> Vec<Case> {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Case::failed("runtime", error.to_string())],
    };
    let _inside = runtime.enter();
    let scenarios = document.get("scenarios").and_then(Value::as_array).into_iter().flatten();
    let world = World::new(document);
    let case = |(position, scenario): (usize, &Value)| {
        let name = scenario.get("id").and_then(Value::as_str);
        let id = name.map_or_else(|| format!("scenarios[{position}]"), str::to_owned);
        let outcome = world.as_ref().map_err(Clone::clone);
        let outcome = outcome.and_then(|world| world.play(document, scenario));
        Case { id, outcome }
    };
    scenarios.enumerate().map(case).collect()
}

/// Services and their pods.
struct World {
    services: Vec<Service>,
    pods: BTreeMap<ServiceKey, Vec<SocketAddr>>,
    /// Serve for as long as this is here.
    _running: Pods,
}

impl World {
    fn new(document: &Value) -> Result<Self, String> {
        let given = document.get("services").and_then(Value::as_array).into_iter().flatten();
        let services: Vec<_> =
            given.map(service).collect::<Option<_>>().ok_or("a Service can't be read")?;
        let mut pods = BTreeMap::new();
        let mut ports = Vec::new();
        // All ports are held until all are known, or two Services would get the same.
        let mut held = Vec::new();
        for service in &services {
            let replicas = stand_in(&service.key, &mut held).map_err(|error| error.to_string())?;
            let addresses = replicas.iter().map(|port| port.listen).collect();
            pods.insert(service.key.clone(), addresses);
            ports.extend(replicas);
        }
        drop(held);
        let mut running = Pods::default();
        match running.reconcile(ports).into_iter().next() {
            Some((_, error)) => Err(format!("a pod can't listen: {error}")),
            None => Ok(Self { services, pods, _running: running }),
        }
    }

    /// Plays one scenario; the error says what was expected, and what came.
    fn play(&self, document: &Value, scenario: &Value) -> Result<(), String> {
        let mut router =
            Router::new(Settings::default(), ClassSelection::default(), Seed([1, 2, 3, 4]));
        let class = IngressClass {
            name: "conformance".into(),
            controller: "svckit.example/conform".into(),
            created: 0,
            is_default: true,
        };
        router.apply(&Change::IngressClass(class.into()));
        for service in &self.services {
            router.apply(&Change::Service(Arc::new(service.clone())));
        }
        let ingresses = ingresses(document, scenario)?;
        for ingress in &ingresses {
            let object = admit::model::ingress(ingress).map_err(|wrong| format!("{wrong:?}"))?;
            router.apply(&Change::Ingress(Arc::new(object)));
        }
        let routes = Arc::new(arc_swap::ArcSwap::new(router.routes()));
        let server = Server::bind(([127, 0, 0, 1], 0).into(), routes, self.pick());
        let server = server.map_err(|error| error.to_string())?;
        let stage = Stage { router: &router, ingresses: &ingresses, proxy: server.local_addr() };
        stage.check(scenario)
    }

    /// Pods in turn.
    fn pick(&self) -> Arc<svckit_adapters::serve::http::Pick> {
        let pods = self.pods.clone();
        let turn = AtomicUsize::new(0);
        Arc::new(move |asked: &Asked<'_>| {
            let pods = pods.get(&asked.backend.port.as_ref().ok()?.service)?;
            let pod = pods.get(turn.fetch_add(1, Ordering::Relaxed) % pods.len().max(1))?;
            Some(Picked { backends: vec![*pod], ..Picked::default() })
        })
    }
}

/// Where a scenario is played.
struct Stage<'a> {
    router: &'a Router,
    ingresses: &'a [api::Ingress],
    proxy: SocketAddr,
}

impl Stage<'_> {
    fn check(&self, scenario: &Value) -> Result<(), String> {
        let expect = scenario.get("expect").and_then(Value::as_object).ok_or("no expect")?;
        if let Some(served) = expect.get("routes_served") {
            same("routes_served", served, &Value::Bool(self.serves()?))?;
        }
        if let Some(status) = expect.get("status_load_balancer").and_then(Value::as_str) {
            let ours = |ingress: &api::Ingress| self.router.takes(&key(ingress)).is_ok();
            let empty = !self.ingresses.iter().any(ours);
            same("empty status", &status.contains("empty"), &empty)?;
        }
        let Some(request) = scenario.get("request") else { return Ok(()) };
        if scenario.get("feature").and_then(Value::as_str) == Some("load_balancing") {
            return self.spread(request);
        }
        let answer = client::ask(self.proxy, request)?;
        for (key, wanted) in expect {
            check(key, wanted, &answer)?;
        }
        Ok(())
    }

    /// A hundred requests reach each pod.
    fn spread(&self, request: &Value) -> Result<(), String> {
        let mut reached = BTreeSet::new();
        for _ in 0..100 {
            let answer = client::ask(self.proxy, request)?;
            same("status", &200, &answer.status)?;
            reached.insert(answer.pod);
        }
        same("pods reached", &REPLICAS, &reached.len())
    }

    /// Whether any path of the Ingresses is answered.
    fn serves(&self) -> Result<bool, String> {
        for rule in self.ingresses.iter().flat_map(|ingress| &ingress.spec.rules) {
            for path in rule.http.iter().flat_map(|http| &http.paths) {
                let request = serde_json::json!({ "host": rule.host, "path": path.path });
                if client::ask(self.proxy, &request)?.status != 404 {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// Compares one thing that is expected of an answer.
fn check(key: &str, wanted: &Value, answer: &Answer) -> Result<(), String> {
    let text = |value: &str| Value::from(value);
    match key {
        "status" => same(key, wanted, &Value::from(answer.status)),
        "service" => {
            let service = answer.pod.rsplit_once('/').map_or("", |(_, pod)| pod);
            same(key, wanted, &text(service.rsplit_once('-').map_or("", |(service, _)| service)))
        }
        "response_proto" => same(key, wanted, &text(&answer.proto)),
        "response_headers_present" => {
            let names = wanted.as_array().into_iter().flatten().filter_map(Value::as_str);
            let missing: Vec<_> = names.filter(|name| answer.header(name).is_none()).collect();
            same("missing headers", &Vec::<&str>::new(), &missing)
        }
        "backend_sees" => {
            for (key, wanted) in wanted.as_object().into_iter().flatten() {
                match key.as_str() {
                    "method" => same(key, wanted, &text(&answer.seen.method))?,
                    "path" => same(key, wanted, &text(&answer.seen.path))?,
                    "proto" => same(key, wanted, &text(&answer.seen.proto))?,
                    "host" => same(key, wanted, &text(answer.seen.header("host").unwrap_or("")))?,
                    "headers" => {
                        for (name, wanted) in wanted.as_object().into_iter().flatten() {
                            same(name, wanted, &text(answer.seen.header(name).unwrap_or("")))?;
                        }
                    }
                    other => return Err(format!("backend_sees.{other} can't be read")),
                }
            }
            Ok(())
        }
        // Asked before, or for people.
        "status_load_balancer" | "routes_served" => Ok(()),
        _ => Err(format!("expect.{key} can't be read")),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, wanted: &T, came: &T) -> Result<(), String> {
    if wanted == came { Ok(()) } else { Err(format!("{what}: expected {wanted:?}, came {came:?}")) }
}

/// The Ingresses of a scenario.
fn ingresses(document: &Value, scenario: &Value) -> Result<Vec<api::Ingress>, String> {
    let names = scenario.get("ingresses").and_then(Value::as_array).into_iter().flatten();
    let object = |name: &Value| {
        let object = document.get("objects").and_then(|objects| objects.get(name.as_str()?));
        let object = object.ok_or_else(|| format!("there is no object {name}"))?;
        serde_json::from_value(object.clone()).map_err(|error| format!("{name}: {error}"))
    };
    names.map(object).collect()
}

fn key(ingress: &api::Ingress) -> NamespacedName {
    NamespacedName::new(&*ingress.metadata.namespace, &*ingress.metadata.name)
}

/// A Service of the document.
fn service(given: &Value) -> Option<Service> {
    let number =
        |value: &Value, key: &str| Port::new(u16::try_from(value.get(key)?.as_u64()?).ok()?);
    let port = |given: &Value| {
        Some(ServicePort {
            name: given.get("name").and_then(Value::as_str).unwrap_or_default().into(),
            protocol: Protocol::Tcp,
            port: number(given, "port")?,
            target: TargetPort::Number(
                number(given, "targetPort").or_else(|| number(given, "port"))?,
            ),
            node_port: None,
            app_protocol: None,
        })
    };
    Some(Service::new(
        NamespacedName::new(given.get("namespace")?.as_str()?, given.get("name")?.as_str()?),
        Exposure::ClusterIp(ClusterIps::single([10, 96, 0, 1].into())),
        given.get("ports")?.as_array()?.iter().map(port).collect::<Option<_>>()?,
    ))
}

/// Pods for a Service at free ports of this machine, which are held.
fn stand_in(service: &ServiceKey, held: &mut Vec<TcpListener>) -> io::Result<Vec<PodPort>> {
    let replica = |number: usize| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let listen = listener.local_addr()?;
        held.push(listener);
        let identity = Identity {
            pod: format!("{service}-{number}"),
            address: listen,
            services: vec![service.to_string()],
        };
        Ok(PodPort { listen, protocol: Protocol::Tcp, identity })
    };
    (0..REPLICAS).map(replica).collect()
}
