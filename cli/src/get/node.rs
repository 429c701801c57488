//! Nodes.

use svckit::api::{Node, Object};

use super::{Columns, Row, age};
use crate::load::Loaded;

const COLUMNS: Columns = Columns {
    headings: &["NAME", "STATUS", "ROLES", "AGE", "VERSION", "INTERNAL-IP", "EXTERNAL-IP"],
    narrow: 5,
};
/// What the label of a node's role starts with.
const ROLE: &str = "node-role.kubernetes.io/";

pub(super) fn rows(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let row = |object: &Object| match object {
        Object::Node(node) => Some(Row::of(object, cells(node))),
        _ => None,
    };
    (COLUMNS, loaded.cluster.control().given().filter_map(|(_, object)| row(object)).collect())
}

fn cells(node: &Node) -> Vec<String> {
    let ready = node.status.conditions.iter().find(|condition| condition.r#type == "Ready");
    let status = match ready.map(|condition| condition.status.as_str()) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let status = if node.spec.unschedulable {
        format!("{status},SchedulingDisabled")
    } else {
        status.into()
    };
    let roles: Vec<String> = node
        .metadata
        .labels
        .keys()
        .filter_map(|label| label.strip_prefix(ROLE))
        .map(str::to_owned)
        .collect();
    let address = |kind: &str| {
        let found = node.status.addresses.iter().find(|address| address.r#type == kind);
        found.map_or_else(|| "<none>".into(), |address| address.address.clone())
    };
    vec![
        node.metadata.name.clone(),
        status,
        super::joined(&roles, "<none>"),
        age(&node.metadata),
        "<none>".into(),
        address("InternalIP"),
        address("ExternalIP"),
    ]
}
