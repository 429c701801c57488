//! Real packets through the kernel rules that svckit writes, in network namespaces made for it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics to report"
)]

mod lab;
mod scenario;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread::sleep,
    time::Duration,
};

use lab::{Answers, Lab, PODS};
use scenario::{CASES, cluster, node, service, slice};
use svckit::{
    Seed,
    forward::Proxy,
    model::{Affinity, Change, Family, NamespacedName, TrafficPolicy},
};
use svckit_adapters::sink::{iptables::Iptables, nft::Nft};

/// How long an answer may take; what is dropped takes as long.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Runs only inside a namespace of the lab, as a server or a client.
#[test]
fn role() {
    let Ok(role) = std::env::var("SVCKIT_TEST_ROLE") else { return };
    match *role.split(' ').collect::<Vec<_>>() {
        ["serve", name] => serve(name),
        ["tcp", to, times] => ask(times, || tcp(to.parse().unwrap())),
        ["udp", to, times] => ask(times, || udp(to.parse().unwrap())),
        ["hold", to] => println!("ANSWER {}", hold(to.parse().unwrap())),
        _ => panic!("no such role: {role}"),
    }
}

/// Says its name, and who asks, on port 8080 of every address; repeats what it hears on port 9090.
fn serve(name: &str) {
    let answer = |from: SocketAddr| {
        let from = match from.ip() {
            IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4),
            ip => ip,
        };
        format!("{name} {from}")
    };
    let listener = TcpListener::bind("[::]:8080").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let _ = stream.peer_addr().map(|from| stream.write_all(answer(from).as_bytes()));
            }
        });
        scope.spawn(|| {
            for stream in TcpListener::bind("[::]:9090").unwrap().incoming().flatten() {
                std::thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
            }
        });
        let socket = UdpSocket::bind("[::]:8080").unwrap();
        let mut buffer = [0; 64];
        while let Ok((_, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(answer(from).as_bytes(), from);
        }
    });
}

fn ask(times: &str, question: impl Fn() -> std::io::Result<String>) {
    for _ in 0..times.parse().unwrap() {
        let answer = question().unwrap_or_else(|error| format!("{:?}", error.kind()));
        println!("ANSWER {answer}");
    }
}

fn tcp(to: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn udp(to: SocketAddr) -> std::io::Result<String> {
    let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(to)?;
    socket.send(b"who?")?;
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

/// Talks over one connection until nobody listens to us any more.
fn hold(to: SocketAddr) -> String {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = std::io::stdin().read(&mut [0]);
            ended.store(true, Ordering::Relaxed);
        });
        let talk = || -> std::io::Result<usize> {
            let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            let mut words = 0;
            println!("ANSWER connected");
            while !ended.load(Ordering::Relaxed) {
                stream.write_all(b"x")?;
                stream.read_exact(&mut [0])?;
                words += 1;
                sleep(Duration::from_millis(5));
            }
            Ok(words)
        };
        match talk() {
            Ok(words) if words > 0 => "held".into(),
            other => format!("{other:?}"),
        }
    })
}

/// Who carries the rules to the kernel.
enum Sink {
    Nft(Box<Nft>),
    Iptables(Box<Iptables>),
}

impl Sink {
    /// Whether everything was written anew; `None`: there was nothing to do.
    fn sync(&mut self, proxy: &mut Proxy) -> Option<bool> {
        let synced = match self {
            Self::Nft(nft) => nft.sync(proxy).unwrap(),
            Self::Iptables(iptables) => iptables.sync(proxy).unwrap(),
        };
        synced.map(|synced| synced.full)
    }

    fn clear(&mut self) {
        match self {
            Self::Nft(nft) => nft.clear().unwrap(),
            Self::Iptables(iptables) => iptables.clear().unwrap(),
        }
    }
}

#[test]
fn packets_go_where_nft_sends_them() {
    check(|node| {
        let path = Path::new("/run/netns").join(node);
        Sink::Nft(Box::new(Nft::in_namespace(&path, Seed([5, 6, 7, 8])).unwrap()))
    });
}

#[test]
fn packets_go_where_iptables_sends_them() {
    check(|node| {
        let prefix = ["ip", "netns", "exec", node];
        Sink::Iptables(Box::new(Iptables::with_prefix(prefix, Seed([5, 6, 7, 8]))))
    });
}

/// The same questions have the same answers, whoever carries the rules.
fn check(sink: impl FnOnce(&str) -> Sink) {
    if std::env::var("SVCKIT_TEST_ROLE").is_ok() {
        return;
    }
    let Some(lab) = Lab::new() else { return };
    let mut proxy = Proxy::new(node(), Seed([1, 2, 3, 4]));
    cluster().iter().for_each(|change| proxy.apply(change));
    let mut sink = sink(&lab.name("node"));
    assert_eq!(sink.sync(&mut proxy), Some(true));
    assert_eq!(sink.sync(&mut proxy), None);

    let mut wrong = Vec::new();
    for (name, from, question, want) in CASES {
        let came: BTreeSet<String> = lab.ask(from, question).into_iter().collect();
        let want: BTreeSet<String> = want.iter().map(ToString::to_string).collect();
        if came != want {
            wrong.push(format!("{name}: {from} asks {question}: wanted {want:?}, came {came:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    balance(&lab);
    affinity(&lab, &mut proxy, &mut sink);
    timeout(&lab, &mut proxy, &mut sink);
    changes(&lab, &mut proxy, &mut sink);
    endurance(&lab, &mut proxy, &mut sink);
}

fn counts(answers: Answers) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        let pod = answer.split(' ').next().unwrap_or_default().to_owned();
        *counts.entry(pod).or_insert(0) += 1;
    }
    counts
}

/// 600 connections over three endpoints: each gets its share, give or take five standard deviations.
fn balance(lab: &Lab) {
    let counts = counts(lab.ask("client", "tcp 10.96.0.1:80 600"));
    assert!(counts.len() == 3 && counts.values().all(|n| (142..=258).contains(n)), "{counts:?}");
}

/// A client that stays away for longer than the timeout may come elsewhere.
fn timeout(lab: &Lab, proxy: &mut Proxy, sink: &mut Sink) {
    let second = Some(Affinity { timeout: Duration::from_secs(1) });
    proxy.apply(&service(5, |s| s.affinity = second));
    proxy.apply(&slice(5, Family::V4, &["one", "two", "far"]));
    sink.sync(proxy);
    let met = |times: u8| counts(lab.ask("client", &format!("tcp 10.96.0.5:80 {times}")));
    let first = met(20);
    assert_eq!(first.len(), 1, "one after the other: {first:?}");
    // One of three each time: all fifteen would be the first's once in 14 million runs.
    let elsewhere = (0..15).any(|_| {
        sleep(Duration::from_millis(1_600));
        met(1).into_keys().ne(first.keys().cloned())
    });
    assert!(elsewhere, "the client is remembered for ever");
}

/// A client stays with its endpoint, also when another one leaves; and finds another when its own does.
fn affinity(lab: &Lab, proxy: &mut Proxy, sink: &mut Sink) {
    for question in ["tcp 10.96.0.5:80 20", "tcp 192.168.50.1:30005 20"] {
        let all = counts(lab.ask("client", question));
        assert_eq!(all.len(), 1, "{question}: {all:?}");
    }
    let question = "tcp 10.96.0.5:80 20";
    let first = counts(lab.ask("client", question)).into_keys().next().unwrap();
    let others: Vec<_> = PODS.iter().map(|(name, _)| *name).filter(|name| *name != first).collect();
    proxy.apply(&slice(5, Family::V4, &[first.as_str(), others[0]]));
    assert_eq!(sink.sync(proxy), Some(false));
    let stays = counts(lab.ask("client", question));
    assert_eq!(stays.keys().collect::<Vec<_>>(), [&first], "another endpoint has left");
    proxy.apply(&slice(5, Family::V4, &others));
    sink.sync(proxy);
    let moved = counts(lab.ask("client", question));
    assert!(moved.len() == 1 && !moved.contains_key(&first), "{first} has left: {moved:?}");
}

/// Endpoints, Services and addresses come and go.
fn changes(lab: &Lab, proxy: &mut Proxy, sink: &mut Sink) {
    let steps: &[(&str, Change, &[&str])] = &[
        ("a first endpoint", slice(2, Family::V4, &["one"]), &["one"]),
        ("another one", slice(2, Family::V4, &["two"]), &["two"]),
        ("two", slice(2, Family::V4, &["two", "far"]), &["far", "two"]),
        ("none again", slice(2, Family::V4, &[]), &["ConnectionRefused"]),
        ("all at once", slice(2, Family::V4, &["one", "two", "far"]), &["far", "one", "two"]),
        ("the Service goes", Change::ServiceGone(NamespacedName::new("lab", "s2")), &["TimedOut"]),
        ("and comes back", service(2, |_| ()), &["far", "one", "two"]),
    ];
    for (name, change, want) in steps {
        proxy.apply(change);
        assert_eq!(sink.sync(proxy), Some(false), "{name}");
        let times = if want.len() == 1 { 1 } else { 40 };
        for protocol in ["tcp", "udp"] {
            let question = format!("{protocol} 10.96.0.2:80 {times}");
            let came = counts(lab.ask("client", &question));
            let came: Vec<_> =
                came.keys().map(|word| word.replace("WouldBlock", "TimedOut")).collect();
            assert_eq!(came, *want, "{name}: {question}");
        }
    }
    sink.clear();
    assert_eq!(sink.sync(proxy), Some(true));
}

/// A connection lives through 200 changes, whatever they are: also when its endpoint, or its Service, goes.
fn endurance(lab: &Lab, proxy: &mut Proxy, sink: &mut Sink) {
    let mut held: Vec<_> = ["hold 10.96.0.1:90", "hold [fd00:96::1]:90"]
        .iter()
        .map(|role| lab.start("client", role))
        .collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |end: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % end
    };
    for _ in 0..200 {
        let n = 1 + below(8) as u16;
        let family = if below(2) == 0 { Family::V4 } else { Family::V6 };
        let chosen = below(8);
        let pods = PODS.iter().zip(0..).filter(|(_, bit)| chosen >> bit & 1 == 1);
        let pods: Vec<&str> = pods.map(|((name, _), _)| *name).collect();
        let change = match below(4) {
            0 => service(n, |s| match chosen {
                0 | 1 => s.external_traffic = TrafficPolicy::Local,
                2 | 3 => s.affinity = Some(Affinity { timeout: Duration::from_secs(9) }),
                _ => {}
            }),
            1 if chosen == 0 => Change::ServiceGone(NamespacedName::new("lab", format!("s{n}"))),
            _ => slice(n, family, &pods),
        };
        proxy.apply(&change);
        sink.sync(proxy);
    }
    for connection in &mut held {
        assert_eq!(connection.end(), "held");
    }
}
