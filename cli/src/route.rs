//! `svckit route`: which rule takes a request, and why.
//!
//! Ingresses are asked first. When no rule of theirs takes the request, the Gateways with a listener at its port are.

mod gateway;

use clap::Args;
use serde_json::{Value, json};
use std::net::IpAddr;
use svckit::{
    cluster::Settings,
    ingress::{
        Answer, Backend, BackendRef, Circumstances, ClassSelection, Explanation, Forward, Outcome,
        RequestHead, Router, Routes, Scratch, Target,
    },
    model::{Family, ServicePortName, ServicePortRef},
};
use svckit_adapters::clock;

use crate::{
    exit::{Exit, Stop},
    input::{Input, Output},
    load::Loaded,
    report,
};

/// What `route` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: svckit route http://mywebsite.com/api -f examples/walkthrough")]
pub(crate) struct Route {
    /// The method (default: GET) and the URL; without a scheme it is http.
    #[arg(required = true, num_args = 1..=2, value_names = ["METHOD", "URL"])]
    request: Vec<String>,
    #[command(flatten)]
    input: Input,
    /// A header of the request, as `Name: value`; repeatable.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Only Ingresses of this class.
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// Who asks.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    from: IpAddr,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// A request in parts.
struct Asked<'a> {
    method: &'a str,
    https: bool,
    /// The URL's host and port.
    authority: &'a str,
    /// From the first slash on.
    target: String,
    /// Names in lower case.
    headers: Vec<(String, &'a str)>,
}

impl Asked<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| *value)
    }

    /// The port that the URL means.
    fn port(&self) -> u16 {
        let usual = if self.https { 443 } else { 80 };
        let after_name = self.authority.rsplit_once(']').map_or(self.authority, |(_, rest)| rest);
        let named = after_name.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        named.unwrap_or(usual)
    }
}

impl Route {
    /// Prints which rule takes the request.
    pub(crate) fn run(&self) -> Result<Exit, Stop> {
        let asked = self.asked()?;
        let loaded = Loaded::read(&self.input, Settings::default())?;
        let routes = match &self.class {
            None => loaded.cluster.router().routes(),
            Some(class) => {
                let names = Some([class.as_str().into()].into());
                let mut selection = ClassSelection::default();
                (selection.names, selection.unclassed) = (names, false);
                let settings = loaded.cluster.control().settings().routing();
                let mut router = Router::new(settings, selection, clock::seed());
                loaded.changes.iter().for_each(|change| router.apply(change));
                router.routes()
            }
        };
        let mut answer = answer(&routes, loaded, &asked, self.from);
        let taken = answer.get("ingress").is_some_and(|ingress| !ingress.is_null());
        if !taken && let Some(gateways) = gateway::answer(loaded, &asked) {
            answer = gateways;
        }
        match self.output {
            Output::Json => println!("{answer:#}"),
            Output::Yaml => {
                let text = serde_saphyr::to_string(&answer);
                print!("{}", text.map_err(|error| Stop::system(error.to_string()))?);
            }
            Output::Table | Output::Wide | Output::Name => print(&answer),
        }
        report::print(&loaded.findings);
        Ok(Exit::of_input(report::has_errors(&loaded.findings)))
    }

    fn asked(&self) -> Result<Asked<'_>, Stop> {
        let (method, url) = match &self.request[..] {
            [method, url] => (method.as_str(), url.as_str()),
            [url] => ("GET", url.as_str()),
            _ => return Err(Stop::usage("write a method and a URL, or a URL")),
        };
        let (https, rest) = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, _)) => {
                return Err(Stop::usage(format!("{scheme}: only http and https are routed")));
            }
            None => (false, url),
        };
        let end = rest.find(['/', '?', '*']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let target = if target.starts_with('/') || target == "*" {
            target.to_owned()
        } else {
            format!("/{target}")
        };
        let header =
            |text: &'_ str| text.split_once(':').map(|(name, _)| name.trim().to_ascii_lowercase());
        let mut headers = Vec::new();
        for text in &self.headers {
            let name = header(text)
                .ok_or_else(|| Stop::usage(format!("-H {text:?}: write 'Name: value'")))?;
            let value = text.split_once(':').map_or("", |(_, value)| value.trim());
            headers.push((name, value));
        }
        Ok(Asked { method, https, authority, target, headers })
    }
}

/// What becomes of a request, as JSON.
fn answer(routes: &Routes, loaded: &Loaded, asked: &Asked<'_>, from: IpAddr) -> Value {
    let header = |name: &str| asked.header(name);
    let host = header("host").unwrap_or(asked.authority);
    let head = RequestHead {
        method: asked.method.as_bytes(),
        target: asked.target.as_bytes(),
        hosts: &[host.as_bytes()],
        http_1_0: false,
    };
    let mut scratch = Scratch::default();
    let request = match head.canonical(routes.path_policy(), &mut scratch) {
        Ok(request) => request,
        Err(error) => {
            let said = Said { status: error.status(), ..Said::default() };
            return said.json(&Outcome::NotFound, vec![error.to_string()]);
        }
    };
    let path = match request.target {
        Target::Path { path, .. } => path,
        Target::Host => "",
    };
    let Explanation { outcome, candidates } = routes.explain(request.host.name(), path);
    let mut why: Vec<String> = candidates.iter().map(ToString::to_string).collect();
    why.extend(beside(&outcome));
    let with = Circumstances {
        client: from,
        method: asked.method.as_bytes(),
        https: asked.https,
        body: header("content-length").and_then(|length| length.parse().ok()),
        header: &header,
        // Whoever is chosen by chance is told, and not chosen.
        roll: 999_999,
    };
    let said = Said::new(routes.answer(&request, &with), loaded, &mut why);
    said.json(&outcome, why)
}

/// What else there is to know about who takes a request.
fn beside(outcome: &Outcome<'_>) -> Vec<String> {
    match outcome {
        Outcome::Route(found) => {
            found.canaries.iter().map(|(_, canary)| format!("canary: {canary}")).collect()
        }
        Outcome::Default(default) => vec![match &default.ingress {
            Some(ingress) => format!("no path takes it: the default backend of Ingress {ingress}"),
            None => "nobody takes it: the default backend of the settings".into(),
        }],
        Outcome::NotFound => Vec::new(),
    }
}

/// The answer beside the route.
#[derive(Default)]
struct Said {
    status: u16,
    backend: Value,
    rewritten: Option<String>,
    location: Option<String>,
}

impl Said {
    fn new(answer: Answer<'_>, loaded: &Loaded, why: &mut Vec<String>) -> Self {
        match answer {
            Answer::Forward(Forward { backend, path, .. }) => {
                let (status, trouble) = reached(loaded, backend);
                why.extend(trouble);
                let rewritten = Some(path.into_owned());
                Self { status, backend: named(loaded, backend), rewritten, ..Self::default() }
            }
            Answer::Redirect { status, location } => {
                why.push(format!("redirected to {location}"));
                Self { status, location: Some(location), ..Self::default() }
            }
            Answer::Preflight(_) => {
                why.push("a browser's question, answered without asking a pod".into());
                Self { status: 204, ..Self::default() }
            }
            Answer::Refuse { status, why: reason } => {
                why.push(reason.into());
                Self { status, ..Self::default() }
            }
        }
    }

    fn json(self, outcome: &Outcome<'_>, why: Vec<String>) -> Value {
        let (route, ingress) = match outcome {
            Outcome::Route(found) => (Some(found.route), Some(found.ingress())),
            Outcome::Default(default) => (None, default.ingress.as_ref()),
            Outcome::NotFound => (None, None),
        };
        json!({
            "status": self.status,
            "backend": self.backend,
            "ingress": ingress.map(ToString::to_string),
            "host": route.and_then(|route| route.host.as_deref()),
            "path": route.map(|route| &*route.path),
            "pathType": route.map(|route| format!("{:?}", route.path_type)),
            "why": why,
            "rewritten": self.rewritten,
            "location": self.location,
        })
    }
}

/// The status that a client gets, and what is wrong when it is no good one.
fn reached(loaded: &Loaded, backend: &Backend) -> (u16, Option<String>) {
    match backend {
        Backend::Resource { kind, name, .. } => {
            (503, Some(format!("{kind} {name} is for the embedder; nobody serves it here")))
        }
        Backend::Service(service) => match &service.port {
            Err(error) => (503, Some(format!("{service}: {error}"))),
            Ok(port) if has_pods(loaded, port) => (200, None),
            Ok(_) => (503, Some(format!("{service} has no ready endpoints"))),
        },
    }
}

fn has_pods(loaded: &Loaded, port: &ServicePortName) -> bool {
    let frontend = |family| {
        let key = svckit::forward::FrontendKey { name: port.clone(), family };
        loaded.cluster.proxy().frontend(&key)
    };
    let families = [Family::V4, Family::V6];
    families.into_iter().filter_map(frontend).any(|front| !front.endpoints.cluster.is_empty())
}

/// The backend's Service and the number of its port, when it has one.
fn named(loaded: &Loaded, backend: &Backend) -> Value {
    let Backend::Service(BackendRef { service, asked, port, .. }) = backend else {
        return Value::Null;
    };
    let object = loaded.cluster.control().service(service);
    let number = port.as_ref().ok().and_then(|port| {
        let ports = &object?.spec.ports;
        ports.iter().find(|given| given.name == *port.port).map(|given| json!(given.port))
    });
    let asked = || match asked {
        ServicePortRef::Number(number) => json!(number.get()),
        ServicePortRef::Name(name) => json!(&**name),
    };
    json!({
        "namespace": &*service.namespace,
        "service": &*service.name,
        "port": number.unwrap_or_else(asked),
    })
}

/// For people: a line for each thing that is known.
fn print(answer: &Value) {
    let field = |key: &str| match answer.pointer(key) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    if let Some(service) = field("/backend/service") {
        let [namespace, port] = ["/backend/namespace", "/backend/port"].map(field);
        let [namespace, port] = [namespace, port].map(Option::unwrap_or_default);
        println!("backend    {namespace}/{service}:{port}");
    }
    for key in [
        "status",
        "location",
        "ingress",
        "gateway",
        "httpRoute",
        "host",
        "path",
        "pathType",
        "rewritten",
    ] {
        if let Some(value) = field(&format!("/{key}")) {
            println!("{key:<10} {value}");
        }
    }
    for reason in answer.get("why").and_then(Value::as_array).into_iter().flatten() {
        println!("           {}", reason.as_str().unwrap_or_default());
    }
}
