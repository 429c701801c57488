//! `svckit node`, run as people run it, each time in a network namespace of its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to report")]

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  clusterIP: 10.96.7.7
  healthCheckNodePort: 32000
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
status: {loadBalancer: {ingress: [{ip: 5.5.5.5}]}}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
";

/// A slice of `web` with endpoints 10.244.7.1 to 10.244.7.<n>, all on n1.
fn slice(n: u16) -> String {
    let endpoints: String = (1..=n)
        .map(|n| {
            format!("- {{addresses: [10.244.7.{n}], nodeName: n1, conditions: {{ready: true}}}}\n")
        })
        .collect();
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: web-1, labels: \
         {{kubernetes.io/service-name: web}}}}\naddressType: IPv4\n\
         ports: [{{port: 8080, protocol: TCP}}]\nendpoints:\n{endpoints}"
    )
}

/// A folder with manifests and a network namespace, gone when it is dropped.
struct Place {
    folder: PathBuf,
    namespace: String,
}

impl Place {
    /// `None`, with a word why, when this machine can't make one. That is an error where CI=true.
    fn new(name: &str) -> Option<Self> {
        let unique = svckit_adapters::clock::entropy() as u32;
        let namespace = format!("svckit-{name}-{unique:x}");
        let made = Command::new("ip").args(["netns", "add", &namespace]).output();
        if !made.is_ok_and(|made| made.status.success()) {
            let why = "NOT RUN: needs root and ip";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
            eprintln!("{why}");
            return None;
        }
        let folder = std::env::temp_dir().join(&namespace);
        std::fs::create_dir_all(&folder).unwrap();
        let place = Self { folder, namespace };
        place.exec(&["ip", "link", "set", "lo", "up"]);
        place.exec(&["ip", "address", "add", "192.0.2.1/32", "dev", "lo"]);
        place.write("service.yaml", SERVICE);
        place.write("slice.yaml", &slice(1));
        Some(place)
    }

    fn write(&self, name: &str, text: &str) {
        let new = self.folder.join(format!(".{name}"));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.folder.join(name)).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).args(words);
        command
    }

    fn exec(&self, words: &[&str]) -> String {
        let output = self.command(words).output().unwrap();
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    }

    fn node(&self, words: &[&str]) -> Command {
        let mut command = self.command(&[env!("CARGO_BIN_EXE_svckit"), "node", "--node", "n1"]);
        command.arg("-f").arg(&self.folder).args(words).stdin(Stdio::null());
        command
    }

    fn once(&self, words: &[&str]) -> Output {
        self.node(&[&["--once"], words].concat()).output().unwrap()
    }

    /// A node that has said that it is ready.
    fn start(&self, words: &[&str]) -> Child {
        let mut child = self.node(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("ready: "), "{line}");
        child
    }

    fn rules(&self) -> String {
        self.exec(&["nft", "list", "ruleset"])
    }

    /// The same, line by line: sets that a restart keeps are listed before those that it replaces.
    fn sorted(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.rules().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// How many endpoints the rules have at the cluster IP.
    fn endpoints(&self) -> usize {
        self.rules().matches("10.96.7.7 . tcp . 80 . ").count()
    }

    fn get(&self, url: &str) -> String {
        self.exec(&["curl", "-sim5", url])
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        let _ = Command::new("ip").args(["netns", "del", &self.namespace]).status();
    }
}

/// Waits until `holds`, at most ten seconds.
fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        sleep(Duration::from_millis(20));
    }
}

fn stop(mut child: Child, signal: &str) -> Option<i32> {
    Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status().unwrap();
    child.wait().unwrap().code()
}

#[test]
fn once_programs_and_ends() {
    let Some(place) = Place::new("once") else { return };
    place.exec(&["nft", "add table ip other"]);
    let output = place.once(&[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (rules, whole) = (place.rules(), place.sorted());
    // Policy Local has nothing to do with the cluster IP.
    for part in
        ["10.96.7.7 . tcp . 80 : 5:1", "5:1 : goto c-n1", "5.5.5.5 . tcp . 80 : 0:1", "other"]
    {
        assert!(rules.contains(part), "{part}: {rules}");
    }
    place.write("broken.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: Bad}\n");
    let output = place.once(&[]);
    assert_eq!(output.status.code(), Some(1), "what is good goes in, what is bad is told");
    assert_eq!(place.sorted(), whole, "a second run leaves the same");
    let program = env!("CARGO_BIN_EXE_svckit");
    assert_eq!(place.command(&[program, "node"]).output().unwrap().status.code(), Some(2));
    let cleaned = place.command(&[program, "node", "--cleanup"]).output().unwrap();
    assert_eq!(cleaned.status.code(), Some(0), "{cleaned:?}");
    let rules = place.rules();
    assert!(rules.contains("other") && !rules.contains("svckit"), "{rules}");
}

#[test]
fn iptables_is_another_way() {
    let Some(place) = Place::new("iptables") else { return };
    let output = place.once(&["--sink", "iptables"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let rules = || place.exec(&["iptables-save"]);
    assert!(rules().contains("10.96.7.7/32"), "{}", rules());
    assert_eq!(place.once(&["--sink", "iptables", "--cleanup"]).status.code(), Some(0));
    assert!(!rules().contains("KUBE-"), "{}", rules());
}

#[test]
fn it_follows_the_manifests_and_heals() {
    let Some(place) = Place::new("watch") else { return };
    let node = place.start(&["--watch"]);
    assert_eq!(place.endpoints(), 1);
    place.write("slice.yaml", &slice(3));
    wait_for("two more endpoints", || place.endpoints() == 3);
    place.exec(&["nft", "delete element ip svckit svc { 10.96.7.7 . tcp . 80 }"]);
    let led = || place.rules().contains("10.96.7.7 . tcp . 80 : 5:3");
    wait_for("a deleted element is back", led);
    place.exec(&["nft", "flush ruleset"]);
    wait_for("everything is back", led);
    assert_eq!(stop(node, "TERM"), Some(143));
    assert!(led(), "the rules stay");
    let node = place.start(&["--cleanup"]);
    assert_eq!(stop(node, "INT"), Some(130));
    assert_eq!(place.rules(), "", "unless asked");
}

#[test]
fn iptables_follow_and_heal_as_well() {
    let Some(place) = Place::new("iptables") else { return };
    place.exec(&["iptables", "-A", "INPUT", "-s", "9.9.9.9", "-j", "DROP"]);
    let theirs = place.exec(&["iptables", "-S"]);
    let node = place.start(&["--sink", "iptables"]);
    let nat = || place.exec(&["iptables", "-t", "nat", "-S"]);
    let endpoints = || nat().matches("-j DNAT --to-destination").count();
    assert_eq!(endpoints(), 1);
    place.write("slice.yaml", &slice(3));
    wait_for("two more endpoints", || endpoints() == 3);
    for damage in [["-F", "KUBE-SERVICES"], ["-F", "PREROUTING"]] {
        place.exec(&[&["iptables", "-t", "nat"], &damage[..]].concat());
        let whole =
            || nat().contains("-A PREROUTING -j KUBE-SERVICES") && nat().contains("10.96.7.7/32");
        wait_for("what was flushed is back", whole);
    }
    assert_eq!(stop(node, "KILL"), None);
    assert_eq!(endpoints(), 3, "the rules stay");
    place.write("slice.yaml", &slice(2));
    assert_eq!(place.once(&["--sink", "iptables"]).status.code(), Some(0));
    assert_eq!(endpoints(), 2);
    assert_eq!(nat().matches("-A PREROUTING -j KUBE-SERVICES").count(), 1);
    assert_eq!(place.once(&["--sink", "iptables", "--cleanup"]).status.code(), Some(0));
    assert!(!nat().contains("KUBE-"), "{}", nat());
    assert_eq!(place.exec(&["iptables", "-S"]), theirs);
}

#[test]
fn a_killed_node_is_followed_by_one_that_is_right() {
    let Some(place) = Place::new("killed") else { return };
    for round in 1..=4_u16 {
        let node = place.start(&[]);
        for n in [5, 2, 9, 1] {
            place.write("slice.yaml", &slice(n));
            sleep(Duration::from_millis(u64::from(15 * round)));
        }
        assert_eq!(stop(node, "KILL"), None);
        assert!(place.endpoints() > 0, "traffic flows on");
        place.write("slice.yaml", &slice(round));
        assert_eq!(place.once(&[]).status.code(), Some(0));
        assert_eq!(place.endpoints(), usize::from(round));
    }
}

#[test]
fn probes_are_answered() {
    let Some(place) = Place::new("probes") else { return };
    let _node = Reaped(place.start(&["--listen", "127.0.0.1:10256"]));
    let own = "http://127.0.0.1:10256";
    for (path, parts) in [
        ("/healthz", &["200 OK", "\"healthy\":true", "\"nodeEligible\":true", "\"IPv4\":{"][..]),
        ("/livez", &["200 OK", "\"lastUpdated\":\"2"]),
        ("/metrics", &["svckit_syncs_total 1", "svckit_service_ports{family=\"IPv4\"} 1"]),
        ("/", &["404 Not Found"]),
    ] {
        let page = place.get(&format!("{own}{path}"));
        parts.iter().for_each(|part| assert!(page.contains(part), "{path} {part}: {page}"));
    }
    let check = || place.get("http://192.0.2.1:32000/anything").to_lowercase();
    let page = check();
    for part in [
        "200 ok",
        "x-load-balancing-endpoint-weight: 1",
        "x-content-type-options: nosniff",
        "{\"localendpoints\":1,\"service\":{\"name\":\"web\",\"namespace\":\"default\"},\"serviceproxyhealthy\":true}",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    place.write("slice.yaml", &slice(0));
    wait_for("no endpoint here", || check().contains("503 service unavailable"));
    let leaving = SERVICE.replace(
        "metadata: {name: n1}",
        "metadata: {name: n1}\nspec: {taints: [{key: ToBeDeletedByClusterAutoscaler, effect: NoSchedule}]}",
    );
    place.write("service.yaml", &leaving);
    wait_for("the node leaves", || place.get(&format!("{own}/healthz")).contains(" 503 "));
    assert!(place.get(&format!("{own}/livez")).contains(" 200 "));
}

/// A process that ends with the test.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
