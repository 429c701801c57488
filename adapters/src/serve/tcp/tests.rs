mod failures;

use super::super::{
    Limits,
    balancer::Balancer,
    listeners::{Frontend as Listen, Listeners},
};
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use svckit::{
    balance::Policy,
    forward::{Endpoints, Frontend, FrontendKey},
    model::{Family, NamespacedName, Port, Protocol, ServicePortName},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

/// Long enough for anything that happens at all.
const SOON: Duration = Duration::from_secs(20);

fn service() -> NamespacedName {
    NamespacedName::new("shop", "web")
}

fn frontend(backends: &[SocketAddr], affinity: Option<Duration>) -> Arc<Frontend> {
    let name = ServicePortName { service: service(), port: "".into(), protocol: Protocol::Tcp };
    Arc::new(Frontend {
        cluster_ip: Some([10, 96, 0, 1].into()),
        affinity,
        endpoints: Endpoints { cluster: backends.into(), has_any: true, ..Endpoints::default() },
        ..Frontend::new(FrontendKey { name, family: Family::V4 }, Port::new(80).unwrap())
    })
}

/// A server that says its own address, then sends back what comes.
struct Echo {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    stream.write_all(format!("{addr}\n").as_bytes()).await?;
                    let (mut input, mut output) = stream.split();
                    tokio::io::copy(&mut input, &mut output).await?;
                    output.shutdown().await
                });
            }
        });
        Self { addr, task }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A service port that listens.
struct World {
    balancer: Arc<Balancer>,
    listeners: Listeners,
    listen: SocketAddr,
}

impl World {
    fn new(backends: &[SocketAddr], limits: Limits) -> Self {
        let balancer = Arc::new(Balancer::default());
        let mut listeners = Listeners::with_limits(balancer.clone(), limits);
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = free.local_addr().unwrap();
        drop(free);
        let target = ([10, 96, 0, 1].into(), Port::new(80).unwrap());
        let wanted = Listen { listen, protocol: Protocol::Tcp, target };
        assert!(listeners.reconcile(&[wanted]).is_empty());
        let world = Self { balancer, listeners, listen };
        world.set(backends, None);
        world
    }

    fn set(&self, backends: &[SocketAddr], affinity: Option<Duration>) {
        self.balancer.update(|table| table.set(&frontend(backends, affinity)));
    }

    fn annotate(&self, key: &str, value: &str) {
        let (policy, bad) = Policy::from_annotations([(key, value)]);
        assert_eq!(bad, []);
        self.balancer.update(|table| table.set_policy(&service(), &policy));
    }

    /// Who answers.
    async fn ask(&self) -> std::io::Result<SocketAddr> {
        ask(self.listen).await
    }

    fn counted(&self, read: impl Fn(&super::super::counters::Counters) -> u64) -> u64 {
        self.balancer.counters().all().iter().map(|(_, counters)| read(counters)).sum()
    }
}

async fn ask(listen: SocketAddr) -> std::io::Result<SocketAddr> {
    let mut stream = TcpStream::connect(listen).await?;
    stream.write_all(b"hello").await?;
    stream.shutdown().await?;
    let mut heard = String::new();
    timeout(SOON, stream.read_to_string(&mut heard)).await??;
    let (addr, rest) = heard.split_once('\n').ok_or(std::io::ErrorKind::UnexpectedEof)?;
    assert_eq!(rest, "hello");
    addr.parse().map_err(|_| std::io::ErrorKind::InvalidData.into())
}

/// An address that refuses.
fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn any_backend_that_lives_is_found_and_dead_ones_are_left_out() {
    let alive = Echo::start().await;
    let dead: Vec<_> = (0..9).map(|_| nobody()).collect();
    let all: Vec<_> = dead.iter().copied().chain([alive.addr]).collect();
    let world = World::new(&all, Limits::default());
    for _ in 0..40 {
        assert_eq!(world.ask().await.unwrap(), alive.addr);
    }
    let retries = world.counted(|c| c.retries.get());
    assert!((9..=9 * 4).contains(&retries), "{retries}: three failures put each out");
    assert_eq!(world.counted(|c| c.connections.get()), 40);
    assert_eq!(world.counted(|c| c.received.get()), 40 * 5);
    world.set(&dead, None);
    assert!(world.ask().await.is_err(), "nobody is left");
    assert_eq!(world.counted(|c| c.unreachable.get()), 1);
    world.set(&[], None);
    assert!(world.ask().await.is_err());
    let text = world.balancer.counters().text();
    let line = "svckit_connections_total{namespace=\"shop\",service=\"web\",port=\"\",protocol=\"TCP\"} 40";
    assert!(text.lines().any(|has| has == line), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_lost_while_backends_come_and_go() {
    let steady = Echo::start().await;
    let world = World::new(&[steady.addr], Limits::default());
    let (over, listen) = (Arc::new(AtomicBool::new(false)), world.listen);
    let (balancer, stop, fixed) = (world.balancer.clone(), over.clone(), steady.addr);
    let changes = tokio::spawn(async move {
        let mut guests: Vec<Echo> = Vec::new();
        let mut rounds = 0;
        while !stop.load(Ordering::Relaxed) {
            guests.push(Echo::start().await);
            let leaving = (guests.len() > 3).then(|| guests.remove(0));
            let all: Vec<_> = guests.iter().map(|guest| guest.addr).chain([fixed]).collect();
            // Every other one dies before the table knows.
            if rounds % 2 == 0 {
                drop(leaving);
                balancer.update(|table| table.set(&frontend(&all, None)));
            } else {
                balancer.update(|table| table.set(&frontend(&all, None)));
                sleep(Duration::from_millis(20)).await;
                drop(leaving);
            }
            rounds += 1;
            sleep(Duration::from_millis(5)).await;
        }
        rounds
    });
    let (met, lost) =
        (Arc::new(std::sync::Mutex::new(BTreeSet::new())), Arc::new(AtomicUsize::new(0)));
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        let (met, lost) = (met.clone(), lost.clone());
        clients.spawn(async move {
            for _ in 0..625 {
                match ask(listen).await {
                    Ok(addr) => drop(met.lock().unwrap().insert(addr)),
                    Err(_) => drop(lost.fetch_add(1, Ordering::Relaxed)),
                }
            }
        });
    }
    while clients.join_next().await.is_some() {}
    over.store(true, Ordering::Relaxed);
    assert!(changes.await.unwrap() > 5);
    assert!(met.lock().unwrap().len() > 5, "they went where the table said");
    // A connection whose backend dies while it is in its queue is reset by the kernel; it was connected.
    let broken = world.counted(|c| c.broken.get());
    assert_eq!(world.counted(|c| c.unreachable.get() + c.refused.get()), 0);
    assert!(lost.load(Ordering::Relaxed) as u64 <= broken, "only with their backend");
}

#[tokio::test]
async fn slow_and_hostile_clients_harm_nobody() {
    let echo = Echo::start().await;
    let limits = Limits { idle: Duration::from_millis(300), connections: 64, ..Limits::default() };
    let world = World::new(&[echo.addr], limits);
    // Silent ones fill the room; the idle timeout empties it again.
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(TcpStream::connect(world.listen).await.unwrap());
    }
    assert_eq!(timeout(SOON, world.ask()).await.unwrap().unwrap(), echo.addr, "they made room");
    drop(silent);
    // A client that sends byte by byte is served.
    let mut slow = TcpStream::connect(world.listen).await.unwrap();
    for byte in b"slowly" {
        slow.write_all(&[*byte]).await.unwrap();
        sleep(Duration::from_millis(5)).await;
    }
    slow.shutdown().await.unwrap();
    let mut heard = String::new();
    slow.read_to_string(&mut heard).await.unwrap();
    assert!(heard.ends_with("\nslowly"), "{heard}");
    // Resets, at once and after a word.
    for n in 0..50 {
        let mut rude = TcpStream::connect(world.listen).await.unwrap();
        if n % 2 == 0 {
            rude.write_all(b"x").await.unwrap();
        }
        rude.set_zero_linger().unwrap();
    }
    // A client that never reads what it asked for.
    let mut deaf = TcpStream::connect(world.listen).await.unwrap();
    let flood = vec![7_u8; 1 << 16];
    let _ = timeout(Duration::from_millis(200), async {
        while deaf.write_all(&flood).await.is_ok() {}
    })
    .await;
    for _ in 0..20 {
        assert_eq!(world.ask().await.unwrap(), echo.addr);
    }
    drop(deaf);
    let World { listeners, .. } = world;
    assert!(listeners.drain(SOON).await, "all connections have ended");
}

#[tokio::test]
async fn a_backend_that_never_answers_costs_its_client_the_idle_time() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limits = Limits { idle: Duration::from_millis(200), ..Limits::default() };
    let world = World::new(&[mute.local_addr().unwrap()], limits);
    let mut stream = TcpStream::connect(world.listen).await.unwrap();
    stream.write_all(b"hello?").await.unwrap();
    let (_held, _) = mute.accept().await.unwrap();
    let read = timeout(SOON, stream.read(&mut [0; 8])).await.unwrap();
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(world.counted(|c| c.broken.get()), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_streams_arrive_whole_both_ways() {
    let echo = Echo::start().await;
    let world = World::new(&[echo.addr], Limits::default());
    let mut streams = JoinSet::new();
    for n in 0..4_usize {
        let listen = world.listen;
        streams.spawn(async move {
            let sent: Vec<u8> = (0..5_000_000 + n).map(|i| (i * 31 + i / 251 + n) as u8).collect();
            let (mut input, mut output) = TcpStream::connect(listen).await.unwrap().into_split();
            let copy = sent.clone();
            let writer = tokio::spawn(async move {
                output.write_all(&copy).await.unwrap();
                output.shutdown().await.unwrap();
            });
            let mut heard = Vec::new();
            timeout(SOON, input.read_to_end(&mut heard)).await.unwrap().unwrap();
            writer.await.unwrap();
            let start = heard.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            assert!(heard[start..] == sent[..], "stream {n}");
        });
    }
    while let Some(done) = streams.join_next().await {
        done.unwrap();
    }
    let expected: u64 = (0..4).map(|n| 5_000_000 + n).sum();
    assert_eq!(world.counted(|c| c.received.get()), expected);
    assert!(world.counted(|c| c.sent.get()) > expected);
}

#[tokio::test]
async fn backends_are_told_who_connects() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = World::new(&[listener.local_addr().unwrap()], Limits::default());
    world.annotate("svckit.io/proxy-protocol", "v1");
    let mut client = TcpStream::connect(world.listen).await.unwrap();
    client.write_all(b"hello").await.unwrap();
    client.shutdown().await.unwrap();
    let from = client.local_addr().unwrap();
    let (mut backend, _) = listener.accept().await.unwrap();
    let mut heard = String::new();
    backend.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, format!("PROXY TCP4 127.0.0.1 10.96.0.1 {} 80\r\nhello", from.port()));
}

#[tokio::test]
async fn a_client_is_let_go_from_a_backend_that_fails() {
    let (a, b) = (Echo::start().await, Echo::start().await);
    let (addrs, hour) = ([a.addr, b.addr], Some(Duration::from_secs(3600)));
    let world = World::new(&addrs, Limits::default());
    world.annotate("svckit.io/release-on-failure", "true");
    world.set(&addrs, hour);
    let first = world.ask().await.unwrap();
    assert_eq!(world.ask().await.unwrap(), first);
    let (gone, left) = if first == a.addr { (a, b) } else { (b, a) };
    let was = gone.addr;
    drop(gone);
    sleep(Duration::from_millis(20)).await;
    for _ in 0..3 {
        assert_eq!(world.ask().await.unwrap(), left.addr);
    }
    let to = ([10, 96, 0, 1].into(), Protocol::Tcp, Port::new(80).unwrap());
    let stuck = (0..4).filter(|_| {
        let picked = world.balancer.pick(([127, 0, 0, 1], 9).into(), to).unwrap();
        picked.backends.first() == Some(&was)
    });
    assert_eq!(stuck.count(), 0, "it sticks to the living one");
}
