//! `svckit get`: what the cluster would hold, as kubectl would show it.

mod cluster_scoped;
mod endpoints;
mod gateway;
mod ingress;
mod node;
mod pod;
mod service;
mod table;

pub(crate) use service::{external as service_external, port as service_port};
pub(crate) use table::print as print_table;

use clap::ValueEnum;
use serde_json::{Value, json};
use svckit::{
    admit,
    api::{Object, ObjectMeta},
    cluster::Settings,
    select::{Labels, Selector},
};
use svckit_adapters::clock;

use crate::{
    exit::{Exit, Stop},
    input::{Input, Output},
    load::Loaded,
    report,
};

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Resource {
    #[value(aliases = ["service", "svc"])]
    Services,
    #[value(alias = "ep")]
    Endpoints,
    #[value(alias = "endpointslice")]
    Endpointslices,
    #[value(aliases = ["pod", "po"])]
    Pods,
    #[value(aliases = ["ingress", "ing"])]
    Ingresses,
    #[value(alias = "ingressclass")]
    Ingressclasses,
    #[value(aliases = ["gateway", "gtw"])]
    Gateways,
    #[value(aliases = ["gatewayclass", "gc"])]
    Gatewayclasses,
    #[value(alias = "httproute")]
    Httproutes,
    #[value(aliases = ["referencegrant", "refgrant"])]
    Referencegrants,
    #[value(alias = "servicecidr")]
    Servicecidrs,
    #[value(aliases = ["ipaddress", "ip"])]
    Ipaddresses,
    #[value(aliases = ["namespace", "ns"])]
    Namespaces,
    #[value(aliases = ["node", "no"])]
    Nodes,
}

/// One line of a table, and the object behind it.
struct Row {
    namespace: String,
    name: String,
    labels: Labels,
    cells: Vec<String>,
    object: Value,
}

/// The columns of a resource; those after the first `narrow` are shown with `-o wide` only.
struct Columns {
    headings: &'static [&'static str],
    narrow: usize,
}

/// Prints a table or a list.
pub(crate) fn run(
    input: &Input,
    output: Output,
    resource: Resource,
    name: Option<&str>,
    selector: Option<&Selector>,
) -> Result<Exit, Stop> {
    let loaded = Loaded::read(input, Settings::default())?;
    report::print(&loaded.findings);
    let (columns, rows) = rows(loaded, resource, output == Output::Wide);
    let wanted = |row: &Row| {
        (input.all_namespaces || row.namespace.is_empty() || row.namespace == input.namespace)
            && name.is_none_or(|name| row.name == name)
            && selector.is_none_or(|selector| selector.matches(&row.labels))
    };
    let mut rows: Vec<Row> = rows.into_iter().filter(wanted).collect();
    rows.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    if let (Some(name), true) = (name, rows.is_empty()) {
        let place = if resource.is_namespaced() && !input.all_namespaces {
            format!(" in namespace {}", input.namespace)
        } else {
            String::new()
        };
        return Err(Stop::input(format!("there is no {} {name}{place}", resource.singular())));
    }
    show(input, output, resource, &columns, &rows);
    Ok(Exit::of_input(report::has_errors(&loaded.findings)))
}

fn rows(loaded: &Loaded, resource: Resource, wide: bool) -> (Columns, Vec<Row>) {
    match resource {
        Resource::Services => service::rows(loaded, wide),
        Resource::Endpoints => endpoints::legacy_rows(loaded),
        Resource::Endpointslices => endpoints::rows(loaded),
        Resource::Pods => pod::rows(loaded),
        Resource::Ingresses => ingress::rows(loaded, wide),
        Resource::Ingressclasses => cluster_scoped::classes(loaded),
        Resource::Gateways => gateway::gateways(loaded),
        Resource::Gatewayclasses => gateway::classes(loaded),
        Resource::Httproutes => gateway::routes(loaded),
        Resource::Referencegrants => gateway::grants(loaded),
        Resource::Servicecidrs => cluster_scoped::ranges(loaded),
        Resource::Ipaddresses => cluster_scoped::addresses(loaded),
        Resource::Namespaces => cluster_scoped::namespaces(loaded),
        Resource::Nodes => node::rows(loaded),
    }
}

fn show(input: &Input, output: Output, resource: Resource, columns: &Columns, rows: &[Row]) {
    match output {
        Output::Name => {
            rows.iter().for_each(|row| println!("{}/{}", resource.full_name(), row.name))
        }
        Output::Json => println!("{:#}", list(rows)),
        Output::Yaml => print!("{}", serde_saphyr::to_string(&list(rows)).unwrap_or_default()),
        Output::Table | Output::Wide if rows.is_empty() => {
            if input.all_namespaces || !resource.is_namespaced() {
                eprintln!("No resources found");
            } else {
                eprintln!("No resources found in {} namespace.", input.namespace);
            }
        }
        Output::Table | Output::Wide => {
            let shown =
                if output == Output::Wide { columns.headings.len() } else { columns.narrow };
            let mut headings: Vec<&str> = columns.headings.iter().copied().take(shown).collect();
            let mut lines: Vec<Vec<String>> =
                rows.iter().map(|row| row.cells.iter().take(shown).cloned().collect()).collect();
            if input.all_namespaces && resource.is_namespaced() {
                headings.insert(0, "NAMESPACE");
                lines
                    .iter_mut()
                    .zip(rows)
                    .for_each(|(line, row)| line.insert(0, row.namespace.clone()));
            }
            table::print(&headings, &lines);
        }
    }
}

/// Prints one object that stands in no list: as JSON or YAML, as its name, or as a line of its table.
pub(crate) fn print_object(object: &Object, output: Output) {
    match (output, object) {
        (Output::Json, _) => {
            println!("{:#}", serde_json::to_value(object).unwrap_or_default());
        }
        (Output::Name, _) => {
            println!("{}/{}", object.kind().to_lowercase(), object.metadata().name);
        }
        (Output::Table | Output::Wide, Object::Service(service)) => {
            service::print(service, output == Output::Wide);
        }
        _ => print!("{}", serde_saphyr::to_string(object).unwrap_or_default()),
    }
}

fn list(rows: &[Row]) -> Value {
    let items: Vec<&Value> = rows.iter().map(|row| &row.object).collect();
    json!({ "apiVersion": "v1", "kind": "List", "metadata": { "resourceVersion": "" }, "items": items })
}

impl Row {
    /// A row of an object; the name is its first cell, unless `cells` say otherwise.
    fn new(metadata: &ObjectMeta, cells: Vec<String>, object: Value) -> Self {
        Self {
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone(),
            labels: metadata
                .labels
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect(),
            cells,
            object,
        }
    }

    /// A row of an object as its manifest has it, with its defaults.
    fn of(object: &Object, cells: Vec<String>) -> Self {
        let mut object = object.clone();
        admit::default(&mut object);
        Self::new(object.metadata(), cells, serde_json::to_value(&object).unwrap_or_default())
    }
}

/// The AGE cell of an object.
fn age(metadata: &ObjectMeta) -> String {
    let made = metadata.creation_timestamp.as_deref().and_then(svckit::admit::model::unix_seconds);
    table::age(made.map(|made| clock::unix_seconds() - made))
}

/// Items with commas between; `none` when there are none.
pub(crate) fn joined(items: &[String], none: &str) -> String {
    if items.is_empty() { none.into() } else { items.join(",") }
}

/// Up to three items, and how many more there are.
fn few(items: &[String], none: &str) -> String {
    match items.len() {
        0 => none.into(),
        n if n <= 3 => items.join(","),
        n => format!(
            "{} + {} more...",
            items.iter().take(3).cloned().collect::<Vec<_>>().join(","),
            n - 3
        ),
    }
}

/// Text that is longer than its column, cut.
fn cut(text: String, wide: bool) -> String {
    if wide || text.len() <= 16 {
        return text;
    }
    let short: String = text.chars().take(13).collect();
    format!("{short}...")
}

impl Resource {
    /// What one of them is called in a sentence.
    const fn singular(self) -> &'static str {
        match self {
            Self::Services => "Service",
            Self::Endpoints => "Endpoints",
            Self::Endpointslices => "EndpointSlice",
            Self::Pods => "Pod",
            Self::Ingresses => "Ingress",
            Self::Ingressclasses => "IngressClass",
            Self::Gateways => "Gateway",
            Self::Gatewayclasses => "GatewayClass",
            Self::Httproutes => "HTTPRoute",
            Self::Referencegrants => "ReferenceGrant",
            Self::Servicecidrs => "ServiceCIDR",
            Self::Ipaddresses => "IPAddress",
            Self::Namespaces => "Namespace",
            Self::Nodes => "Node",
        }
    }

    /// As `kubectl get -o name` calls it.
    const fn full_name(self) -> &'static str {
        match self {
            Self::Services => "service",
            Self::Endpoints => "endpoints",
            Self::Endpointslices => "endpointslice.discovery.k8s.io",
            Self::Pods => "pod",
            Self::Ingresses => "ingress.networking.k8s.io",
            Self::Ingressclasses => "ingressclass.networking.k8s.io",
            Self::Gateways => "gateway.gateway.networking.k8s.io",
            Self::Gatewayclasses => "gatewayclass.gateway.networking.k8s.io",
            Self::Httproutes => "httproute.gateway.networking.k8s.io",
            Self::Referencegrants => "referencegrant.gateway.networking.k8s.io",
            Self::Servicecidrs => "servicecidr.networking.k8s.io",
            Self::Ipaddresses => "ipaddress.networking.k8s.io",
            Self::Namespaces => "namespace",
            Self::Nodes => "node",
        }
    }

    const fn is_namespaced(self) -> bool {
        matches!(
            self,
            Self::Services
                | Self::Endpoints
                | Self::Endpointslices
                | Self::Pods
                | Self::Ingresses
                | Self::Gateways
                | Self::Httproutes
                | Self::Referencegrants
        )
    }
}
