//! Generated clusters for measurements: Services of one port, endpoints on port 8080.

use std::{fmt, net::Ipv4Addr, sync::Arc};
use svckit::{
    Seed,
    forward::{Desired, Item, NodeConfig, Proxy},
    model::{
        Change, ClusterIps, Conditions, Endpoint, EndpointSlice, Exposure, Family, NamespacedName,
        Port, Protocol, Service, ServicePort, SlicePort, TargetPort,
    },
    plan::Planner,
    render::nft::{Grouping, Load, Ruleset, netlink::Transactions},
};

/// How many Services there are, and how many endpoints each has.
#[derive(Clone, Copy, Debug)]
pub struct Size(pub u32, pub u32);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.0, self.1)
    }
}

impl Size {
    /// All endpoints.
    #[must_use]
    pub fn endpoints(self) -> u64 {
        u64::from(self.0) * u64::from(self.1)
    }

    /// What tells a proxy of the whole cluster.
    #[must_use]
    pub fn changes(self) -> Vec<Change> {
        let mut all = Vec::with_capacity(self.0 as usize * 2 + 1);
        for n in 0..self.0 {
            all.push(service(n));
            all.push(slice(n, self.1, self.1));
        }
        all.push(Change::Synced);
        all
    }

    /// Changes of one endpoint each, of Services here and there: one more, and gone again.
    #[must_use]
    pub fn flaps(self) -> Vec<Change> {
        let some = (0..self.0).step_by(self.0 as usize / 100);
        some.flat_map(|n| [slice(n, self.1 + 1, self.1), slice(n, self.1, self.1)]).collect()
    }
}

/// The name of a Service.
fn name(n: u32) -> NamespacedName {
    NamespacedName::new(format!("team-{}", n % 50), format!("service-{n}"))
}

/// The cluster IP of a Service.
#[must_use]
pub fn cluster_ip(n: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a60_0000 + n + 1)
}

/// The node that all this is for.
#[must_use]
pub fn node() -> NodeConfig {
    NodeConfig {
        name: "here".into(),
        pod_cidrs: vec![ipnet::Ipv4Net::new_assert(Ipv4Addr::new(10, 128, 0, 0), 9).into()],
        service_cidrs: vec![ipnet::Ipv4Net::new_assert(Ipv4Addr::new(10, 96, 0, 0), 12).into()],
        families: vec![Family::V4],
        ..NodeConfig::default()
    }
}

/// A Service of one port, 80.
#[must_use]
pub fn service(n: u32) -> Change {
    let port = Port::new(80).expect("not 0");
    Change::Service(Arc::new(Service::new(
        name(n),
        Exposure::ClusterIp(ClusterIps::single(cluster_ip(n).into())),
        vec![ServicePort {
            name: "".into(),
            protocol: Protocol::Tcp,
            port,
            target: TargetPort::Number(port),
            node_port: None,
            app_protocol: None,
        }],
    )))
}

/// The slice of a Service with so many endpoints; their addresses leave room for `each` and one more.
#[must_use]
pub fn slice(n: u32, endpoints: u32, each: u32) -> Change {
    let endpoint = |e| Endpoint {
        addresses: [Ipv4Addr::from(0x0a80_0000 + n * (each + 1) + e).into()].into(),
        conditions: Conditions::READY,
        hostname: None,
        node: Some("there".into()),
        zone: None,
        hints: None,
        pod: None,
    };
    let NamespacedName { namespace, name } = name(n);
    let port = SlicePort {
        name: "".into(),
        protocol: Protocol::Tcp,
        port: Port::new(8080),
        app_protocol: None,
    };
    Change::Slice(Arc::new(EndpointSlice {
        key: NamespacedName::new(namespace.clone(), format!("{name}-1")),
        service: NamespacedName::new(namespace, name),
        family: Family::V4,
        ports: vec![port],
        endpoints: (0..endpoints).map(endpoint).collect(),
    }))
}

/// A node's forwarding, from the model to the kernel's bytes.
#[derive(Debug)]
pub struct Cluster {
    /// What is forwarded.
    pub proxy: Proxy,
    planner: Planner<Item, Desired>,
    ruleset: Ruleset,
    out: Transactions,
}

impl Cluster {
    /// A proxy that was told of everything.
    #[must_use]
    pub fn filled(changes: &[Change]) -> Self {
        let mut proxy = Proxy::new(node(), Seed([1, 2, 3, 4]));
        changes.iter().for_each(|change| proxy.apply(change));
        let planner = Planner::new(Seed([5, 6, 7, 8]));
        Self { proxy, planner, ruleset: Ruleset::default(), out: Transactions::default() }
    }

    /// Plans and encodes everything; how many bytes that is.
    pub fn load(&mut self) -> usize {
        self.planner.follow(&mut self.proxy);
        let plan = self.planner.plan().expect("there is something to do");
        let how = (Load::Pieces, Grouping::Together);
        self.ruleset.encode_full(&plan, self.proxy.node(), how, |_| false, &mut self.out);
        self.planner.commit(plan.generation);
        self.out.len()
    }

    /// The kernel has it: what was encoded isn't needed any more.
    pub fn sent(&mut self) {
        self.out = Transactions::default();
    }

    /// Applies, plans and encodes one change; how many bytes that is.
    pub fn change(&mut self, change: &Change) -> usize {
        self.proxy.apply(change);
        self.planner.follow(&mut self.proxy);
        let Some(plan) = self.planner.plan() else { return 0 };
        let encoded =
            self.ruleset.encode_changes(&plan.ops, Grouping::Together, |_| false, &mut self.out);
        encoded.expect("nothing is in doubt");
        self.ruleset.done();
        self.planner.commit(plan.generation);
        self.out.len()
    }
}
