//! Services.

use super::read;
use crate::{
    admit::{
        field::{Field, METADATA, Notes, SPEC, STATUS},
        service::{
            ANNOTATION_SOURCE_RANGES, ANNOTATION_TOPOLOGY_HINTS, ANNOTATION_TOPOLOGY_MODE,
            EXTERNAL_NAME, LABEL_PROXY_NAME, LOAD_BALANCER, NODE_PORT, is_headless,
        },
    },
    api,
    finding::Finding,
    model::{
        Affinity, ClusterIps, Exposure, LoadBalancer, Service, ServicePort, TargetPort,
        TrafficDistribution, TrafficPolicy,
    },
    select::Selector,
};
use core::time::Duration;
use ipnet::IpNet;
use std_alloc::{string::String, sync::Arc, vec::Vec};

/// Annotations of this domain reach the model: those that change how svckit itself balances. So do those that ask
/// for topology hints.
const OWN: &str = "svckit.";

/// An admitted, allocated Service in checked form.
///
/// # Errors
///
/// What is missing or can't be read, such as cluster IPs that nobody has allocated yet.
pub fn service(object: &api::Service) -> Result<Service, Vec<Finding>> {
    let mut notes = Notes::default();
    let spec = &object.spec;
    let exposure = exposure(object, &mut notes);
    let ports = ports(spec, &mut notes);
    let external_ips = read::ips(spec.external_ips.iter(), SPEC.child("externalIPs"), &mut notes);
    let topology = [ANNOTATION_TOPOLOGY_MODE, ANNOTATION_TOPOLOGY_HINTS];
    let own =
        |(key, _): &(&String, &String)| key.starts_with(OWN) || topology.contains(&key.as_str());
    let arc = |text: &String| Arc::from(text.as_str());
    let Some(exposure) = exposure else { return Err(notes.0) };
    notes.or(Service {
        key: read::key(&object.metadata),
        exposure,
        ports,
        selector: spec
            .selector
            .as_ref()
            .map(|map| Selector::from_pairs(map.iter().map(|(key, value)| (arc(key), arc(value))))),
        affinity: affinity(spec),
        external_traffic: policy(&spec.external_traffic_policy),
        internal_traffic: policy(spec.internal_traffic_policy.as_deref().unwrap_or_default()),
        external_ips,
        publish_not_ready: spec.publish_not_ready_addresses,
        traffic_distribution: distribution(spec),
        proxy_name: object.metadata.labels.get(LABEL_PROXY_NAME).map(arc),
        annotations: object
            .metadata
            .annotations
            .iter()
            .filter(own)
            .map(|(key, value)| (arc(key), arc(value)))
            .collect(),
    })
}

fn exposure(object: &api::Service, notes: &mut Notes) -> Option<Exposure> {
    let spec = &object.spec;
    if spec.r#type == EXTERNAL_NAME {
        let name = spec.external_name.strip_suffix('.').unwrap_or(&spec.external_name);
        return Some(Exposure::ExternalName(name.into()));
    }
    if is_headless(spec) {
        let list = SPEC.child("ipFamilies");
        if spec.ip_families.is_empty() {
            notes.required(list, "an admitted Service has families");
        }
        let families = spec.ip_families.iter().enumerate();
        let families = families.filter_map(|(i, text)| read::family(text, list.index(i), notes));
        return Some(Exposure::Headless(families.collect()));
    }
    let ips = cluster_ips(spec, notes);
    Some(match spec.r#type.as_str() {
        NODE_PORT => Exposure::NodePort(ips?),
        LOAD_BALANCER => {
            let balancer = balancer(object, notes);
            Exposure::LoadBalancer(ips?, balancer)
        }
        _ => Exposure::ClusterIp(ips?),
    })
}

fn cluster_ips(spec: &api::ServiceSpec, notes: &mut Notes) -> Option<ClusterIps> {
    let list = SPEC.child("clusterIPs");
    match read::ips::<Vec<_>>(spec.cluster_ips.iter(), list, notes).as_slice() {
        [only] => Some(ClusterIps::single(*only)),
        [first, second] => {
            let both = ClusterIps::dual(*first, *second);
            if both.is_none() {
                notes.invalid(list, spec.cluster_ips.join(","), "must be one of each family");
            }
            both
        }
        [] => {
            notes.required(list, "an admitted Service has addresses");
            None
        }
        _ => {
            notes.too_many(list, spec.cluster_ips.len(), 2);
            None
        }
    }
}

fn balancer(object: &api::Service, notes: &mut Notes) -> LoadBalancer {
    let mut balancer = LoadBalancer {
        source_ranges: source_ranges(object, notes),
        health_check_port: read::optional_port(
            object.spec.health_check_node_port,
            SPEC.child("healthCheckNodePort"),
            notes,
        ),
        ..LoadBalancer::default()
    };
    let status = STATUS.child("loadBalancer");
    let list = status.child("ingress");
    for (i, ingress) in object.status.load_balancer.ingress.iter().enumerate() {
        let at = list.index(i);
        if !ingress.ip.is_empty()
            && let Some(addr) = read::ip(&ingress.ip, at.child("ip"), notes)
        {
            let is_proxy = ingress.ip_mode.as_deref() == Some("Proxy");
            let addresses = if is_proxy { &mut balancer.proxies } else { &mut balancer.vips };
            addresses.push(addr);
        }
        balancer.hostnames.extend(read::text(&ingress.hostname));
    }
    balancer
}

/// The field, else the older annotation.
fn source_ranges(object: &api::Service, notes: &mut Notes) -> Vec<IpNet> {
    let ranges = &object.spec.load_balancer_source_ranges;
    if !ranges.is_empty() {
        let list = SPEC.child("loadBalancerSourceRanges");
        let ranges = ranges.iter().enumerate();
        return ranges.filter_map(|(i, text)| read::cidr(text, list.index(i), notes)).collect();
    }
    let annotations = METADATA.child("annotations");
    let at = annotations.key(ANNOTATION_SOURCE_RANGES);
    let text = object.metadata.annotations.get(ANNOTATION_SOURCE_RANGES);
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Vec::new() };
    text.split(',').filter_map(|text| read::cidr(text, at, notes)).collect()
}

fn ports(spec: &api::ServiceSpec, notes: &mut Notes) -> Vec<ServicePort> {
    let list = SPEC.child("ports");
    let ports = spec.ports.iter().enumerate();
    ports.filter_map(|(i, port)| service_port(port, list.index(i), notes)).collect()
}

fn service_port(port: &api::ServicePort, at: Field<'_>, notes: &mut Notes) -> Option<ServicePort> {
    let protocol = read::protocol(&port.protocol, at.child("protocol"), notes);
    let number = read::port(port.port, at.child("port"), notes);
    let target = match &port.target_port {
        Some(api::IntOrString::String(name)) => Some(TargetPort::Name(name.as_str().into())),
        Some(api::IntOrString::Int(number)) => {
            read::port(*number, at.child("targetPort"), notes).map(TargetPort::Number)
        }
        None => number.map(TargetPort::Number),
    };
    let node_port = read::optional_port(port.node_port, at.child("nodePort"), notes);
    Some(ServicePort {
        name: port.name.as_str().into(),
        protocol: protocol?,
        port: number?,
        target: target?,
        node_port,
        app_protocol: port.app_protocol.as_deref().map(Arc::from),
    })
}

fn affinity(spec: &api::ServiceSpec) -> Option<Affinity> {
    let config = spec.session_affinity_config.as_ref()?;
    let seconds = config.client_ip.as_ref()?.timeout_seconds?;
    let sticks = spec.session_affinity == "ClientIP";
    sticks.then_some(Affinity { timeout: Duration::from_secs(u64::try_from(seconds).ok()?) })
}

fn policy(text: &str) -> TrafficPolicy {
    if text == "Local" { TrafficPolicy::Local } else { TrafficPolicy::Cluster }
}

fn distribution(spec: &api::ServiceSpec) -> Option<TrafficDistribution> {
    match spec.traffic_distribution.as_deref()? {
        "PreferClose" | "PreferSameZone" => Some(TrafficDistribution::PreferSameZone),
        "PreferSameNode" => Some(TrafficDistribution::PreferSameNode),
        _ => None,
    }
}
