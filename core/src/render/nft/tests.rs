//! What changes write, and that changes and whole tables agree. That kernels do as they are told is tested with
//! packets, in the adapters.

use super::*;
use crate::{
    Seed,
    forward::{Endpoints, Frontend, FrontendKey, Item, NodeConfig},
    model::*,
    plan::{Op, Plan, Planner},
};
use core::{net::SocketAddr, time::Duration};
use std::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use crate::forward::Desired;

pub(super) fn frontend(endpoints: &[u8]) -> Frontend {
    let name = ServicePortName {
        service: NamespacedName::new("shop", "cart"),
        port: "".into(),
        protocol: Protocol::Tcp,
    };
    let to: Vec<SocketAddr> =
        endpoints.iter().map(|n| SocketAddr::from(([10, 244, 0, *n], 8080))).collect();
    Frontend {
        cluster_ip: Some("10.96.0.10".parse().unwrap()),
        node_port: Port::new(30080),
        endpoints: Endpoints {
            cluster: to.into(),
            has_any: !endpoints.is_empty(),
            ..Endpoints::default()
        },
        ..Frontend::new(FrontendKey { name, family: Family::V4 }, Port::new(80).unwrap())
    }
}

struct Rig {
    planner: Planner<Item, Desired>,
    ruleset: Ruleset,
    node: NodeConfig,
    out: netlink::Transactions,
}

impl Rig {
    fn new() -> Self {
        let mut planner = Planner::new(Seed([1; 4]));
        planner.sync();
        let pod_cidrs = std::vec!["10.244.0.0/16".parse().unwrap()];
        let node = NodeConfig { pod_cidrs, ..NodeConfig::default() };
        Self { planner, ruleset: Ruleset::default(), node, out: Default::default() }
    }

    fn set(&mut self, frontend: Frontend) -> Result<String, EncodeError> {
        let item = Item::Frontend(frontend.key.clone());
        self.planner.set(item, Desired::Frontend(Arc::new(frontend)));
        let plan = self.planner.plan().unwrap();
        self.write(&plan)
    }

    /// Carries a plan out, and tells what it does: `-` and `+` before elements, chains alone.
    fn write(&mut self, plan: &Plan<Item, Desired>) -> Result<String, EncodeError> {
        let mut told = Vec::new();
        if plan.full {
            let how = (Load::Pieces, Grouping::Together);
            self.ruleset.encode_full(plan, &self.node, how, |_| false, &mut self.out);
            told.push("full".to_string());
        } else {
            self.ruleset.encode_changes(&plan.ops, Grouping::Together, |_| false, &mut self.out)?;
            told = self.differences(&plan.ops);
        }
        assert!(!self.out.is_empty());
        self.ruleset.done();
        self.planner.commit(plan.generation);
        Ok(told.join("\n"))
    }

    fn differences(&mut self, ops: &[Op<Item, Desired>]) -> Vec<String> {
        let place = |e: &Element| format!("{} {e}", e.map.name());
        let mut told = Vec::new();
        for op in ops {
            let (gone, new) = self.ruleset.differences(op);
            told.extend(gone.iter().map(|e| format!("-{}", place(e))));
            told.extend(new.iter().map(|e| format!("+{}", place(e))));
        }
        told.extend(self.ruleset.fresh().map(|chain| chain.to_string()));
        told
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
-svc 10.96.0.10 . tcp . 80 : 5:2
-node-svc tcp . 30080 : 6:2
+svc 10.96.0.10 . tcp . 80 : 5:3
+node-svc tcp . 30080 : 6:3
+eps 10.96.0.10 . tcp . 80 . 2 : 10.244.0.3 . 8080
+node-eps tcp . 30080 . 2 : 10.244.0.3 . 8080"
    );
    let another = rig.set(frontend(&[1, 2, 4])).unwrap();
    assert_eq!(
        another,
        "\
-eps 10.96.0.10 . tcp . 80 . 2 : 10.244.0.3 . 8080
-node-eps tcp . 30080 . 2 : 10.244.0.3 . 8080
+eps 10.96.0.10 . tcp . 80 . 2 : 10.244.0.4 . 8080
+node-eps tcp . 30080 . 2 : 10.244.0.4 . 8080"
    );
}

#[test]
fn refuses_what_has_no_endpoints() {
    let mut rig = Rig::new();
    rig.set(frontend(&[1])).unwrap();
    let told = rig.set(frontend(&[])).unwrap();
    assert!(told.contains("+rejected 10.96.0.10 . tcp . 80"), "{told}");
    assert!(told.contains("+node-svc tcp . 30080 : 0:3"), "no host port gets it: {told}");
}

#[test]
fn affinity_is_the_service_ports() {
    let sticky = |endpoints: &[u8]| Frontend {
        affinity: Some(Duration::from_secs(60)),
        ..frontend(endpoints)
    };
    let mut rig = Rig::new();
    rig.set(frontend(&[1])).unwrap();
    let told = rig.set(sticky(&[1])).unwrap();
    assert!(told.contains("+svc 10.96.0.10 . tcp . 80 : 7:1"), "{told}");
    assert!(told.contains("\nc-n1-60s"), "{told}");
    let owner = |map: &str| {
        let line = told.lines().find(|line| line.starts_with(map)).unwrap();
        line.rsplit(' ').next().unwrap().to_string()
    };
    assert_eq!(owner("+owners "), owner("+node-owners "), "one memory for all its addresses");
    let more = rig.set(sticky(&[1, 2])).unwrap();
    assert!(!more.contains("owners"), "its number stays: {more}");
    let back = rig.set(frontend(&[1, 2])).unwrap();
    assert!(back.contains("-owners ") && back.contains("-by-id "), "{back}");
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
    assert_eq!(rig.write(&again), Err(EncodeError::InDoubt));
    rig.planner.reset();
    let full = rig.planner.plan().unwrap();
    assert_eq!(rig.write(&full).unwrap(), "full");
}

#[test]
fn chains_come_with_the_elements_that_need_them() {
    let mut rig = Rig::new();
    rig.set(frontend(&[1])).unwrap();
    let eleven: Vec<u8> = (1..=11).collect();
    let told = rig.set(frontend(&eleven)).unwrap();
    assert!(told.ends_with("c-n11\nn11\nnode-e-n11\nnode-n11"), "{told}");
    rig.set(frontend(&[1])).unwrap();
    assert!(!rig.set(frontend(&eleven)).unwrap().contains("\nn11"), "they are kept");
}

#[test]
fn names_of_chains_tell_what_they_do() {
    let (mark, pick) = (Mark::Everybody, Pick::Random);
    let chain = Chain { mark, node_port: true, local: true, pick, count: 7, timeout: 10_800 };
    assert_eq!(chain.to_string(), "node-e-l-n7-10800s");
    assert_eq!(chain.next().map(|next| next.to_string()), Some("node-l-n7-10800s".into()));
}

/// An element in the kernel's bytes: a key of padded pieces, and a name to go on to.
#[test]
fn elements_are_padded_pieces() {
    let mut rig = Rig::new();
    rig.set(frontend(&[1, 2])).unwrap();
    rig.set(frontend(&[1, 3])).unwrap();
    let transactions: Vec<&[u8]> = rig.out.iter().collect();
    assert_eq!(transactions.len(), 1);
    let bytes = transactions[0];
    // 10.96.0.10, TCP, 80 in the network's order; slot 1 in the machine's.
    let mut key = std::vec![10, 96, 0, 10, 6, 0, 0, 0, 0, 80, 0, 0];
    key.extend(1_u32.to_ne_bytes());
    let count = |piece: &[u8]| bytes.windows(piece.len()).filter(|w| *w == piece).count();
    assert_eq!(count(&key), 2, "once to delete, once to add");
    assert_eq!(count(&[10, 244, 0, 3, 31, 144]), 2, "at the cluster IP and at the node port");
    assert_eq!(count(&[10, 244, 0, 2, 31, 144]), 0, "what is deleted is known by its key");
    assert_eq!(bytes.len() % 4, 0);
}

#[test]
fn a_large_table_is_loaded_in_pieces() {
    let mut rig = Rig::new();
    for n in 0..3_000_u32 {
        let mut each = frontend(&[1, 2]);
        Arc::make_mut(&mut each.key).name.service.name = n.to_string().into();
        each.cluster_ip = Some(core::net::Ipv4Addr::from(0x0a60_0000 + n).into());
        each.node_port = None;
        let item = Item::Frontend(each.key.clone());
        rig.planner.set(item, Desired::Frontend(Arc::new(each)));
    }
    let plan = rig.planner.plan().unwrap();
    let mut count = |load| {
        let how = (load, Grouping::Together);
        rig.ruleset.encode_full(&plan, &rig.node, how, |_| false, &mut rig.out);
        rig.out.iter().count()
    };
    assert_eq!(count(Load::Pieces), 3, "9,000 elements, 4,000 at a time");
    assert_eq!(count(Load::Atomic { v4: true, v6: false, keep: false }), 1);
}
