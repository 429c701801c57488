//! Names, as people look them up and print them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't start its program should stop"
)]

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const MANIFESTS: &str = "\
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec:
  clusterIP: 10.96.7.7
  selector: {app: cart}
  ports: [{name: http, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec:
  clusterIP: None
  selector: {app: db}
  ports: [{name: sql, port: 5432}]
---
apiVersion: v1
kind: Service
metadata: {name: far, namespace: shop}
spec: {type: ExternalName, externalName: cart.shop.svc.cluster.local}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, labels: {app: db}}
spec:
  hostname: db-0
  subdomain: db
  containers: [{name: db, image: db}]
status: {podIP: 10.244.7.1, conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: own, namespace: shop}
spec:
  dnsPolicy: None
  dnsConfig: {nameservers: [192.0.2.1], searches: [one.example], options: [{name: ndots, value: '2'}]}
  containers: [{name: own, image: own}]
";

/// A folder with manifests and a node's resolv.conf, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("svckit-names-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("manifests.yaml"), MANIFESTS).unwrap();
        std::fs::write(folder.join("resolv"), "nameserver 192.0.2.53\nsearch corp.example\n")
            .unwrap();
        Self(folder)
    }

    fn svckit(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svckit"));
        command
            .args(arguments)
            .args(["--set", "upstreamDNS=none", "-f"])
            .arg(self.0.join("manifests.yaml"));
        command.output().unwrap()
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.svckit(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn resolv(&self) -> String {
        self.0.join("resolv").display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Feeds a text to a program.
fn fed(program: &str, arguments: &[&str], input: &str) -> Output {
    let program = ["/usr/bin", "/usr/sbin"].map(|folder| Path::new(folder).join(program));
    let program = program.iter().find(|path| path.is_file()).expect("bind9-utils is installed");
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn zones_are_zone_files() {
    let folder = Folder::new("zone");
    for (arguments, zone, line) in [
        (vec!["render", "zone"], "cluster.local", "cart.shop.svc.cluster.local. 5 IN A 10.96.7.7"),
        (
            vec!["render", "zone"],
            "cluster.local",
            "db-0.db.shop.svc.cluster.local. 5 IN A 10.244.7.1",
        ),
        (
            vec!["render", "zone", "--zone", "244.10.in-addr.arpa"],
            "244.10.in-addr.arpa",
            "1.7.244.10.in-addr.arpa. 5 IN PTR db-0.db.shop.svc.cluster.local.",
        ),
    ] {
        let text = folder.text(&arguments);
        assert!(text.contains(line), "{line} in {text}");
        let checked = fed("named-checkzone", &["-i", "local", zone, "/dev/stdin"], &text);
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }
    let unknown = folder.svckit(&["render", "zone", "--zone", "example.com"]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
}

#[test]
fn skydns_keys_are_lines() {
    let text = Folder::new("skydns").text(&["render", "skydns"]);
    let lines: Vec<_> = text.lines().map(|line| line.split_once('\t').unwrap()).collect();
    assert!(lines.is_sorted(), "{text}");
    let value = |key: &str| lines.iter().find(|(own, _)| *own == key).map(|(_, value)| *value);
    let host = r#"{"host":"10.244.7.1","priority":10,"weight":10,"ttl":30}"#;
    assert_eq!(value("/skydns/local/cluster/svc/shop/db/db-0"), Some(host), "{text}");
    let prefix = "/skydns/local/cluster/svc/shop/cart/_tcp/_http/";
    let srv = lines.iter().find(|(key, _)| key.starts_with(prefix)).unwrap();
    assert!(srv.1.contains(r#""host":"cart.shop.svc.cluster.local.","port":80"#), "{srv:?}");
}

#[test]
fn pods_have_a_resolv_conf() {
    let folder = Folder::new("resolv");
    let resolv = folder.resolv();
    let render = |pod: &str| {
        folder.text(&["render", "resolv", "--resolv-conf", resolv.as_str(), "--pod", pod])
    };
    assert_eq!(
        render("shop/db-0"),
        "nameserver 10.96.0.10\n\
        search shop.svc.cluster.local svc.cluster.local cluster.local corp.example\noptions ndots:5\n"
    );
    assert_eq!(render("shop/own"), "nameserver 192.0.2.1\nsearch one.example\noptions ndots:2\n");
    let missing = folder.svckit(&["render", "resolv", "--pod", "shop/none"]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
    assert!(String::from_utf8_lossy(&missing.stderr).contains("shop/db-0"), "{missing:?}");
}

#[test]
fn names_resolve_from_a_pods_point_of_view() {
    let folder = Folder::new("resolve");
    let resolv = folder.resolv();
    let from = |pod: &'static str| vec!["--from", pod, "--resolv-conf", resolv.as_str()];
    let svc = "shop.svc.cluster.local.";
    let cases = [
        (vec!["cart"], from("shop/db-0"), "NOERROR", "10.96.7.7", 1),
        (vec!["cart.shop"], from("shop/db-0"), "NOERROR", "10.96.7.7", 2),
        (vec!["cart.shop.svc.cluster.local"], from("shop/db-0"), "NOERROR", "10.96.7.7", 5),
        (vec!["cart.shop.svc.cluster.local."], from("shop/db-0"), "NOERROR", "10.96.7.7", 1),
        (vec!["far"], from("shop/db-0"), "NOERROR", "cart.shop.svc.cluster.local.", 1),
        (vec!["none"], from("shop/db-0"), "REFUSED", "", 5),
        (vec!["cart.shop.svc.cluster.local"], vec![], "NOERROR", "10.96.7.7", 1),
        (vec!["_sql._tcp.db.shop.svc.cluster.local", "SRV"], vec![], "NOERROR", "db-0.db", 1),
        (vec!["10.96.7.7"], vec![], "NOERROR", "cart.shop", 1),
        (vec!["svc.cluster.local", "TXT"], vec![], "NOERROR", "", 1),
        (vec!["svc.cluster.local", "TXT", "--mode", "coredns"], vec![], "NXDOMAIN", "", 1),
        (vec!["none.shop.svc.cluster.local"], vec![], "NXDOMAIN", "", 1),
    ];
    for (question, from, rcode, data, tried) in cases {
        let arguments = [&["resolve", "-o", "json"][..], &question, &from].concat();
        let reply: serde_json::Value = serde_json::from_str(&folder.text(&arguments)).unwrap();
        assert_eq!(reply["rcode"], rcode, "{question:?}: {reply}");
        let first = reply["answer"][0]["data"].as_str().unwrap_or_default();
        assert_eq!(first.is_empty(), data.is_empty(), "{question:?}: {reply}");
        assert!(first.contains(data), "{question:?}: {reply}");
        assert_eq!(reply["tried"].as_array().unwrap().len(), tried, "{question:?}: {reply}");
    }
    let text = folder.text(&["resolve", "cart.shop.svc.cluster.local"]);
    assert!(text.contains(&format!("cart.{svc} 5 IN A 10.96.7.7")), "{text}");
}

/// Both ways to spare clients their search lists: a domain that stands for a list, and knowing the pod that asks.
#[test]
fn searches_are_walked_for_clients() {
    let folder = Folder::new("search");
    let resolv = folder.resolv();
    let zone = ["--set", "searchZone=ap.k8s.io"];
    let autopath = ["--set", "autopath=true", "--from", "shop/db-0", "--resolv-conf", &resolv];
    let cart = "cart.shop.svc.cluster.local.";
    for (question, with, found) in [
        ("cart.search.shop.cluster.local.ap.k8s.io.", &zone[..], cart),
        ("cart.shop.search.shop.cluster.local.ap.k8s.io.", &zone, cart),
        // The list ends outside the cluster, where nobody can be asked.
        ("none.search.shop.cluster.local.ap.k8s.io.", &zone, "SERVFAIL"),
        ("cart.search.shop.cluster.local.ap.k8s.io.", &[], "REFUSED"),
        // The second name of the list, found at the first question.
        ("cart.shop", &autopath, cart),
    ] {
        let arguments = [&["resolve", "-o", "json", question], with].concat();
        let reply: serde_json::Value = serde_json::from_str(&folder.text(&arguments)).unwrap();
        assert_eq!(reply["tried"].as_array().unwrap().len(), 1, "{question}: {reply}");
        let (code, alias) = (&reply["rcode"], &reply["answer"][0]["data"]);
        let told = if found == cart { alias } else { code };
        assert_eq!(told, found, "{question}: {reply}");
    }
    let wrong = folder.svckit(&["resolve", "cart", "--set", "searchZone=AP.k8s.io"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("searchZone"), "{wrong:?}");
}

/// A program that is ended with the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl").args(["-s", "--max-time", "5"]).args(arguments).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// What the 2017 design had in one pod: records in etcd, a DNS server, and a health endpoint that looks up a name.
#[test]
fn up_keeps_records_in_etcd_and_tells_its_health() {
    use std::io::{BufRead, BufReader};
    let folder = Folder::new("up");
    std::fs::write(
        folder.0.join("kubernetes.yaml"),
        "{apiVersion: v1, kind: Service, metadata: {name: kubernetes}, spec: {ports: [{port: 443}]}}",
    )
    .unwrap();
    let port = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let [clients, peers] = [port(), port()].map(|port| format!("http://127.0.0.1:{port}"));
    let etcd = Command::new("etcd")
        .arg("--data-dir")
        .arg(folder.0.join("etcd"))
        .args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients])
        .args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers])
        .args(["--initial-cluster", &format!("default={peers}")])
        .stderr(Stdio::null())
        .spawn();
    let _etcd = Running(etcd.expect("Debian's etcd-server is installed"));
    let manifests = ["manifests.yaml", "kubernetes.yaml"].map(|file| folder.0.join(file));
    let mut up = Command::new(env!("CARGO_BIN_EXE_svckit"));
    up.args(["up", "-o", "json", "--etcd", &clients, "--set", "upstreamDNS=none"]);
    up.args(["--set", "serviceCIDRs=127.113.0.0/16", "--set", "podCIDRs=127.114.0.0/16"]);
    up.arg("--state")
        .arg(folder.0.join("state"))
        .arg("-f")
        .arg(&manifests[0])
        .arg("-f")
        .arg(&manifests[1]);
    let mut up = Running(up.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(up.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let health = ready["dnsHealth"].as_str().expect("a health endpoint");
    let told = curl(&["-w", "%{http_code}", &format!("http://{health}/healthz")]);
    assert!(told.ends_with("200"), "{told}: {line}");
    // All keys below /skydns/local/cluster/svc/, in base64.
    let range = r#"{"key": "L3NreWRucy9sb2NhbC9jbHVzdGVyL3N2Yy8=", "range_end": "L3NreWRucy9sb2NhbC9jbHVzdGVyL3N2YzA=", "count_only": true}"#;
    let count = || {
        let reply = curl(&["-d", range, &format!("{clients}/v3/kv/range")]);
        let reply: serde_json::Value = serde_json::from_str(&reply).unwrap_or_default();
        reply["count"].as_str().and_then(|count| count.parse().ok()).unwrap_or(0)
    };
    let wait = |wanted: &dyn Fn(u32) -> bool| {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !wanted(count()) {
            assert!(std::time::Instant::now() < end, "{} keys", count());
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    };
    // cart with its port, db-0 with its port, kubernetes.
    wait(&|count| count >= 5);
    let stopped = Command::new("kill").arg(up.0.id().to_string()).status().unwrap();
    assert!(stopped.success());
    up.0.wait().unwrap();
    wait(&|count| count == 0);
}
