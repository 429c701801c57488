//! Kind `ingress-paths`: which path and which host take a request, and what nginx makes of a path.

use serde_json::{Value, json};
use std::sync::Arc;
use svckit::{
    Seed,
    ingress::{ClassSelection, Host, Outcome, RequestHead, Router, Routes, Scratch, Settings},
    model::{Change, Ingress, IngressBackend, IngressPath, IngressRule, NamespacedName, PathType},
    render::nginx::normalised_uri,
};

use super::Case;

/// Runs a case; `None` when it can't be read.
type Read = fn(&Value) -> Option<Case>;

pub(crate) fn run(document: &Value) -> Vec<Case> {
    let sections: [(&str, Read); 4] = [
        ("cases", path_case),
        ("host_cases", host_case),
        ("host_precedence_cases", precedence_case),
        ("path_normalisation_nginx_measured", uri_case),
    ];
    let mut cases = Vec::new();
    for (name, read) in sections {
        let section = document.get(name).and_then(Value::as_array);
        for (position, case) in section.into_iter().flatten().enumerate() {
            let unreadable = || Case::failed(id(case, name, position), "the case can't be read");
            cases.push(read(case).unwrap_or_else(unreadable));
        }
    }
    cases
}

fn id(case: &Value, section: &str, position: usize) -> String {
    let text = case.get("id").or_else(|| case.get("raw")).and_then(Value::as_str);
    text.map_or_else(|| format!("{section}[{position}]"), str::to_owned)
}

/// Paths of a rule for every host, and one request.
fn path_case(case: &Value) -> Option<Case> {
    let paths = case.get("paths")?.as_array()?.iter().map(|path| {
        Some((path.get("path")?.as_str()?, path_type(path.get("pathType")?.as_str()?)?))
    });
    let routes = routes(vec![rule("", &paths.collect::<Option<Vec<_>>>()?)]);
    let target = case.get("request")?.as_str()?;
    let came = match ask(&routes, target) {
        Some((path, path_type)) => json!({ "path": path, "pathType": path_type }),
        None => Value::Null,
    };
    Some(Case::equal(id(case, "", 0), case.get("expected_match")?, &came))
}

/// Path and type of the rule that takes a request target.
fn ask(routes: &Routes, target: &str) -> Option<(String, String)> {
    let settings = Settings::default();
    let mut scratch = Scratch::default();
    let method = if target == "*" { b"OPTIONS" } else { &b"GET"[..] };
    let head = RequestHead {
        method,
        target: target.as_bytes(),
        hosts: &[b"any.example"],
        http_1_0: false,
    };
    let request = head.canonical(&settings.paths, &mut scratch).ok()?;
    match routes.route(&request) {
        Outcome::Route(found) => {
            Some((found.route.path.to_string(), format!("{:?}", found.route.path_type)))
        }
        Outcome::Default(_) | Outcome::NotFound => None,
    }
}

/// One rule's host, and one `Host` header.
fn host_case(case: &Value) -> Option<Case> {
    let routes = routes(vec![rule(case.get("rule_host")?.as_str()?, &[("/", PathType::Prefix)])]);
    let raw = case.get("request_host")?.as_str()?;
    let mut out = Vec::new();
    let came = match Host::read(raw.as_bytes(), &mut out) {
        Ok(host) => (json!(matches!(routes.lookup(host.name(), "/"), Outcome::Route(_))), None),
        Err(_) => (Value::Null, Some(400)),
    };
    let wanted = (case.get("match")?.clone(), case.get("reject").and_then(Value::as_u64));
    Some(Case::equal(id(case, "", 0), &wanted, &came))
}

/// Several rules' hosts, perhaps with paths: `foo.example.com (paths: /a only)`.
fn precedence_case(case: &Value) -> Option<Case> {
    let rules = case.get("rules")?.as_array()?.iter().map(|text| {
        let (host, paths) = text.as_str()?.split_once(" (").unwrap_or((text.as_str()?, "/)"));
        let words = paths.trim_end_matches(')').split_whitespace();
        let mut paths: Vec<_> = words.filter(|word| word.starts_with('/')).collect();
        paths.iter_mut().for_each(|path| *path = path.trim_end_matches(','));
        let paths: Vec<_> = paths.into_iter().map(|path| (path, PathType::Prefix)).collect();
        Some(rule(host, &paths))
    });
    let routes = routes(rules.collect::<Option<_>>()?);
    let mut out = Vec::new();
    let host = Host::read(case.get("request_host")?.as_str()?.as_bytes(), &mut out).ok()?;
    let path = case.get("request_path").and_then(Value::as_str).unwrap_or("/");
    let came = match routes.lookup(host.name(), path) {
        Outcome::Route(found) => Some(found.route.host.as_deref().unwrap_or_default()),
        Outcome::Default(_) | Outcome::NotFound => None,
    };
    let expected = case.get("expected")?;
    let wanted = expected.as_str().filter(|text| !text.starts_with("default backend"));
    Some(Case::equal(id(case, "", 0), &wanted, &came))
}

/// What nginx matches for a path.
fn uri_case(case: &Value) -> Option<Case> {
    let raw = case.get("raw")?.as_str()?;
    let came = match normalised_uri(raw.as_bytes()) {
        Ok(uri) => json!({ "raw": raw, "nginx_uri": String::from_utf8_lossy(&uri) }),
        Err(_) => json!({ "raw": raw, "nginx_status": 400 }),
    };
    let mut wanted = json!({ "raw": raw });
    for key in ["nginx_uri", "nginx_status"] {
        if let (Some(value), Some(fields)) = (case.get(key), wanted.as_object_mut()) {
            fields.insert(key.into(), value.clone());
        }
    }
    Some(Case::equal(raw, &wanted, &came))
}

fn path_type(text: &str) -> Option<PathType> {
    let all = [PathType::Exact, PathType::Prefix, PathType::ImplementationSpecific];
    all.into_iter().find(|path_type| format!("{path_type:?}") == text)
}

/// A rule; an empty host is every host.
fn rule(host: &str, paths: &[(&str, PathType)]) -> IngressRule {
    let path = |(path, path_type): &(&str, PathType)| IngressPath {
        path: if path.is_empty() { "/" } else { path }.into(),
        path_type: *path_type,
        backend: IngressBackend::Resource {
            group: "".into(),
            kind: "Bucket".into(),
            name: "any".into(),
        },
    };
    let host = (!host.is_empty()).then(|| host.to_ascii_lowercase().into());
    IngressRule { host, paths: paths.iter().map(path).collect() }
}

/// The routes of one Ingress with these rules.
fn routes(rules: Vec<IngressRule>) -> Arc<Routes> {
    let mut router =
        Router::new(Settings::default(), ClassSelection::default(), Seed([1, 2, 3, 4]));
    router.apply(&Change::Ingress(Arc::new(Ingress {
        key: NamespacedName::new("conform", "case"),
        created: 0,
        uid: "".into(),
        class: None,
        default_backend: None,
        rules,
        tls: Vec::new(),
        annotations: Vec::new(),
    })));
    router.routes()
}
