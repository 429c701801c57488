//! What svckit tells the kernel over netlink is what `svckit render nft` prints: both are loaded, each into a network
//! namespace of its own, and `nft list` shows the same.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to report")]

mod cluster;

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use svckit::{Seed, forward::Proxy, render::nft};
use svckit_adapters::sink::nft::Nft;

/// A network namespace, gone when it is dropped.
struct Namespace(String);

impl Namespace {
    /// `None` where there can be none.
    fn new(name: &str) -> Option<Self> {
        let name = format!("svckit-{name}-{:x}", svckit_adapters::clock::entropy() as u32);
        let made = Command::new("ip").args(["netns", "add", &name]).output().unwrap();
        if !made.status.success() {
            eprintln!("NOT RUN: no network namespaces here");
            return None;
        }
        Some(Self(name))
    }

    /// Runs nft in it, and gives what it prints.
    fn nft(&self, words: &[&str], input: &str) -> String {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.0, "nft"])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "nft {}", words.join(" "));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

/// A listing in pieces, sorted: kernels list elements in any order.
fn pieces(listing: &str) -> Vec<String> {
    let apart = listing.replace("elements = {", "\n").replace('}', "\n");
    let mut pieces: Vec<String> = apart.split(['\n', ',']).map(|p| p.trim().to_owned()).collect();
    pieces.sort();
    pieces
}

#[test]
fn kernels_show_the_same() {
    let (Some(text), Some(bytes)) = (Namespace::new("text"), Namespace::new("bytes")) else {
        return;
    };
    for (name, node) in cluster::nodes() {
        let mut proxy = Proxy::new(node, Seed([1, 2, 3, 4]));
        cluster::changes().iter().for_each(|change| proxy.apply(change));
        let mut printed = String::new();
        nft::full(&proxy, &mut printed).unwrap();
        text.nft(&["-f", "-"], &printed);
        let path = Path::new("/run/netns").join(&bytes.0);
        let mut sink = Nft::in_namespace(&path, Seed([5, 6, 7, 8])).unwrap();
        let synced = sink.sync(&mut proxy).unwrap().unwrap();
        assert!(synced.full && synced.refused == 0, "{name}: {synced:?}");
        let of_text = pieces(&text.nft(&["-s", "list", "ruleset"], ""));
        let of_bytes = pieces(&bytes.nft(&["-s", "list", "ruleset"], ""));
        let only = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().filter(|piece| !b.contains(piece)).cloned().collect()
        };
        let differ = (only(&of_text, &of_bytes), only(&of_bytes, &of_text));
        assert!(of_text == of_bytes, "{name}: {differ:#?}");
        assert!(of_text.len() > 300, "{name}: there is something to compare");
    }
}
