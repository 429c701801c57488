//! Clusters as fixtures describe them.

use super::{list, text};
use serde_json::Value;
use std::{collections::BTreeSet, net::IpAddr, sync::Arc};
use svckit::{
    Seed,
    dns::{ExternalOptions, Mode, Name, Options, PodRecords, Serials, ServiceImport, Zone},
    model::{
        Change, ClusterIps, Conditions, Endpoint, EndpointSlice, Exposure, Family, LoadBalancer,
        NamespacedName, Pod, Port, Protocol, Service, ServicePort, SlicePort, TargetPort,
        TrafficPolicy,
    },
    select::Labels,
};

/// The fixture of this name.
pub(super) fn named<'d>(document: &'d Value, name: &str) -> Result<&'d Value, String> {
    let fixture = document.get("fixtures").and_then(|all| all.get(name));
    fixture.ok_or_else(|| format!("no fixture {name:?}"))
}

/// The zone that `options` and a fixture make. `asked` are names that questions will have: a fixture in which every
/// namespace exists needs to know which.
pub(super) fn zone(
    fixture: &Value,
    options: &Value,
    mode: Mode,
    asked: &[&str],
) -> Result<Zone, String> {
    let settings = settings(fixture, options, mode)?;
    let seed = Seed([7, 11, 13, 17]);
    let mut zone = Zone::new(settings, seed);
    for namespace in namespaces(fixture, asked) {
        zone.apply(&Change::Namespace(namespace.as_str().into()));
    }
    for service in list(fixture, "services") {
        zone.apply(&Change::Service(Arc::new(self::service(service)?)));
    }
    for import in list(fixture, "service_imports") {
        zone.import(&Arc::new(self::import(import)?));
    }
    for slice in list(fixture, "endpoint_slices") {
        let cluster = slice.get("source_cluster").and_then(Value::as_str);
        for part in slices(slice)? {
            match cluster {
                Some(cluster) => zone.import_slice(&Arc::new(part), &cluster.into()),
                None => zone.apply(&Change::Slice(Arc::new(part))),
            }
        }
    }
    for pod in list(fixture, "pods") {
        zone.apply(&Change::Pod(Arc::new(self::pod(pod)?)));
    }
    if options.get("synced") != Some(&Value::Bool(false)) {
        zone.apply(&Change::Synced);
    }
    drop(zone.snapshot());
    if let Some(serial) = fixture.get("serial").and_then(Value::as_u64) {
        let serial = serial as u32;
        zone.set_serials(Serials { cluster: serial, external: serial, multicluster: serial });
    }
    Ok(zone)
}

/// Namespaces that exist: those of objects, and those that questions may mean, less those said to be missing.
fn namespaces(fixture: &Value, asked: &[&str]) -> BTreeSet<String> {
    let objects = ["services", "service_imports", "endpoint_slices", "pods"];
    let objects = objects.iter().flat_map(|kind| list(fixture, kind));
    let own = objects.filter_map(|object| object.get("namespace").and_then(Value::as_str));
    let asked = asked.iter().flat_map(|name| name.split('.')).filter(|label| !label.is_empty());
    let missing: Vec<_> = fixture
        .get("namespaces")
        .map_or(&[][..], |namespaces| list(namespaces, "missing"))
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let rule = fixture.get("namespaces").is_some();
    own.chain(asked.filter(|_| rule))
        .map(str::to_lowercase)
        .filter(|namespace| !missing.contains(&&**namespace))
        .collect()
}

/// Options in the vectors' words.
fn settings(fixture: &Value, options: &Value, mode: Mode) -> Result<Options, String> {
    let mut settings = Options::new(Name::root());
    settings.zones.clear();
    settings.mode = mode;
    settings.minimal = false;
    let mut external = ExternalOptions::new(Vec::new());
    let addresses = ["server_addresses", "nameserver_addresses"];
    for key in addresses {
        settings.server_addresses.extend(self::addresses(fixture, key)?);
    }
    let none = serde_json::Map::new();
    for (key, value) in options.as_object().unwrap_or(&none) {
        match key.as_str() {
            "zones" => settings.zones = names(options, key)?,
            "multicluster_zones" => settings.multicluster_zones = names(options, key)?,
            "external_zones" => external.zones = names(options, key)?,
            "fallthrough" => settings.fallthrough = names(options, key)?,
            "namespaces" => {
                let texts = list(options, key).iter().filter_map(Value::as_str);
                settings.namespaces = texts.map(Into::into).collect();
            }
            "server_addresses" => settings.server_addresses = self::addresses(options, key)?,
            "ttl" => (settings.ttl, external.ttl) = (number(value)?, number(value)?),
            "negative_ttl" => settings.negative_ttl = Some(number(value)?),
            "udp_ceiling" => settings.udp_ceiling = number(value)? as u16,
            "pods" => settings.pods = pods(value)?,
            "ignore_empty_service" => settings.ignore_empty_service = flag(value)?,
            "endpoint_pod_names" => settings.endpoint_pod_names = flag(value)?,
            "zonal" => settings.zonal = flag(value)?,
            "headless" => external.headless = flag(value)?,
            "apex_label" => external.apex_label = text(options, key)?.into(),
            "synced" => drop(flag(value)?),
            other => return Err(format!("unknown option {other:?}")),
        }
    }
    if !external.zones.is_empty() {
        settings.external = Some(external);
    }
    Ok(settings)
}

fn pods(value: &Value) -> Result<PodRecords, String> {
    match value.as_str() {
        Some("disabled") => Ok(PodRecords::Disabled),
        Some("insecure") => Ok(PodRecords::Insecure),
        Some("verified") => Ok(PodRecords::Verified),
        _ => Err(format!("unknown pods mode {value}")),
    }
}

/// A number of seconds.
pub(super) fn number(value: &Value) -> Result<u32, String> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| format!("{value} is no number of seconds"))
}

fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("{value} is neither true nor false"))
}

/// The names in a list.
pub(super) fn names(value: &Value, key: &str) -> Result<Vec<Name>, String> {
    let names = list(value, key).iter().map(|name| {
        name.as_str().and_then(|name| name.parse().ok()).ok_or_else(|| format!("no name: {name}"))
    });
    names.collect()
}

fn addresses(value: &Value, key: &str) -> Result<Vec<IpAddr>, String> {
    list(value, key).iter().map(address).collect()
}

fn address(value: &Value) -> Result<IpAddr, String> {
    let address = value.as_str().and_then(|text| text.parse().ok());
    address.ok_or_else(|| format!("no address: {value}"))
}

fn key(value: &Value, name: &str) -> Result<NamespacedName, String> {
    Ok(NamespacedName::new(text(value, "namespace")?, text(value, name)?))
}

/// A Service of a fixture.
pub(super) fn service(value: &Value) -> Result<Service, String> {
    let (mut external_ips, mut hostnames) = (Vec::new(), Vec::new());
    for external in list(value, "external_ips").iter().filter_map(Value::as_str) {
        match external.parse() {
            Ok(address) => external_ips.push(address),
            Err(_) => hostnames.push(external.into()),
        }
    }
    let addresses = list(value, "cluster_ips");
    let exposure = match text(value, "type")? {
        "ExternalName" => Exposure::ExternalName(text(value, "external_name")?.into()),
        _ if addresses.first().and_then(Value::as_str) == Some("None") => {
            Exposure::Headless(vec![Family::V4, Family::V6])
        }
        _ => {
            let ips: Vec<IpAddr> = addresses.iter().map(address).collect::<Result<_, _>>()?;
            let ips = match ips.as_slice() {
                [one] => Some(ClusterIps::single(*one)),
                [first, second] => ClusterIps::dual(*first, *second),
                _ => None,
            };
            let ips = ips.ok_or_else(|| format!("no cluster IPs in {value}"))?;
            let balancer = LoadBalancer { hostnames, ..LoadBalancer::default() };
            Exposure::LoadBalancer(ips, balancer)
        }
    };
    Ok(Service {
        key: key(value, "name")?,
        exposure,
        ports: list(value, "ports").iter().map(service_port).collect::<Result<_, _>>()?,
        selector: None,
        affinity: None,
        external_traffic: TrafficPolicy::Cluster,
        internal_traffic: TrafficPolicy::Cluster,
        external_ips,
        publish_not_ready: false,
        traffic_distribution: None,
        proxy_name: None,
        annotations: Vec::new(),
    })
}

fn service_port(value: &Value) -> Result<ServicePort, String> {
    let (name, protocol, port) = port(value)?;
    let target = TargetPort::Number(port);
    Ok(ServicePort { name, protocol, port, target, node_port: None, app_protocol: None })
}

fn port(value: &Value) -> Result<(Arc<str>, Protocol, Port), String> {
    let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
    let protocol = value.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
    let protocol =
        Protocol::parse(protocol).ok_or_else(|| format!("unknown protocol in {value}"))?;
    let number =
        value.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    let port = number.and_then(Port::new).ok_or_else(|| format!("no port in {value}"))?;
    Ok((name.into(), protocol, port))
}

/// A ServiceImport of a fixture.
pub(super) fn import(value: &Value) -> Result<ServiceImport, String> {
    Ok(ServiceImport {
        key: key(value, "name")?,
        addresses: addresses(value, "ips")?,
        ports: list(value, "ports").iter().map(service_port).collect::<Result<_, _>>()?,
    })
}

/// A slice of a fixture, one for each family.
pub(super) fn slices(value: &Value) -> Result<Vec<EndpointSlice>, String> {
    let ports = list(value, "ports").iter().map(|value| {
        let (name, protocol, port) = port(value)?;
        Ok(SlicePort { name, protocol, port: Some(port), app_protocol: None })
    });
    let ports: Vec<SlicePort> = ports.collect::<Result<_, String>>()?;
    let endpoints: Vec<Endpoint> =
        list(value, "endpoints").iter().map(endpoint).collect::<Result<_, _>>()?;
    let slice = key(value, "slice")?;
    let families = [Family::V4, Family::V6].into_iter().map(|family| {
        let of = |endpoint: &&Endpoint| {
            endpoint.addresses.first().is_some_and(|address| Family::of(*address) == family)
        };
        EndpointSlice {
            key: NamespacedName::new(&*slice.namespace, format!("{}-{family:?}", slice.name)),
            service: NamespacedName::new(&*slice.namespace, text(value, "service").unwrap_or("")),
            family,
            ports: ports.clone(),
            endpoints: endpoints.iter().filter(of).cloned().collect(),
        }
    });
    Ok(families.collect())
}

/// An endpoint of a fixture, or of a table of labels.
pub(super) fn endpoint(value: &Value) -> Result<Endpoint, String> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let is = |key: &str, default| value.get(key).and_then(Value::as_bool).unwrap_or(default);
    let ready = is("ready", true);
    Ok(Endpoint {
        addresses: [address(value.get("ip").unwrap_or(&Value::Null))?].into(),
        conditions: Conditions {
            ready,
            serving: is("serving", ready),
            terminating: is("terminating", false),
        },
        hostname: text("hostname").map(Into::into),
        node: text("node").map(Into::into),
        zone: text("zone").map(Into::into),
        hints: None,
        pod: text("pod_name").map(|name| NamespacedName::new("", name)),
    })
}

/// A pod of a fixture.
pub(super) fn pod(value: &Value) -> Result<Pod, String> {
    let mut addresses = Vec::new();
    if let Some(own) = value.get("ip").filter(|ip| ip.as_str() != Some("")) {
        addresses.push(address(own)?);
    }
    addresses.extend(self::addresses(value, "ips")?);
    Ok(Pod {
        key: key(value, "name")?,
        uid: "".into(),
        labels: Labels::default(),
        addresses: addresses.into(),
        ready: true,
        terminating: false,
        node: None,
        host_network: false,
        hostname: None,
        subdomain: None,
        ports: Vec::new(),
    })
}
