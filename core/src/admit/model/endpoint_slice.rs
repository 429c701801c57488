//! EndpointSlices.

use super::read;
use crate::{
    admit::field::{Field, Notes},
    api::{self, LABEL_HEADLESS, LABEL_MANAGED_BY, LABEL_SERVICE_NAME},
    finding::Finding,
    model::{
        Addresses, Conditions, Endpoint, EndpointSlice, Family, Hints, NamespacedName, Port,
        ServiceKey, SlicePort,
    },
};
use std_alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

/// Who writes the slices of Services with a selector.
const CONTROLLER: &str = "endpointslice-controller.k8s.io";
/// Who writes the slices of hand-written Endpoints.
const MIRRORING_CONTROLLER: &str = "endpointslicemirroring-controller.k8s.io";
/// Annotations of Endpoints that their slices don't get.
const NOT_MIRRORED: [&str; 2] = [
    "endpoints.kubernetes.io/last-change-trigger-time",
    "kubectl.kubernetes.io/last-applied-configuration",
];

/// A slice in checked form; `None` when its endpoints are domain names, or when no label says whose they are.
///
/// Absent conditions are resolved: ready unless told otherwise, serving as ready, not terminating.
///
/// # Errors
///
/// What can't be read.
pub fn endpoint_slice(object: &api::EndpointSlice) -> Result<Option<EndpointSlice>, Vec<Finding>> {
    let mut notes = Notes::default();
    let service = object.metadata.labels.get(LABEL_SERVICE_NAME).filter(|name| !name.is_empty());
    let Some(service) = service.filter(|_| object.address_type != "FQDN") else { return Ok(None) };
    let key = read::key(&object.metadata);
    let family = read::family(&object.address_type, Field::root("addressType"), &mut notes);
    let list = Field::root("ports");
    let ports = object.ports.iter().enumerate();
    let ports: Vec<_> =
        ports.filter_map(|(i, port)| slice_port(port, list.index(i), &mut notes)).collect();
    let Some(family) = family else { return Err(notes.0) };
    let list = Field::root("endpoints");
    let endpoints = object.endpoints.iter().enumerate().map(|(i, endpoint)| {
        let addresses = addresses(endpoint, family, list.index(i), &mut notes);
        checked(endpoint, addresses, &key.namespace)
    });
    let endpoints = endpoints.collect();
    let service = ServiceKey { namespace: key.namespace.clone(), name: service.as_str().into() };
    notes.or(Some(EndpointSlice { key, service, family, ports, endpoints }))
}

fn slice_port(port: &api::EndpointPort, at: Field<'_>, notes: &mut Notes) -> Option<SlicePort> {
    let protocol = port.protocol.as_deref().unwrap_or_default();
    let protocol = read::protocol(protocol, at.child("protocol"), notes);
    let number: Option<Option<Port>> = match port.port {
        None => Some(None),
        Some(number) => read::port(number, at.child("port"), notes).map(Some),
    };
    Some(SlicePort {
        name: port.name.as_deref().unwrap_or_default().into(),
        protocol: protocol?,
        port: number?,
        app_protocol: port.app_protocol.as_deref().map(Arc::from),
    })
}

fn addresses(
    endpoint: &api::Endpoint,
    family: Family,
    at: Field<'_>,
    notes: &mut Notes,
) -> Addresses {
    let list = at.child("addresses");
    if endpoint.addresses.is_empty() {
        notes.required(list, "an endpoint has an address");
    }
    let addresses: Addresses = read::ips(endpoint.addresses.iter(), list, notes);
    if addresses.iter().any(|addr| Family::of(*addr) != family) {
        notes.invalid(list, endpoint.addresses.join(","), "must be of the slice's address type");
    }
    addresses
}

fn checked(endpoint: &api::Endpoint, addresses: Addresses, namespace: &Arc<str>) -> Endpoint {
    let given = &endpoint.conditions;
    let ready = given.ready.unwrap_or(true);
    let names = |list: &[api::ForName]| -> Vec<Arc<str>> {
        list.iter().map(|of| of.name.as_str().into()).collect()
    };
    let hints = endpoint.hints.as_ref();
    Endpoint {
        addresses,
        conditions: Conditions {
            ready,
            serving: given.serving.unwrap_or(ready),
            terminating: given.terminating.unwrap_or(false),
        },
        hostname: endpoint.hostname.as_deref().and_then(read::text),
        node: endpoint.node_name.as_deref().and_then(read::text),
        zone: endpoint.zone.as_deref().and_then(read::text),
        hints: hints.and_then(|hints| Hints::new(names(&hints.for_zones), names(&hints.for_nodes))),
        pod: endpoint.target_ref.as_ref().and_then(|target| pod(target, namespace)),
    }
}

fn pod(target: &api::ObjectReference, namespace: &Arc<str>) -> Option<NamespacedName> {
    (target.kind == "Pod").then(|| NamespacedName {
        namespace: read::text(&target.namespace).unwrap_or_else(|| namespace.clone()),
        name: target.name.as_str().into(),
    })
}

/// The object that says what a slice in checked form says, as its controller would write it.
#[must_use]
pub fn api_slice(slice: &EndpointSlice) -> api::EndpointSlice {
    let text = |text: &Option<Arc<str>>| text.as_deref().map(Into::into);
    let names = |names: &[Arc<str>]| {
        names.iter().map(|name| api::ForName { name: name.as_ref().into() }).collect::<Vec<_>>()
    };
    let endpoint = |endpoint: &Endpoint| api::Endpoint {
        addresses: endpoint.addresses.iter().map(ToString::to_string).collect(),
        conditions: api::EndpointConditions {
            ready: Some(endpoint.conditions.ready),
            serving: Some(endpoint.conditions.serving),
            terminating: Some(endpoint.conditions.terminating),
        },
        hostname: text(&endpoint.hostname),
        target_ref: endpoint.pod.as_ref().map(|pod| api::ObjectReference {
            kind: "Pod".into(),
            namespace: pod.namespace.as_ref().into(),
            name: pod.name.as_ref().into(),
            ..api::ObjectReference::default()
        }),
        node_name: text(&endpoint.node),
        zone: text(&endpoint.zone),
        hints: endpoint.hints.as_ref().map(|hints| api::EndpointHints {
            for_zones: names(&hints.zones),
            for_nodes: names(&hints.nodes),
        }),
        ..api::Endpoint::default()
    };
    let port = |port: &SlicePort| api::EndpointPort {
        name: Some(port.name.as_ref().into()),
        protocol: Some(port.protocol.as_str().into()),
        port: port.port.map(|port| port.get().into()),
        app_protocol: text(&port.app_protocol),
    };
    let mut metadata = api::ObjectMeta {
        name: slice.key.name.as_ref().into(),
        namespace: slice.key.namespace.as_ref().into(),
        ..api::ObjectMeta::default()
    };
    metadata.labels.insert(LABEL_SERVICE_NAME.into(), slice.service.name.as_ref().into());
    api::EndpointSlice {
        api_version: "discovery.k8s.io/v1".into(),
        kind: "EndpointSlice".into(),
        metadata,
        address_type: slice.family.as_str().into(),
        endpoints: slice.endpoints.iter().map(endpoint).collect(),
        ports: slice.ports.iter().map(port).collect(),
    }
}

/// The object that the endpoint slice controller writes for a Service: [`api_slice`] with the Service's labels and as
/// its owner.
///
/// The labels that say whose slice it is and who writes it are never the Service's own.
#[must_use]
pub fn controller_slice(slice: &EndpointSlice, service: &api::Service) -> api::EndpointSlice {
    let mut object = api_slice(slice);
    let meta = &mut object.metadata;
    let reserved = [LABEL_SERVICE_NAME, LABEL_MANAGED_BY, LABEL_HEADLESS];
    let own = service.metadata.labels.iter().filter(|(key, _)| !reserved.contains(&key.as_str()));
    meta.labels.extend(own.map(|(key, value)| (key.clone(), value.clone())));
    meta.labels.insert(LABEL_MANAGED_BY.into(), CONTROLLER.into());
    if matches!(service.spec.cluster_ip.as_str(), "" | "None") {
        meta.labels.insert(LABEL_HEADLESS.into(), String::new());
    }
    meta.generate_name = format!("{}-", service.metadata.name);
    meta.owner_references.push(api::OwnerReference {
        api_version: "v1".into(),
        kind: "Service".into(),
        name: service.metadata.name.clone(),
        uid: service.metadata.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    });
    object
}

/// The object that the mirroring controller writes for hand-written Endpoints.
#[must_use]
pub fn mirrored_slice(slice: &EndpointSlice, endpoints: &api::Endpoints) -> api::EndpointSlice {
    let mut object = api_slice(slice);
    let meta = &mut object.metadata;
    // Where both have a label, the slice's own counts.
    let labels = endpoints.metadata.labels.iter().chain(meta.labels.iter());
    meta.labels = labels.map(|(key, value)| (key.clone(), value.clone())).collect();
    meta.labels.insert(LABEL_MANAGED_BY.into(), MIRRORING_CONTROLLER.into());
    let copied = endpoints.metadata.annotations.iter();
    let copied = copied.filter(|(key, _)| !NOT_MIRRORED.contains(&key.as_str()));
    meta.annotations.extend(copied.map(|(key, value)| (key.clone(), value.clone())));
    meta.generate_name = format!("{}-", endpoints.metadata.name);
    for endpoint in &mut object.endpoints {
        endpoint.conditions.serving = None;
        endpoint.conditions.terminating = None;
    }
    meta.owner_references.push(api::OwnerReference {
        api_version: "v1".into(),
        kind: "Endpoints".into(),
        name: endpoints.metadata.name.clone(),
        uid: endpoints.metadata.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    });
    object
}
