//! Ingresses.

use svckit::api::{Ingress, Object};

use super::{Columns, Row, age, joined};
use crate::load::Loaded;

const COLUMNS: Columns =
    Columns { headings: &["NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE"], narrow: 6 };

pub(super) fn rows(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let row = |object: &Object| match object {
        Object::Ingress(ingress) => Some(Row::of(object, cells(ingress))),
        _ => None,
    };
    (COLUMNS, loaded.cluster.control().given().filter_map(|(_, object)| row(object)).collect())
}

fn cells(ingress: &Ingress) -> Vec<String> {
    let spec = &ingress.spec;
    let hosts: Vec<String> = spec
        .rules
        .iter()
        .filter(|rule| !rule.host.is_empty())
        .map(|rule| rule.host.clone())
        .collect();
    let addresses: Vec<String> = ingress
        .status
        .load_balancer
        .ingress
        .iter()
        .map(|i| if i.ip.is_empty() { i.hostname.clone() } else { i.ip.clone() })
        .collect();
    vec![
        ingress.metadata.name.clone(),
        spec.ingress_class_name.clone().unwrap_or_else(|| "<none>".into()),
        super::few(&hosts, "*"),
        joined(&addresses, ""),
        if spec.tls.is_empty() { "80" } else { "80, 443" }.into(),
        age(&ingress.metadata),
    ]
}
