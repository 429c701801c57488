//! Connections, requests, one long stream and many silent ones through both proxies, in turn.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};
use svckit_adapters::serve::raise_file_limit;
use svckit_benches::turns::median;

use crate::rivals::{CONNECTIONS, Folder, LARGE, Listener};

/// Seconds of one round of requests, and rounds of each proxy.
const SECONDS: u32 = 2;
const ROUNDS: usize = 3;

/// Runs all of it and prints a table; only looks whether both proxies answer when nothing is measured.
pub(crate) fn compare() {
    let folder = Folder::new();
    let (_servers, addrs) = Listener::servers(&folder);
    let rivals = [Listener::ours(addrs), Listener::haproxy(&folder, addrs)];
    if !svckit_benches::is_measuring() {
        for rival in &rivals {
            assert!(ask(rival, "/small") > 100, "{} does not answer", rival.name);
        }
        return println!("both proxies answer");
    }
    println!("| case | unit | serve/tcp | HAProxy | ratio | CPU per unit, ratio |");
    println!("|---|---|---|---|---|---|");
    let requests = |close| move |rival: &Listener| wrk(rival, close);
    row("a connection for each request", "1/s", &rivals, requests(true));
    row("requests, 64 connections kept", "1/s", &rivals, requests(false));
    row("one stream", "MB/s", &rivals, stream);
    let silent: Vec<f64> = rivals.iter().map(silence).collect();
    let [ours, theirs] = silent[..] else { return };
    println!(
        "| {CONNECTIONS} silent connections | KiB each | {ours:.2} | {theirs:.2} | {:.2} | |",
        ours / theirs
    );
}

/// What a round did, and how long it took.
struct Round {
    units: f64,
    seconds: f64,
}

fn row(case: &str, unit: &str, rivals: &[Listener; 2], measure: impl Fn(&Listener) -> Round) {
    let mut rates = [vec![], vec![]];
    let mut costs = [vec![], vec![]];
    for _ in 0..ROUNDS {
        for ((rival, rates), costs) in rivals.iter().zip(&mut rates).zip(&mut costs) {
            let before = rival.cpu();
            let round = measure(rival);
            rates.push(round.units / round.seconds);
            costs.push((rival.cpu() - before) / round.units);
        }
    }
    let [ours, theirs] = rates.map(median);
    let [cost, other] = costs.map(median);
    println!(
        "| {case} | {unit} | {ours:.0} | {theirs:.0} | {:.2} | {:.2} |",
        ours / theirs,
        cost / other
    );
}

fn wrk(rival: &Listener, close: bool) -> Round {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", "-c64", &format!("-d{SECONDS}s"), &format!("http://{}/small", rival.addr)]);
    if close {
        wrk.args(["-H", "Connection: close"]);
    }
    let started = Instant::now();
    let output = wrk.output().expect("wrk makes the load: apt-get install wrk");
    let seconds = started.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "{}: {text}", rival.name);
    let line = text.lines().find(|line| line.contains("requests in")).unwrap();
    Round { units: line.split_whitespace().next().unwrap().parse().unwrap(), seconds }
}

fn stream(rival: &Listener) -> Round {
    let started = Instant::now();
    let bytes = ask(rival, "/large");
    assert!(bytes >= LARGE, "{}: {bytes} bytes", rival.name);
    Round { units: bytes as f64 / 1e6, seconds: started.elapsed().as_secs_f64() }
}

/// How many bytes come.
fn ask(rival: &Listener, path: &str) -> u64 {
    let mut stream = TcpStream::connect(rival.addr).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let (mut buffer, mut bytes) = (vec![0; 1 << 20], 0);
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return bytes,
            n => bytes += n as u64,
        }
    }
}

/// Memory per connection that says nothing, in KiB.
fn silence(rival: &Listener) -> f64 {
    raise_file_limit().unwrap();
    let before = rival.memory();
    let held: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|n| {
            // Those in the queue shall be fewer than it has room for.
            if n.is_multiple_of(500) {
                sleep(Duration::from_millis(50));
            }
            TcpStream::connect(rival.addr).unwrap()
        })
        .collect();
    sleep(Duration::from_secs(1));
    let after = rival.memory();
    drop(held);
    sleep(Duration::from_secs(1));
    (after - before) / CONNECTIONS as f64
}
