//! Records in a real etcd: written, watched, and whole after etcd was killed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't start its program should stop"
)]

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use svckit::{
    Seed,
    dns::{Message, Name, Options, Peer, SkyOptions, Snapshot, Type, Zone},
    model::{Change, ClusterIps, Exposure, NamespacedName, Service},
};
use svckit_adapters::{
    etcd::{Etcd, Op},
    sink::skydns::{SkyDnsSettings, SkyDnsSink, Written},
    source::skydns::SkyDnsSource,
};
use tokio::{sync::watch, time::sleep};

/// An etcd of our own, with its data; both are gone when it is dropped.
struct Server {
    child: Child,
    data: PathBuf,
    ports: [u16; 2],
}

impl Server {
    async fn start(name: &str) -> Self {
        let data = std::env::temp_dir().join(format!("svckit-etcd-{name}-{}", std::process::id()));
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let ports = [port(), port()];
        let server = Self { child: spawn(&data, ports), data, ports };
        server.wait().await;
        server
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    fn client(&self) -> Etcd {
        Etcd::new(&self.url()).unwrap()
    }

    async fn wait(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.client().range("/x").await.is_err() {
            assert!(Instant::now() < end, "etcd doesn't come up");
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn restart(&mut self) {
        self.child = spawn(&self.data, self.ports);
        self.wait().await;
    }

    async fn keys(&self) -> BTreeMap<String, String> {
        let (_, all) = self.client().range("/skydns/").await.unwrap();
        all.into_iter().map(|kv| (kv.key, kv.value)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn spawn(data: &PathBuf, [clients, peers]: [u16; 2]) -> Child {
    let (clients, peers) =
        (format!("http://127.0.0.1:{clients}"), format!("http://127.0.0.1:{peers}"));
    Command::new("etcd")
        .arg("--data-dir")
        .arg(data)
        .args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients])
        .args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers])
        .args(["--initial-cluster", &format!("default={peers}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Debian's etcd-server is installed")
}

fn service(n: u8, version: u8) -> Change {
    Change::Service(Arc::new(Service::new(
        NamespacedName::new("shop", format!("s{n}")),
        Exposure::ClusterIp(ClusterIps::single([10, 96, version, n].into())),
        Vec::new(),
    )))
}

fn zone(services: u8) -> Zone {
    let mut zone = Zone::new(Options::new(Name::cluster_local()), Seed([3; 4]));
    (0..services).for_each(|n| zone.apply(&service(n, 0)));
    zone.apply(&Change::Synced);
    zone
}

fn settings(lease: u32) -> SkyDnsSettings {
    let mut settings = SkyDnsSettings::new(Name::cluster_local());
    settings.lease = lease;
    settings
}

#[tokio::test]
async fn changes_are_written_and_nothing_of_others_is_touched() {
    let server = Server::start("write").await;
    let foreign = "/skydns/local/cluster/svc/shop/theirs/x";
    let put = Op::Put { key: foreign.into(), value: r#"{"host":"192.0.2.1"}"#.into(), lease: 0 };
    server.client().txn(&[put]).await.unwrap();
    let mut zone = zone(150);
    let mut sink = SkyDnsSink::new(server.client(), settings(60));
    let mut snapshot = zone.snapshot();
    sink.write(&snapshot).await.unwrap();
    let wanted = |snapshot: &Snapshot| {
        let mut all = snapshot.skydns_records("/skydns");
        all.insert(foreign.into(), r#"{"host":"192.0.2.1"}"#.into());
        all
    };
    assert_eq!(server.keys().await, wanted(&snapshot));
    zone.apply(&service(7, 1));
    zone.apply(&Change::ServiceGone(NamespacedName::new("shop", "s8")));
    snapshot = zone.snapshot();
    let written = sink.write(&snapshot).await.unwrap();
    assert_eq!(written, Written { put: 1, deleted: 2 }, "only what changed");
    assert_eq!(server.keys().await, wanted(&snapshot));
    assert_eq!(sink.write(&snapshot).await.unwrap(), Written::default());

    // Whoever comes next takes over, and removes what its predecessor left.
    zone.apply(&Change::ServiceGone(NamespacedName::new("shop", "s9")));
    let snapshot = zone.snapshot();
    let mut next = SkyDnsSink::new(server.client(), settings(60));
    next.write(&snapshot).await.unwrap();
    assert_eq!(server.keys().await, wanted(&snapshot));
    next.clear().await.unwrap();
    assert_eq!(server.keys().await.into_keys().collect::<Vec<_>>(), [foreign]);
}

#[tokio::test]
async fn keys_vanish_with_their_writer() {
    let server = Server::start("lease").await;
    let mut sink = SkyDnsSink::new(server.client(), settings(5));
    sink.write(&zone(3).snapshot()).await.unwrap();
    sink.keep_alive().await.unwrap();
    assert_eq!(server.keys().await.len(), 3);
    drop(sink);
    let end = Instant::now() + Duration::from_secs(30);
    while !server.keys().await.is_empty() {
        assert!(Instant::now() < end, "the lease doesn't end");
        sleep(Duration::from_millis(200)).await;
    }
}

/// etcd is killed and started again while changes come: nothing is lost and nothing stale is left, in etcd and in
/// whoever reads it, and a name never has no address in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_stale_after_etcd_was_killed() {
    let mut server = Server::start("kill").await;
    let mut zone = zone(50);
    let (send, snapshots) = watch::channel(zone.snapshot());
    let (stop, stopped) = watch::channel(false);
    let sink = SkyDnsSink::new(server.client(), settings(60));
    let sink = tokio::spawn(sink.run(snapshots, stopped.clone(), |_| {}));
    let mut options = SkyOptions::new(vec![Name::cluster_local()]);
    options.shallow = true;
    let source = SkyDnsSource::new(server.client(), options);
    let read = source.zone();
    let reader = tokio::spawn(source.run(stopped, |_| {}));

    let address = |n: u8| {
        let name: Name = format!("s{n}.shop.svc.cluster.local").parse().unwrap();
        let (question, mut out) = (Message::question(1, &name, Type(1)), [0; 512]);
        let outcome = read.load().answer(&question, Peer::tcp(0), &mut out);
        let reply = Message::decode(&out[..outcome.length().unwrap()]).unwrap();
        reply.answer.iter().map(|record| record.data.to_string()).collect::<Vec<_>>()
    };
    let end = Instant::now() + Duration::from_secs(20);
    while address(49).is_empty() {
        assert!(Instant::now() < end, "the records don't arrive");
        sleep(Duration::from_millis(20)).await;
    }
    for version in 1..=60_u8 {
        for n in (version % 5..50).step_by(5) {
            zone.apply(&service(n, version));
        }
        match version {
            20 => zone.apply(&Change::ServiceGone(NamespacedName::new("shop", "s3"))),
            15 | 35 => server.kill(),
            25 | 45 => server.restart().await,
            _ => {}
        }
        send.send_replace(zone.snapshot());
        assert!(!address(4).is_empty(), "a name never disappears");
        sleep(Duration::from_millis(10)).await;
    }
    let wanted = zone.snapshot().skydns_records("/skydns");
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let mut seen = BTreeMap::new();
        read.load().for_each(|key, record| drop(seen.insert(key.to_owned(), record.to_string())));
        if server.keys().await == wanted && seen == wanted {
            break;
        }
        assert!(Instant::now() < end, "etcd and its reader don't get there");
        sleep(Duration::from_millis(100)).await;
    }
    stop.send_replace(true);
    sink.await.unwrap();
    reader.await.unwrap();
    assert!(server.keys().await.is_empty(), "a writer that stops takes its keys along");
}
