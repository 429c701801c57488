//! Services that several clusters share (`multicluster.x-k8s.io`, KEP-1645), as they are written.

use serde::Deserialize;
use svckit::{
    api::{self, Json, Tree, decode_as},
    dns::ServiceImport,
    finding::{Finding, Kind},
    model::{NamespacedName, Port, Protocol, ServicePort, TargetPort},
};

/// Which cluster a slice comes from.
pub(super) const SOURCE_CLUSTER: &str = "multicluster.kubernetes.io/source-cluster";
/// Which import it belongs to.
const IMPORT_NAME: &str = "multicluster.kubernetes.io/service-name";
/// Which Service a slice belongs to.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// A ServiceImport.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Import {
    api_version: String,
    kind: String,
    metadata: api::ObjectMeta,
    spec: Spec,
    status: Json,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    r#type: String,
    ips: Vec<String>,
    ports: Vec<WrittenPort>,
    session_affinity: String,
    session_affinity_config: Json,
    ip_families: Vec<String>,
    internal_traffic_policy: String,
    traffic_distribution: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WrittenPort {
    name: String,
    protocol: String,
    app_protocol: Option<String>,
    port: i32,
}

impl Import {
    /// A ServiceImport in checked form.
    pub(super) fn read(document: &Tree) -> Result<ServiceImport, Vec<Finding>> {
        let (import, mut findings): (Self, _) = decode_as(document);
        let key =
            NamespacedName::new(import.metadata.namespace.as_str(), import.metadata.name.as_str());
        let mut addresses = Vec::new();
        for (n, ip) in import.spec.ips.iter().enumerate() {
            match ip.parse() {
                Ok(address) => addresses.push(address),
                Err(_) => findings.push(wrong(format!("spec.ips[{n}]"), ip, "must be an address")),
            }
        }
        let mut ports = Vec::new();
        for (n, port) in import.spec.ports.iter().enumerate() {
            match port.read() {
                Some(port) => ports.push(port),
                None => findings.push(wrong(
                    format!("spec.ports[{n}]"),
                    "",
                    "must have a port from 1 to 65535 and a protocol that Services know",
                )),
            }
        }
        if findings.iter().any(Finding::is_error) {
            let object = format!("ServiceImport {key}");
            let named = |finding| Finding { object: object.clone(), ..finding };
            return Err(findings.into_iter().map(named).collect());
        }
        Ok(ServiceImport { key, addresses, ports })
    }
}

impl WrittenPort {
    fn read(&self) -> Option<ServicePort> {
        let protocol = if self.protocol.is_empty() { "TCP" } else { &self.protocol };
        let port = Port::try_from(self.port).ok()?;
        Some(ServicePort {
            name: self.name.as_str().into(),
            protocol: Protocol::parse(protocol)?,
            port,
            target: TargetPort::Number(port),
            node_port: None,
            app_protocol: self.app_protocol.as_deref().map(Into::into),
        })
    }
}

fn wrong(path: String, value: &str, message: &str) -> Finding {
    Finding::error(Kind::Invalid, path, value, message)
}

/// Lets a slice of another cluster belong to its import.
pub(super) fn lead_to_import(slice: &mut api::EndpointSlice) {
    let labels = &mut slice.metadata.labels;
    if let Some(name) = labels.get(IMPORT_NAME).cloned() {
        labels.insert(SERVICE_NAME.into(), name);
    }
}
