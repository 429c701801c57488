//! The scenarios of the Ingress conformance suite, by nginx and curl, without following redirects.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use serde_json::Value;
use svckit::{
    admit, api,
    model::{Change, IngressClass, NamespacedName, TlsSecret},
};
use svckit_adapters::source::files::Files;

use super::world::World;

/// Pods behind each Service.
const REPLICAS: usize = 10;

#[test]
fn every_scenario_passes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read(root.join("vectors/ingress-conformance.json")).unwrap();
    let document: Value = serde_json::from_slice(&text).unwrap();
    let secret = shop_certificate(root);
    let scenarios = document["scenarios"].as_array().unwrap();
    let mut played = BTreeSet::new();
    let objects: BTreeSet<String> = scenarios.iter().map(objects_of).collect();
    for ingresses in objects {
        let world = world(&document, &ingresses, &secret);
        let same = |scenario: &&Value| objects_of(scenario) == ingresses;
        for scenario in scenarios.iter().filter(same) {
            play(&world, scenario);
            played.insert(scenario["id"].to_string());
        }
    }
    assert_eq!(played.len(), scenarios.len());
}

/// The names of the objects that a scenario is played with, as JSON.
fn objects_of(scenario: &Value) -> String {
    scenario["ingresses"].to_string()
}

/// An nginx for some of the document's Ingresses.
fn world(document: &Value, ingresses: &str, secret: &TlsSecret) -> World {
    let mut world = World::new();
    world.router.apply(&Change::IngressClass(Arc::new(IngressClass {
        name: "conformance".into(),
        controller: "svckit.example/nginx".into(),
        created: 0,
        is_default: true,
    })));
    let names: Vec<String> = serde_json::from_str(ingresses).unwrap();
    for name in names {
        // Ports of these Services have other numbers; the name of a Service is what counts here.
        let text =
            document["objects"][&name].to_string().replace("\"number\":8080", "\"number\":80");
        let object: api::Ingress = serde_json::from_str(&text.replace("ns-1", "n")).unwrap();
        let ingress = admit::model::ingress(&object).unwrap();
        world.router.apply(&Change::Ingress(Arc::new(ingress)));
    }
    for service in document["services"].as_array().unwrap() {
        world.service(service["name"].as_str().unwrap(), REPLICAS);
    }
    world.router.apply(&Change::Secret(Arc::new(secret.clone())));
    world.apply().unwrap();
    world
}

/// The example's certificate, as the suite's.
pub(crate) fn shop_certificate(root: &Path) -> TlsSecret {
    let mut files = Files::new(&[root.join("examples/shop/certificate.yaml")], "n");
    files.refresh().unwrap();
    let manifests = files.manifests();
    let api::Object::Secret(secret) = &*manifests[0].object else { panic!("no Secret") };
    let secret = admit::model::tls_secret(secret).unwrap().unwrap();
    TlsSecret { key: NamespacedName::new("n", "conformance-tls"), ..secret }
}

fn play(world: &World, scenario: &Value) {
    let expect = scenario["expect"].as_object().unwrap();
    let id = &scenario["id"];
    let Some(request) = scenario.get("request") else {
        // The Ingress of another class: nothing of it is served.
        assert_eq!(world.curl(&[], "http://ingress-class/").status, 404, "{id}");
        return;
    };
    let text = |key: &str, other| request.get(key).and_then(Value::as_str).unwrap_or(other);
    let host = text("host", "");
    let url = format!(
        "{}://{}{}",
        text("scheme", "http"),
        if host.is_empty() { "127.0.0.1" } else { host },
        text("path", "/")
    );
    let method = text("method", "GET");
    let words: &[&str] = if method == "HEAD" { &["-I"] } else { &["-X", method] };
    if scenario["feature"] == "load_balancing" {
        let reached: BTreeSet<String> = (0..100).map(|_| world.curl(words, &url).pod).collect();
        assert_eq!(reached.len(), REPLICAS, "{id}");
        return;
    }
    let answer = world.curl(words, &url);
    for (key, wanted) in expect {
        match key.as_str() {
            "status" => assert_eq!(&Value::from(answer.status), wanted, "{id}: {answer:?}"),
            "service" => assert_eq!(&Value::from(answer.service()), wanted, "{id}: {answer:?}"),
            "response_proto" if url.starts_with("http:") => {
                assert_eq!(&Value::from(&*answer.proto), wanted, "{id}");
            }
            "response_headers_present" => {
                for name in wanted.as_array().unwrap() {
                    let name = name.as_str().unwrap().to_ascii_lowercase();
                    assert!(answer.header(&name).is_some(), "{id}: {name}");
                }
            }
            "backend_sees" => sees(&answer, wanted, id),
            _ => {}
        }
    }
}

fn sees(answer: &super::world::Answer, wanted: &Value, id: &Value) {
    for (key, wanted) in wanted.as_object().unwrap() {
        let line = answer.seen.first().unwrap();
        let came = match key.as_str() {
            "method" => line.split(' ').next().unwrap_or_default(),
            "path" => answer.target(),
            "proto" => line.split(' ').nth(2).unwrap_or_default(),
            "host" => answer.seen("host").unwrap_or_default(),
            _ => continue,
        };
        assert_eq!(&Value::from(came), wanted, "{id}: {key}");
    }
}
