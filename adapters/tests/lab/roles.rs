//! What the test program does inside a namespace: serves, asks, or holds a connection.

use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    thread::sleep,
    time::Duration,
};

use super::{ROLE, sctp};

/// How long an answer may take; what is dropped takes as long.
pub(super) const PATIENCE: Duration = Duration::from_millis(1_500);

/// Runs only inside a namespace of the lab, as a server or a client.
#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    match *role.split(' ').collect::<Vec<_>>() {
        ["serve", name] => serve(name),
        ["tcp", to, times] => ask(times, || tcp(to.parse().unwrap())),
        ["udp", to, times] => {
            let to: SocketAddr = to.parse().unwrap();
            let any = if to.is_ipv4() { "0.0.0.0" } else { "::" };
            ask(times, || udp(any.parse().unwrap(), to));
        }
        ["udp-from", from, to, times] => {
            ask(times, || udp(from.parse().unwrap(), to.parse().unwrap()))
        }
        ["sctp", to, times] => ask(times, || sctp::ask(to.parse().unwrap())),
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
        scope.spawn(|| sctp::serve(name, false));
        scope.spawn(|| sctp::serve(name, true));
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

fn udp(from: IpAddr, to: SocketAddr) -> std::io::Result<String> {
    let socket = UdpSocket::bind((from, 0))?;
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
