//! Ingresses.

use std::collections::BTreeSet;
use svckit::api::{Ingress, Object};

use super::{Columns, Row, age, cut, joined};
use crate::load::Loaded;

const COLUMNS: Columns =
    Columns { headings: &["NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE"], narrow: 6 };

pub(super) fn rows(loaded: &Loaded, wide: bool) -> (Columns, Vec<Row>) {
    let row = |object: &Object| match object {
        Object::Ingress(ingress) => Some(Row::of(object, cells(ingress, wide))),
        _ => None,
    };
    (COLUMNS, loaded.cluster.control().given().filter_map(|(_, object)| row(object)).collect())
}

fn cells(ingress: &Ingress, wide: bool) -> Vec<String> {
    let spec = &ingress.spec;
    let hosts: Vec<String> = spec
        .rules
        .iter()
        .filter(|rule| !rule.host.is_empty())
        .map(|rule| rule.host.clone())
        .collect();
    let addresses: BTreeSet<String> = ingress
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
        cut(joined(&addresses.into_iter().collect::<Vec<_>>(), ""), wide),
        if spec.tls.is_empty() { "80" } else { "80, 443" }.into(),
        age(&ingress.metadata),
    ]
}
