//! UDP flows that lead nowhere are forgotten, and no others.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to report")]

mod cluster;
mod namespace;

use cluster::{changes, nodes, slice};
use namespace::Namespace;
use svckit::{Seed, forward::Proxy, model::Family};
use svckit_adapters::{
    netlink::Socket,
    sink::{conntrack, nft::Nft},
};

/// Where a client sends, who answers, and whether the flow stays when Service 1 has only endpoints 1 and 2.
const FLOWS: [(&str, &str, &str, u16, &str, u16, bool); 9] = [
    ("an endpoint", "udp", "10.96.0.1", 80, "10.244.1.1", 8080, true),
    ("one that is gone", "udp", "10.96.0.1", 80, "10.244.1.9", 8080, false),
    ("another port of an endpoint", "udp", "10.96.0.1", 80, "10.244.1.1", 9090, false),
    ("no Service's address", "udp", "10.99.0.1", 80, "10.244.1.9", 8080, true),
    ("a Service without endpoints", "udp", "10.96.0.2", 80, "10.244.1.9", 8080, false),
    ("from before it was a Service", "udp", "10.96.0.3", 80, "10.96.0.3", 80, false),
    ("our node port", "udp", "192.168.50.1", 30_001, "10.244.1.9", 8080, false),
    ("a stranger's port of that number", "udp", "9.9.9.9", 30_001, "9.9.9.9", 30_001, true),
    ("TCP notices by itself", "tcp", "10.96.0.1", 80, "10.244.1.9", 8080, true),
];

#[test]
fn only_flows_to_nowhere_go() {
    let Some(namespace) = Namespace::new("flows") else { return };
    let mut proxy = Proxy::new(nodes().remove(0).1, Seed([1, 2, 3, 4]));
    changes().iter().for_each(|change| proxy.apply(change));
    proxy.apply(&slice(1, Family::V4, &[1, 2]));
    let mut nft = Nft::in_namespace(&namespace.path(), Seed([5, 6, 7, 8])).unwrap();
    assert!(nft.sync(&mut proxy).unwrap().unwrap().udp);
    for (n, (_, protocol, to, port, server, answers, _)) in (2_000..).zip(FLOWS) {
        let (n, port, answers) = (n.to_string(), port.to_string(), answers.to_string());
        let mut words =
            vec!["conntrack", "-I", "-p", protocol, "-s", "192.168.50.2", "--sport", &n];
        words.extend(["-d", to, "--dport", &port, "-r", server, "--reply-port-src", &answers]);
        words.extend(["-q", "192.168.50.2", "--reply-port-dst", &n, "-t", "600"]);
        words.extend(if protocol == "tcp" {
            ["--state", "ESTABLISHED"]
        } else {
            ["-u", "SEEN_REPLY"]
        });
        namespace.run(&words, "");
    }
    let mut socket = Socket::open_in(&namespace.path()).unwrap();
    let gone = FLOWS.iter().filter(|flow| !flow.6).count();
    assert_eq!(conntrack::sweep(&mut socket, &proxy).unwrap(), gone);
    let left = namespace.run(&["conntrack", "-L"], "");
    for (n, (name, .., stays)) in (2_000..).zip(FLOWS) {
        assert_eq!(left.contains(&format!("sport={n} ")), stays, "{name}: {left}");
    }
    assert_eq!(conntrack::sweep(&mut socket, &proxy).unwrap(), 0);
}
