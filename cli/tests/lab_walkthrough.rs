//! The tour of `examples/walkthrough` through kernel rules: each chapter that sends packets, over both sinks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to report")]

use std::process::{Command, Stdio};

/// The chapter, what a client does, and what the one line that comes must contain.
const TOUR: &[(&str, &str, &str)] = &[
    (
        "4: one pod after the other",
        "for n in $(seq 30); do curl -sm5 http://169.169.235.79:8081 | head -1; done \
         | cut -d' ' -f2 | sort -u | wc -l",
        "2",
    ),
    (
        "5: all connections of a client to one pod",
        "for n in $(seq 12); do curl -sm5 http://webapp-sticky:8081 | head -1; done \
         | cut -d' ' -f2 | sort -u | wc -l",
        "1",
    ),
    ("6: headless", "dig +short webapp-headless.default.svc.cluster.local | wc -l", "2"),
    ("7: web", "curl -sm5 http://tomcat:8080 | head -1", ":8080 for service default/tomcat"),
    ("7: management", "curl -sm5 http://tomcat:8005 | head -1", ":8005 for service default/tomcat"),
    ("8: UDP", "dig +short @169.169.0.100 webapp.default.svc.cluster.local", "169.169.235.79"),
    ("8: TCP", "dig +tcp +short @169.169.0.100 webapp.default.svc.cluster.local", "169.169.235.79"),
    (
        "9: a host port; the pod sees who asks",
        "curl -sm5 http://$SVCKIT_NODE:8082 | head -1",
        "pod modern/webapp-hostport at ",
    ),
    (
        "10: on the host's network",
        "curl -sm5 http://$SVCKIT_NODE:8080 | head -1",
        "pod default/webapp-hostnetwork at 192.0.2.1:8080",
    ),
    ("11: a node port", "curl -sm5 http://$SVCKIT_NODE:8081 | head -1", "client 192.0.2.1:"),
    (
        "11: policy Local keeps the client's address",
        "curl -sm5 http://$SVCKIT_NODE:30081 | head -1",
        "client 192.0.2.2:",
    ),
    (
        "12: the balancer's address",
        "curl -sm5 http://146.148.47.155 | head -1",
        "default/webapp-public",
    ),
    ("12: the cluster IP", "curl -sm5 http://10.0.171.239 | head -1", "default/webapp-public"),
    ("12: the node port", "curl -sm5 http://$SVCKIT_NODE:30061 | head -1", "default/webapp-public"),
    (
        "12: from an allowed range",
        "curl -sm5 http://146.148.47.156 | head -1",
        "modern/webapp-public",
    ),
    ("13: a name", "getent hosts redis-master", "redis-master.default.svc.cluster.local"),
    ("13: in another namespace", "getent hosts kube-dns.kube-system", "169.169.0.100 "),
    (
        "14 and 16: a path",
        "curl -sm5 --resolve mywebsite.com:80:$SVCKIT_NODE http://mywebsite.com/web | head -1",
        "pod default/web-",
    ),
    (
        "14 and 16: another one",
        "curl -sm5 --resolve mywebsite.com:80:$SVCKIT_NODE http://mywebsite.com/api | head -1",
        "pod default/api-",
    ),
];

/// Runs the tour in one lab; says what went wrong.
fn tour(sink: &str) -> Vec<String> {
    let script: String = TOUR.iter().flat_map(|(_, command, _)| [command, "\n"]).collect();
    let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/walkthrough");
    let output = Command::new(env!("CARGO_BIN_EXE_svckit"))
        .args(["lab", "-f", manifests, "--sink", sink, "--", "sh", "-c", &script])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    let mut wrong = Vec::new();
    for (n, (chapter, _, want)) in TOUR.iter().enumerate() {
        let came = lines.get(n).copied().unwrap_or("nothing");
        if !came.contains(want) {
            wrong.push(format!("{sink}, {chapter}: wanted {want:?}, came {came:?}"));
        }
    }
    if lines.len() != TOUR.len() {
        wrong.push(format!(
            "{} lines: {said}{}",
            lines.len(),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    wrong
}

#[test]
fn every_chapter_works_whoever_carries_the_rules() {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if !root {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "NOT RUN: needs root");
        eprintln!("NOT RUN: needs root");
        return;
    }
    let wrong = [tour("nft"), tour("iptables")].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
