//! Reloads lose nothing.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use svckit::render::nginx::Class;

use super::world::{World, ingress};

#[test]
fn a_hundred_reloads_under_load_lose_no_request() {
    let mut world = World::new();
    world.service("a", 2);
    world.router.apply(&ingress("a", 1, &["a.example/ Prefix a"], &[]));
    assert_eq!(world.apply().unwrap(), Class::Structure);
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (stop, done, proxy) = (stop.clone(), done.clone(), world.plain());
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let answer = ask(proxy);
                    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
                    done.fetch_add(1, Ordering::Relaxed);
                    // Not as fast as possible: the machine has other things to do than to be asked.
                    thread::sleep(Duration::from_millis(2));
                }
            })
        })
        .collect();
    for round in 0..100 {
        let host = format!("r{round}.example/ Prefix a");
        world.router.apply(&ingress("b", 2, &[&host], &[]));
        let class = world.apply().unwrap();
        assert!(class >= Class::TableData, "{class:?}");
    }
    stop.store(true, Ordering::Relaxed);
    load.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(done.load(Ordering::Relaxed) > 100);
    assert_eq!(world.curl(&[], "http://r99.example/").status, 200);
    assert_eq!(world.curl(&[], "http://r98.example/").status, 404);
}

/// One request on a connection of its own.
fn ask(proxy: SocketAddr) -> String {
    let mut answer = Vec::new();
    let mut stream = TcpStream::connect(proxy).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").unwrap();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
