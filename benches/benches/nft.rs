//! Claim: a cluster is in the kernel in milliseconds, linear in its size, and one change of it in microseconds, however
//! large it is; beside a ruleset of kube-proxy's shape (a chain and an anonymous map per Service), loaded through
//! `nft -f` in the same run.
//!
//! Everything happens in network namespaces made for it; needs root. `cargo bench --bench nft` prints tables, with words
//! behind it only some of them (`loads`, `changes`, `peers`, `latency`); `-- --test` runs small sizes once.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a measurement that can't be made stops")]

use std::{
    env,
    fmt::Write as _,
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use svckit::{Seed, forward::Proxy, model::Change};
use svckit_adapters::{clock, sink::nft::Nft};
use svckit_benches::cluster::{Size, cluster_ip, node, service, slice};

const ROLE: &str = "SVCKIT_BENCH_ROLE";

fn main() {
    if let Ok(role) = env::var(ROLE) {
        return connect(role.parse().unwrap());
    }
    let quick = !svckit_benches::is_measuring();
    if Namespace::new().is_none() {
        eprintln!("NOTHING WAS MEASURED: network namespaces need root and the program ip");
        // Whoever wants figures, and whoever checks that there are some, is not to overlook it.
        let wanted = !quick || env::var("CI").as_deref() == Ok("true");
        std::process::exit(i32::from(wanted));
    }
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let asked = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    let some =
        |all: &[Size]| -> Vec<Size> { if quick { vec![Size(100, 2)] } else { all.to_vec() } };
    let sizes = [Size(10_000, 2), Size(25_000, 10), Size(44_125, 1), Size(5_006, 50)];
    if asked("loads") {
        loads(&some(&sizes));
    }
    if asked("changes") {
        changes(&some(&[Size(1_000, 2), Size(10_000, 2), Size(100_000, 1)]), quick);
    }
    if asked("peers") {
        peers(&some(&[Size(1_000, 2), Size(3_000, 2)]));
    }
    if asked("latency") {
        // One endpoint each: the last Service's is the only one that listens.
        latency(&if quick {
            vec![Size(100, 1)]
        } else {
            [1_000, 10_000, 30_000].map(|n| Size(n, 1)).into()
        });
    }
}

/// A network namespace, gone when it is dropped.
struct Namespace(String);

impl Namespace {
    fn new() -> Option<Self> {
        let name = format!("svckit-bench-{:x}", clock::entropy() as u32);
        let made = Command::new("ip").args(["netns", "add", &name]).output();
        made.is_ok_and(|made| made.status.success()).then_some(Self(name))
    }

    fn sink(&self) -> Nft {
        let path = PathBuf::from("/run/netns").join(&self.0);
        Nft::in_namespace(&path, Seed([5, 6, 7, 8])).unwrap()
    }

    fn run(&self, words: &[&str], input: &str) -> String {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.0])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", words.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Namespace {
    /// Makes it the pod that asks, the node, and the pod that answers for the last of so many Services, in one.
    fn answering(&self, size: Size) -> SocketAddr {
        let pod = Ipv4Addr::from(0x0a80_0000 + (size.0 - 1) * (size.1 + 1));
        let (service, to) = (cluster_ip(size.0 - 1).to_string(), pod.to_string());
        self.run(&["ip", "link", "set", "lo", "up"], "");
        self.run(&["ip", "address", "add", &format!("{to}/32"), "dev", "lo"], "");
        self.run(&["ip", "route", "add", &service, "dev", "lo", "src", &to], "");
        SocketAddr::from((pod, 8080))
    }

    /// How long a connection takes from inside, in microseconds. All of it happens on one core: whether another one
    /// sleeps is not to count.
    fn connect(&self, to: SocketAddr) -> f64 {
        let this = env::current_exe().unwrap();
        let role = format!("{ROLE}={to}");
        let words = ["taskset", "-c", "0", "env", role.as_str(), this.to_str().unwrap()];
        self.run(&words, "").trim().parse().unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

fn proxy(size: Size) -> Proxy {
    let mut proxy = Proxy::new(node(), Seed([1, 2, 3, 4]));
    size.changes().iter().for_each(|change| proxy.apply(change));
    proxy
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A first load, a restart over it, and the end of it.
fn loads(sizes: &[Size]) {
    println!("| size | cold load | longest transaction | restart over it |\n|---|---|---|---|");
    for size in sizes {
        let mut rounds = Vec::new();
        for _ in 0..3 {
            let namespace = Namespace::new().unwrap();
            let (mut first, mut second) = (proxy(*size), proxy(*size));
            let mut nft = namespace.sink();
            let (synced, cold) = timed(|| nft.sync(&mut first).unwrap());
            assert!(synced.is_some_and(|synced| synced.refused == 0), "all of it is in the kernel");
            let longest = nft.longest_transaction();
            let mut next = namespace.sink();
            let (_, restart) = timed(|| next.sync(&mut second).unwrap());
            rounds.push((cold, longest, restart));
        }
        let of = |pick: fn(&(Duration, Duration, Duration)) -> Duration| {
            median(rounds.iter().map(pick).collect())
        };
        let (cold, longest, restart) = (of(|r| r.0), of(|r| r.1), of(|r| r.2));
        println!("| {size} | {cold:.1?} | {longest:.1?} | {restart:.1?} |");
    }
}

/// One endpoint more and less, from the model to the kernel.
fn changes(sizes: &[Size], quick: bool) {
    println!("\n| size | one endpoint, model to kernel | 99 of 100 below |\n|---|---|---|");
    for size in sizes {
        let namespace = Namespace::new().unwrap();
        let mut proxy = proxy(*size);
        let mut nft = namespace.sink();
        nft.sync(&mut proxy).unwrap();
        let flaps = size.flaps();
        let rounds = if quick { 1 } else { 10 };
        let mut times = Vec::new();
        for step in (0..rounds).flat_map(|_| &flaps) {
            let change = || {
                proxy.apply(step);
                nft.sync(&mut proxy).unwrap()
            };
            let (synced, time) = timed(change);
            assert!(!synced.unwrap().full);
            times.push(time);
        }
        times.sort_unstable();
        let (half, most) = (times[times.len() / 2], times[times.len() * 99 / 100]);
        println!("| {size} | {half:.1?} | {most:.1?} |");
    }
}

/// A ruleset of kube-proxy's shape as text: the dispatch alone.
fn kube_shaped(size: Size) -> String {
    let mut out = String::from(
        "add table ip kube\nadd map ip kube ips { type ipv4_addr . inet_proto . inet_service : verdict ; }\n\
         add chain ip kube services\nadd chain ip kube pre { type nat hook prerouting priority -100 ; }\n\
         add rule ip kube services ip daddr . meta l4proto . th dport vmap @ips\n\
         add rule ip kube pre jump services\n",
    );
    for n in 0..size.0 {
        let chain = format!("service-{n:08X}-team/service-{n}/tcp/p80");
        let slots: Vec<String> = (0..size.1)
            .map(|e| format!("{e} : {} . 8080", Ipv4Addr::from(0x0a80_0000 + n * (size.1 + 1) + e)))
            .collect();
        let _ = writeln!(out, "add chain ip kube {chain}");
        let _ = writeln!(
            out,
            "add rule ip kube {chain} meta l4proto tcp dnat ip addr . port to numgen random mod {} map {{ {} }}",
            size.1,
            slots.join(", ")
        );
        let _ = writeln!(
            out,
            "add element ip kube ips {{ {} . tcp . 80 : goto {chain} }}",
            cluster_ip(n)
        );
    }
    out
}

/// Both ways of the same cluster, one after the other, in one run.
fn peers(sizes: &[Size]) {
    println!(
        "\n| size | kube-proxy's shape, nft -f | svckit | one more Service, nft -f | svckit |\n|---|---|---|---|---|"
    );
    for size in sizes {
        let (theirs, ours) = (Namespace::new().unwrap(), Namespace::new().unwrap());
        let text = kube_shaped(*size);
        let (_, their_load) = timed(|| theirs.run(&["nft", "-f", "-"], &text));
        let mut proxy = proxy(*size);
        let mut nft = ours.sink();
        let (_, our_load) = timed(|| nft.sync(&mut proxy).unwrap());
        let more = kube_shaped(Size(size.0 + 1, size.1));
        let last: String = more
            .lines()
            .skip(6 + size.0 as usize * 3)
            .fold(String::new(), |all, line| all + line + "\n");
        let (_, their_change) = timed(|| theirs.run(&["nft", "-f", "-"], &last));
        let steps: [Change; 2] = [service(size.0), slice(size.0, size.1, size.1)];
        let change = || {
            steps.iter().for_each(|step| proxy.apply(step));
            nft.sync(&mut proxy).unwrap()
        };
        let (_, our_change) = timed(change);
        println!(
            "| {size} | {their_load:.1?} | {our_load:.1?} | {their_change:.1?} | {our_change:.1?} |"
        );
    }
}

/// The first packet through the last Service, beside a namespace without rules and beside the rules. Everything is asked
/// in turns, since the machine's pace changes between them: ratios are those of one turn.
fn latency(sizes: &[Size]) {
    let bare = Namespace::new().unwrap();
    let direct = bare.answering(Size(1, 1));
    let ruled: Vec<_> = sizes
        .iter()
        .map(|size| {
            let namespace = Namespace::new().unwrap();
            let direct = namespace.answering(*size);
            namespace.sink().sync(&mut proxy(*size)).unwrap();
            (namespace, SocketAddr::from((cluster_ip(size.0 - 1), 80)), direct)
        })
        .collect();
    let mut turns = vec![[const { Vec::new() }; 3]; sizes.len()];
    for _ in 0..15 {
        let without = bare.connect(direct);
        for ((namespace, service, direct), turns) in ruled.iter().zip(&mut turns) {
            let through = namespace.connect(*service);
            let beside = namespace.connect(*direct);
            for (turns, figure) in
                turns.iter_mut().zip([through, through / without, through / beside])
            {
                turns.push(figure);
            }
        }
    }
    println!(
        "\n| size | through the last Service | without rules | beside them |\n|---|---|---|---|"
    );
    for (size, turns) in sizes.iter().zip(turns) {
        let [through, without, beside] = turns.map(|mut turns| {
            turns.sort_by(f64::total_cmp);
            turns[turns.len() / 2]
        });
        println!("| {size} | {through:.1} µs | {without:.2}x | {beside:.2}x |");
    }
}

/// Inside a namespace: listens on port 8080, and connects to `to` again and again; prints the median. Loopback has a
/// connection made before anybody takes it, so one thread does both.
fn connect(to: SocketAddr) {
    let listener = TcpListener::bind("0.0.0.0:8080").unwrap();
    let mut times = Vec::new();
    for _ in 0..400 {
        let (stream, time) = timed(|| TcpStream::connect(to).unwrap());
        let _ = listener.accept().unwrap();
        drop(stream);
        times.push(time);
    }
    println!("{:.1}", median(times).as_secs_f64() * 1e6);
}
