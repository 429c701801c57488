//! `svckit get` and `svckit expose`: what is printed for small manifests.
#![allow(clippy::unwrap_used, reason = "a command that can't be run should stop the test")]

use std::{
    io::Write,
    process::{Command, Stdio},
};

/// The exit code, standard output and standard error of `svckit ARGUMENTS -f -`.
fn svckit(arguments: &[&str], manifests: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_svckit"))
        .args(arguments)
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that was called wrongly doesn't read.
    let _ = child.stdin.take().unwrap().write_all(manifests.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

const MANIFESTS: &str = r#"
{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {app: web, tier: front}},
 spec: {containers: [{name: c, image: x, env: [{name: A, value: "1"}], ports: [{containerPort: 80}, {containerPort: 443}]}]},
 status: {podIP: 10.1.0.1}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, labels: {app: db}},
 spec: {containers: [{name: c, image: x}]}, status: {podIP: 10.1.0.2}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, labels: {team: shop}},
 spec: {clusterIP: 10.96.0.9, selector: {app: web}, ports: [{port: 80}]}}
---
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: ours},
 spec: {controller: example.com/ours, parameters: {apiGroup: example.com, kind: Config, name: all}}}
"#;

const GATEWAYS: &str = r#"
{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: ours},
 spec: {controllerName: example.com/ours, description: all of it}, status: {conditions: [{type: Accepted, status: "True"}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: edge, labels: {team: shop}},
 spec: {gatewayClassName: ours, listeners: [{name: web, port: 80, protocol: HTTP}]},
 status: {addresses: [{value: 192.0.2.1}, {value: 192.0.2.2}], conditions: [{type: Accepted, status: "True"}, {type: Programmed, status: "False"}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: new},
 spec: {gatewayClassName: ours, listeners: [{name: web, port: 80, protocol: HTTP}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: web},
 spec: {parentRefs: [{name: edge}], hostnames: [a.example, b.example]}}
---
{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {name: lent},
 spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other}], to: [{group: "", kind: Service}]}}
"#;

#[test]
fn gateways_have_the_columns_of_their_definitions() {
    let cases: &[(&[&str], &str)] = &[
        (
            &["get", "gateways"],
            "NAME   CLASS   ADDRESS               PROGRAMMED   AGE\n\
             edge   ours    192.0.2.1,192.0.2.2   False        <unknown>\n\
             new    ours                                       <unknown>\n",
        ),
        (
            &["get", "gc", "-o", "wide"],
            "NAME   CONTROLLER         ACCEPTED   AGE         DESCRIPTION\n\
             ours   example.com/ours   True       <unknown>   all of it\n",
        ),
        (
            &["get", "httproutes"],
            "NAME   HOSTNAMES                   AGE\n\
             web    [\"a.example\",\"b.example\"]   <unknown>\n",
        ),
        (&["get", "referencegrants"], "NAME   AGE\nlent   <unknown>\n"),
        (
            &["get", "gtw", "-l", "team=shop", "-o", "name"],
            "gateway.gateway.networking.k8s.io/edge\n",
        ),
    ];
    for (arguments, want) in cases {
        let (code, out, errors) = svckit(arguments, GATEWAYS);
        assert_eq!((code, out.as_str()), (0, *want), "{arguments:?}: {errors}");
    }
    let (_, out, _) = svckit(&["get", "gateway", "edge", "-o", "json"], GATEWAYS);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(list["items"][0]["spec"]["gatewayClassName"], "ours");
}

#[test]
fn tables_are_kubectls() {
    let cases: &[(&[&str], &str)] = &[
        (
            &["get", "svc"],
            "NAME   TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\n\
             web    ClusterIP   10.96.0.9    <none>        80/TCP    <unknown>\n",
        ),
        (&["get", "endpoints"], "NAME   ENDPOINTS     AGE\nweb    10.1.0.1:80   <unknown>\n"),
        (
            &["get", "ingressclasses"],
            "NAME   CONTROLLER         PARAMETERS               AGE\n\
             ours   example.com/ours   Config.example.com/all   <unknown>\n",
        ),
        (
            &["get", "servicecidrs"],
            "NAME         CIDRS          AGE\nkubernetes   10.96.0.0/12   <unknown>\n",
        ),
        (&["get", "ipaddresses"], "NAME        PARENTREF\n10.96.0.9   services/default/web\n"),
        (&["get", "namespaces"], "NAME      STATUS   AGE\ndefault   Active   <unknown>\n"),
        (&["get", "pods", "-o", "name"], "pod/a\npod/b\n"),
        (&["get", "pods", "-o", "name", "-l", "app in (web,x),tier"], "pod/a\n"),
        (&["get", "pods", "-o", "name", "-l", "app!=web"], "pod/b\n"),
        (&["get", "pods", "-o", "name", "-l", "!tier"], "pod/b\n"),
    ];
    for (arguments, want) in cases {
        let came = svckit(arguments, MANIFESTS);
        assert_eq!(came, (0, (*want).into(), String::new()), "{arguments:?}");
    }
}

#[test]
fn what_is_not_there_is_said() {
    let cases: &[(&[&str], i32, &str)] = &[
        (&["get", "svc", "shop"], 1, "svckit: there is no Service shop in namespace default\n"),
        (&["get", "nodes", "n1"], 1, "svckit: there is no Node n1\n"),
        (&["get", "svc", "-n", "other"], 0, "No resources found in other namespace.\n"),
        (&["get", "nodes"], 0, "No resources found\n"),
        (
            &["expose", "rc", "web"],
            1,
            "svckit: there is no ReplicationController web in namespace default\n",
        ),
    ];
    for (arguments, code, want) in cases {
        let objects = MANIFESTS
            .replace("kind: Pod, metadata: {", "kind: Pod, metadata: {namespace: default, ");
        let objects = objects.replace(
            "kind: Service, metadata: {",
            "kind: Service, metadata: {namespace: default, ",
        );
        let came = svckit(arguments, &objects);
        assert_eq!(came, (*code, String::new(), (*want).into()), "{arguments:?}");
    }
    let (code, _, told) = svckit(&["get", "pods", "-l", "app in ("], MANIFESTS);
    assert!(code == 2 && told.contains("-l \"app in (\""), "{code} {told}");
}

#[test]
fn a_pod_is_exposed() {
    let (code, service, told) = svckit(&["expose", "pod", "a", "--name", "front"], MANIFESTS);
    assert_eq!((code, told.as_str()), (0, ""));
    for line in ["  name: front\n", "    app: web\n", "  - name: port-1\n", "    port: 443\n"] {
        assert!(service.contains(line), "{line:?} in\n{service}");
    }
    // What it prints is a manifest.
    let (code, ..) = svckit(&["check"], &service);
    assert_eq!(code, 0);
    let (code, _, told) = svckit(&["expose", "pod", "b"], MANIFESTS);
    assert_eq!((code, told.as_str()), (1, "svckit: the Pod has no ports; give one\n"));
}

#[test]
fn what_svckit_has_no_use_for_is_printed_again() {
    let (code, list, _) = svckit(&["get", "pods", "a", "-o", "json"], MANIFESTS);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let container = &list["items"][0]["spec"]["containers"][0];
    assert_eq!((code, &container["env"][0]["value"]), (0, &serde_json::json!("1")));
    assert_eq!(container["image"], "x");
}
