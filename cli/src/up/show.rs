//! What `up` prints.

use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc};
use svckit::{
    api::Service,
    cluster::ControlPlane,
    model::{NamespacedName, Port, Protocol},
};

use super::servers::Servers;
use crate::{get, input::Output};

/// Prints what is served, and what to try.
pub(super) fn ready(cluster: &ControlPlane, servers: &Servers, output: Output) {
    if output == Output::Json {
        println!("{}", summary(cluster, servers, "ready"));
        return;
    }
    table(cluster, servers);
    println!("\nTry:");
    for command in commands(cluster, servers) {
        println!("  {command}");
    }
    if let Some(addr) = servers.metrics() {
        println!("\nWhat happens to connections: http://{addr}/metrics");
    }
    println!("\nCtrl-C ends it. Edit the manifests and they take effect.");
}

/// Prints what is served after a change.
pub(super) fn changed(cluster: &ControlPlane, servers: &Servers, output: Output) {
    if output == Output::Json {
        println!("{}", summary(cluster, servers, "changed"));
    } else {
        println!();
        table(cluster, servers);
    }
}

fn table(cluster: &ControlPlane, servers: &Servers) {
    let headings =
        ["NAMESPACE", "NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "LISTEN", "PODS"];
    let pods = servers.pods();
    let row = |service: &Arc<Service>| {
        let ports: Vec<String> = service.spec.ports.iter().map(get::service_port).collect();
        let listen: Vec<String> = ports_of(service, servers)
            .into_iter()
            .flat_map(|(_, listen)| listen)
            .map(|addr| addr.to_string())
            .collect();
        let pods = pods.get(&key(service)).copied().unwrap_or_default();
        vec![
            service.metadata.namespace.clone(),
            service.metadata.name.clone(),
            service.spec.r#type.clone(),
            service.spec.cluster_ips.first().cloned().unwrap_or_else(|| "<none>".into()),
            get::service_external(service, false),
            get::joined(&ports, "<none>"),
            get::joined(&listen, "<none>"),
            pods.to_string(),
        ]
    };
    get::print_table(&headings, &cluster.services().map(row).collect::<Vec<_>>());
}

/// Commands that work as they are printed.
fn commands(cluster: &ControlPlane, servers: &Servers) -> Vec<String> {
    let mut commands = Vec::new();
    let served = servers.forwarded().find_map(|frontend| {
        let reaches =
            frontend.protocol() == Protocol::Tcp && !frontend.internal_endpoints().is_empty();
        let listen = servers.listening(frontend.cluster_ip?, Protocol::Tcp, frontend.port)?;
        reaches.then_some(listen)
    });
    commands.extend(served.map(|listen| format!("curl -s http://{listen}")));
    if let (Some(dns), Some(service)) = (servers.faces().dns(), cluster.services().next()) {
        let name = format!(
            "{}.{}.svc.{:#}",
            service.metadata.name,
            service.metadata.namespace,
            cluster.settings().cluster_domain
        );
        commands.push(format!("dig -p {} @{} {name}", dns.port(), dns.ip()));
    }
    let faces = servers.faces();
    let ingress = faces.example().and_then(|(host, path)| faces.web().command(&host, &path));
    commands.extend(ingress);
    commands
}

/// Each port of a Service and where clients on this machine reach it.
fn ports_of<'a>(
    service: &'a Service,
    servers: &Servers,
) -> Vec<(&'a svckit::api::ServicePort, Vec<SocketAddr>)> {
    let listen = |port: &svckit::api::ServicePort| {
        let Some(protocol) = Protocol::parse(&port.protocol) else { return Vec::new() };
        let at = |ip, number: i32| {
            Port::try_from(number).ok().and_then(|number| servers.listening(ip, protocol, number))
        };
        let balancer = service.status.load_balancer.ingress.iter().map(|ingress| &ingress.ip);
        let outside = balancer.chain(&service.spec.external_ips);
        let ips = service.spec.cluster_ips.iter().chain(outside).filter_map(|ip| ip.parse().ok());
        let addressed = ips.filter_map(|ip| at(ip, port.port));
        let node = servers.node().iter().filter_map(|ip| at(*ip, port.node_port));
        addressed.chain(node).collect()
    };
    service.spec.ports.iter().map(|port| (port, listen(port))).collect()
}

fn summary(cluster: &ControlPlane, servers: &Servers, what: &str) -> Value {
    let service = |service: &Arc<Service>| {
        let ports: Vec<Value> = ports_of(service, servers)
            .into_iter()
            .map(|(port, listen)| {
                json!({
                    "name": port.name,
                    "protocol": port.protocol,
                    "port": port.port,
                    "nodePort": port.node_port,
                    "listen": listen.iter().map(ToString::to_string).collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({
            "namespace": service.metadata.namespace,
            "name": service.metadata.name,
            "type": service.spec.r#type,
            "clusterIPs": service.spec.cluster_ips,
            "ports": ports,
        })
    };
    let address = |addr: Option<SocketAddr>| addr.map(|addr| addr.to_string());
    let (dns, web) = (address(servers.faces().dns()), servers.faces().web());
    let (health, metrics) = (address(servers.faces().status()), address(servers.metrics()));
    let (ingress, tls) = (address(web.http()), address(web.https()));
    json!({ what: true, "dns": dns, "dnsHealth": health, "metrics": metrics, "ingress": ingress, "ingressTLS": tls, "services": cluster.services().map(service).collect::<Vec<_>>() })
}

fn key(service: &Service) -> NamespacedName {
    NamespacedName::new(service.metadata.namespace.as_str(), service.metadata.name.as_str())
}
