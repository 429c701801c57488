//! `svckit up`, run as people run it: in a network namespace of its own, whose loopback addresses nobody else uses.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't start its program should stop"
)]

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// A folder with manifests and one with the state of a running `up`; both go with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("svckit-up-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("manifests")).unwrap();
        let tour = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/walkthrough");
        for file in fs::read_dir(tour).unwrap().flatten() {
            fs::copy(file.path(), path.join("manifests").join(file.file_name())).unwrap();
        }
        Self(path)
    }

    fn write(&self, file: &str, text: &str) {
        // As editors do: a new file takes the place of the old one at once.
        let fresh = self.0.join("fresh");
        fs::write(&fresh, text).unwrap();
        fs::rename(fresh, self.0.join("manifests").join(file)).unwrap();
    }

    /// Starts `up`, with more arguments.
    fn up(&self, more: &[&str]) -> Up {
        let program = env!("CARGO_BIN_EXE_svckit");
        let folder = self.0.display();
        let script = format!(
            "ip link set lo up && exec {program} up -f {folder}/manifests --state {folder}/state {}",
            more.join(" ")
        );
        // Each of these becomes the next one: the child's signals and exit code are the command's.
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(self.0.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let lines = lines(child.stdout.take().unwrap());
        Up { child, lines }
    }

    /// What was complained about so far.
    fn complaints(&self) -> String {
        fs::read_to_string(self.0.join("stderr")).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running `up`.
struct Up {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Up {
    /// The next line it prints.
    fn line(&self) -> String {
        self.lines.recv_timeout(Duration::from_secs(30)).expect("a line within half a minute")
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// What a shell command prints in its network.
    fn run(&self, script: &str) -> String {
        let pid = self.child.id().to_string();
        let output = Command::new("nsenter")
            .args(["--net", "-t", &pid, "sh", "-c", script])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{script}: {:?} {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Sends a signal, and waits for the end that it brings.
    fn end(mut self, signal: &str) -> Option<i32> {
        let (pid, signal) = (self.child.id().to_string(), format!("-{signal}"));
        assert!(Command::new("kill").args([&signal, &pid]).status().unwrap().success());
        for _ in 0..300 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("still there half a minute after {signal}");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(out: ChildStdout) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

/// A Service of the JSON line, by `namespace/name`.
fn service<'a>(ready: &'a Value, name: &str) -> &'a Value {
    let called = |service: &&Value| {
        name == format!(
            "{}/{}",
            service["namespace"].as_str().unwrap(),
            service["name"].as_str().unwrap()
        )
    };
    ready["services"].as_array().unwrap().iter().find(called).unwrap_or_else(|| panic!("{name}"))
}

/// Where a client on this machine connects to a Service's first port.
fn listen(ready: &Value, name: &str) -> Vec<String> {
    let places = service(ready, name)["ports"][0]["listen"].as_array().unwrap();
    places.iter().map(|place| place.as_str().unwrap().to_owned()).collect()
}

/// The pod that answered.
fn pod(answer: &str) -> &str {
    answer.strip_prefix("pod ").and_then(|rest| rest.split(' ').next()).unwrap_or(answer)
}

#[test]
fn what_it_prints_works_as_printed() {
    let folder = Folder::new("printed");
    let up = folder.up(&[]);
    while up.line() != "Try:" {}
    let mut tried = 0;
    loop {
        let line = up.line();
        let Some(command) = line.strip_prefix("  ") else { break };
        assert!(!up.run(command).is_empty(), "{command} answers");
        tried += 1;
    }
    assert_eq!(tried, 3, "{}", folder.complaints());
    assert_eq!(folder.complaints(), "");
}

#[test]
fn the_tour_is_served() {
    let folder = Folder::new("tour");
    let up = folder.up(&["-o", "json"]);
    let ready = up.json();
    let ask = |place: &str| up.run(&format!("curl -sm5 http://{place}/"));

    let place = &listen(&ready, "default/webapp")[0];
    let answers: Vec<String> = (0..4).map(|_| ask(place)).collect();
    let pods: Vec<&str> = answers.iter().map(|answer| pod(answer)).collect();
    assert_ne!(pods[0], pods[1], "round robin visits each pod in turn");
    assert_eq!(pods[..2], pods[2..]);

    let place = &listen(&ready, "default/webapp-sticky")[0];
    let first = ask(place);
    assert!((0..5).all(|_| pod(&ask(place)) == pod(&first)), "a client stays with its pod");

    for name in ["default/webapp-nodeport", "default/webapp-public"] {
        let places = listen(&ready, name);
        assert!(places.len() > 1, "{name}: cluster IP, and node port or outside: {places:?}");
        for place in places {
            assert!(pod(&ask(&place)).starts_with("default/webapp-"), "{name} at {place}");
        }
    }
    assert!(pod(&ask("127.0.0.9:8081")).ends_with("webapp-hostport"), "the host port");

    let dns = ready["dns"].as_str().unwrap().rsplit_once(':').unwrap();
    let dig = |words: &str| {
        let answer = up.run(&format!("dig +short @{} -p {} {words}", dns.0, dns.1));
        answer.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let domain = "svc.cluster.local";
    assert_eq!(dig(&format!("webapp-headless.default.{domain}")).len(), 2, "the pods themselves");
    for way in ["+notcp", "+tcp"] {
        let address = service(&ready, "kube-system/kube-dns")["clusterIPs"][0].as_str().unwrap();
        assert_eq!(dig(&format!("{way} kube-dns.kube-system.{domain}")), [address]);
    }

    let ingress = ready["ingress"].as_str().unwrap().rsplit_once(':').unwrap();
    for (path, want) in [("web", "default/web-"), ("api", "default/api-"), ("doc", "default/doc-")]
    {
        let host = format!("mywebsite.com:{}", ingress.1);
        let command = format!("curl -sm5 --resolve {host}:{} http://{host}/{path}", ingress.0);
        assert!(pod(&up.run(&command)).starts_with(want), "/{path}");
    }

    let metrics = ready["metrics"].as_str().expect("counters");
    let counters = up.run(&format!("curl -sm5 http://{metrics}/metrics"));
    let webapp = |line: &&str| {
        line.starts_with("svckit_connections_total{") && line.contains("service=\"webapp\",")
    };
    let counted = counters.lines().find(webapp).and_then(|line| line.rsplit_once(' '));
    assert_eq!(counted.map(|(_, number)| number), Some("4"), "{counters}");
}

#[test]
fn edits_take_effect_and_broken_ones_dont() {
    let folder = Folder::new("edits");
    let up = folder.up(&["-o", "json"]);
    let ready = up.json();
    let place = &listen(&ready, "default/webapp")[0];

    folder.write("99-more.yaml", &format!("{MORE}  ports: [{{port: 9000, targetPort: 8080}}]\n"));
    let changed = up.json();
    let more = &listen(&changed, "default/more")[0];
    assert!(up.run(&format!("curl -sm5 http://{more}")).contains("default/more"));
    assert_eq!(&listen(&changed, "default/webapp")[0], place, "others stay where they are");

    folder.write("99-more.yaml", &format!("{MORE}  ports: [{{prot: 9000}}]\n"));
    let wait = |holds: &dyn Fn() -> bool| {
        for _ in 0..300 {
            if holds() {
                return true;
            }
            thread::sleep(Duration::from_millis(100));
        }
        false
    };
    assert!(wait(&|| folder.complaints().contains("prot")), "{}", folder.complaints());
    assert!(folder.complaints().contains("99-more.yaml:7"), "{}", folder.complaints());
    assert!(up.run(&format!("curl -sm5 http://{more}")).contains("default/more"), "as it was");
}

const MORE: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: more
spec:
  selector: {app: webapp}
";

#[test]
fn addresses_survive_a_kill() {
    let folder = Folder::new("kill");
    let addresses = |ready: &Value| -> Vec<(String, Value, Value)> {
        let services = ready["services"].as_array().unwrap().iter();
        let one = |s: &Value| (s["name"].to_string(), s["clusterIPs"].clone(), s["ports"].clone());
        services.map(one).collect()
    };
    let up = folder.up(&["-o", "json"]);
    let before = addresses(&up.json());
    assert_eq!(up.end("KILL"), None);
    let up = folder.up(&["-o", "json"]);
    assert_eq!(addresses(&up.json()), before);
    assert!(before.len() > 20);
    assert_eq!(up.end("INT"), Some(130));
}
