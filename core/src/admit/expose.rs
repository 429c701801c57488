//! Derives a Service from what it shall lead to, as `kubectl expose` does.
//!
//! | part | from |
//! |---|---|
//! | name | the object's, cut to 63 bytes |
//! | selector | of a controller its selector, of a pod its labels, of a Service its selector |
//! | ports | of the containers, numbers once and in order; of a Service its ports |
//! | port names | none for one port; `port-1`, `port-2`; `port-1-tcp`, `port-1-udp` where a number has two protocols |
//! | protocol | the container's; TCP |
//! | target | the port |
//!
//! Three bugs of kubectl are left out: nothing of one object leaks into the next; a port that two containers have is
//! there once; ports of sidecars count.

use crate::api::{
    Container, IntOrString, Object, PodSpec, Service, ServicePort, StringMap, WorkloadSpec,
};
use std_alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// The longest name of a Service, in bytes.
const NAME: usize = 63;

/// What the caller says about the Service; what is empty is taken from the object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expose {
    /// What it is called.
    pub name: String,
    /// Numbers of its ports.
    pub ports: Vec<i32>,
    /// The protocol of all ports.
    pub protocol: String,
    /// Where all ports lead.
    pub target_port: Option<IntOrString>,
    /// Which pods are behind it.
    pub selector: Option<StringMap>,
    /// Its labels.
    pub labels: Option<StringMap>,
    /// Its type.
    pub r#type: String,
    /// An address that somebody else routes to the nodes.
    pub external_ip: String,
    /// Its address, or `None` for a headless one.
    pub cluster_ip: String,
    /// `None` or `ClientIP`.
    pub session_affinity: String,
    /// A wish for the load balancer's address.
    pub load_balancer_ip: String,
}

/// Why no Service can be derived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExposeError {
    /// Only pods, Services and controllers of pods can be exposed.
    #[error("cannot expose a {0}")]
    Kind(&'static str),
    /// Nothing says which pods are meant. Give a selector.
    #[error("the {0} says nothing that could select pods; give a selector")]
    NoSelector(&'static str),
    /// A Service selects by equality only. Give a selector.
    #[error("the selector has expressions, which a Service can't have; give a selector")]
    Expressions,
    /// Nothing says which ports. Give them.
    #[error("the {0} has no ports; give one")]
    NoPorts(&'static str),
    /// Give `None` or `ClientIP`.
    #[error("session affinity is None or ClientIP, not {0:?}")]
    Affinity(String),
    /// Leave the address out, or make it a LoadBalancer.
    #[error("only type LoadBalancer has a load balancer's address")]
    LoadBalancerIp,
}

/// A Service that leads to the pods of `object`. It is not validated: admission does that.
///
/// # Errors
///
/// The object can't be exposed, or too little is known.
///
/// ```
/// use svckit::{admit::{Expose, expose}, api::{Container, ContainerPort, Object, Pod}};
///
/// let mut web = Pod::default();
/// web.metadata.name = "web".into();
/// web.metadata.labels.insert("app".into(), "web".into());
/// let ports = vec![ContainerPort { container_port: 8080, ..Default::default() }];
/// web.spec.containers.push(Container { ports, ..Default::default() });
///
/// let service = expose(&Object::Pod(Box::new(web)), &Expose::default())?;
/// assert_eq!(service.spec.ports[0].port, 8080);
/// # Ok::<(), svckit::admit::ExposeError>(())
/// ```
pub fn expose(object: &Object, options: &Expose) -> Result<Service, ExposeError> {
    let exposed = Exposed::of(object)?;
    if !matches!(options.session_affinity.as_str(), "" | "None" | "ClientIP") {
        return Err(ExposeError::Affinity(options.session_affinity.clone()));
    }
    if !options.load_balancer_ip.is_empty() && options.r#type != "LoadBalancer" {
        return Err(ExposeError::LoadBalancerIp);
    }
    let mut service =
        Service { api_version: "v1".into(), kind: "Service".into(), ..Service::default() };
    let meta = object.metadata();
    let name = if options.name.is_empty() { cut(&meta.name) } else { &options.name };
    service.metadata.name = name.into();
    service.metadata.namespace.clone_from(&meta.namespace);
    service.metadata.labels = options.labels.clone().unwrap_or_else(|| meta.labels.clone());
    let spec = &mut service.spec;
    spec.selector = Some(match &options.selector {
        Some(selector) => selector.clone(),
        None => exposed.selector?,
    });
    spec.ports = ports(&exposed.ports, options);
    if spec.ports.is_empty() && options.cluster_ip != "None" {
        return Err(ExposeError::NoPorts(object.kind()));
    }
    spec.r#type.clone_from(&options.r#type);
    spec.cluster_ip.clone_from(&options.cluster_ip);
    spec.session_affinity.clone_from(&options.session_affinity);
    spec.load_balancer_ip.clone_from(&options.load_balancer_ip);
    if !options.external_ip.is_empty() {
        spec.external_ips.push(options.external_ip.clone());
    }
    Ok(service)
}

/// A name of at most 63 bytes; names are ASCII, and if not, the cut is before a character.
fn cut(name: &str) -> &str {
    name.get(..name.floor_char_boundary(NAME)).unwrap_or(name)
}

/// What an object says about the Service that leads to it.
struct Exposed {
    selector: Result<StringMap, ExposeError>,
    /// Number and protocol, in order.
    ports: Vec<(i32, String)>,
}

impl Exposed {
    fn of(object: &Object) -> Result<Self, ExposeError> {
        let kind = object.kind();
        let some = |map: &StringMap| {
            if map.is_empty() { Err(ExposeError::NoSelector(kind)) } else { Ok(map.clone()) }
        };
        Ok(match object {
            Object::Pod(pod) => {
                Self { selector: some(&pod.metadata.labels), ports: container_ports(&pod.spec) }
            }
            Object::Service(service) => Self {
                selector: service.spec.selector.clone().ok_or(ExposeError::NoSelector(kind)),
                ports: service
                    .spec
                    .ports
                    .iter()
                    .map(|port| (port.port, port.protocol.clone()))
                    .collect(),
            },
            Object::ReplicationController(controller) => {
                let template = controller.spec.template.as_ref();
                let labels = template.map(|template| &template.metadata.labels);
                let selector = Some(&controller.spec.selector).filter(|map| !map.is_empty());
                Self {
                    // An API server fills the selector in from the template.
                    selector: selector.or(labels).map_or(Err(ExposeError::NoSelector(kind)), some),
                    ports: template.map(|it| container_ports(&it.spec)).unwrap_or_default(),
                }
            }
            Object::ReplicaSet(set) => Self::of_workload(kind, &set.api_version, &set.spec),
            Object::Deployment(it) => Self::of_workload(kind, &it.api_version, &it.spec),
            _ => return Err(ExposeError::Kind(kind)),
        })
    }

    fn of_workload(kind: &'static str, api_version: &str, spec: &WorkloadSpec) -> Self {
        let selector = match &spec.selector {
            Some(selector) if !selector.match_expressions.is_empty() => {
                Err(ExposeError::Expressions)
            }
            Some(selector) if !selector.match_labels.is_empty() => {
                Ok(selector.match_labels.clone())
            }
            None if api_version.starts_with("extensions/")
                && !spec.template.metadata.labels.is_empty() =>
            {
                Ok(spec.template.metadata.labels.clone())
            }
            _ => Err(ExposeError::NoSelector(kind)),
        };
        Self { selector, ports: container_ports(&spec.template.spec) }
    }
}

/// Ports of the containers that run side by side.
fn container_ports(spec: &PodSpec) -> Vec<(i32, String)> {
    let sidecar = |it: &&Container| it.restart_policy.as_deref() == Some("Always");
    let containers = spec.containers.iter().chain(spec.init_containers.iter().filter(sidecar));
    let ports = containers.flat_map(|container| &container.ports);
    ports.map(|port| (port.container_port, port.protocol.clone())).collect()
}

fn ports(known: &[(i32, String)], options: &Expose) -> Vec<ServicePort> {
    let wanted: Vec<i32> = if options.ports.is_empty() {
        known.iter().map(|(number, _)| *number).collect()
    } else {
        options.ports.clone()
    };
    let mut numbers: Vec<i32> = Vec::new();
    for number in wanted {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    let mut ports = Vec::new();
    for (i, number) in numbers.iter().enumerate() {
        let protocols = protocols(*number, known, &options.protocol);
        for protocol in &protocols {
            let name = match (protocols.len(), numbers.len()) {
                (1, 1) => String::new(),
                (1, _) => format!("port-{}", i + 1),
                _ => format!("port-{}-{}", i + 1, protocol.to_ascii_lowercase()),
            };
            ports.push(ServicePort {
                name,
                protocol: protocol.to_string(),
                port: *number,
                target_port: options.target_port.clone().or(Some(IntOrString::Int(*number))),
                ..ServicePort::default()
            });
        }
    }
    ports
}

/// The protocols of a number, each once; TCP when the object doesn't know it.
fn protocols<'a>(number: i32, known: &'a [(i32, String)], forced: &'a str) -> Vec<&'a str> {
    if !forced.is_empty() {
        return Vec::from([forced]);
    }
    let mut protocols: Vec<&str> = Vec::new();
    for (_, protocol) in known.iter().filter(|(other, _)| *other == number) {
        let protocol = if protocol.is_empty() { "TCP" } else { protocol };
        if !protocols.contains(&protocol) {
            protocols.push(protocol);
        }
    }
    if protocols.is_empty() {
        protocols.push("TCP");
    }
    protocols
}

#[cfg(test)]
mod tests;
