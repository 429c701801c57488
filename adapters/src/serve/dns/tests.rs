use super::{status::Status, *};
use std::{process::Command, time::Instant};
use svckit::{
    Seed,
    dns::{Message, Name, Options, Rcode, Snapshot, Type, Zone},
    model::{Affinity, Change, ClusterIps, Exposure, NamespacedName, Service},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};

fn service(name: &str, exposure: Exposure) -> Change {
    Change::Service(Arc::new(Service {
        affinity: None::<Affinity>,
        ..Service::new(NamespacedName::new("shop", name), exposure, Vec::new())
    }))
}

fn cluster_ip(address: [u8; 4]) -> Exposure {
    Exposure::ClusterIp(ClusterIps::single(address.into()))
}

fn unsynced(domain: &str, services: &[Change]) -> Zone {
    let mut options = Options::new(domain.parse::<Name>().unwrap());
    options.zones.push("96.10.in-addr.arpa".parse().unwrap());
    let mut zone = Zone::new(options, Seed([3; 4]));
    services.iter().for_each(|service| zone.apply(service));
    zone
}

fn zone(domain: &str, services: &[Change]) -> Arc<ArcSwap<Snapshot>> {
    let mut zone = unsynced(domain, services);
    zone.apply(&Change::Synced);
    Arc::new(ArcSwap::from_pointee(zone.snapshot()))
}

const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A server, and one of others' names behind it.
fn both_servers() -> (Server, Server) {
    let bank = zone("bank.test", &[service("bank", cluster_ip([192, 0, 2, 1]))]);
    let upstream = Server::bind(ANY, bank, Policy::new(Upstream::None)).unwrap();
    let alias = Exposure::ExternalName("bank.shop.svc.bank.test".into());
    let ours = zone(
        "cluster.local",
        &[service("cart", cluster_ip([10, 96, 0, 7])), service("pay", alias)],
    );
    let mut policy = Policy::new(Upstream::Addresses(vec![upstream.local_addr()]));
    policy.secondaries = vec!["127.0.0.0/8".parse().unwrap()];
    (Server::bind(ANY, ours, policy).unwrap(), upstream)
}

/// What a program of the system says when it asks; it fails the test that the program isn't there.
fn said(program: &str, server: SocketAddr, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .arg(format!("@{}", server.ip()))
        .args(["-p", &server.port().to_string()])
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    String::from_utf8(output.stdout).unwrap().replace('\t', " ")
}

async fn ask(server: SocketAddr, name: &str, qtype: u16) -> Message {
    let socket = UdpSocket::bind(ANY).await.unwrap();
    socket.connect(server).await.unwrap();
    let question = Message::question(clock::entropy() as u16, &name.parse().unwrap(), Type(qtype));
    socket.send(&question).await.unwrap();
    let mut reply = [0; 1232];
    let length = tokio::time::timeout(Duration::from_secs(5), socket.recv(&mut reply)).await;
    Message::decode(&reply[..length.unwrap().unwrap()]).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_get_answers() {
    let (server, upstream) = both_servers();
    let at = server.local_addr();
    let dig = ["+tries=1", "+time=5"];
    let alias = "bank.shop.svc.bank.test.\n192.0.2.1\n";
    let cases: &[(&str, &str, &[&str], &str)] = &[
        ("udp", "dig", &["+short", "cart.shop.svc.cluster.local"], "10.96.0.7\n"),
        ("tcp", "dig", &["+short", "+tcp", "cart.shop.svc.cluster.local"], "10.96.0.7\n"),
        ("cookie", "dig", &["+short", "+cookie", "cart.shop.svc.cluster.local"], "10.96.0.7\n"),
        ("pointer", "dig", &["+short", "-x", "10.96.0.7"], "cart.shop.svc.cluster.local.\n"),
        ("alias", "dig", &["+short", "pay.shop.svc.cluster.local"], alias),
        ("relayed", "dig", &["+short", "bank.shop.svc.bank.test"], "192.0.2.1\n"),
        ("relayed again", "dig", &["+short", "bank.shop.svc.bank.test"], "192.0.2.1\n"),
        ("relayed tcp", "dig", &["+short", "+tcp", "bank.shop.svc.bank.test"], "192.0.2.1\n"),
        ("missing", "dig", &["cart.none.svc.cluster.local"], "status: NXDOMAIN"),
        ("foreign", "dig", &["example.com"], "status: REFUSED"),
        ("version", "dig", &["+edns=1", "+noednsneg", "cluster.local"], "status: BADVERS"),
        (
            "transfer",
            "dig",
            &["AXFR", "cluster.local"],
            "cart.shop.svc.cluster.local. 5 IN A 10.96.0.7",
        ),
        ("kdig", "kdig", &["+short", "cart.shop.svc.cluster.local"], "10.96.0.7\n"),
        (
            "kdig keepopen",
            "kdig",
            &[
                "+short",
                "+tcp",
                "+keepopen",
                "cart.shop.svc.cluster.local",
                "pay.shop.svc.cluster.local",
            ],
            alias,
        ),
        (
            "kdig soa",
            "kdig",
            &["+short", "cluster.local", "SOA"],
            "ns.dns.cluster.local. hostmaster",
        ),
        (
            "delv",
            "delv",
            &["+noroot", "-i", "cart.shop.svc.cluster.local"],
            "cart.shop.svc.cluster.local. 5 IN A 10.96.0.7",
        ),
    ];
    for (name, program, arguments, want) in cases {
        let extra = if *program == "dig" { &dig[..] } else { &[] };
        let came = said(program, at, &[arguments, extra].concat());
        assert!(came.contains(want), "{name}: {came}");
    }
    let text = server.metrics().text();
    assert!(text.contains("svckit_dns_transfers_total 1"), "{text}");
    assert!(!text.contains("svckit_dns_cached_total 0\n"), "the cache was used: {text}");
    server.stop().await;
    upstream.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tcp_questions_dont_wait_for_each_other() {
    // Nobody answers there.
    let silent = UdpSocket::bind(ANY).await.unwrap();
    let policy = Policy::new(Upstream::Addresses(vec![silent.local_addr().unwrap()]));
    let ours = zone("cluster.local", &[service("cart", cluster_ip([10, 96, 0, 7]))]);
    let server = Server::bind(ANY, ours, policy).unwrap();
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    let mut all = Vec::new();
    for (id, name) in
        [(1, "example.com"), (2, "cart.shop.svc.cluster.local"), (3, "svc.cluster.local")]
    {
        let question = Message::question(id, &name.parse().unwrap(), Type(1));
        all.extend((question.len() as u16).to_be_bytes());
        all.extend(question);
    }
    stream.write_all(&all).await.unwrap();
    let mut order = Vec::new();
    for _ in 0..3 {
        let length = stream.read_u16().await.unwrap();
        let mut reply = vec![0; usize::from(length)];
        stream.read_exact(&mut reply).await.unwrap();
        let reply = Message::decode(&reply).unwrap();
        order.push((reply.id, reply.rcode));
    }
    assert_eq!(order, [(2, Rcode::NOERROR), (3, Rcode::NOERROR), (1, Rcode::REFUSED)]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_follows_what_resolves() {
    let mut zone = unsynced("cluster.local", &[]);
    let names = Arc::new(ArcSwap::from_pointee(zone.snapshot()));
    let server = Server::bind(ANY, names.clone(), Policy::new(Upstream::None)).unwrap();
    let name = "kubernetes.default.svc.cluster.local".parse().unwrap();
    let status = Status::bind(ANY, &server, name).unwrap();
    let get = |path: &'static str| {
        let url = format!("http://{}{path}", status.local_addr());
        async move {
            let curl = tokio::task::spawn_blocking(move || {
                Command::new("curl").args(["-s", "-w", " %{http_code}", &url]).output()
            });
            String::from_utf8(curl.await.unwrap().unwrap().stdout).unwrap()
        }
    };
    let missing = ask(server.local_addr(), "none.shop.svc.cluster.local", 1).await;
    assert_eq!(missing.rcode, Rcode::SERVFAIL, "nothing has been told");
    for (path, code) in [("/health", "200"), ("/ready", "503"), ("/healthz", "503"), ("/x", "404")]
    {
        assert!(get(path).await.ends_with(code), "{path}: {}", get(path).await);
    }
    let mut kubernetes = service("kubernetes", cluster_ip([10, 96, 0, 1]));
    if let Change::Service(service) = &mut kubernetes {
        Arc::make_mut(service).key = NamespacedName::new("default", "kubernetes");
    }
    zone.apply(&kubernetes);
    zone.apply(&Change::Synced);
    names.store(Arc::new(zone.snapshot()));
    for path in ["/ready", "/healthz"] {
        assert!(get(path).await.ends_with("200"), "{path}: {}", get(path).await);
    }
    assert!(get("/metrics").await.contains("svckit_dns_replies_total{rcode=\"SERVFAIL\"}"));
    zone.apply(&Change::ServiceGone(NamespacedName::new("default", "kubernetes")));
    names.store(Arc::new(zone.snapshot()));
    let gone = get("/healthz").await;
    assert!(gone.contains("NXDOMAIN") && gone.ends_with("503"), "{gone}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_policy_holds_for_the_next_question() {
    let (server, upstream) = both_servers();
    let at = server.local_addr();
    assert_eq!(ask(at, "bank.shop.svc.bank.test", 28).await.rcode, Rcode::NOERROR);
    server.set_policy(Policy::new(Upstream::None));
    assert_eq!(ask(at, "other.shop.svc.bank.test", 1).await.rcode, Rcode::REFUSED);
    assert_eq!(ask(at, "cart.shop.svc.cluster.local", 1).await.answer.len(), 1);
    let again = Server::bind(at, zone("x.test", &[]), Policy::default());
    assert!(again.is_err(), "sharing is among the server's own sockets");
    server.stop().await;
    upstream.stop().await;
}

/// A flood of questions while a thousand changes a second come: every reply is of some moment, and the last change
/// is seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_and_changes_at_once() {
    let mut zone = unsynced("cluster.local", &[]);
    for n in 0..200 {
        zone.apply(&service(&format!("s{n}"), cluster_ip([10, 96, 1, n])));
    }
    zone.apply(&Change::Synced);
    let names = Arc::new(ArcSwap::from_pointee(zone.snapshot()));
    let server = Server::bind(ANY, names.clone(), Policy::new(Upstream::None)).unwrap();
    let at = server.local_addr();
    let end = Instant::now() + Duration::from_millis(1_500);
    let flood = |worker: usize| async move {
        let mut asked = 0;
        while Instant::now() < end {
            let number = (asked * 7 + worker) % 200;
            let reply = ask(at, &format!("s{number}.shop.svc.cluster.local"), 1).await;
            assert_eq!((reply.rcode, reply.answer.len()), (Rcode::NOERROR, 1), "{reply:?}");
            asked += 1;
        }
        asked
    };
    let workers: Vec<_> = (0..4).map(|worker| tokio::spawn(flood(worker))).collect();
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let mut changes = 0_usize;
    while Instant::now() < end {
        tick.tick().await;
        let (low, high) = ((changes % 200) as u8, (changes / 200 % 200) as u8);
        zone.apply(&service(&format!("s{low}"), cluster_ip([10, 96, high + 2, low])));
        names.store(Arc::new(zone.snapshot()));
        changes += 1;
    }
    zone.apply(&service("s7", cluster_ip([10, 96, 250, 7])));
    names.store(Arc::new(zone.snapshot()));
    let mut asked = 0;
    for worker in workers {
        asked += worker.await.unwrap();
    }
    assert!(changes > 500 && asked > 500, "{changes} changes, {asked} questions");
    let last = ask(at, "s7.shop.svc.cluster.local", 1).await;
    assert_eq!(last.answer[0].data.to_string(), "10.96.250.7");
    server.stop().await;
}

/// glibc's resolver, as a pod has it: a search list, and a server on port 53. Needs root for the port and for a
/// resolv.conf of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn glibc_walks_its_search_list() {
    let [high, low] = (std::process::id() as u16).to_be_bytes();
    let address = SocketAddr::from(([127, 89, high, low | 1], 53));
    let ours = zone("cluster.local", &[service("cart", cluster_ip([10, 96, 0, 7]))]);
    let server = match Server::bind(address, ours, Policy::new(Upstream::None)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            eprintln!("left out: port 53 needs root");
            return;
        }
        server => server.unwrap(),
    };
    let folder = std::env::temp_dir().join(format!("svckit-getent-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let conf = format!(
        "nameserver {}\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n",
        address.ip()
    );
    std::fs::write(folder.join("resolv.conf"), conf).unwrap();
    std::fs::write(folder.join("nsswitch.conf"), "hosts: dns\n").unwrap();
    let script = "mount --bind $0/resolv.conf /etc/resolv.conf && mount --bind $0/nsswitch.conf /etc/nsswitch.conf \
        && for name in cart cart.shop cart.shop.svc.cluster.local; do getent ahostsv4 $name; done; \
        getent hosts 10.96.0.7; getent hosts none || echo missing";
    let said = tokio::task::spawn_blocking({
        let folder = folder.clone();
        move || Command::new("unshare").args(["--mount", "sh", "-c", script]).arg(folder).output()
    });
    let said = said.await.unwrap().unwrap();
    let _ = std::fs::remove_dir_all(&folder);
    let text = String::from_utf8(said.stdout).unwrap();
    let streams =
        text.lines().filter(|line| line.starts_with("10.96.0.7") && line.contains("STREAM"));
    assert_eq!(streams.count(), 3, "{text} {}", String::from_utf8_lossy(&said.stderr));
    assert!(text.contains("cart.shop.svc.cluster.local") && text.ends_with("missing\n"), "{text}");
    server.stop().await;
}
