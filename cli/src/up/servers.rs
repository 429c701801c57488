//! Everything of `up` that listens: service ports, simulated pods.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Weak},
    time::Duration,
};
use svckit::{
    api::Pod,
    cluster::{ControlPlane, Settings},
    forward::{Frontend as Forwarded, Proxy},
    model::{Change, EndpointSlice, NamespacedName, Port, Protocol, ServiceKey},
    table::Policies,
};
use svckit_adapters::{
    clock,
    serve::{
        balancer::Balancer,
        listeners::{Frontend, Listeners},
        pod::{Identity, PodPort, Pods},
        status::{Page, Status},
    },
};

use super::{
    faces::{Faces, first},
    listen::{file_limit, listen, lowest_port},
    stand_ins::{EDGE, OUTSIDE, StandIns},
    web,
};

/// Everything that listens.
pub(super) struct Servers {
    proxy: Proxy,
    policies: Policies,
    balancer: Arc<Balancer>,
    listeners: Listeners,
    pods: Pods,
    slices: BTreeMap<NamespacedName, Arc<EndpointSlice>>,
    /// Where clients on this machine reach an address of a Service.
    listening: HashMap<(IpAddr, Protocol, Port), SocketAddr>,
    /// Where load balancers' addresses and external IPs are served.
    outside: StandIns,
    lowest: u16,
    node: Vec<IpAddr>,
    faces: Faces,
    /// Tells what has happened to connections.
    metrics: Option<Status>,
}

/// Files that are needed for all but listening sockets: connections, logs, the state.
const FILES_BESIDES: usize = 1_000;

/// Where kube-proxy has its counters.
const METRICS: u16 = 10_249;

/// A port of a simulated pod, before it has a socket.
type PodAddress = (SocketAddr, Protocol);

impl Servers {
    pub(super) fn new(
        settings: &Settings,
        web: &web::WebOptions,
        refused: &mut Vec<String>,
    ) -> Self {
        let balancer = Arc::new(Balancer::default());
        tokio::spawn(grow(Arc::downgrade(&balancer)));
        let lowest = lowest_port();
        let metrics = first(Ipv4Addr::LOCALHOST.into(), [METRICS, 0, 0], |addr| {
            let balancer = balancer.clone();
            Status::bind(addr, Arc::new(move |path: &str| page(path, &balancer)))
        });
        let metrics = metrics
            .map_err(|error| refused.push(format!("no counters: can't listen: {error}")))
            .ok();
        let mut outside = StandIns::new(OUTSIDE);
        outside.take(EDGE.into());
        Self {
            proxy: Proxy::new(settings.forwarding(), clock::seed()),
            policies: Policies::default(),
            listeners: Listeners::new(balancer.clone()),
            balancer: balancer.clone(),
            pods: Pods::default(),
            slices: BTreeMap::new(),
            listening: HashMap::new(),
            outside,
            faces: Faces::start(settings, balancer.clone(), web, lowest, refused),
            lowest,
            node: settings.node_addresses.clone(),
            metrics,
        }
    }

    /// Follows the cluster's changes; returns what could not be served, and why.
    pub(super) fn apply(&mut self, cluster: &ControlPlane, changes: &[Change]) -> Vec<String> {
        for change in changes {
            self.proxy.apply(change);
            self.policies.apply(change);
            match change {
                Change::Slice(slice) => drop(self.slices.insert(slice.key.clone(), slice.clone())),
                Change::SliceGone(key) => drop(self.slices.remove(key)),
                _ => {}
            }
        }
        let mut refused = self.faces.apply(changes);
        let changed = self.proxy.take_changed();
        let frontends = self.frontends();
        self.pods.limit(file_limit().saturating_sub(frontends.len().saturating_add(FILES_BESIDES)));
        refused.extend(self.reconcile_pods(cluster));
        self.balancer.update(|table| {
            table.set_time(clock::now());
            self.policies.tell(table);
            table.follow(&self.proxy, &changed);
        });
        // Only now does nobody send clients to the pods that are gone.
        self.pods.close();
        let at = |frontend: &Frontend| {
            let (ip, port) = frontend.target;
            ((ip, frontend.protocol, port), frontend.listen)
        };
        self.listening = frontends.iter().map(at).collect();
        self.listeners.share(self.pods.shared_ports());
        refused.extend(self.listeners.reconcile(&frontends).into_iter().map(
            |(frontend, error)| {
                let Frontend { listen, protocol, target: (ip, port) } = frontend;
                format!(
                    "{ip}:{port}/{protocol} is not served: can't listen on {listen}: {}",
                    explain(&error)
                )
            },
        ));
        refused
    }

    /// Where clients on this machine reach a port of a Service.
    pub(super) fn listening(
        &self,
        ip: IpAddr,
        protocol: Protocol,
        port: Port,
    ) -> Option<SocketAddr> {
        self.listening.get(&(ip, protocol, port)).copied()
    }

    /// What is forwarded, by namespace and name.
    pub(super) fn forwarded(&self) -> impl Iterator<Item = &Arc<Forwarded>> {
        let mut all: Vec<_> = self.proxy.frontends().collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all.into_iter()
    }

    /// How many endpoints the Services have that connections may reach.
    pub(super) fn pods(&self) -> HashMap<ServiceKey, usize> {
        let count = |frontend: &Arc<Forwarded>| {
            (frontend.key.name.service.clone(), frontend.internal_endpoints().len())
        };
        self.proxy.frontends().map(count).collect()
    }

    /// DNS and Ingress.
    pub(super) fn faces_mut(&mut self) -> &mut Faces {
        &mut self.faces
    }

    /// The same, to look at.
    pub(super) fn faces(&self) -> &Faces {
        &self.faces
    }

    /// Where `/metrics` is, the counters of service ports.
    pub(super) fn metrics(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(Status::local_addr)
    }

    /// The node's addresses.
    pub(super) fn node(&self) -> &[IpAddr] {
        &self.node
    }

    /// What should listen for service ports: cluster IPs, node ports, and stand-ins of what comes from outside.
    fn frontends(&mut self) -> Vec<Frontend> {
        let mut wanted: Vec<(IpAddr, Protocol, Port)> = Vec::new();
        for frontend in self.proxy.frontends() {
            let protocol = frontend.protocol();
            let addresses = frontend.cluster_ip.into_iter().chain(frontend.external_addresses());
            wanted
                .extend(addresses.filter(IpAddr::is_ipv4).map(|ip| (ip, protocol, frontend.port)));
            let at_node = |port| self.node.iter().map(move |ip| (*ip, protocol, port));
            wanted.extend(frontend.node_port.into_iter().flat_map(at_node));
        }
        // The resolver's own port is answered by our DNS.
        let dns = (self.faces.resolver, Port::new(53));
        wanted.retain(|(ip, protocol, port)| {
            *protocol != Protocol::Sctp && (Some(*ip), Some(*port)) != dns
        });
        wanted.sort();
        wanted.dedup();
        let mut taken: HashSet<PodAddress> = wanted
            .iter()
            .map(|(ip, protocol, port)| (SocketAddr::new(*ip, port.get()), *protocol))
            .collect();
        let outside = &mut self.outside;
        let frontend = |(ip, protocol, port): (IpAddr, Protocol, Port)| {
            let near = outside.of(ip);
            let listen =
                listen(near, port.get(), self.lowest, |addr| taken.contains(&(addr, protocol)));
            taken.insert((listen, protocol));
            Frontend { listen, protocol, target: (ip, port) }
        };
        wanted.into_iter().map(frontend).collect()
    }

    /// Lets simulated pods listen where their containers and Services say.
    fn reconcile_pods(&mut self, cluster: &ControlPlane) -> Vec<String> {
        let simulated: HashMap<NamespacedName, &Pod> = cluster
            .pods()
            .map(|pod| (key(pod), pod))
            .filter(|(key, pod)| is_simulated(cluster, key, pod))
            .collect();
        let mut ports: BTreeMap<PodAddress, Identity> = BTreeMap::new();
        for (key, pod) in &simulated {
            for (addr, protocol) in container_ports(pod) {
                identity(&mut ports, key, addr, protocol);
            }
        }
        for slice in self.slices.values() {
            for (pod, addr, protocol) in
                endpoints(slice).filter(|(pod, ..)| simulated.contains_key(*pod))
            {
                identity(&mut ports, pod, addr, protocol).services.push(slice.service.to_string());
            }
        }
        let mut wanted = self.host_ports(&simulated, &ports);
        let mut detours = HashMap::new();
        for ((addr, protocol), mut identity) in ports {
            identity.services.sort();
            identity.services.dedup();
            let listen = listen(addr.ip(), addr.port(), self.lowest, |_| false);
            if listen != addr {
                detours.insert(addr, listen);
            }
            wanted.push(PodPort { listen, protocol, identity });
        }
        self.balancer.set_detours(detours);
        let refused = self.pods.open(wanted).into_iter().map(|(port, error)| {
            let PodPort { listen, protocol, identity } = port;
            format!(
                "pod {} is not simulated on {listen}/{protocol}: {}",
                identity.pod,
                explain(&error)
            )
        });
        refused.collect()
    }

    /// Host ports of simulated pods, on the node's address.
    fn host_ports(
        &self,
        simulated: &HashMap<NamespacedName, &Pod>,
        ports: &BTreeMap<PodAddress, Identity>,
    ) -> Vec<PodPort> {
        let mut wanted = Vec::new();
        for pod in simulated.values().filter(|pod| !pod.spec.host_network) {
            for port in pod.spec.containers.iter().flat_map(|container| &container.ports) {
                let protocol = Protocol::parse(&port.protocol).unwrap_or(Protocol::Tcp);
                let (Ok(host), Ok(number)) =
                    (u16::try_from(port.host_port), u16::try_from(port.container_port))
                else {
                    continue;
                };
                let address = pod
                    .status
                    .pod_ip
                    .parse()
                    .ok()
                    .map(|ip| (SocketAddr::new(ip, number), protocol));
                let identity = address.and_then(|address| ports.get(&address));
                let asked = port.host_ip.parse().ok().filter(IpAddr::is_loopback);
                let node = asked.or_else(|| self.node.first().copied());
                if let (Some(identity), Some(node), true) = (identity, node, host > 0) {
                    let listen = listen(node, host, self.lowest, |_| false);
                    wanted.push(PodPort { listen, protocol, identity: identity.clone() });
                }
            }
        }
        wanted
    }
}

/// The counters of service ports, for Prometheus.
fn page(path: &str, balancer: &Balancer) -> Page {
    let (status, body) = match path {
        "/metrics" => (200, balancer.counters().text()),
        _ => (404, "there is /metrics\n".into()),
    };
    Page { status, media: "text/plain; version=0.0.4", headers: Vec::new(), body }
}

/// Lets new endpoints of Services with a slow start grow.
async fn grow(balancer: Weak<Balancer>) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let Some(balancer) = balancer.upgrade() else { return };
        balancer.update(|table| table.set_time(clock::now()));
    }
}

/// The identity of a pod's port, made if it is not there.
fn identity<'a>(
    ports: &'a mut BTreeMap<PodAddress, Identity>,
    pod: &NamespacedName,
    addr: SocketAddr,
    protocol: Protocol,
) -> &'a mut Identity {
    let fresh = || Identity { pod: pod.to_string(), address: addr, services: Vec::new() };
    ports.entry((addr, protocol)).or_insert_with(fresh)
}

fn key(pod: &Pod) -> NamespacedName {
    NamespacedName::new(pod.metadata.namespace.as_str(), pod.metadata.name.as_str())
}

/// Whether we play this pod: its address is ours to give, or the node's.
fn is_simulated(cluster: &ControlPlane, key: &NamespacedName, pod: &Pod) -> bool {
    pod.status.phase == "Running"
        && (pod.spec.host_network || !cluster.pod_addresses(key).is_empty())
}

/// The ports that a pod's containers name, at its first address.
fn container_ports(pod: &Pod) -> impl Iterator<Item = PodAddress> {
    let ip: Option<IpAddr> = pod.status.pod_ip.parse().ok();
    let ports = pod.spec.containers.iter().flat_map(|container| &container.ports);
    ports.filter_map(move |port| {
        let number = u16::try_from(port.container_port).ok()?;
        let protocol = if port.protocol.is_empty() {
            Some(Protocol::Tcp)
        } else {
            Protocol::parse(&port.protocol)
        };
        Some((
            SocketAddr::new(ip?, number),
            protocol.filter(|protocol| *protocol != Protocol::Sctp)?,
        ))
    })
}

/// The pods of a slice, and where they listen for its Service.
fn endpoints(
    slice: &EndpointSlice,
) -> impl Iterator<Item = (&NamespacedName, SocketAddr, Protocol)> {
    let ports = slice.ports.iter().filter_map(|port| Some((port.port?, port.protocol)));
    ports.filter(|(_, protocol)| *protocol != Protocol::Sctp).flat_map(|(port, protocol)| {
        slice.endpoints.iter().filter_map(move |endpoint| {
            let addr = SocketAddr::new(*endpoint.addresses.first()?, port.get());
            Some((endpoint.pod.as_ref()?, addr, protocol))
        })
    })
}

/// An error with what to do about it.
fn explain(error: &std::io::Error) -> String {
    let hint = match error.kind() {
        std::io::ErrorKind::AddrInUse => "; another process listens there",
        std::io::ErrorKind::PermissionDenied => {
            "; ports this low need root or CAP_NET_BIND_SERVICE"
        }
        _ if error.raw_os_error() == Some(24) => "; raise the limit of open files (ulimit -n)",
        _ => "",
    };
    format!("{error}{hint}")
}
