use super::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

fn port(listen: SocketAddr, protocol: Protocol, service: &str) -> PodPort {
    let services = vec![service.into()];
    PodPort {
        listen,
        protocol,
        identity: Identity { pod: "shop/web-0".into(), address: listen, services },
    }
}

/// A port of ours that is free right now.
fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).unwrap()
}

async fn talk(to: SocketAddr, say: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(say.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    heard
}

#[tokio::test]
async fn a_port_says_who_it_is() {
    let (tcp, udp) = (free(), free());
    let mut pods = Pods::default();
    let wanted =
        |service: &str| vec![port(tcp, Protocol::Tcp, service), port(udp, Protocol::Udp, service)];
    assert!(pods.reconcile(wanted("shop/web")).is_empty());
    let line = format!("pod shop/web-0 at {tcp} for service shop/web, client 127.0.0.1:");

    let http =
        talk(tcp, "GET /cart?x=1 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").await;
    assert!(http.starts_with("HTTP/1.1 200") && http.contains(&line), "{http}");
    assert!(
        http.contains("GET /cart?x=1 HTTP/1.1\n") && http.contains("host: a.example\n"),
        "{http}"
    );

    let echo = talk(tcp, "hello").await;
    assert!(echo.starts_with(&line) && echo.ends_with("hello"), "{echo}");
    assert!(talk(tcp, "").await.starts_with(&line), "a silent client is told as well");

    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(b"ping", udp).await.unwrap();
    let mut buffer = [0; 512];
    let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
    assert!(buffer[..length].ends_with(b"ping"));

    assert!(pods.reconcile(wanted("shop/other")).is_empty(), "the sockets stay");
    assert!(talk(tcp, "x").await.contains("for service shop/other"));
    pods.reconcile(Vec::new());
    tokio::task::yield_now().await;
    assert!(TcpStream::connect(tcp).await.is_err());
}

#[tokio::test]
async fn a_crowd_shares_a_socket() {
    let number = free().port();
    let pod = |n: u8| {
        let listen = SocketAddr::from(([127, 97, 9, n], number));
        let mut port = port(listen, Protocol::Tcp, "shop/web");
        port.identity.pod = format!("shop/web-{n}");
        port
    };
    let mut pods = Pods::default();
    pods.limit(2);
    assert!(pods.reconcile((1..=9).map(pod).collect()).is_empty());
    assert_eq!(pods.shared_ports().collect::<Vec<_>>(), [number]);
    for n in 1..=9 {
        let heard = talk(pod(n).listen, "hello").await;
        assert!(heard.starts_with(&format!("pod shop/web-{n} at {} ", pod(n).listen)), "{heard}");
    }

    // Fewer than the limit: the port stays shared, and who is gone is gone.
    assert!(pods.reconcile(vec![pod(3)]).is_empty());
    assert!(talk(pod(3).listen, "x").await.contains("shop/web-3"));
    let mut gone = TcpStream::connect(pod(4).listen).await.unwrap();
    assert!(gone.read(&mut [0; 1]).await.is_err(), "a reset");
    pods.reconcile(Vec::new());
    tokio::task::yield_now().await;
    assert!(TcpStream::connect(pod(3).listen).await.is_err());
}

#[test]
fn as_few_ports_are_shared_as_will_do() {
    let pod = |n: u8, number: u16| {
        port(SocketAddr::from(([127, 97, 9, n], number)), Protocol::Tcp, "shop/web")
    };
    let all: Vec<PodPort> =
        (0..30).map(|n| pod(n, if n < 10 { 80 } else { 8080 })).chain([pod(31, 9)]).collect();
    let shared = |sockets| {
        let mut wanted = all.clone();
        let crowds = crowd::gather(&mut wanted, sockets, &[].into());
        let members: usize = crowds.values().map(Vec::len).sum();
        assert_eq!(members + wanted.len(), all.len());
        crowds.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(shared(31), [0; 0]);
    assert_eq!(shared(30), [8080]);
    assert_eq!(shared(12), [8080]);
    assert_eq!(shared(11), [80, 8080]);
}
