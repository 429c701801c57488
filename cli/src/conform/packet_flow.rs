//! What happens to the first packet of a connection.

use std::{collections::BTreeSet, net::IpAddr, net::SocketAddr, sync::Arc};

use ipnet::IpNet;
use serde::Deserialize;
use serde_json::Value;
use svckit::{
    Seed,
    forward::{NodeConfig, NodePortAddresses, Packet, Proxy, Verdict},
    model::{
        Change, ClusterIps, Conditions, Endpoint, EndpointSlice, Exposure, Family, Hints,
        LoadBalancer, NamespacedName, Port, Protocol, Service, ServicePort, SlicePort, TargetPort,
    },
};

use super::{Case, topology::policy};

#[derive(Deserialize)]
struct Scenario {
    id: String,
    config: Config,
    services: Vec<ServiceCase>,
    endpoints: Vec<EndpointsCase>,
    flows: Vec<Flow>,
}

#[derive(Deserialize)]
struct Config {
    family: String,
    node_name: Arc<str>,
    node_zone: Option<Arc<str>>,
    node_ip: IpAddr,
    host_ips: Vec<IpAddr>,
    pod_detection: PodDetection,
    masquerade_all: bool,
    nodeport_addresses: Option<Vec<String>>,
    #[serde(default)]
    service_cidrs: Vec<IpNet>,
}

#[derive(Deserialize)]
struct PodDetection {
    mode: String,
    value: Option<String>,
}

#[derive(Deserialize)]
struct ServiceCase {
    namespace: Arc<str>,
    name: Arc<str>,
    cluster_ip: Option<IpAddr>,
    external_policy: String,
    internal_policy: String,
    #[serde(default)]
    external_ips: Vec<IpAddr>,
    #[serde(default)]
    lb_vips: Vec<IpAddr>,
    #[serde(default)]
    lb_source_ranges: Vec<String>,
    ports: Vec<PortCase>,
}

#[derive(Deserialize)]
struct PortCase {
    name: Arc<str>,
    protocol: String,
    port: u16,
    #[serde(default)]
    node_port: u16,
}

#[derive(Deserialize)]
struct EndpointsCase {
    service: String,
    ports: Vec<PortCase>,
    endpoints: Vec<EndpointCase>,
}

#[derive(Deserialize)]
struct EndpointCase {
    ip: IpAddr,
    node: Option<Arc<str>>,
    ready: bool,
    serving: bool,
    terminating: bool,
    #[serde(default)]
    zone_hints: Vec<Arc<str>>,
    #[serde(default)]
    node_hints: Vec<Arc<str>>,
}

#[derive(Deserialize)]
struct Flow {
    id: String,
    src: IpAddr,
    dst: IpAddr,
    protocol: String,
    dport: u16,
    expect: Expect,
}

#[derive(Deserialize)]
struct Expect {
    verdict: String,
    #[serde(default)]
    to: BTreeSet<SocketAddr>,
    #[serde(default)]
    snat: bool,
}

/// Runs all flows of all scenarios.
pub(super) fn run(document: &Value) -> Vec<Case> {
    let scenarios = document["scenarios"].as_array().into_iter().flatten();
    scenarios.flat_map(scenario).collect()
}

fn scenario(scenario: &Value) -> Vec<Case> {
    let id = scenario["id"].as_str().unwrap_or("?");
    let read = || -> Result<_, String> {
        let scenario = Scenario::deserialize(scenario).map_err(|error| error.to_string())?;
        let proxy = proxy(&scenario)?;
        Ok((scenario, proxy))
    };
    match read() {
        Ok((scenario, proxy)) => {
            scenario.flows.iter().map(|f| flow(&scenario, &proxy, f)).collect()
        }
        // Each flow of a scenario that can't be read has failed.
        Err(reason) => scenario["flows"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|flow| format!("{id}/{}", flow["id"].as_str().unwrap_or("?")))
            .map(|id| Case::failed(id, format!("unreadable: {reason}")))
            .collect(),
    }
}

fn flow(scenario: &Scenario, proxy: &Proxy, flow: &Flow) -> Case {
    let id = format!("{}/{}", scenario.id, flow.id);
    let (Ok(protocol), Ok(port)) = (protocol(&flow.protocol), port(flow.dport)) else {
        return Case::failed(id, "unreadable protocol or port");
    };
    let packet = Packet { source: flow.src, destination: flow.dst, protocol, port };
    let decision = proxy.decide(&packet);
    let came = (
        decision.verdict.as_str(),
        decision.verdict.endpoints().iter().copied().collect::<BTreeSet<_>>(),
        matches!(decision.verdict, Verdict::Dnat(_)) && decision.masquerades(&packet),
    );
    let expect = &flow.expect;
    Case::equal(id, &(expect.verdict.as_str(), expect.to.clone(), expect.snat), &came)
}

fn proxy(scenario: &Scenario) -> Result<Proxy, String> {
    let mut proxy = Proxy::new(node(&scenario.config)?, Seed([1, 2, 3, 4]));
    for case in &scenario.services {
        proxy.apply(&Change::Service(Arc::new(service(case)?)));
    }
    for (n, case) in scenario.endpoints.iter().enumerate() {
        for family in [Family::V4, Family::V6] {
            let slice = slice(case, family, n)?;
            if !slice.endpoints.is_empty() {
                proxy.apply(&Change::Slice(Arc::new(slice)));
            }
        }
    }
    proxy.apply(&Change::Synced);
    Ok(proxy)
}

fn node(config: &Config) -> Result<NodeConfig, String> {
    let family = Family::parse(&config.family).ok_or("unknown family")?;
    let pod_cidrs = match (config.pod_detection.mode.as_str(), &config.pod_detection.value) {
        ("cidr", Some(range)) => vec![range.parse().map_err(|_| "pod_detection.value: no range")?],
        ("none", _) => Vec::new(),
        (mode, _) => return Err(format!("unknown pod detection {mode:?}")),
    };
    let given = config.nodeport_addresses.as_deref().unwrap_or_default();
    let node_port_addresses = match given {
        [] => NodePortAddresses::Primary,
        [word] if word == "primary" => NodePortAddresses::Primary,
        ranges => {
            NodePortAddresses::Ranges(ranges.iter().map(|r| range(r)).collect::<Result<_, _>>()?)
        }
    };
    let mut addresses = vec![config.node_ip];
    addresses.extend(config.host_ips.iter().filter(|addr| !addr.is_loopback()));
    Ok(NodeConfig {
        name: config.node_name.clone(),
        zone: config.node_zone.clone(),
        addresses,
        pod_cidrs,
        masquerade_all: config.masquerade_all,
        node_port_addresses,
        service_cidrs: config.service_cidrs.clone(),
        families: vec![family],
        ..NodeConfig::default()
    })
}

fn service(case: &ServiceCase) -> Result<Service, String> {
    let ports: Vec<_> = case.ports.iter().map(service_port).collect::<Result<_, _>>()?;
    let ips = case.cluster_ip.map(ClusterIps::single);
    let exposure = match ips {
        None => Exposure::Headless(Vec::new()),
        Some(ips) if !case.lb_vips.is_empty() => {
            let source_ranges =
                case.lb_source_ranges.iter().map(|r| range(r.trim())).collect::<Result<_, _>>()?;
            let vips = case.lb_vips.clone();
            Exposure::LoadBalancer(
                ips,
                LoadBalancer { vips, source_ranges, ..LoadBalancer::default() },
            )
        }
        Some(ips) if ports.iter().any(|port| port.node_port.is_some()) => Exposure::NodePort(ips),
        Some(ips) => Exposure::ClusterIp(ips),
    };
    Ok(Service {
        external_traffic: policy(&case.external_policy)?,
        internal_traffic: policy(&case.internal_policy)?,
        external_ips: case.external_ips.clone(),
        ..Service::new(
            NamespacedName::new(case.namespace.clone(), case.name.clone()),
            exposure,
            ports,
        )
    })
}

fn service_port(case: &PortCase) -> Result<ServicePort, String> {
    let port = port(case.port)?;
    Ok(ServicePort {
        name: case.name.clone(),
        protocol: protocol(&case.protocol)?,
        port,
        target: TargetPort::Number(port),
        node_port: Port::new(case.node_port),
        app_protocol: None,
    })
}

fn slice(case: &EndpointsCase, family: Family, n: usize) -> Result<EndpointSlice, String> {
    let (namespace, name) = case.service.split_once('/').ok_or("service: no namespace/name")?;
    let ports = case.ports.iter().map(|case| {
        Ok(SlicePort {
            name: case.name.clone(),
            protocol: protocol(&case.protocol)?,
            port: Some(port(case.port)?),
            app_protocol: None,
        })
    });
    let endpoints = case.endpoints.iter().filter(|e| Family::of(e.ip) == family);
    Ok(EndpointSlice {
        key: NamespacedName::new(namespace, format!("{name}-{family}-{n}")),
        service: NamespacedName::new(namespace, name),
        family,
        ports: ports.collect::<Result<_, String>>()?,
        endpoints: endpoints.map(endpoint).collect(),
    })
}

fn endpoint(case: &EndpointCase) -> Endpoint {
    Endpoint {
        addresses: [case.ip].into(),
        conditions: Conditions {
            ready: case.ready,
            serving: case.serving,
            terminating: case.terminating,
        },
        hostname: None,
        node: case.node.clone(),
        zone: None,
        hints: Hints::new(case.zone_hints.clone(), case.node_hints.clone()),
        pod: None,
    }
}

fn port(number: u16) -> Result<Port, String> {
    Port::new(number).ok_or_else(|| "port 0".into())
}

fn protocol(text: &str) -> Result<Protocol, String> {
    Protocol::parse(text).ok_or_else(|| format!("unknown protocol {text:?}"))
}

/// Reads a range, or an address as the range of itself.
fn range(text: &str) -> Result<IpNet, String> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    net.map_err(|_| format!("no range: {text:?}"))
}
