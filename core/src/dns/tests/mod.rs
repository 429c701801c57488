//! Clusters for tests, and what they answer.

mod batch;
mod consistent;
mod search;
mod skydns;

use std::{string::ToString, sync::Arc, vec, vec::Vec};

use super::*;
use crate::{
    Seed,
    model::{
        Change, ClusterIps, Conditions, Endpoint, EndpointSlice, Exposure, Family, NamespacedName,
        Pod, Port, Protocol, Service, ServicePort, SlicePort, TargetPort,
    },
};

/// A Service of the namespace `shop`, with a port `http`.
fn service(name: &str, exposure: Exposure) -> Change {
    let port = Port::new(80).unwrap();
    Change::Service(Arc::new(Service::new(
        NamespacedName::new("shop", name),
        exposure,
        vec![ServicePort {
            name: "http".into(),
            protocol: Protocol::Tcp,
            port,
            target: TargetPort::Number(port),
            node_port: None,
            app_protocol: None,
        }],
    )))
}

fn cluster_ip(address: &str) -> Exposure {
    Exposure::ClusterIp(ClusterIps::single(address.parse().unwrap()))
}

/// Endpoints of a Service, each with its hostname if it has one.
fn slice(service: &str, endpoints: &[(&str, Option<&str>)]) -> Change {
    let endpoint = |(address, hostname): &(&str, Option<&str>)| Endpoint {
        addresses: [address.parse().unwrap()].into(),
        conditions: Conditions::READY,
        hostname: hostname.map(Into::into),
        node: None,
        zone: None,
        hints: None,
        pod: None,
    };
    Change::Slice(Arc::new(EndpointSlice {
        key: NamespacedName::new("shop", std::format!("{service}-1")),
        service: NamespacedName::new("shop", service),
        family: Family::V4,
        ports: vec![SlicePort {
            name: "http".into(),
            protocol: Protocol::Tcp,
            port: Port::new(8080),
            app_protocol: None,
        }],
        endpoints: endpoints.iter().map(endpoint).collect(),
    }))
}

fn pod(namespace: &str, name: &str, address: &str) -> Change {
    Change::Pod(Arc::new(Pod {
        key: NamespacedName::new(namespace, name),
        uid: "".into(),
        labels: Default::default(),
        addresses: [address.parse().unwrap()].into(),
        ready: true,
        terminating: false,
        node: None,
        host_network: false,
        hostname: None,
        subdomain: None,
        ports: Vec::new(),
    }))
}

fn options() -> Options {
    Options::new(Name::cluster_local())
}

fn zone(options: Options, changes: &[Change]) -> Zone {
    let mut zone = Zone::new(options, Seed([5; 4]));
    changes.iter().for_each(|change| zone.apply(change));
    zone.apply(&Change::Synced);
    zone
}

/// A reply as lines: the code, then each record of the answer, sorted.
fn lines(reply: &Message) -> Vec<std::string::String> {
    let mut lines: Vec<_> = reply.answer.iter().map(ToString::to_string).collect();
    lines.sort();
    lines.insert(0, reply.rcode.to_string());
    lines
}

fn decoded(outcome: &Outcome, out: &[u8]) -> Message {
    Message::decode(&out[..outcome.length().unwrap()]).unwrap()
}
