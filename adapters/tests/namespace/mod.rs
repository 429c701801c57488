//! A network namespace for one test.
#![allow(dead_code, reason = "no test needs all of it")]

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

/// A network namespace, gone when it is dropped.
pub(crate) struct Namespace(String);

impl Namespace {
    /// `None`, with a word why, when this machine can't make one. That is an error where CI=true.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let name = format!("svckit-{name}-{:x}", svckit_adapters::clock::entropy() as u32);
        let made = Command::new("ip").args(["netns", "add", &name]).output();
        if made.is_ok_and(|made| made.status.success()) {
            return Some(Self(name));
        }
        let why = "NOT RUN: needs root and ip";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
        eprintln!("{why}");
        None
    }

    /// Its place among files.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.0)
    }

    /// Runs nft in it, and gives what it prints.
    pub(crate) fn nft(&self, words: &[&str], input: &str) -> String {
        self.run(&[&["nft"], words].concat(), input)
    }

    /// Runs a program in it, and gives what it prints.
    pub(crate) fn run(&self, words: &[&str], input: &str) -> String {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.0])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}: {input}", words.join(" "));
        String::from_utf8(output.stdout).unwrap()
    }

    /// All rules and sets in pieces, sorted: kernels list elements in any order.
    pub(crate) fn listing(&self) -> Vec<String> {
        let apart = self.nft(&["-s", "list", "ruleset"], "");
        let apart = apart.replace("elements = {", "\n").replace('}', "\n");
        let mut pieces: Vec<String> =
            apart.split(['\n', ',']).map(|piece| piece.trim().to_owned()).collect();
        pieces.sort();
        pieces
    }

    /// The elements of all sets, each after the set's name, sorted.
    pub(crate) fn elements(&self) -> Vec<String> {
        let listing = self.nft(&["-s", "list", "ruleset"], "");
        let mut all = Vec::new();
        for set in listing.split("\n\t}") {
            let name = set.lines().find_map(|line| {
                line.trim().strip_prefix("map ").or_else(|| line.trim().strip_prefix("set "))
            });
            let (Some(name), Some((_, list))) = (name, set.split_once("elements = {")) else {
                continue;
            };
            let name = name.trim_end_matches(" {");
            let list = list.split('}').next().unwrap_or_default();
            all.extend(list.split(',').map(|element| format!("{name} {}", element.trim())));
        }
        all.sort();
        all
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}
