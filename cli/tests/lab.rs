//! `svckit lab`, run as people run it. Where the system allows no network namespaces, the gate's step `kernel` says
//! so, and these tests are left out.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't start its program should stop"
)]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// Two pods with addresses, and a pod on the node's network.
const MANIFESTS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: web}}
spec:
  containers:
  - {name: web, image: web, ports: [{containerPort: 8080}, {containerPort: 5353, protocol: UDP}]}
status: {podIP: 10.244.7.1}
---
apiVersion: v1
kind: Pod
metadata: {name: two, labels: {app: web}}
spec:
  containers:
  - {name: web, image: web, ports: [{containerPort: 8080}]}
status: {podIP: 10.244.7.2}
---
apiVersion: v1
kind: Pod
metadata: {name: host}
spec:
  hostNetwork: true
  containers:
  - {name: web, image: web, ports: [{containerPort: 9090}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: 10.96.7.7
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec:
  clusterIP: 10.96.7.8
  selector: {app: nobody}
  ports: [{port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: site}
spec:
  rules:
  - host: example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
";

/// A Service for names, without pods or with one.
const NAMES: [&str; 2] = [
    "---
apiVersion: v1
kind: Service
metadata: {name: dns}
spec:
  clusterIP: 10.96.0.10
  selector: {app: dns}
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}]
",
    "---
apiVersion: v1
kind: Pod
metadata: {name: dns, labels: {app: dns}}
spec:
  containers:
  - name: dns
    image: dns
    ports: [{containerPort: 53, protocol: UDP}, {containerPort: 53}]
status: {podIP: 10.244.7.3}
",
];

/// A folder with manifests, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("svckit-lab-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("manifests.yaml"), MANIFESTS).unwrap();
        Self(folder)
    }

    fn add(&self, name: &str, manifest: &str) {
        std::fs::write(self.0.join(name), manifest).unwrap();
    }

    /// `svckit lab` on the manifests.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["lab", "-f"]).arg(&self.0).stdin(Stdio::null());
        command
    }

    /// The same, running `script`.
    fn lab(&self, script: &str) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_svckit"));
        command.args(["--", "sh", "-c", script]);
        command
    }

    fn run(&self, script: &str) -> Output {
        self.lab(script).output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether this system allows network namespaces, to root or to users.
fn allowed() -> bool {
    let way = |words: &[&str]| {
        Command::new("unshare")
            .args(words)
            .arg("true")
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    let allowed = way(&["--net", "--pid", "--fork"])
        || way(&["--user", "--map-root-user", "--net", "--pid", "--fork"]);
    if !allowed {
        eprintln!("NOT RUN: no network namespaces here");
    }
    allowed
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn pods_answer_from_namespaces_of_their_own() {
    if !allowed() {
        return;
    }
    let cases = [
        (
            "one pod",
            "curl -sm5 http://10.244.7.1:8080",
            "pod default/one at 10.244.7.1:8080 for service default/web",
        ),
        (
            "the other",
            "curl -sm5 http://10.244.7.2:8080",
            "pod default/two at 10.244.7.2:8080 for service default/web",
        ),
        (
            "the node's",
            "curl -sm5 http://192.0.2.1:9090",
            "pod default/host at 192.0.2.1:9090 for no service",
        ),
        (
            "the Service: who is no pod comes as the node",
            "curl -sm5 http://10.96.7.7",
            "for service default/web, client 192.0.2.1:",
        ),
        ("it sees the client", "curl -sm5 http://10.244.7.1:8080", "client 192.0.2.2:"),
    ];
    let folder = Folder::new("pods");
    for (name, script, want) in cases {
        let output = folder.run(script);
        assert!(text(&output).contains(want), "{name}: {}", text(&output));
    }
}

/// What a client does, and what it must see; one line each.
const TOUR: &[(&str, &str)] = &[
    ("curl -sm5 http://10.96.7.7 | head -1", "for service default/web, client 192.0.2.1:"),
    ("curl -sm5 http://web | head -1", "for service default/web, client 192.0.2.1:"),
    ("dig +short web.default.svc.cluster.local", "10.96.7.7"),
    ("dig +tcp +short web.default.svc.cluster.local", "10.96.7.7"),
    ("getent hosts web", "10.96.7.7 "),
    ("dig +noall +comments nowhere.example | grep -o REFUSED", "REFUSED"),
    (
        "curl -sm5 --resolve example.com:80:$SVCKIT_NODE http://example.com/ | head -1",
        "default/web",
    ),
    ("curl -sm5 http://10.96.7.8; echo refused: $?", "refused: 7"),
    ("curl -sm5 http://10.96.7.7:81; echo refused: $?", "refused: 7"),
];

/// Runs the tour in one lab and says what went wrong.
fn tour(lab: &mut Command, sink: &str) -> Vec<String> {
    let output = lab.args(["--sink", sink, "--", "sh", "-c"]).arg(script()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    let missed = |((command, want), line): (&(&str, &str), &&str)| {
        (!line.contains(want)).then(|| format!("{command}: wanted {want:?}, came {line:?}"))
    };
    let mut wrong: Vec<String> = TOUR.iter().zip(&lines).filter_map(missed).collect();
    if lines.len() != TOUR.len() {
        wrong.push(format!("{} lines came: {}", lines.len(), text(&output)));
    }
    wrong
}

fn script() -> String {
    TOUR.iter().flat_map(|(command, _)| [command, "\n"]).collect()
}

#[test]
fn names_and_routes_lead_to_pods_whoever_carries_the_rules() {
    if !allowed() {
        return;
    }
    let folder = Folder::new("tour");
    let mut wrong = Vec::new();
    for (names, step) in
        ["no Service for names", "one without pods", "one with a pod"].iter().zip(0..)
    {
        if step > 0 {
            folder.add(&format!("names{step}.yaml"), NAMES[step - 1]);
        }
        for sink in ["nft", "iptables"] {
            let mut lab = folder.command(env!("CARGO_BIN_EXE_svckit"));
            wrong.extend(tour(&mut lab, sink).into_iter().map(|w| format!("{names}, {sink}: {w}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Users may do this where the kernel lets them have namespaces of their own; the program and the manifests lie where
/// they can read them.
#[test]
fn root_is_not_needed() {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    let drop = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let mut may = Command::new("setpriv");
    may.args(drop).args(["unshare", "--user", "--map-root-user", "--net", "--mount", "true"]);
    if !root || !may.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        eprintln!("NOT RUN: not root who becomes somebody else, or users may not have namespaces");
        return;
    }
    let folder = Folder::new("user");
    let program = folder.0.join("svckit");
    std::fs::copy(env!("CARGO_BIN_EXE_svckit"), &program).unwrap();
    for path in [&folder.0, &program] {
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path, all).unwrap();
    }
    for sink in ["nft", "iptables"] {
        let mut lab = Command::new("setpriv");
        lab.args(drop).arg(&program).args(["lab", "-f"]).arg(folder.0.join("manifests.yaml"));
        let wrong = tour(lab.stdin(Stdio::null()), sink);
        assert!(wrong.is_empty(), "{sink}: {}", wrong.join("\n"));
    }
}

#[test]
fn the_exit_code_is_the_commands() {
    if !allowed() {
        return;
    }
    let folder = Folder::new("code");
    for (name, script, want) in
        [("done", "exit 0", 0), ("failed", "exit 7", 7), ("killed", "kill -9 $$", 137)]
    {
        let output = folder.run(script);
        assert_eq!(output.status.code(), Some(want), "{name}: {}", text(&output));
    }
}

#[test]
fn nothing_is_left_whatever_ends_it() {
    if !allowed() {
        return;
    }
    let folder = Folder::new("signals");
    for (signal, want) in
        [("TERM", Some(143)), ("INT", Some(130)), ("HUP", Some(129)), ("KILL", None)]
    {
        let up = folder.0.join("up");
        let _ = std::fs::remove_file(&up);
        let mut lab = folder.lab(&format!("touch {}; sleep 60", up.display())).spawn().unwrap();
        wait_for(&format!("{signal}: the lab is up"), || up.exists());
        assert!(processes_of(&folder.0) > 3, "{signal}: parts of the lab run");
        kill(signal, &lab);
        assert_eq!(lab.wait().unwrap().code(), want, "{signal}");
        wait_for(&format!("{signal}: all parts are gone"), || processes_of(&folder.0) == 0);
    }
}

fn kill(signal: &str, lab: &Child) {
    let status = Command::new("kill").arg(format!("-{signal}")).arg(lab.id().to_string()).status();
    assert!(status.unwrap().success());
}

/// How many processes were started with this folder.
fn processes_of(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap();
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = numbers.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(folder)).count()
}

/// Waits until `holds`, at most ten seconds.
fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        sleep(Duration::from_millis(10));
    }
}
