//! EndpointSlices, and the older Endpoints view of them.

use serde_json::json;
use std::collections::BTreeMap;
use svckit::{
    api::ObjectMeta,
    model::{Change, EndpointSlice, NamespacedName},
};

use super::{Columns, Row, age, few};
use crate::load::Loaded;

const COLUMNS: Columns =
    Columns { headings: &["NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"], narrow: 5 };
const LEGACY_COLUMNS: Columns = Columns { headings: &["NAME", "ENDPOINTS", "AGE"], narrow: 3 };

pub(super) fn rows(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let row = |slice: &EndpointSlice| {
        let ports: Vec<String> = slice
            .ports
            .iter()
            .map(|port| match (port.port, &*port.name) {
                (Some(number), _) => number.to_string(),
                (None, "") => "*".into(),
                (None, name) => name.into(),
            })
            .collect();
        let addresses: Vec<String> = slice
            .endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.addresses)
            .map(ToString::to_string)
            .collect();
        let object = svckit::admit::model::api_slice(slice);
        let cells = vec![
            slice.key.name.to_string(),
            slice.family.to_string(),
            few(&ports, "<unset>"),
            few(&addresses, "<unset>"),
            age(&object.metadata),
        ];
        Row::new(&object.metadata, cells, serde_json::to_value(&object).unwrap_or_default())
    };
    (COLUMNS, slices(loaded).map(row).collect())
}

/// One row per Service: all ready addresses with all ports, as the Endpoints object would have them.
pub(super) fn legacy_rows(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let mut by_service: BTreeMap<&NamespacedName, Vec<&EndpointSlice>> = BTreeMap::new();
    for slice in slices(loaded) {
        by_service.entry(&slice.service).or_default().push(slice);
    }
    let row = |(service, slices): (&NamespacedName, Vec<&EndpointSlice>)| {
        let mut shown: Vec<String> = Vec::new();
        let mut subsets = Vec::new();
        for slice in slices {
            let ready = slice.endpoints.iter().filter(|endpoint| endpoint.conditions.ready);
            let addresses: Vec<_> =
                ready.filter_map(|endpoint| endpoint.addresses.first()).collect();
            let ports: Vec<_> =
                slice.ports.iter().filter_map(|port| Some((port, port.port?))).collect();
            if ports.is_empty() {
                shown.extend(addresses.iter().map(ToString::to_string));
            }
            for (_, number) in &ports {
                shown.extend(
                    addresses
                        .iter()
                        .map(|ip| std::net::SocketAddr::new(**ip, number.get()).to_string()),
                );
            }
            if !addresses.is_empty() {
                subsets.push(json!({
                    "addresses": addresses.iter().map(|ip| json!({ "ip": ip.to_string() })).collect::<Vec<_>>(),
                    "ports": ports.iter().map(|(port, number)| json!({
                        "name": &*port.name, "port": number.get(), "protocol": port.protocol.as_str(),
                    })).collect::<Vec<_>>(),
                }));
            }
        }
        let metadata = ObjectMeta {
            name: service.name.to_string(),
            namespace: service.namespace.to_string(),
            ..ObjectMeta::default()
        };
        let object = json!({ "apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets });
        Row::new(
            &metadata,
            vec![metadata.name.clone(), few(&shown, "<none>"), age(&metadata)],
            object,
        )
    };
    (LEGACY_COLUMNS, by_service.into_iter().map(row).collect())
}

/// The slices that the cluster holds after it took the manifests in.
fn slices(loaded: &Loaded) -> impl Iterator<Item = &EndpointSlice> {
    let mut last: BTreeMap<&NamespacedName, Option<&EndpointSlice>> = BTreeMap::new();
    for change in &loaded.changes {
        match change {
            Change::Slice(slice) => last.insert(&slice.key, Some(slice)),
            Change::SliceGone(key) => last.insert(key, None),
            _ => None,
        };
    }
    last.into_values().flatten()
}
