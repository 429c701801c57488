//! `svckit trace` and what kernels pass over, run as people run it.
#![allow(clippy::unwrap_used, reason = "a test that can't start its program should stop")]

use std::{
    io::Write,
    process::{Command, Stdio},
};

const MANIFESTS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: web}}
spec:
  nodeName: n1
  containers:
  - {name: web, image: web, ports: [{containerPort: 8080, hostPort: 8081}]}
status: {podIP: 10.244.7.1}
---
apiVersion: v1
kind: Pod
metadata: {name: two, labels: {app: web}}
spec:
  nodeName: n2
  containers:
  - {name: web, image: web, ports: [{containerPort: 8080}]}
status: {podIP: 10.244.7.2}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  externalTrafficPolicy: Local
  clusterIP: 10.96.7.7
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}]
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec:
  clusterIP: 10.96.7.8
  selector: {app: nothing}
  ports: [{port: 53, protocol: UDP}]
";

/// Exit code, standard output and standard error of `svckit trace` on the manifests and `more`.
fn trace(more: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    run(&[&["trace", "-f", "-"], arguments].concat(), &format!("{MANIFESTS}{more}"))
}

/// The same of any verb, on these manifests.
fn run(arguments: &[&str], manifests: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_svckit"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments doesn't read.
    let _ = child.stdin.take().unwrap().write_all(manifests.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn packets_are_explained() {
    let cases = [
        ("a pod", "10.244.7.9", "10.96.7.7:80", "dnat", "10.244.7.1:8080,10.244.7.2:8080", false),
        (
            "nobody's pod",
            "9.9.9.9",
            "10.96.7.7:80",
            "dnat",
            "10.244.7.1:8080,10.244.7.2:8080",
            true,
        ),
        ("only here", "9.9.9.9", "192.168.0.1:30080", "dnat", "10.244.7.1:8080", false),
        ("a host port", "9.9.9.9", "192.168.0.1:8081/TCP", "dnat", "10.244.7.1:8080", false),
        ("no endpoints", "10.244.7.9", "10.96.7.8:53/UDP", "reject", "", false),
        ("no such port", "10.244.7.9", "10.96.7.8:53", "reject", "", false),
        ("nobody's address", "10.244.7.9", "10.96.9.9:80", "drop", "", false),
        ("elsewhere", "10.244.7.9", "8.8.8.8:53/udp", "pass", "", false),
    ];
    for (name, from, to, verdict, endpoints, snat) in cases {
        let (code, out, told) =
            trace("", &["--node", "n1", "--from", from, "--to", to, "-o", "json"]);
        assert_eq!(code, Some(0), "{name}: {told}");
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        let list = value["to"].as_array().unwrap();
        let list: Vec<&str> = list.iter().filter_map(|to| to.as_str()).collect();
        assert_eq!(value["verdict"], verdict, "{name}");
        assert_eq!(list.join(","), endpoints, "{name}");
        assert_eq!(value["snat"], snat, "{name}");
        assert!(!value["steps"].as_array().unwrap().is_empty(), "{name}");
        let ours = verdict == "dnat" && !name.contains("host") || name == "no endpoints";
        assert_eq!(value["service"].is_string(), ours, "{name}: {}", value["service"]);
    }
}

#[test]
fn people_read_steps() {
    let flow = ["--node", "n1", "--from", "10.244.7.9", "--to", "10.96.7.7:80"];
    let (code, out, _) = trace("", &flow);
    assert_eq!(code, Some(0));
    let want = [
        " 1. cluster IP of default/web:http (IPv4)",
        " 2. endpoints of the whole cluster",
        " 3. hints ignored: none are given",
        "verdict: dnat",
        "to:      10.244.7.1:8080, 10.244.7.2:8080",
        "source:  kept",
        "service: default/web:http",
    ];
    assert_eq!(out.lines().collect::<Vec<_>>(), want);
}

#[test]
fn errors_have_their_codes() {
    let flow = ["--from", "10.244.7.9", "--to", "10.96.7.7:80"];
    let broken = "---\napiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {prots: []}\n";
    let (code, out, told) = trace(broken, &flow);
    assert_eq!(code, Some(1), "{told}");
    assert!(out.contains("verdict: dnat") && told.contains("prots"), "{out}{told}");
    for (to, from) in [("10.96.7.7", "10.0.0.1"), ("10.96.7.7:80", "web"), ("1.2.3.4:80/x", "::1")]
    {
        let (code, _, told) = trace("", &["--from", from, "--to", to]);
        assert_eq!(code, Some(2), "{to} {from}: {told}");
    }
}

/// What a kernel can't do of what a Service asks for is told, and only that.
#[test]
fn kernels_say_what_they_pass_over() {
    let annotations =
        "svckit.io/balance: maglev, svckit.io/slow-start: 30s, svckit.io/weights: web-0=3";
    let manifest = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: web, annotations: {{{annotations}}}}}\n\
         spec: {{clusterIP: 10.96.0.20, selector: {{app: web}}, ports: [{{port: 80}}]}}\n"
    );
    let told = |kernel: &str| {
        let (_, _, text) = run(&["render", kernel, "-f", "-"], &manifest);
        let names = ["balance", "slow-start", "weights"];
        let told = |name: &&str| text.contains(&format!("[svckit.io/{name}]: NotSupported"));
        names.into_iter().filter(told).collect::<Vec<_>>()
    };
    assert_eq!(told("nft"), ["slow-start"]);
    assert_eq!(told("iptables"), ["balance", "slow-start", "weights"]);
    assert_eq!(told("ipvs"), ["balance", "slow-start", "weights"]);
}
