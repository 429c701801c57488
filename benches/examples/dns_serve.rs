//! What `benches/dns_load.sh` measures from outside: a DNS server of so many Services, or one that only sends back
//! what came.
#![allow(clippy::unwrap_used, reason = "a measurement that can't start should stop")]

use std::{
    net::{SocketAddr, UdpSocket},
    sync::Arc,
};
use svckit::{
    Seed,
    dns::{Name, Options, Zone},
    model::{Change, ClusterIps, Exposure, NamespacedName, Service},
};
use svckit_adapters::serve::dns::{Policy, Server, Upstream};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, address] = arguments.as_slice() else {
        eprintln!("usage: dns_serve echo|10000 127.0.0.1:5300");
        return;
    };
    let address: SocketAddr = address.parse().unwrap();
    match what.parse() {
        Ok(services) => serve(services, address),
        Err(_) => echo(address),
    }
}

fn serve(services: u32, address: SocketAddr) {
    let mut zone = Zone::new(Options::new(Name::cluster_local()), Seed([1; 4]));
    (0..services).for_each(|n| zone.apply(&service(n)));
    zone.apply(&Change::Synced);
    let names = Arc::new(arc_swap::ArcSwap::from_pointee(zone.snapshot()));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _inside = runtime.enter();
    let _server = Server::bind(address, names, Policy::new(Upstream::None)).unwrap();
    println!("ready");
    loop {
        std::thread::park();
    }
}

fn echo(address: SocketAddr) {
    let socket = UdpSocket::bind(address).unwrap();
    let mut message = [0; 4_096];
    println!("ready");
    loop {
        let Ok((length, client)) = socket.recv_from(&mut message) else { continue };
        // The flag of a reply, so that a client takes it for one.
        message[2] |= 0x80;
        let _ = socket.send_to(&message[..length], client);
    }
}

fn service(n: u32) -> Change {
    let address = std::net::Ipv4Addr::from(0x0a60_0000 + n);
    Change::Service(Arc::new(Service::new(
        NamespacedName::new(format!("n{}", n % 50), format!("s{n}")),
        Exposure::ClusterIp(ClusterIps::single(address.into())),
        vec![],
    )))
}
