//! EndpointSlices, and the older Endpoints.

use std::{collections::BTreeMap, net::IpAddr};
use svckit::api::{
    Endpoint, EndpointAddress, EndpointSlice, EndpointSubset, Endpoints, LABEL_MANAGED_BY,
    LABEL_SERVICE_NAME, Object, Service, SubsetPort,
};

use super::{Columns, Row, age, few};
use crate::load::Loaded;

const COLUMNS: Columns =
    Columns { headings: &["NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"], narrow: 5 };
const LEGACY_COLUMNS: Columns = Columns { headings: &["NAME", "ENDPOINTS", "AGE"], narrow: 3 };
/// Who writes the slices that Endpoints correspond to.
const CONTROLLER: &str = "endpointslice-controller.k8s.io";
/// Endpoints hold at most this many addresses.
const CAPACITY: usize = 1_000;

pub(super) fn rows(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let row = |slice: EndpointSlice| {
        let ports: Vec<String> = slice
            .ports
            .iter()
            .map(|port| match (port.port, port.name.as_deref().unwrap_or_default()) {
                (Some(number), _) => number.to_string(),
                (None, "") => "*".into(),
                (None, name) => name.into(),
            })
            .collect();
        let addresses: Vec<String> =
            slice.endpoints.iter().flat_map(|endpoint| endpoint.addresses.clone()).collect();
        let cells = vec![
            slice.metadata.name.clone(),
            slice.address_type.clone(),
            few(&ports, "<unset>"),
            few(&addresses, "<unset>"),
            age(&slice.metadata),
        ];
        Row::new(&slice.metadata, cells, serde_json::to_value(&slice).unwrap_or_default())
    };
    (COLUMNS, loaded.cluster.control().endpoint_slices().map(row).collect())
}

/// Endpoints as they were written, and those that a cluster makes for Services with a selector.
pub(super) fn legacy_rows(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let control = loaded.cluster.control();
    let mut made: BTreeMap<(String, String), Vec<EndpointSlice>> = BTreeMap::new();
    for slice in control.endpoint_slices() {
        let label = |key: &str| slice.metadata.labels.get(key).cloned().unwrap_or_default();
        if label(LABEL_MANAGED_BY) == CONTROLLER {
            let of = (slice.metadata.namespace.clone(), label(LABEL_SERVICE_NAME));
            made.entry(of).or_default().push(slice);
        }
    }
    let made = control.services().filter_map(|service| {
        let meta = &service.metadata;
        let slices = made.remove(&(meta.namespace.clone(), meta.name.clone()))?;
        Some(endpoints(service, slices))
    });
    let mut all: Vec<Endpoints> = made.collect();
    all.extend(control.given().filter_map(|(_, object)| match object {
        Object::Endpoints(written) => Some((**written).clone()),
        _ => None,
    }));
    let row = |endpoints: Endpoints| {
        let shown = few(&addresses(&endpoints), "<none>");
        let meta = &endpoints.metadata;
        let cells = vec![meta.name.clone(), shown, age(meta)];
        Row::new(meta, cells, serde_json::to_value(&endpoints).unwrap_or_default())
    };
    (LEGACY_COLUMNS, all.into_iter().map(row).collect())
}

/// `address:port` of everything that is ready.
fn addresses(endpoints: &Endpoints) -> Vec<String> {
    let mut shown = Vec::new();
    for subset in &endpoints.subsets {
        let ips = subset.addresses.iter().map(|address| address.ip.as_str());
        if subset.ports.is_empty() {
            shown.extend(ips.clone().map(str::to_owned));
        }
        for port in &subset.ports {
            shown.extend(ips.clone().map(|ip| match ip.parse() {
                Ok(IpAddr::V6(ip)) => format!("[{ip}]:{}", port.port),
                _ => format!("{ip}:{}", port.port),
            }));
        }
    }
    shown
}

/// The Endpoints of a Service: its first family, without what is going away.
fn endpoints(service: &Service, slices: Vec<EndpointSlice>) -> Endpoints {
    let mut made =
        Endpoints { api_version: "v1".into(), kind: "Endpoints".into(), ..Endpoints::default() };
    made.metadata.name.clone_from(&service.metadata.name);
    made.metadata.namespace.clone_from(&service.metadata.namespace);
    made.metadata.labels.clone_from(&service.metadata.labels);
    let family = service.spec.ip_families.first().map_or("IPv4", String::as_str);
    let mut room = CAPACITY;
    for slice in slices.into_iter().filter(|slice| slice.address_type == family) {
        let ports = slice.ports.iter().map(|port| SubsetPort {
            name: port.name.clone().unwrap_or_default(),
            port: port.port.unwrap_or_default(),
            protocol: port.protocol.clone().unwrap_or_default(),
            app_protocol: port.app_protocol.clone(),
        });
        let mut subset = EndpointSubset { ports: ports.collect(), ..EndpointSubset::default() };
        for endpoint in slice.endpoints {
            let ready = endpoint.conditions.ready == Some(true);
            let leaving = endpoint.conditions.terminating == Some(true) && !ready;
            let Some(address) = address(endpoint).filter(|_| !leaving && room > 0) else {
                continue;
            };
            room -= 1;
            if ready {
                subset.addresses.push(address);
            } else {
                subset.not_ready_addresses.push(address);
            }
        }
        if !subset.addresses.is_empty() || !subset.not_ready_addresses.is_empty() {
            made.subsets.push(subset);
        }
    }
    made
}

fn address(endpoint: Endpoint) -> Option<EndpointAddress> {
    Some(EndpointAddress {
        ip: endpoint.addresses.into_iter().next()?,
        hostname: endpoint.hostname.unwrap_or_default(),
        node_name: endpoint.node_name,
        target_ref: endpoint.target_ref,
    })
}
