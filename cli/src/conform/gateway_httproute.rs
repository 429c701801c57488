//! Kind `gateway-httproute`: requests to Gateways with HTTPRoutes.
//!
//! Objects are written without `spec` and `metadata`; they are put into the form of manifests and read as those are.
//! What a backend answered before headers were changed is not told, so it is taken to be what the expectation leaves
//! room for: each header that is added to was there already with the rest of its value, what shall be gone was there.

use serde_json::{Value, json};
use std::sync::Arc;
use svckit::{
    Seed, admit, api,
    ingress::{
        GatewayAnswer, GatewayForward, GatewayRequest, GatewayRouter, GatewayRoutes, RequestHead,
        Scratch, Settings, Target,
    },
    model::{
        ClusterIps, Exposure, HeaderChange, NamespacedName, Port, Protocol, Service, ServicePort,
        TargetPort,
    },
};

use super::Case;

const NAMESPACE: &str = "gateway-conformance-infra";

/// A list of headers.
type Headers = Vec<(Arc<str>, Arc<str>)>;

pub(crate) fn run(document: &Value) -> Vec<Case> {
    let tests = document.get("tests").and_then(Value::as_array).into_iter().flatten();
    tests.flat_map(test).collect()
}

fn test(test: &Value) -> Vec<Case> {
    let name = test.get("test").and_then(Value::as_str).unwrap_or("test");
    let list = |key: &str| test.get(key).and_then(Value::as_array).into_iter().flatten();
    let mut world = match World::new(list("objects")) {
        Ok(world) => world,
        Err(reason) => return vec![Case::failed(name, reason)],
    };
    let routes = world.router.routes();
    let cases = list("cases").enumerate();
    cases
        .map(|(position, case)| Case {
            id: format!("{name}[{position}]"),
            outcome: world.play(&routes, case),
        })
        .collect()
}

/// The objects of one test.
struct World {
    router: GatewayRouter,
    /// Gateways with the ports of their listeners and whether those end TLS.
    gateways: Vec<(NamespacedName, Vec<(u16, bool)>)>,
}

impl World {
    fn new<'a>(objects: impl Iterator<Item = &'a Value>) -> Result<Self, String> {
        let router = GatewayRouter::new(Settings::default(), Seed([1, 2, 3, 4]));
        let mut world = Self { router, gateways: Vec::new() };
        for version in ["v1", "v2", "v3"] {
            let service = Arc::new(service(&format!("infra-backend-{version}")));
            world.router.set_service(&service.key.clone(), Some(service));
        }
        let mut own = false;
        for object in objects {
            own |= world.add(object)?;
        }
        if !own {
            world.add(&json!({
                "kind": "Gateway", "namespace": NAMESPACE, "name": "same-namespace",
                "listeners": [{ "name": "http", "port": 80, "protocol": "HTTP" }],
            }))?;
        }
        Ok(world)
    }

    /// Adds an object; tells whether it is a Gateway.
    fn add(&mut self, object: &Value) -> Result<bool, String> {
        let mut spec = object.clone();
        let fields = spec.as_object_mut().ok_or("an object is a map")?;
        let mut take = |key: &str| fields.remove(key).unwrap_or_default();
        let (kind, name, namespace) = (take("kind"), take("name"), take("namespace"));
        let created = take("creationTimestamp");
        let manifest = json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": kind,
            "metadata": { "name": name, "namespace": namespace, "creationTimestamp": created },
            "spec": spec,
        });
        let wrong = |findings: Vec<svckit::finding::Finding>| format!("{findings:?}");
        match kind.as_str() {
            Some("Gateway") => {
                let object: api::Gateway = read(manifest)?;
                let gateway = admit::model::gateway(&object).map_err(wrong)?;
                let ports = gateway.listeners.iter();
                let ports = ports.map(|listener| (listener.port.get(), listener.tls)).collect();
                self.gateways.push((gateway.key.clone(), ports));
                self.router.set_gateway(&gateway.key.clone(), Some(Arc::new(gateway)));
                Ok(true)
            }
            Some("HTTPRoute") => {
                let object: api::HttpRoute = read(manifest)?;
                let route = admit::model::http_route(&object).map_err(wrong)?;
                self.router.set_route(&route.key.clone(), Some(Arc::new(route)));
                Ok(false)
            }
            Some("ReferenceGrant") => {
                let object: api::ReferenceGrant = read(manifest)?;
                let grant = admit::model::reference_grant(&object);
                self.router.set_grant(&grant.key.clone(), Some(Arc::new(grant)));
                Ok(false)
            }
            _ => Err(format!("kind {kind} can't be read")),
        }
    }

    fn play(&self, routes: &GatewayRoutes, case: &Value) -> Result<(), String> {
        let request = case.get("request").ok_or("no request")?;
        let expect = case.get("expect").ok_or("no expect")?;
        let text = |key: &str| request.get(key).and_then(Value::as_str);
        let headers: Vec<(String, &str)> = request
            .get("headers")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), value.as_str()?)))
            .collect();
        let header =
            |name: &str| headers.iter().find(|(given, _)| given == name).map(|(_, value)| *value);
        let host = text("host").filter(|host| !host.is_empty()).unwrap_or("192.0.2.1");
        let method = text("method").unwrap_or("GET");
        let head = RequestHead {
            method: method.as_bytes(),
            target: text("path").unwrap_or("/").as_bytes(),
            hosts: &[host.as_bytes()],
            http_1_0: false,
        };
        let mut scratch = Scratch::default();
        let canonical = head.canonical(routes.path_policy(), &mut scratch);
        let canonical = canonical.map_err(|error| error.to_string())?;
        let Target::Path { path, query } = canonical.target else { return Err("no path".into()) };
        let server_name = text("sni");
        let asked = GatewayRequest {
            host: canonical.host.name(),
            path,
            query,
            method,
            server_name,
            header: &header,
            roll: 0,
        };
        let answers = self.answers(routes, &asked);
        let came = answers.first().ok_or("there is no Gateway")?;
        compare(came, expect, &headers)
    }

    /// What the Gateways answer, those with a route first: all of a test share one address.
    fn answers<'r>(
        &self,
        routes: &'r GatewayRoutes,
        asked: &GatewayRequest<'r>,
    ) -> Vec<GatewayAnswer<'r>> {
        let tls = asked.server_name.is_some();
        let mut answers = Vec::new();
        for (gateway, ports) in &self.gateways {
            let mut ports: Vec<u16> =
                ports.iter().filter(|(_, ends)| *ends == tls).map(|(port, _)| *port).collect();
            ports.dedup();
            answers.extend(ports.into_iter().map(|port| routes.answer(gateway, port, asked)));
        }
        answers.sort_by_key(|answer| matches!(answer, GatewayAnswer::Refuse { status: 404, .. }));
        answers
    }
}

fn read<T: serde::de::DeserializeOwned>(manifest: Value) -> Result<T, String> {
    serde_json::from_value(manifest).map_err(|error| error.to_string())
}

/// Compares an answer with what is expected of it.
fn compare(
    came: &GatewayAnswer<'_>,
    expect: &Value,
    sent: &[(String, &str)],
) -> Result<(), String> {
    let fields = expect.as_object().ok_or("no expectation")?;
    for (key, wanted) in fields {
        match (key.as_str(), came) {
            ("status", GatewayAnswer::Forward(_)) => same(key, wanted, json!(200))?,
            ("status", GatewayAnswer::Redirect { status, .. })
            | ("status", GatewayAnswer::Refuse { status, .. }) => same(key, wanted, json!(status))?,
            ("backend", GatewayAnswer::Forward(forward)) => {
                same(key, wanted, json!(&*forward.backend.service.name))?;
            }
            ("backend_sees", GatewayAnswer::Forward(forward)) => sees(forward, wanted, sent)?,
            ("redirect", GatewayAnswer::Redirect { location, .. }) => {
                redirected(location, wanted)?;
            }
            ("response_headers" | "response_absent_headers", GatewayAnswer::Forward(forward)) => {
                response(forward, expect)?;
            }
            _ => return Err(format!("expected {key} {wanted}, came {came:?}")),
        }
    }
    Ok(())
}

/// What the backend sees of the request.
fn sees(
    forward: &GatewayForward<'_>,
    wanted: &Value,
    sent: &[(String, &str)],
) -> Result<(), String> {
    let mut headers: Headers =
        sent.iter().map(|(name, value)| (name.as_str().into(), (*value).into())).collect();
    forward.request_headers.iter().for_each(|change| change.apply(&mut headers));
    for (key, wanted) in wanted.as_object().into_iter().flatten() {
        match key.as_str() {
            "path" => same(key, wanted, json!(forward.path))?,
            "host" => same(key, wanted, json!(forward.host))?,
            "headers" => have(&headers, wanted)?,
            "absent_headers" => lack(&headers, wanted)?,
            _ => return Err(format!("backend_sees.{key} can't be read")),
        }
    }
    Ok(())
}

/// What the client sees of the answer.
fn response(forward: &GatewayForward<'_>, expect: &Value) -> Result<(), String> {
    let wanted = expect.get("response_headers").cloned().unwrap_or_else(|| json!({}));
    let gone = expect.get("response_absent_headers").cloned().unwrap_or_else(|| json!([]));
    let added = |name: &str| {
        let of = |change: &&HeaderChange| change.add.clone();
        let all = forward.response_headers.iter().flat_map(of);
        all.filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    };
    let is_set = |name: &str| {
        let mut all = forward.response_headers.iter().flat_map(|change| &change.set);
        all.any(|(given, _)| given.eq_ignore_ascii_case(name))
    };
    let mut headers: Headers = Vec::new();
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        let before = match added(name) {
            Some(added) => value.strip_suffix(&*added).map(|rest| rest.trim_end_matches(',')),
            None if is_set(name) => Some("before"),
            None => Some(value),
        };
        let before = before.filter(|before| !before.is_empty());
        headers.extend(before.map(|before| (name.as_str().into(), before.into())));
    }
    for name in gone.as_array().into_iter().flatten().filter_map(Value::as_str) {
        headers.push((name.into(), "there".into()));
    }
    forward.response_headers.iter().for_each(|change| change.apply(&mut headers));
    have(&headers, &wanted)?;
    lack(&headers, &gone)
}

/// Headers with their values; several of one name are one list.
fn have(headers: &Headers, wanted: &Value) -> Result<(), String> {
    for (name, wanted) in wanted.as_object().into_iter().flatten() {
        let of_name = headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
        let values: Vec<&str> = of_name.map(|(_, value)| &**value).collect();
        same(name, wanted, json!(values.join(",")))?;
    }
    Ok(())
}

fn lack(headers: &Headers, gone: &Value) -> Result<(), String> {
    let names = gone.as_array().into_iter().flatten().filter_map(Value::as_str);
    let has = |name: &str| headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
    match names.into_iter().find(|name| has(name)) {
        None => Ok(()),
        Some(name) => Err(format!("{name} is still there")),
    }
}

/// Parts of `Location`.
fn redirected(location: &str, wanted: &Value) -> Result<(), String> {
    let (scheme, rest) = location.split_once("://").ok_or("no URL")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    for (key, wanted) in wanted.as_object().into_iter().flatten() {
        let came = match key.as_str() {
            "scheme" => scheme,
            "host" => host,
            "port" => port,
            "path" => path,
            _ => return Err(format!("redirect.{key} can't be read")),
        };
        same(key, wanted, json!(came))?;
    }
    Ok(())
}

fn same(what: &str, wanted: &Value, came: Value) -> Result<(), String> {
    if *wanted == came { Ok(()) } else { Err(format!("{what}: expected {wanted}, came {came}")) }
}

/// A Service of the suite's namespace with port 8080.
fn service(name: &str) -> Service {
    let port = |port| ServicePort {
        name: "".into(),
        protocol: Protocol::Tcp,
        port,
        target: TargetPort::Number(port),
        node_port: None,
        app_protocol: None,
    };
    let ports = Port::new(8080).map(port).into_iter().collect();
    Service::new(
        NamespacedName::new(NAMESPACE, name),
        Exposure::ClusterIp(ClusterIps::single([10, 96, 0, 1].into())),
        ports,
    )
}
