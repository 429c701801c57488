//! Pods.

use svckit::api::Pod;

use super::{Columns, Row, age};
use crate::load::Loaded;

const COLUMNS: Columns = Columns {
    headings: &[
        "NAME",
        "READY",
        "STATUS",
        "RESTARTS",
        "AGE",
        "IP",
        "NODE",
        "NOMINATED NODE",
        "READINESS GATES",
    ],
    narrow: 5,
};

pub(super) fn rows(loaded: &Loaded) -> (Columns, Vec<Row>) {
    let row = |pod: &Pod| {
        Row::new(&pod.metadata, cells(pod), serde_json::to_value(pod).unwrap_or_default())
    };
    (COLUMNS, loaded.cluster.control().pods().map(row).collect())
}

fn cells(pod: &Pod) -> Vec<String> {
    let containers = pod.spec.containers.len();
    let ready = pod.status.conditions.iter().any(|c| c.r#type == "Ready" && c.status == "True");
    let terminating = pod.metadata.deletion_timestamp.is_some();
    let text = |text: &str| if text.is_empty() { "<none>".to_owned() } else { text.to_owned() };
    vec![
        pod.metadata.name.clone(),
        format!("{}/{containers}", if ready { containers } else { 0 }),
        if terminating { "Terminating".into() } else { pod.status.phase.clone() },
        "0".into(),
        age(&pod.metadata),
        text(&pod.status.pod_ip),
        text(&pod.spec.node_name),
        text(&pod.status.nominated_node_name),
        "<none>".into(),
    ]
}
