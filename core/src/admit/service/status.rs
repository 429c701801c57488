//! Rules on what a load balancer reports.

use super::{LOAD_BALANCER, cluster_ips, ports};
use crate::{
    admit::{
        Gates,
        field::{Field, Notes, STATUS},
        metadata, syntax,
    },
    api::{LoadBalancerIngress, LoadBalancerStatus, PortStatus, Service},
    finding::Finding,
};
use std_alloc::{string::String, vec::Vec};

/// The longest error of a port.
const ERROR: usize = 316;

/// Everything that refuses a status, on a write of the status alone or of an object that carries one.
///
/// Texts of addresses that stand in `old` are not looked at again.
#[must_use]
pub fn validate_status(new: &Service, old: Option<&Service>, gates: &Gates) -> Vec<Finding> {
    let mut notes = Notes::default();
    if let Some(old) = old {
        metadata::update(&new.metadata, &old.metadata, &mut notes);
    }
    let ingress = STATUS.child("loadBalancer");
    let list = ingress.child("ingress");
    let allowed = new.spec.r#type == LOAD_BALANCER || gates.allow_service_lb_status_on_non_lb;
    if !allowed && !new.status.load_balancer.ingress.is_empty() {
        notes.forbidden(list, "only a Service of type LoadBalancer has one");
    } else {
        let before = old.map(|old| &old.status.load_balancer);
        balancer(&new.status.load_balancer, before, true, gates, &mut notes);
    }
    notes.0
}

/// Addresses and names of a load balancer; Ingresses have them too, but without `ipMode`.
pub(in crate::admit) fn balancer(
    new: &LoadBalancerStatus,
    old: Option<&LoadBalancerStatus>,
    has_modes: bool,
    gates: &Gates,
    notes: &mut Notes,
) {
    let before = old.map_or(&[][..], |old| &old.ingress).iter();
    let before: Vec<String> = before.map(|ingress| ingress.ip.clone()).collect();
    let status = STATUS.child("loadBalancer");
    let list = status.child("ingress");
    for (i, ingress) in new.ingress.iter().enumerate() {
        let at = list.index(i);
        if !ingress.ip.is_empty() {
            cluster_ips::legacy_ip(&ingress.ip, &before, gates, at.child("ip"), notes);
        }
        if has_modes {
            mode(ingress, at, notes);
        }
        hostname(&ingress.hostname, at.child("hostname"), notes);
        let list = at.child("ports");
        for (j, port) in ingress.ports.iter().enumerate() {
            port_status(port, list.index(j), notes);
        }
    }
}

fn mode(ingress: &LoadBalancerIngress, at: Field<'_>, notes: &mut Notes) {
    let at = at.child("ipMode");
    match (ingress.ip.is_empty(), ingress.ip_mode.as_deref()) {
        (false, None) => notes.required(at, "an address has a mode, VIP or Proxy"),
        (true, Some(_)) => notes.forbidden(at, "only an address has a mode"),
        (false, Some(mode)) => notes.one_of(at, mode, &["Proxy", "VIP"]),
        (true, None) => {}
    }
}

fn hostname(name: &str, at: Field<'_>, notes: &mut Notes) {
    if name.is_empty() {
        return;
    }
    notes.problems(at, name, syntax::rfc1123_subdomain(name));
    if syntax::ip(name, syntax::Level::Lenient).is_ok() {
        notes.invalid(at, name, "must be a DNS name, not an address");
    }
}

fn port_status(port: &PortStatus, at: Field<'_>, notes: &mut Notes) {
    ports::number(port.port, at.child("port"), notes);
    notes.one_of(at.child("protocol"), &port.protocol, &ports::PROTOCOLS);
    if let Some(error) = &port.error {
        let at = at.child("error");
        notes.problems(at, error, syntax::qualified_name(error));
        if error.len() > ERROR {
            notes.too_long(at, "must be no more than 316 bytes");
        }
    }
}
