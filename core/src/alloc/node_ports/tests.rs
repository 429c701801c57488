//! Node ports: protocols, bands, rest and snapshots.

use super::*;
use std::{collections::BTreeSet, string::ToString};

const TCP: Protocol = Protocol::Tcp;
const UDP: Protocol = Protocol::Udp;

fn ports(range: &str) -> NodePorts {
    NodePorts::new(range.parse().unwrap(), Seed([2; 4]))
}

fn port(number: u16) -> Port {
    Port::new(number).unwrap()
}

fn both() -> Protocols {
    Protocols::from(TCP) | UDP.into()
}

#[test]
fn a_port_is_free_for_each_protocol() {
    let mut ports = ports("30000-32767");
    ports.reserve(port(30053), TCP.into()).unwrap();
    ports.reserve(port(30053), UDP.into()).unwrap();
    let cases = [
        (30053, TCP.into(), "node port 30053 is already allocated for TCP"),
        (30053, Protocols::ALL, "node port 30053 is already allocated for TCP, UDP"),
        (29999, TCP.into(), "port 29999 is not in the node port range 30000-32767"),
        (32768, both(), "port 32768 is not in the node port range 30000-32767"),
    ];
    for (number, protocols, want) in cases {
        let refused = ports.reserve(port(number), protocols).unwrap_err();
        assert_eq!(refused.to_string(), want);
    }
    ports.reserve(port(30053), Protocol::Sctp.into()).unwrap();
    assert_eq!(ports.holds(port(30053)), Some(Protocols::ALL));
    assert_eq!((ports.free(TCP), ports.holds(port(30054))), (2767, None));
}

#[test]
fn a_draw_is_free_for_all_protocols_asked_for() {
    let mut ports = ports("30000-30002");
    ports.reserve(port(30000), TCP.into()).unwrap();
    ports.reserve(port(30001), UDP.into()).unwrap();
    let now = Time::default();
    assert_eq!(ports.allocate(both(), now), Ok(port(30002)));
    let none = ports.allocate(both(), now).unwrap_err();
    assert_eq!(none.to_string(), "no node port of 30000-30002 is free for TCP, UDP");
    assert_eq!(ports.allocate(TCP.into(), now), Ok(port(30001)));
    assert_eq!(ports.allocate(UDP.into(), now), Ok(port(30000)));
    assert_eq!((ports.free(TCP), ports.free(Protocol::Sctp)), (0, 3));
}

#[test]
fn draws_the_dynamic_band_first() {
    let mut ports = ports("30000-30099");
    let drawn: Vec<_> =
        core::iter::from_fn(|| ports.allocate(both(), Time::default()).ok()).collect();
    assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 100);
    assert!(drawn[..84].iter().all(|port| port.get() >= 30016));
}

#[test]
fn a_released_port_rests_for_its_protocol() {
    let mut ports = ports("30000-30001");
    let (first, second) = (port(30000), port(30001));
    let at = |secs: u64| Time::from_nanos(secs * 1_000_000_000);
    for number in [first, second] {
        ports.reserve(number, both()).unwrap();
    }
    assert_eq!(ports.release(second, both(), at(0)), Some(both()));
    assert_eq!(ports.release(second, TCP.into(), at(0)), None);
    assert_eq!(ports.release(first, UDP.into(), at(1)), Some(UDP.into()));
    assert_eq!(ports.free(UDP), 2);
    assert_eq!(ports.allocate(both(), at(2)), Ok(second), "the only one free for both, resting");
    assert_eq!(ports.allocate(UDP.into(), at(2)), Ok(first));
    assert_eq!(ports.cancel(first, UDP.into()), Some(UDP.into()));
    assert_eq!(ports.release(second, UDP.into(), at(3)), Some(UDP.into()));
    assert_eq!(ports.allocate(UDP.into(), at(3)), Ok(first), "the other one rests");
    assert_eq!(ports.allocate(UDP.into(), at(3)), Ok(second));
    assert!(ports.allocate(UDP.into(), at(3)).is_err());
}

#[test]
fn restores_what_it_held() {
    let mut ports = ports("8000-8100");
    for protocols in [both(), TCP.into(), Protocols::ALL] {
        (0..9).for_each(|_| _ = ports.allocate(protocols, Time::default()));
    }
    let held: Vec<_> = ports.held().collect();
    let mut copy = NodePorts::new(ports.range(), Seed([0; 4]));
    assert_eq!(copy.restore(held.clone()), []);
    assert!(copy.held().eq(held.clone()));
    assert_eq!(copy.restore(held.clone()).len(), held.len());
}
