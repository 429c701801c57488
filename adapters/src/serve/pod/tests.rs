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
