//! Services.

use std::collections::BTreeSet;
use svckit::api::{Service, ServicePort};

use super::{Columns, Row, age, cut, joined};
use crate::load::Loaded;

const COLUMNS: Columns = Columns {
    headings: &["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", "SELECTOR"],
    narrow: 6,
};

pub(super) fn rows(loaded: &Loaded, wide: bool) -> (Columns, Vec<Row>) {
    let row = |service: &std::sync::Arc<Service>| {
        let object = serde_json::to_value(&**service).unwrap_or_default();
        Row::new(&service.metadata, cells(service, wide), object)
    };
    (COLUMNS, loaded.cluster.control().services().map(row).collect())
}

/// Prints a table of one Service.
pub(super) fn print(service: &Service, wide: bool) {
    let shown = if wide { COLUMNS.headings.len() } else { COLUMNS.narrow };
    let headings: Vec<&str> = COLUMNS.headings.iter().copied().take(shown).collect();
    let cells = cells(service, wide).into_iter().take(shown).collect();
    super::table::print(&headings, &[cells]);
}

fn cells(service: &Service, wide: bool) -> Vec<String> {
    let spec = &service.spec;
    let selector: Vec<String> =
        spec.selector.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    vec![
        service.metadata.name.clone(),
        spec.r#type.clone(),
        spec.cluster_ips.first().cloned().unwrap_or_else(|| "<none>".into()),
        external(service, wide),
        joined(&spec.ports.iter().map(port).collect::<Vec<_>>(), "<none>"),
        age(&service.metadata),
        joined(&selector, "<none>"),
    ]
}

/// The EXTERNAL-IP cell.
pub(crate) fn external(service: &Service, wide: bool) -> String {
    let spec = &service.spec;
    match spec.r#type.as_str() {
        "ExternalName" => spec.external_name.clone(),
        "LoadBalancer" => {
            let ingress = &service.status.load_balancer.ingress;
            let name = |i: &svckit::api::LoadBalancerIngress| match i.ip.as_str() {
                "" => i.hostname.clone(),
                ip => ip.into(),
            };
            let names: BTreeSet<String> = ingress.iter().map(name).collect();
            let text = cut(names.into_iter().collect::<Vec<_>>().join(","), wide);
            let mut names: Vec<String> =
                Some(text).filter(|text| !text.is_empty()).into_iter().collect();
            names.extend(spec.external_ips.iter().cloned());
            joined(&names, "<pending>")
        }
        "ClusterIP" | "NodePort" => joined(&spec.external_ips, "<none>"),
        _ => "<unknown>".into(),
    }
}

/// `80/TCP`, or `80:30061/TCP`.
pub(crate) fn port(port: &ServicePort) -> String {
    match port.node_port {
        0 => format!("{}/{}", port.port, port.protocol),
        node_port => format!("{}:{node_port}/{}", port.port, port.protocol),
    }
}
