//! What changes write, and that changes and whole tables agree. That kernels do as they are told is tested with
//! packets, in the adapters.

use super::*;
use crate::{
    Seed,
    forward::{Endpoints, Frontend, FrontendKey, Item, NodeConfig},
    model::*,
    plan::{Plan, Planner},
};
use core::{net::SocketAddr, time::Duration};
use std::{
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use crate::forward::Desired;

fn frontend(endpoints: &[u8]) -> Frontend {
    let name = ServicePortName {
        service: NamespacedName::new("shop", "cart"),
        port: "".into(),
        protocol: Protocol::Tcp,
    };
    let to: Vec<SocketAddr> =
        endpoints.iter().map(|n| SocketAddr::from(([10, 244, 0, *n], 8080))).collect();
    Frontend {
        key: FrontendKey { name, family: Family::V4 },
        port: Port::new(80).unwrap(),
        cluster_ip: Some("10.96.0.10".parse().unwrap()),
        vips: Vec::new(),
        external_ips: Vec::new(),
        node_port: Port::new(30080),
        source_ranges: Vec::new(),
        internal: TrafficPolicy::Cluster,
        external: TrafficPolicy::Cluster,
        affinity: None,
        endpoints: Endpoints {
            cluster: to.into(),
            has_any: !endpoints.is_empty(),
            ..Endpoints::default()
        },
    }
}

struct Rig {
    planner: Planner<Item, Desired>,
    ruleset: Ruleset,
    node: NodeConfig,
}

impl Rig {
    fn new() -> Self {
        let mut planner = Planner::new(Seed([1; 4]));
        planner.sync();
        let pod_cidrs = std::vec!["10.244.0.0/16".parse().unwrap()];
        let node = NodeConfig { pod_cidrs, ..NodeConfig::default() };
        Self { planner, ruleset: Ruleset::default(), node }
    }

    fn set(&mut self, frontend: Frontend) -> Result<String, WriteError> {
        let item = Item::Frontend(frontend.key.clone());
        self.planner.set(item, Desired::Frontend(Arc::new(frontend)));
        let plan = self.planner.plan().unwrap();
        self.write(&plan)
    }

    fn write(&mut self, plan: &Plan<Item, Desired>) -> Result<String, WriteError> {
        let mut text = String::new();
        self.ruleset.write(plan, &self.node, &mut text)?;
        self.planner.commit(plan.generation);
        Ok(text)
    }
}

#[test]
fn one_endpoint_is_a_few_elements() {
    let mut rig = Rig::new();
    rig.set(frontend(&[1, 2])).unwrap();
    let one_more = rig.set(frontend(&[1, 2, 3])).unwrap();
    assert_eq!(
        one_more,
        "\
delete element ip svckit svc { 10.96.0.10 . tcp . 80 : goto c-n2 }
delete element ip svckit node-svc { tcp . 30080 : goto node-e-n2 }
table ip svckit {
  chain c-n3 {
    ip saddr != @pod-cidrs meta mark set meta mark | 0x00004000
    goto n3
  }
}
table ip svckit {
  chain node-e-n3 {
    meta mark set meta mark | 0x00004000
    goto node-n3
  }
}
add element ip svckit svc { 10.96.0.10 . tcp . 80 : goto c-n3 }
add element ip svckit node-svc { tcp . 30080 : goto node-e-n3 }
add element ip svckit eps { 10.96.0.10 . tcp . 80 . 2 : 10.244.0.3 . 8080 }
add element ip svckit node-eps { tcp . 30080 . 2 : 10.244.0.3 . 8080 }
"
    );
    let another = rig.set(frontend(&[1, 2, 4])).unwrap();
    assert_eq!(
        another,
        "\
delete element ip svckit eps { 10.96.0.10 . tcp . 80 . 2 : 10.244.0.3 . 8080 }
delete element ip svckit node-eps { tcp . 30080 . 2 : 10.244.0.3 . 8080 }
add element ip svckit eps { 10.96.0.10 . tcp . 80 . 2 : 10.244.0.4 . 8080 }
add element ip svckit node-eps { tcp . 30080 . 2 : 10.244.0.4 . 8080 }
"
    );
}

#[test]
fn refuses_what_has_no_endpoints() {
    let mut rig = Rig::new();
    let text = rig.set(frontend(&[])).unwrap();
    assert!(text.contains("10.96.0.10 . tcp . 80 : goto reject-it"), "{text}");
    assert!(!text.contains("chain n0"), "{text}");
}

#[test]
fn affinity_knows_its_timeout() {
    let mut rig = Rig::new();
    let sticky = Frontend { affinity: Some(Duration::from_secs(60)), ..frontend(&[1]) };
    let text = rig.set(sticky).unwrap();
    assert!(text.contains("10.96.0.10 . tcp . 80 : goto c-n1-t60"), "{text}");
    assert!(text.contains("timeout 60s : meta priority"), "{text}");
}

#[test]
fn doubt_asks_for_a_full_plan() {
    let mut rig = Rig::new();
    rig.set(frontend(&[1])).unwrap();
    let item = Item::Frontend(frontend(&[]).key);
    rig.planner.remove(item);
    let lost = rig.planner.plan().unwrap();
    assert!(!lost.full);
    let again = rig.planner.plan().unwrap();
    assert_eq!(rig.write(&again), Err(WriteError::InDoubt));
    rig.planner.reset();
    let full = rig.planner.plan().unwrap();
    assert!(rig.write(&full).unwrap().starts_with("table ip svckit\ndelete table ip svckit\n"));
}

#[test]
fn a_chain_for_more_endpoints_than_ever_asks_for_a_full_plan() {
    let mut rig = Rig::new();
    rig.set(frontend(&[1])).unwrap();
    let eleven: Vec<u8> = (1..=11).collect();
    assert_eq!(rig.set(frontend(&eleven)), Err(WriteError::NewChain));
    rig.planner.reset();
    let full = rig.planner.plan().unwrap();
    assert!(rig.write(&full).unwrap().contains("numgen random mod 11 map @eps"));
    rig.set(frontend(&[1])).unwrap();
    assert!(rig.set(frontend(&eleven)).is_ok(), "it is kept");
}

#[test]
fn names_of_chains_tell_what_they_do() {
    let chain =
        Chain { mark: Mark::Everybody, node_port: true, local: true, count: 7, timeout: 10_800 };
    assert_eq!(chain.to_string(), "node-e-l7-t10800");
    assert_eq!(chain.next().map(|next| next.to_string()), Some("node-l7-t10800".into()));
}
