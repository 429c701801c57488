//! What stands in a lab: pods with their addresses and ports, and the Services that lead to them.

use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};
use svckit::model::{Change, Pod, Protocol, Service};
use svckit_adapters::serve::pod::{Identity, PodPort};

/// A pod of the lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LabPod {
    /// `namespace/name`.
    name: String,
    /// At most one of each family.
    pub(super) addresses: Vec<IpAddr>,
    /// What its containers listen on.
    listens: Vec<(Protocol, u16)>,
    /// Services that lead to it, `namespace/name`.
    services: Vec<String>,
    /// Whether it shares the node's addresses.
    pub(super) on_host: bool,
}

/// The pods that a cluster tells of, with their Services.
pub(super) fn pods(changes: &[Change]) -> Vec<LabPod> {
    let services: Vec<&Service> = changes
        .iter()
        .filter_map(
            |change| if let Change::Service(service) = change { Some(&**service) } else { None },
        )
        .collect();
    let pods = changes.iter().filter_map(|change| match change {
        Change::Pod(pod) => Some(LabPod::new(pod, &services)),
        _ => None,
    });
    pods.collect()
}

impl LabPod {
    fn new(pod: &Pod, services: &[&Service]) -> Self {
        let leads = |service: &&&Service| {
            service.key.namespace == pod.key.namespace
                && service.selector.as_ref().is_some_and(|selector| selector.matches(&pod.labels))
        };
        Self {
            name: pod.key.to_string(),
            addresses: pod.addresses.to_vec(),
            listens: pod.ports.iter().map(|port| (port.protocol, port.port.get())).collect(),
            services: services
                .iter()
                .filter(leads)
                .map(|service| service.key.to_string())
                .collect(),
            on_host: pod.host_network,
        }
    }

    /// Leaves those of its ports to others that are at one of these addresses.
    pub(super) fn give_up(&mut self, taken: &BTreeSet<SocketAddr>) {
        let Self { addresses, listens, .. } = self;
        listens.retain(|(_, port)| {
            !addresses.iter().any(|addr| taken.contains(&SocketAddr::new(*addr, *port)))
        });
    }

    /// The servers behind its ports, at `addresses`.
    pub(super) fn ports(&self, addresses: &[IpAddr]) -> Vec<PodPort> {
        let at = |addr: &IpAddr| {
            let addr = *addr;
            self.listens
                .iter()
                .map(move |(protocol, port)| (SocketAddr::new(addr, *port), *protocol))
        };
        let port = |(address, protocol)| PodPort {
            listen: address,
            protocol,
            identity: Identity { pod: self.name.clone(), address, services: self.services.clone() },
        };
        addresses.iter().flat_map(at).map(port).collect()
    }

    /// As one line for the process that plays it.
    pub(super) fn to_json(&self) -> Value {
        let listens: Vec<_> =
            self.listens.iter().map(|(protocol, port)| json!([protocol.as_str(), port])).collect();
        json!({
            "name": self.name,
            "addresses": self.addresses,
            "listens": listens,
            "services": self.services,
            "onHost": self.on_host,
        })
    }

    /// What [`Self::to_json`] wrote.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let texts = |field| -> Option<Vec<String>> {
            let list = value.get(field)?.as_array()?;
            list.iter().map(|text| text.as_str().map(String::from)).collect()
        };
        let listen = |pair: &Value| {
            let port = u16::try_from(pair.get(1)?.as_u64()?).ok()?;
            Some((Protocol::parse(pair.get(0)?.as_str()?)?, port))
        };
        Some(Self {
            name: value.get("name")?.as_str()?.into(),
            addresses: texts("addresses")?
                .iter()
                .map(|addr| addr.parse().ok())
                .collect::<Option<_>>()?,
            listens: value.get("listens")?.as_array()?.iter().map(listen).collect::<Option<_>>()?,
            services: texts("services")?,
            on_host: value.get("onHost")?.as_bool()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::LabPod;
    use svckit::model::Protocol;

    #[test]
    fn a_pod_survives_the_pipe() {
        let pod = LabPod {
            name: "default/webapp-x2x9z".into(),
            addresses: vec!["10.244.0.7".parse().unwrap(), "fd00::7".parse().unwrap()],
            listens: vec![(Protocol::Tcp, 8080), (Protocol::Udp, 53)],
            services: vec!["default/webapp".into()],
            on_host: false,
        };
        assert_eq!(LabPod::of(&pod.to_json()), Some(pod.clone()));
        assert_eq!(pod.ports(&pod.addresses).len(), 4, "each port at each address");
    }
}
