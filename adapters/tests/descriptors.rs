//! A proxy that is short of descriptors: clients wait for each other, and all of them are served.
//!
//! The limit is a process's, so this process is the proxy, and two copies of it are the server and the clients.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    env,
    fs::read_dir,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};
use svckit::{
    forward::{Endpoints, Frontend, FrontendKey},
    model::{Family, NamespacedName, Port, Protocol, ServicePortName},
};
use svckit_adapters::serve::{
    balancer::Balancer,
    listeners::{Frontend as Listen, Listeners},
};

/// Tells a copy what it is.
const ROLE: &str = "SVCKIT_DESCRIPTORS_ROLE";

/// Clients that come at once.
const CLIENTS: usize = 80;

/// Descriptors that are left for them, two each.
const LEFT: u64 = 20;

fn main() {
    match env::var(ROLE).as_deref() {
        Ok("server") => serve(),
        Ok(addr) => ask(addr.parse().unwrap()),
        Err(_) => all_are_served(),
    }
}

fn copy(role: &str) -> Child {
    let mut copy = Command::new(env::current_exe().unwrap());
    copy.env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn all_are_served() {
    let mut server = copy("server");
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let balancer = Arc::new(Balancer::default());
    balancer.update(|table| table.set(&frontend(line.trim().parse().unwrap())));
    let mut listeners = Listeners::new(balancer.clone());
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let listen = free.local_addr().unwrap();
    drop(free);
    let target = (Ipv4Addr::new(10, 96, 0, 1).into(), Port::new(80).unwrap());
    let refused = listeners.reconcile(&[Listen { listen, protocol: Protocol::Tcp, target }]);
    assert!(refused.is_empty(), "{refused:?}");

    let mut clients = copy(&listen.to_string());
    let used = read_dir("/proc/self/fd").unwrap().count() as u64;
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(used + LEFT), maximum }).unwrap();
    // They have waited for this.
    clients.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let ended = clients.wait().unwrap();
    server.kill().unwrap();
    server.wait().unwrap();

    let counters = balancer.counters().all();
    let [(_, counters)] = counters.as_slice() else { panic!("one service port: {counters:?}") };
    assert!(ended.success(), "some were not served: {counters:?}");
    assert_eq!(counters.connections.get(), CLIENTS as u64);
    assert_eq!(counters.retries.get() + counters.unreachable.get(), 0, "no backend is to blame");
    println!("test all_are_served ... ok");
}

fn frontend(backend: SocketAddr) -> Arc<Frontend> {
    let service = NamespacedName::new("shop", "web");
    let name = ServicePortName { service, port: "".into(), protocol: Protocol::Tcp };
    Arc::new(Frontend {
        cluster_ip: Some(Ipv4Addr::new(10, 96, 0, 1).into()),
        endpoints: Endpoints { cluster: [backend].into(), has_any: true, ..Endpoints::default() },
        ..Frontend::new(FrontendKey { name, family: Family::V4 }, Port::new(80).unwrap())
    })
}

/// Sends back what it has heard, after a while.
fn serve() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    println!("{}", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        thread::spawn(move || {
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).unwrap();
            thread::sleep(Duration::from_millis(20));
            stream.write_all(&heard).unwrap();
        });
    }
}

/// Asks with all clients at once; a client that isn't answered within a minute ends the process with an error.
fn ask(addr: SocketAddr) {
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let ask = move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(b"hello").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "hello");
    };
    let all: Vec<_> = (0..CLIENTS).map(|_| thread::spawn(ask)).collect();
    all.into_iter().for_each(|client| client.join().unwrap());
}
