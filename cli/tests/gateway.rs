//! Gateways and HTTPRoutes as manifests: `svckit check` and `svckit route`, run as people run them.
#![allow(clippy::unwrap_used, reason = "a test that can't start its program should stop")]

use std::{
    io::Write,
    process::{Command, Stdio},
};

const MANIFESTS: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: svckit
  listeners:
  - {name: http, protocol: HTTP, port: 80, hostname: '*.example.com', allowedRoutes: {namespaces: {from: Same}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.example.com]
  rules:
  - matches:
    - path: {type: PathPrefix, value: /cart}
      headers: [{name: x-env, value: canary}]
    backendRefs: [{name: canary, port: 80}]
  - matches: [{path: {type: PathPrefix, value: /cart}}]
    backendRefs: [{name: web, port: 80}]
  - matches: [{path: {type: Exact, value: /old}}]
    filters: [{type: RequestRedirect, requestRedirect: {hostname: new.example.com, statusCode: 301}}]
  - matches: [{path: {value: /parts}, method: POST}]
    backendRefs: [{name: parts, namespace: store, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: canary, namespace: shop}
spec: {selector: {app: canary}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: parts, namespace: store}
spec: {selector: {app: parts}, ports: [{port: 80}]}
";

/// Lets the routes of one namespace lead to the Services of another.
const GRANT: &str = "\
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: parts, namespace: store}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}]
  to: [{group: '', kind: Service}]
";

/// A route whose Gateway does not let its namespace in.
const STRANGER: &str = "\
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: away, namespace: other}
spec:
  parentRefs: [{name: edge, namespace: shop}]
  hostnames: [shop.example.com]
  rules: [{matches: [{path: {value: /stolen}}], backendRefs: [{name: mine, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: mine, namespace: other}
spec: {ports: [{port: 80}]}
";

/// Standard output and standard error of a verb on the manifests and `more`.
fn svckit(verb: &str, more: &str, arguments: &[&str]) -> (String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_svckit"))
        .args([verb, "-f", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments doesn't read.
    let _ = child.stdin.take().unwrap().write_all(format!("{MANIFESTS}{more}").as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

/// Asserts that the output of `svckit route` has a line with this name and this value.
#[track_caller]
fn says(output: &str, name: &str, value: &str) {
    let mut lines = output.lines().filter_map(|line| line.split_once(char::is_whitespace));
    assert!(lines.any(|(known, rest)| known == name && rest.trim() == value), "{output}");
}

#[test]
fn the_more_specific_rule_takes_a_request() {
    let (plain, _) = svckit("route", GRANT, &["http://shop.example.com/cart/1"]);
    says(&plain, "backend", "shop/web:80");
    says(&plain, "gateway", "shop/edge");
    says(&plain, "httpRoute", "shop/web");
    let canary = ["http://shop.example.com/cart/1", "-H", "X-Env: canary"];
    says(&svckit("route", GRANT, &canary).0, "backend", "shop/canary:80");
    let (old, _) = svckit("route", GRANT, &["http://shop.example.com/old"]);
    says(&old, "status", "301");
    says(&old, "location", "http://new.example.com/old");
}

#[test]
fn what_no_listener_or_rule_takes_is_not_found() {
    for url in ["http://shop.example.com/cartoon", "http://shop.example.net/cart"] {
        says(&svckit("route", GRANT, &[url]).0, "status", "404");
    }
    // The method is a condition as well.
    says(&svckit("route", GRANT, &["GET", "http://shop.example.com/parts"]).0, "status", "404");
}

#[test]
fn another_namespaces_service_needs_a_grant() {
    let ask = ["POST", "http://shop.example.com/parts"];
    let (granted, warnings) = svckit("route", GRANT, &ask);
    says(&granted, "backend", "store/parts:80");
    assert!(!warnings.contains("ReferenceGrant"), "{warnings}");
    let (refused, warnings) = svckit("route", "", &ask);
    says(&refused, "status", "500");
    assert!(warnings.contains("spec.rules[3].backendRefs[0]: Forbidden"), "{warnings}");
}

#[test]
fn a_route_that_is_not_let_in_takes_nothing_and_is_told() {
    let stolen = format!("{GRANT}{STRANGER}");
    says(&svckit("route", &stolen, &["http://shop.example.com/stolen"]).0, "status", "404");
    let (out, errors) = svckit("check", &stolen, &[]);
    let told = format!("{out}{errors}");
    assert!(told.contains("HTTPRoute other/away: spec.parentRefs: Unknown"), "{told}");
    let (out, errors) = svckit("check", GRANT, &[]);
    assert!(!format!("{out}{errors}").contains("HTTPRoute"), "{out}{errors}");
}

/// A Gateway of the namespace `store` whose listener lets these routes in, and a route of its own namespace and of another.
fn listener(from: &str) -> String {
    format!(
        "\
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: door, namespace: store}}
spec:
  gatewayClassName: svckit
  listeners: [{{name: http, protocol: HTTP, port: 8080, allowedRoutes: {{namespaces: {{from: {from}}}}}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: own, namespace: store}}
spec:
  parentRefs: [{{name: door}}]
  rules: [{{matches: [{{path: {{value: /own}}}}], backendRefs: [{{name: parts, port: 80}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: guest, namespace: shop}}
spec:
  parentRefs: [{{name: door, namespace: store}}]
  rules: [{{matches: [{{path: {{value: /guest}}}}], backendRefs: [{{name: web, port: 80}}]}}]
"
    )
}

#[test]
fn a_listener_says_whose_routes_it_lets_in() {
    let status = |from: &str, path: &str| {
        let (out, _) = svckit("route", &listener(from), &[&format!("http://any:8080{path}")]);
        let mut lines = out.lines().filter_map(|line| line.split_once(char::is_whitespace));
        lines.find(|(name, _)| *name == "status").map(|(_, status)| status.trim().to_string())
    };
    // Those that are let in have no pods: 503.
    for (from, own, guest) in
        [("Same", "503", "404"), ("All", "503", "503"), ("None", "404", "404")]
    {
        assert_eq!(status(from, "/own").as_deref(), Some(own), "{from}");
        assert_eq!(status(from, "/guest").as_deref(), Some(guest), "{from}");
    }
    let (out, errors) = svckit("check", &listener("Selector"), &[]);
    let told = format!("{out}{errors}");
    let place = "spec.listeners[0].allowedRoutes.namespaces.from: ";
    assert!(told.contains(place) && told.contains("Same, All, None"), "{told}");
}
