use super::{
    balancer::Balancer,
    listeners::{Frontend, Listeners},
    pod::{Identity, PodPort, Pods},
};
use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};
use svckit::{
    Seed,
    forward::{NodeConfig, Proxy},
    model::*,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};

/// A port of ours that is free right now for both protocols.
fn free() -> SocketAddr {
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    tcp.local_addr().unwrap()
}

fn service(affinity: Option<Affinity>, protocol: Protocol) -> Service {
    Service {
        affinity,
        ..Service::new(
            NamespacedName::new("shop", "web"),
            Exposure::ClusterIp(ClusterIps::single([10, 96, 0, 1].into())),
            vec![ServicePort {
                name: "".into(),
                protocol,
                port: Port::new(80).unwrap(),
                target: TargetPort::Name("http".into()),
                node_port: None,
                app_protocol: None,
            }],
        )
    }
}

/// A slice for each backend: here each pod has a port of its own instead of an address.
fn slices(backends: &[SocketAddr], protocol: Protocol) -> Vec<Change> {
    let slice = |backend: &SocketAddr| EndpointSlice {
        key: NamespacedName::new("shop", format!("web-{}", backend.port())),
        service: NamespacedName::new("shop", "web"),
        family: Family::V4,
        ports: vec![SlicePort {
            name: "".into(),
            protocol,
            port: Port::new(backend.port()),
            app_protocol: None,
        }],
        endpoints: vec![Endpoint {
            addresses: [backend.ip()].into(),
            conditions: Conditions::READY,
            hostname: None,
            node: None,
            zone: None,
            hints: None,
            pod: None,
        }],
    };
    backends.iter().map(|backend| Change::Slice(slice(backend).into())).collect()
}

/// A service port with simulated pods behind it, and where it listens.
struct World {
    balancer: Arc<Balancer>,
    pods: Pods,
    _listeners: Listeners,
    listen: SocketAddr,
}

impl World {
    fn new(service: Service, backends: &[SocketAddr]) -> Self {
        let protocol = service.ports[0].protocol;
        let balancer = Arc::new(Balancer::default());
        let mut proxy = Proxy::new(NodeConfig::default(), Seed([1; 4]));
        proxy.apply(&Change::Service(service.into()));
        slices(backends, protocol).iter().for_each(|change| proxy.apply(change));
        proxy.apply(&Change::Synced);
        balancer.update(|table| table.replace(proxy.frontends()));
        let mut pods = Pods::default();
        let pod = |listen: &SocketAddr| PodPort {
            listen: *listen,
            protocol,
            identity: Identity {
                pod: format!("shop/p{}", listen.port()),
                address: *listen,
                services: vec![],
            },
        };
        assert!(pods.reconcile(backends.iter().map(pod).collect()).is_empty());
        let mut listeners = Listeners::new(balancer.clone());
        let listen = free();
        let target = ([10, 96, 0, 1].into(), Port::new(80).unwrap());
        assert!(listeners.reconcile(&[Frontend { listen, protocol, target }]).is_empty());
        Self { balancer, pods, _listeners: listeners, listen }
    }

    async fn ask(&self) -> String {
        let mut stream = TcpStream::connect(self.listen).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut heard = String::new();
        match stream.read_to_string(&mut heard).await {
            Ok(_) => heard.split(' ').nth(1).unwrap_or_default().to_owned(),
            Err(error) => error.kind().to_string(),
        }
    }
}

#[tokio::test]
async fn connections_take_turns_and_survive_a_dead_backend() {
    let (a, b, c) = (free(), free(), free());
    let mut world = World::new(service(None, Protocol::Tcp), &[a, b, c]);
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(world.ask().await);
    }
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(seen[..3], seen[3..], "each in turn");

    let alive = PodPort {
        listen: b,
        protocol: Protocol::Tcp,
        identity: Identity { pod: "shop/alive".into(), address: b, services: vec![] },
    };
    world.pods.reconcile(vec![alive]);
    tokio::time::sleep(Duration::from_millis(20)).await;
    for _ in 0..6 {
        assert_eq!(world.ask().await, "shop/alive");
    }
}

#[tokio::test]
async fn a_client_sticks_to_its_backend() {
    let backends = [free(), free(), free()];
    let affinity = Some(Affinity { timeout: Duration::from_secs(60) });
    let world = World::new(service(affinity, Protocol::Tcp), &backends);
    let first = world.ask().await;
    for _ in 0..5 {
        assert_eq!(world.ask().await, first);
    }
    let to = ([10, 96, 0, 1].into(), Protocol::Tcp, Port::new(80).unwrap());
    let others: BTreeSet<_> = (1..20)
        .filter_map(|n| {
            world.balancer.pick(([192, 0, 2, n], 1000).into(), to)?.backends.first().copied()
        })
        .collect();
    assert_eq!(others.len(), 3, "other clients get other backends");
}

#[tokio::test]
async fn no_backend_refuses() {
    let world = World::new(service(None, Protocol::Tcp), &[]);
    assert_eq!(world.ask().await, "connection reset");
}

#[tokio::test]
async fn datagrams_find_their_way_back() {
    let world = World::new(service(None, Protocol::Udp), &[free(), free()]);
    let mut seen = BTreeSet::new();
    for _ in 0..2 {
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(world.listen).await.unwrap();
        let mut pods = BTreeSet::new();
        for _ in 0..3 {
            client.send(b"ping").await.unwrap();
            let mut buffer = [0; 512];
            let length = client.recv(&mut buffer).await.unwrap();
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            assert!(text.ends_with("ping"));
            pods.insert(text.split(' ').nth(1).unwrap().to_owned());
        }
        assert_eq!(pods.len(), 1, "one flow, one backend");
        seen.extend(pods);
    }
    assert_eq!(seen.len(), 2);
}

/// A Service with two backends, one of which nobody listens at, and the pod that is the other.
async fn half_gone() -> (World, String) {
    let (gone, left) = (free(), free());
    let mut world = World::new(service(None, Protocol::Udp), &[gone, left]);
    let stays = PodPort {
        listen: left,
        protocol: Protocol::Udp,
        identity: Identity {
            pod: format!("shop/p{}", left.port()),
            address: left,
            services: vec![],
        },
    };
    let name = stays.identity.pod.clone();
    assert!(world.pods.reconcile(vec![stays]).is_empty());
    tokio::time::sleep(Duration::from_millis(20)).await;
    (world, name)
}

#[tokio::test]
async fn datagrams_leave_a_backend_that_is_gone() {
    let (world, name) = half_gone().await;
    let mut lost = 0;
    for _ in 0..12 {
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(world.listen).await.unwrap();
        let mut buffer = [0; 512];
        // ICMP tells of the first datagram's fate; as resolvers do, the client asks again.
        let heard = loop {
            client.send(b"ping").await.unwrap();
            let answer = client.recv(&mut buffer);
            match tokio::time::timeout(Duration::from_millis(300), answer).await {
                Ok(length) => {
                    break String::from_utf8_lossy(&buffer[..length.unwrap()]).into_owned();
                }
                Err(_) => lost += 1,
            }
            assert!(lost < 12, "nobody answers");
        };
        assert_eq!(heard.split(' ').nth(1), Some(&*name));
    }
    assert!((1..=4).contains(&lost), "three failures put it out: {lost}");
}

/// ICMP tells of a datagram's fate to whoever sends next: then that one is for another backend.
#[tokio::test]
async fn a_datagram_behind_a_lost_one_arrives() {
    let (world, name) = half_gone().await;
    for _ in 0..12 {
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(world.listen).await.unwrap();
        client.send(b"ping").await.unwrap();
        client.send(b"ping").await.unwrap();
        let mut buffer = [0; 512];
        let answer = tokio::time::timeout(Duration::from_secs(5), client.recv(&mut buffer));
        let length = answer.await.expect("an answer").unwrap();
        let heard = String::from_utf8_lossy(&buffer[..length]);
        assert_eq!(heard.split(' ').nth(1), Some(&*name));
    }
}
