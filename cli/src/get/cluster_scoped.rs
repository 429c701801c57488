//! What belongs to no namespace, nodes aside: namespaces, Ingress classes, service ranges and addresses.

use std::collections::BTreeMap;
use svckit::api::{
    IngressClass, IpAddress, Object, ObjectMeta, ParentReference, Service, ServiceCidr,
};

use super::{Columns, Row, age, joined};
use crate::load::Loaded;

const NAMESPACES: Columns = Columns { headings: &["NAME", "STATUS", "AGE"], narrow: 3 };
const CLASSES: Columns =
    Columns { headings: &["NAME", "CONTROLLER", "PARAMETERS", "AGE"], narrow: 4 };
const RANGES: Columns = Columns { headings: &["NAME", "CIDRS", "AGE"], narrow: 3 };
const ADDRESSES: Columns = Columns { headings: &["NAME", "PARENTREF"], narrow: 2 };
/// The ServiceCIDR of the ranges that an API server's flags give.
const DEFAULT_RANGE: &str = "kubernetes";
/// What the allocator of addresses writes on them.
const LABEL_FAMILY: &str = "ipaddress.kubernetes.io/ip-family";
const LABEL_MANAGED_BY: &str = "ipaddress.kubernetes.io/managed-by";
const ALLOCATOR: &str = "ipallocator.k8s.io";

/// Namespaces that are written, and those that something lives in.
pub(super) fn namespaces(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let mut all: BTreeMap<String, Object> = BTreeMap::new();
    for (id, object) in loaded.cluster.control().given() {
        let name = if id.kind == "Namespace" { &id.name } else { &id.namespace };
        let made = || {
            let mut namespace = svckit::api::Namespace {
                api_version: "v1".into(),
                kind: "Namespace".into(),
                ..svckit::api::Namespace::default()
            };
            namespace.metadata.name.clone_from(name);
            Object::Namespace(namespace.into())
        };
        if id.kind == "Namespace" {
            all.insert(name.clone(), object.clone());
        } else if !name.is_empty() {
            all.entry(name.clone()).or_insert_with(made);
        }
    }
    let row = |object: Object| {
        let meta = object.metadata();
        let leaving = meta.deletion_timestamp.is_some();
        let status = if leaving { "Terminating" } else { "Active" };
        let cells = vec![meta.name.clone(), status.into(), age(meta)];
        Row::of(&object, cells)
    };
    (NAMESPACES, all.into_values().map(row).collect())
}

pub(super) fn classes(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let cells = |class: &IngressClass| {
        let parameters = class.spec.parameters.as_ref().map_or_else(
            || "<none>".into(),
            |it| match it.api_group.as_deref().unwrap_or_default() {
                "" => format!("{}/{}", it.kind, it.name),
                group => format!("{}.{group}/{}", it.kind, it.name),
            },
        );
        vec![
            class.metadata.name.clone(),
            class.spec.controller.clone(),
            parameters,
            age(&class.metadata),
        ]
    };
    let row = |object: &Object| match object {
        Object::IngressClass(class) => Some(Row::of(object, cells(class))),
        _ => None,
    };
    (CLASSES, loaded.cluster.control().given().filter_map(|(_, object)| row(object)).collect())
}

/// ServiceCIDRs that are written, and the one that the settings stand for.
pub(super) fn ranges(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let control = loaded.cluster.control();
    let row = |range: &ServiceCidr| {
        let cells = vec![
            range.metadata.name.clone(),
            joined(&range.spec.cidrs, "<none>"),
            age(&range.metadata),
        ];
        Row::of(&Object::ServiceCidr(range.clone().into()), cells)
    };
    let written = control.given().filter_map(|(_, object)| match object {
        Object::ServiceCidr(range) => Some(row(range)),
        _ => None,
    });
    let mut rows: Vec<Row> = written.collect();
    if rows.is_empty() {
        let mut range = ServiceCidr {
            api_version: "networking.k8s.io/v1".into(),
            kind: "ServiceCIDR".into(),
            ..ServiceCidr::default()
        };
        range.metadata.name = DEFAULT_RANGE.into();
        range.spec.cidrs =
            control.settings().service_cidrs.iter().map(ToString::to_string).collect();
        rows.push(row(&range));
    }
    (RANGES, rows)
}

/// One for each cluster IP, and those that are written.
pub(super) fn addresses(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let control = loaded.cluster.control();
    let mut all: BTreeMap<String, IpAddress> = BTreeMap::new();
    for (id, object) in control.given() {
        if let Object::IpAddress(address) = object {
            all.insert(id.name.clone(), (**address).clone());
        }
    }
    for service in control.services() {
        let held = service.spec.cluster_ips.iter().filter(|text| *text != "None");
        for text in held {
            all.entry(text.clone()).or_insert_with(|| address(text, service));
        }
    }
    let row = |address: IpAddress| {
        let parent = address.spec.parent_ref.as_ref().map_or_else(|| "<none>".into(), parent);
        let cells = vec![address.metadata.name.clone(), parent];
        Row::of(&Object::IpAddress(address.into()), cells)
    };
    (ADDRESSES, all.into_values().map(row).collect())
}

/// The object that an API server keeps for a Service's cluster IP.
fn address(text: &str, service: &Service) -> IpAddress {
    let family = if text.contains(':') { "IPv6" } else { "IPv4" };
    let labels = [(LABEL_FAMILY, family), (LABEL_MANAGED_BY, ALLOCATOR)];
    let mut address = IpAddress {
        api_version: "networking.k8s.io/v1".into(),
        kind: "IPAddress".into(),
        metadata: ObjectMeta {
            name: text.into(),
            labels: labels.map(|(key, value)| (key.into(), value.into())).into(),
            ..ObjectMeta::default()
        },
        ..IpAddress::default()
    };
    address.spec.parent_ref = Some(ParentReference {
        resource: "services".into(),
        namespace: service.metadata.namespace.clone(),
        name: service.metadata.name.clone(),
        ..ParentReference::default()
    });
    address
}

/// `resource[.group][/namespace]/name`.
fn parent(parent: &ParentReference) -> String {
    let mut text = parent.resource.to_lowercase();
    if !parent.group.is_empty() {
        text = format!("{text}.{}", parent.group);
    }
    if !parent.namespace.is_empty() {
        text = format!("{text}/{}", parent.namespace);
    }
    format!("{text}/{}", parent.name)
}
