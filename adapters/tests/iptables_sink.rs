//! The iptables sink in a network namespace: changes, restarts, damage, refusals, and the rules of others.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to report")]

mod cluster;

use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};
use svckit::{
    Seed,
    forward::Proxy,
    model::{Affinity, Change, Family, NamespacedName},
    render::iptables,
};
use svckit_adapters::sink::{iptables::Iptables, nft::Checked};

/// A network namespace, gone when it is dropped.
struct Namespace(String);

impl Namespace {
    /// `None`, with a word why, when this machine can't make one. That is an error where CI=true.
    fn new(of: &str) -> Option<Self> {
        let name = format!("svi{:x}{of}", std::process::id());
        let made = Command::new("ip").args(["netns", "add", &name]).stderr(Stdio::null()).status();
        if made.is_ok_and(|status| status.success()) {
            return Some(Self(name));
        }
        let why = "NOT RUN: needs root, ip and iptables";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
        eprintln!("{why}");
        None
    }

    fn sink(&self) -> Iptables {
        Iptables::with_prefix(["ip", "netns", "exec", &self.0], Seed([5, 6, 7, 8]))
    }

    /// Runs a command in it.
    fn run(&self, words: &str, input: &str) -> Result<String, String> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0]).args(words.split(' '));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    fn save(&self) -> String {
        self.run("iptables-save", "").unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

fn proxies() -> impl Iterator<Item = (&'static str, Proxy)> {
    cluster::nodes().into_iter().map(|(name, node)| {
        let mut proxy = Proxy::new(node, Seed([1, 2, 3, 4]));
        cluster::changes().iter().for_each(|change| proxy.apply(change));
        (name, proxy)
    })
}

fn proxy() -> Proxy {
    proxies().next().unwrap().1
}

#[test]
fn both_kinds_of_iptables_take_the_rules() {
    let Some(namespace) = Namespace::new("t") else { return };
    for (name, proxy) in proxies() {
        for (family, ip) in [(Family::V4, "iptables"), (Family::V6, "ip6tables")] {
            let mut text = String::new();
            iptables::full(&proxy, family, &mut text).unwrap();
            for kind in ["nft", "legacy"] {
                for how in [" --test", ""] {
                    let done = namespace.run(&format!("{ip}-{kind}-restore --noflush{how}"), &text);
                    assert!(done.is_ok(), "{name}: {ip}-{kind}{how}: {done:?}");
                }
                let saved = namespace.run(&format!("{ip}-{kind}-save"), "").unwrap();
                assert!(saved.contains("-j KUBE-SEP-"), "{name}: {ip}-{kind}");
                let mut gone = String::new();
                let saved = iptables::Saved::parse(&saved);
                iptables::Ruleset::write_removal(&saved, &mut gone).unwrap();
                namespace.run(&format!("{ip}-{kind}-restore --noflush"), &gone).unwrap();
            }
        }
    }
}

#[test]
fn changes_restarts_and_damage() {
    let Some(namespace) = Namespace::new("c") else { return };
    let others = "*nat\n:OTHERS - [0:0]\n-A POSTROUTING -s 9.0.0.0/8 -j OTHERS\n-A OTHERS -j RETURN\nCOMMIT\n";
    namespace.run("iptables-restore --noflush", others).unwrap();
    let theirs = namespace.save();
    let mut proxy = proxy();
    let mut sink = namespace.sink();
    assert!(sink.sync(&mut proxy).unwrap().unwrap().full);
    assert_eq!(sink.sync(&mut proxy).unwrap(), None);
    assert_eq!(sink.check(&proxy).unwrap(), Checked::Intact, "as the kernel prints it");

    proxy.apply(&cluster::slice(1, Family::V4, &[1, 2]));
    proxy.apply(&Change::ServiceGone(NamespacedName::new("lab", "s3")));
    assert!(!sink.sync(&mut proxy).unwrap().unwrap().full);
    assert_eq!(sink.check(&proxy).unwrap(), Checked::Intact);
    let before = namespace.save();
    assert!(before.contains("-A POSTROUTING -s 9.0.0.0/8 -j OTHERS"));

    // A restart finds the rules of the last run, and of a Service that is gone since.
    proxy.apply(&Change::ServiceGone(NamespacedName::new("lab", "s5")));
    let mut again = namespace.sink();
    let mut fresh = self::proxy();
    for change in [
        cluster::slice(1, Family::V4, &[1, 2]),
        Change::ServiceGone(NamespacedName::new("lab", "s3")),
        Change::ServiceGone(NamespacedName::new("lab", "s5")),
    ] {
        fresh.apply(&change);
    }
    assert!(again.sync(&mut fresh).unwrap().unwrap().full);
    let after = namespace.save();
    assert_eq!(after.matches("-A PREROUTING -j KUBE-SERVICES").count(), 1, "{after}");
    assert!(before.contains("lab/s5") && !after.contains("lab/s5"), "{after}");
    assert_eq!(again.check(&fresh).unwrap(), Checked::Intact);

    for damage in [
        "iptables -t nat -F KUBE-SERVICES",
        "iptables -t nat -D PREROUTING -j KUBE-SERVICES",
        "iptables -t filter -F",
        "iptables -t nat -F",
        "ip6tables -t nat -F KUBE-POSTROUTING",
    ] {
        namespace.run(damage, "").unwrap();
        assert_eq!(again.check(&fresh).unwrap(), Checked::Repaired, "{damage}");
        assert_eq!(again.check(&fresh).unwrap(), Checked::Intact, "{damage}");
    }
    namespace.run("iptables-restore --noflush", &others.replace(":OTHERS - [0:0]\n", "")).unwrap();
    again.clear().unwrap();
    let left = namespace.save();
    assert!(!left.contains("KUBE-"), "{left}");
    assert_eq!(theirs.contains("OTHERS"), left.contains("OTHERS"));
}

#[test]
fn what_is_refused_is_left_out_and_named() {
    let Some(namespace) = Namespace::new("r") else { return };
    let mut proxy = proxy();
    let mut sink = namespace.sink();
    sink.sync(&mut proxy).unwrap();
    // No kernel remembers anybody for so long.
    let eternal = Some(Affinity { timeout: Duration::from_secs(1 << 40) });
    proxy.apply(&cluster::service(5, |s| s.affinity = eternal));
    proxy.apply(&cluster::service(1, |s| s.external_ips = vec!["6.6.6.7".parse().unwrap()]));
    let synced = sink.sync(&mut proxy).unwrap().unwrap();
    let refused: Vec<String> = sink.refused().map(|refused| refused.to_string()).collect();
    assert!(synced.refused == refused.len() && !refused.is_empty(), "{synced:?} {refused:?}");
    assert!(refused.iter().all(|item| item.starts_with("lab/s5:")), "{refused:?}");
    let saved = namespace.save();
    assert!(saved.contains("-d 6.6.6.7/32") && !saved.contains("lab/s5"), "{saved}");
    proxy.apply(&cluster::service(5, |_| ()));
    assert_eq!(sink.sync(&mut proxy).unwrap().unwrap().refused, 0);
    assert!(namespace.save().contains("lab/s5"));
    assert_eq!(sink.check(&proxy).unwrap(), Checked::Intact);
}
