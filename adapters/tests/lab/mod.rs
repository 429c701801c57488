//! A node, a client and three pods in network namespaces of their own, and programs that run in them.
#![allow(dead_code, reason = "no test needs all of it")]

mod roles;
mod sctp;

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Everything a test has made; all of it goes with the value, whatever happens.
pub(crate) struct Lab {
    prefix: String,
    namespaces: Vec<String>,
    servers: Vec<Child>,
}

/// Names, and the host parts of the addresses: `10.244.<n>.2` and `fd00:244:<n>::2`.
pub(crate) const PODS: [(&str, u8); 3] = [("one", 1), ("two", 2), ("far", 3)];

/// Says what the test program is inside a namespace; see [`roles`].
const ROLE: &str = "SVCKIT_TEST_ROLE";

/// What a role answers to one question.
pub(crate) type Answers = Vec<String>;

impl Lab {
    /// `None`, with a word why, when this machine can't make namespaces. That is an error where CI=true.
    pub(crate) fn new() -> Option<Self> {
        // Only root may make named namespaces.
        let able = output("id", &["-u"]).is_ok_and(|id| id.trim() == "0")
            && output("nft", &["--version"]).is_ok()
            && output("ip", &["-V"]).is_ok();
        if !able {
            let why = "NOT RUN: needs root, nft and ip";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
            eprintln!("{why}");
            return None;
        }
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
        let prefix = format!("svk{:x}{nanos:x}", std::process::id());
        let mut lab = Self { prefix, namespaces: Vec::new(), servers: Vec::new() };
        lab.namespace("node");
        lab.link("client", "192.168.50", "fd00:50:", 2);
        for (name, n) in PODS {
            lab.link(name, &format!("10.244.{n}"), &format!("fd00:244:{n}:"), 2);
        }
        let node = lab.name("node");
        // Redirects count against the rate at which refusals may be told.
        let settings = ["ipv4.ip_forward=1", "ipv6.conf.all.forwarding=1", "ipv4.icmp_ratelimit=0"];
        for setting in settings.into_iter().chain(["ipv6.icmp.ratelimit=0"]) {
            lab.ip_in(&node, &["sysctl", "-qw", &format!("net.{setting}")]);
        }
        // Kernels refuse what they have no route for before any rule sees it.
        lab.ip_in(&node, &["ip", "route", "add", "default", "via", "192.168.50.2"]);
        lab.ip_in(&node, &["ip", "-6", "route", "add", "default", "via", "fd00:50::2"]);
        for (name, _) in PODS {
            lab.serve(name);
        }
        lab.wait();
        Some(lab)
    }

    /// Until each server answers over both protocols and families.
    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        for (name, n) in PODS {
            for at in [format!("10.244.{n}.2:8080"), format!("[fd00:244:{n}::2]:8080")] {
                for protocol in ["tcp", "udp"] {
                    let question = format!("{protocol} {at} 1");
                    while !self.ask("node", &question).iter().all(|a| a.starts_with(name)) {
                        assert!(Instant::now() < until, "{name} doesn't answer at {at}");
                    }
                }
            }
        }
    }

    /// The full name of a namespace.
    pub(crate) fn name(&self, of: &str) -> String {
        format!("{}-{of}", self.prefix)
    }

    /// Runs a role of the test program in a namespace, and gives the lines it answers.
    pub(crate) fn ask(&self, from: &str, role: &str) -> Answers {
        let started = Instant::now();
        let output = self.role(from, role).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().filter_map(|line| Some(line.split_once("ANSWER ")?.1.to_owned()));
        let answers: Answers = lines.collect();
        assert!(started.elapsed() < Duration::from_secs(60), "{from} {role}: took too long");
        assert!(
            !answers.is_empty(),
            "{from} {role}: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        answers
    }

    /// Starts a role that connects and then waits to be ended; returns when it has connected.
    pub(crate) fn start(&self, from: &str, role: &str) -> Started {
        let mut command = self.role(from, role);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut started = Started(child);
        assert_eq!(started.answer(), "connected", "{from} {role}");
        started
    }

    fn role(&self, namespace: &str, role: &str) -> Command {
        let mut command = Command::new("ip");
        let this = std::env::current_exe().unwrap();
        command.args(["netns", "exec", &self.name(namespace)]).arg(this);
        command.args(["lab::roles::role", "--exact", "--nocapture"]).env(ROLE, role);
        command
    }

    fn serve(&mut self, name: &str) {
        let server = self.role(name, &format!("serve {name}")).stdout(Stdio::null()).spawn();
        self.servers.push(server.unwrap());
    }

    fn namespace(&mut self, of: &str) {
        let name = self.name(of);
        run("ip", &["netns", "add", &name]);
        self.namespaces.push(name.clone());
        self.ip_in(&name, &["ip", "link", "set", "lo", "up"]);
        // Addresses are ours alone; a second of asking whether they are would only fail the first packets.
        self.ip_in(&name, &["sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0"]);
    }

    /// A namespace with a wire to the node: `.1` is the node's end.
    fn link(&mut self, of: &str, v4: &str, v6: &str, host: u8) {
        self.namespace(of);
        let (node, other) = (self.name("node"), self.name(of));
        let device = format!("to-{of}");
        self.ip_in(
            &node,
            &["ip", "link", "add", &device, "type", "veth", "peer", "eth0", "netns", &other],
        );
        for (name, device, end) in [(&node, device.as_str(), 1), (&other, "eth0", host)] {
            self.ip_in(name, &["ip", "addr", "add", &format!("{v4}.{end}/24"), "dev", device]);
            let v6 = format!("{v6}:{end}/64");
            self.ip_in(name, &["ip", "-6", "addr", "add", &v6, "dev", device, "nodad"]);
            self.ip_in(name, &["ip", "link", "set", device, "up"]);
        }
        self.ip_in(&other, &["ip", "route", "add", "default", "via", &format!("{v4}.1")]);
        self.ip_in(&other, &["ip", "-6", "route", "add", "default", "via", &format!("{v6}:1")]);
    }

    /// Gives a namespace more addresses.
    pub(crate) fn own(&self, of: &str, addresses: &[String]) {
        for addr in addresses {
            self.ip_in(
                &self.name(of),
                &["ip", "addr", "add", &format!("{addr}/24"), "dev", "eth0"],
            );
        }
    }

    /// Loads rules into the node's kernel.
    pub(crate) fn nft(&self, rules: &str) {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.name("node"), "nft", "-f", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{rules}");
    }

    /// What the node's kernel has in a table of IPv4, without counts.
    pub(crate) fn nft_list(&self, table: &str) -> String {
        let words =
            ["netns", "exec", &self.name("node"), "nft", "-s", "list", "table", "ip", table];
        output("ip", &words).unwrap()
    }

    /// Runs a command in a namespace.
    pub(crate) fn ip_in(&self, namespace: &str, words: &[&str]) {
        run("ip", &[&["netns", "exec", namespace], words].concat());
    }
}

/// A role that goes on until it is ended.
pub(crate) struct Started(Child);

impl Started {
    /// Ends it; returns the last it says.
    pub(crate) fn end(&mut self) -> String {
        drop(self.0.stdin.take());
        let answer = self.answer();
        self.0.wait().unwrap();
        answer
    }

    /// The next line that it answers.
    fn answer(&mut self) -> String {
        let out = self.0.stdout.as_mut().unwrap();
        let (mut line, mut byte) = (String::new(), [0]);
        // Byte by byte: what is behind the line belongs to the next answer.
        while out.read(&mut byte).is_ok_and(|length| length > 0) {
            match (byte[0], line.split_once("ANSWER ")) {
                (b'\n', Some((_, answer))) => return answer.to_owned(),
                (b'\n', None) => line.clear(),
                (letter, _) => line.push(char::from(letter)),
            }
        }
        line
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
        for name in &self.namespaces {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

fn output(program: &str, words: &[&str]) -> Result<String, std::io::Error> {
    let output = Command::new(program).args(words).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn run(program: &str, words: &[&str]) {
    let output = Command::new(program).args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {said}", words.join(" "));
}
