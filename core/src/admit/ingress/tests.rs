use super::*;
use crate::api::{HttpIngressRuleValue, IngressRule, IngressTls};
use std::{format, string::String, vec};

fn ingress(version: &str) -> Ingress {
    let mut ingress = Ingress { api_version: version.into(), ..Default::default() };
    ingress.metadata.name = "web".into();
    ingress.metadata.namespace = "shop".into();
    ingress.metadata.resource_version = "1".into();
    ingress
}

fn old_backend(name: &str, port: Option<IntOrString>) -> IngressBackend {
    IngressBackend { service_name: name.into(), service_port: port, ..Default::default() }
}

fn found(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {}", finding.kind, finding.path)).collect()
}

#[test]
fn old_backends_are_read() {
    let text = |text: &str| Some(IntOrString::String(text.into()));
    let cases: &[(&str, IngressBackend, &[&str])] = &[
        ("name and number", old_backend("web", Some(IntOrString::Int(80))), &[]),
        ("number in quotes", old_backend("web", text("80")), &[]),
        ("port by name", old_backend("web", text("http")), &[]),
        ("no port", old_backend("web", None), &["Required spec.backend"]),
        (
            "port only",
            old_backend("", Some(IntOrString::Int(80))),
            &["Required spec.backend.serviceName"],
        ),
        (
            "bad name of a port",
            old_backend("web", text("-")),
            &["Invalid spec.backend.servicePort"; 2],
        ),
        ("nothing", old_backend("", None), &["Invalid spec.backend"]),
    ];
    for (case, backend, want) in cases {
        let mut old = ingress("extensions/v1beta1");
        old.spec.backend = Some(backend.clone());
        assert_eq!(found(&validate(&old, &Gates::default())), *want, "{case}");
    }
}

#[test]
fn old_fields_are_unknown_in_v1() {
    let mut new = ingress("networking.k8s.io/v1");
    new.spec.backend = Some(old_backend("web", Some(IntOrString::Int(80))));
    assert_eq!(found(&validate(&new, &Gates::default())), ["Unknown spec.backend"]);
    new.spec.default_backend = new.spec.backend.take();
    let paths =
        ["Unknown spec.defaultBackend.serviceName", "Unknown spec.defaultBackend.servicePort"];
    assert_eq!(found(&validate(&new, &Gates::default())), paths);
}

#[test]
fn a_number_in_quotes_is_warned_about() {
    let mut old = ingress("extensions/v1beta1");
    old.spec.backend = Some(old_backend("web", Some(IntOrString::String("80".into()))));
    assert_eq!(warnings(&old)[0].path, "spec.backend.servicePort");
}

#[test]
fn what_was_bad_before_may_stay() {
    let path = HttpIngressPath {
        path: "relative".into(),
        path_type: Some("Exact".into()),
        backend: IngressBackend { resource: Some(Default::default()), ..Default::default() },
    };
    let mut bad = ingress("networking.k8s.io/v1");
    bad.spec.rules = vec![IngressRule {
        host: "*.example.com".into(),
        http: Some(HttpIngressRuleValue { paths: vec![path] }),
    }];
    bad.spec.tls = vec![IngressTls { secret_name: "not a name".into(), ..Default::default() }];
    let gates = Gates::default();
    assert_eq!(validate(&bad, &gates).len(), 4);
    assert_eq!(validate_update(&bad, &bad, &gates), []);
    let mut good = bad.clone();
    good.spec.rules[0].host = "example.com".into();
    good.spec.tls.clear();
    assert_eq!(validate_update(&bad, &good, &gates).len(), 4);
}

#[test]
fn path_types_are_filled_in_for_old_versions_only() {
    for (version, want) in
        [("extensions/v1beta1", Some("ImplementationSpecific")), ("networking.k8s.io/v1", None)]
    {
        let mut ingress = ingress(version);
        let paths = vec![HttpIngressPath::default()];
        ingress
            .spec
            .rules
            .push(IngressRule { http: Some(HttpIngressRuleValue { paths }), ..Default::default() });
        default(&mut ingress);
        let http = ingress.spec.rules[0].http.as_ref().unwrap();
        assert_eq!(http.paths[0].path_type.as_deref(), want, "{version}");
    }
}
