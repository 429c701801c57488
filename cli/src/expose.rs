//! `svckit expose`: a Service for a controller, a pod or another Service.

use clap::{Args, ValueEnum};
use std::str::FromStr;
use svckit::{
    admit::{self, Expose, Gates},
    api::{IntOrString, Object, StringMap},
    cluster::Settings,
    finding::Finding,
};

use svckit_adapters::clock;

use crate::{
    exit::{Exit, Stop},
    get,
    input::{Input, Output},
    load::Loaded,
    report,
};

/// What `expose` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: svckit expose rc webapp -f examples/walkthrough --port 80")]
pub(crate) struct Arguments {
    /// What is exposed.
    #[arg(value_enum)]
    kind: Kind,
    /// Its name.
    object: String,
    #[command(flatten)]
    input: Input,
    /// What the Service is called; default: as the object.
    #[arg(long)]
    name: Option<String>,
    /// Its ports, with commas between; default: those of the containers.
    #[arg(long, value_delimiter = ',')]
    port: Vec<i32>,
    /// Where its ports lead, a number or a name; default: to the same number.
    #[arg(long)]
    target_port: Option<String>,
    /// The protocol of all its ports; default: the containers', or TCP.
    #[arg(long)]
    protocol: Option<String>,
    /// Which pods are behind it, such as app=web; default: the object's selector or labels.
    #[arg(long)]
    selector: Option<String>,
    /// Its labels, such as app=web; default: the object's.
    #[arg(short = 'l', long)]
    labels: Option<String>,
    /// ClusterIP, NodePort, LoadBalancer or ExternalName.
    #[arg(long)]
    r#type: Option<String>,
    /// An address that somebody else routes to the nodes.
    #[arg(long)]
    external_ip: Option<String>,
    /// Its address, or None for a headless one.
    #[arg(long)]
    cluster_ip: Option<String>,
    /// None or ClientIP.
    #[arg(long)]
    session_affinity: Option<String>,
    /// A wish for the load balancer's address.
    #[arg(long)]
    load_balancer_ip: Option<String>,
    /// How to print it; default: YAML that can be written to a file.
    #[arg(short, long, value_enum, default_value = "yaml")]
    output: Output,
}

/// What can be exposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    #[value(aliases = ["replicationcontroller", "replicationcontrollers"])]
    Rc,
    #[value(aliases = ["replicaset", "replicasets"])]
    Rs,
    #[value(aliases = ["deploy", "deployments"])]
    Deployment,
    #[value(aliases = ["po", "pods"])]
    Pod,
    #[value(aliases = ["svc", "services"])]
    Service,
}

/// Prints the derived Service, and what admission would refuse in it; nothing is stored anywhere.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Stop> {
    let input = &arguments.input;
    let loaded = Loaded::read(input, Settings::default())?;
    let object = arguments.find(loaded)?;
    let mut service = admit::expose(object, &arguments.options()?)
        .map_err(|error| Stop::input(error.to_string()))?;
    if service.metadata.namespace.is_empty() {
        service.metadata.namespace.clone_from(&input.namespace);
    }
    let admitted = loaded.cluster.control().dry_run(&service, clock::now());
    let service = Object::Service(service.into());
    let title = service.id().to_string();
    let wrong: Vec<Finding> = admit::check(&service, &Gates::default());
    for finding in &wrong {
        eprintln!("svckit: {}", Finding { object: title.clone(), ..finding.clone() });
    }
    match (arguments.output, admitted) {
        // A table shows what only a cluster can know: the address and the node ports.
        (Output::Table | Output::Wide, Ok(admitted)) => {
            get::print_object(&Object::Service((*admitted).clone().into()), arguments.output);
        }
        _ => get::print_object(&service, arguments.output),
    }
    let refused = wrong.iter().any(Finding::is_error);
    if report::has_errors(&loaded.findings) {
        report::print(&loaded.findings);
    }
    Ok(Exit::of_input(refused || report::has_errors(&loaded.findings)))
}

impl Arguments {
    /// The object that is meant: as its manifest has it, or a pod that a workload makes.
    fn find<'a>(&self, loaded: &'a Loaded) -> Result<&'a Object, Stop> {
        let wanted = |object: &&Object| {
            let meta = object.metadata();
            meta.name == self.object
                && meta.namespace == self.input.namespace
                && self.kind.is(object)
        };
        let objects = loaded.cluster.control().given().map(|(_, object)| object);
        let mut found = objects.filter(wanted);
        found.next().ok_or_else(|| {
            Stop::input(format!(
                "there is no {} {} in namespace {}",
                self.kind.word(),
                self.object,
                self.input.namespace
            ))
        })
    }

    fn options(&self) -> Result<Expose, Stop> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let map = |option, text: &Option<String>| {
            text.as_deref().map(|text| pairs(option, text)).transpose()
        };
        Ok(Expose {
            name: text(&self.name),
            ports: self.port.clone(),
            protocol: text(&self.protocol),
            target_port: self.target_port.as_deref().map(target),
            selector: map("--selector", &self.selector)?,
            labels: map("--labels", &self.labels)?,
            r#type: text(&self.r#type),
            external_ip: text(&self.external_ip),
            cluster_ip: text(&self.cluster_ip),
            session_affinity: text(&self.session_affinity),
            load_balancer_ip: text(&self.load_balancer_ip),
        })
    }
}

impl Kind {
    const fn is(self, object: &Object) -> bool {
        matches!(
            (self, object),
            (Self::Rc, Object::ReplicationController(_))
                | (Self::Rs, Object::ReplicaSet(_))
                | (Self::Deployment, Object::Deployment(_))
                | (Self::Pod, Object::Pod(_))
                | (Self::Service, Object::Service(_))
        )
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Rc => "ReplicationController",
            Self::Rs => "ReplicaSet",
            Self::Deployment => "Deployment",
            Self::Pod => "Pod",
            Self::Service => "Service",
        }
    }
}

/// A number if it is one, else a name.
fn target(text: &str) -> IntOrString {
    i32::from_str(text).map_or_else(|_| IntOrString::String(text.into()), IntOrString::Int)
}

/// `key=value` pairs with commas between.
fn pairs(option: &str, text: &str) -> Result<StringMap, Stop> {
    let labels: svckit::select::Labels =
        text.parse().map_err(|error| Stop::usage(format!("{option} {text:?}: {error}")))?;
    Ok(labels.iter().map(|(key, value)| (key.into(), value.into())).collect())
}
