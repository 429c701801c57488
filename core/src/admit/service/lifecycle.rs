//! What happens to fields when an object is written: how the singular and the plural address field agree, what is
//! taken over from the stored object, and what goes with a change of type.

use super::{
    EXTERNAL_NAME, LOAD_BALANCER, is_externally_reachable, is_headless, needs_cluster_ip,
    needs_health_check, needs_node_ports,
};
use crate::api::{Service, ServiceSpec};
use std_alloc::vec::Vec;

/// Brings `clusterIP` and `clusterIPs` together, for clients that only know the older, singular field.
///
/// On creation the list follows the single field, never the other way round. On update the one that changed wins.
pub fn normalize(new: &mut Service, old: Option<&Service>) {
    let spec = &mut new.spec;
    let Some(old) = old.map(|old| &old.spec) else {
        if !spec.cluster_ip.is_empty() && spec.cluster_ips.is_empty() {
            spec.cluster_ips = Vec::from([spec.cluster_ip.clone()]);
        }
        return;
    };
    let same_single = spec.cluster_ip == old.cluster_ip;
    if spec.cluster_ips.is_empty() && same_single {
        spec.cluster_ips.clone_from(&old.cluster_ips);
    } else if spec.cluster_ips == old.cluster_ips && !same_single {
        spec.cluster_ips.clear();
        if !spec.cluster_ip.is_empty() {
            spec.cluster_ips.push(spec.cluster_ip.clone());
        }
    }
}

/// Takes over what was allocated, so that a client may write an object without it.
///
/// A port takes the node port of the stored port of the same *name*, unless another port of the new object already
/// has that number; a renamed port loses its number. Families are taken over as well, which an API server leaves to
/// the client: svckit's clients are manifests, and a manifest that is applied twice must mean the same twice.
pub fn carry_over(new: &mut Service, old: &Service) {
    let (new, old) = (&mut new.spec, &old.spec);
    if needs_cluster_ip(new) && needs_cluster_ip(old) {
        if new.cluster_ip.is_empty() {
            new.cluster_ip.clone_from(&old.cluster_ip);
        }
        if new.cluster_ips.is_empty() {
            new.cluster_ips.clone_from(&old.cluster_ips);
        }
        if new.ip_families.is_empty() && is_headless(new) == is_headless(old) {
            new.ip_families.clone_from(&old.ip_families);
        }
    }
    if needs_node_ports(new) && needs_node_ports(old) {
        node_ports(new, old);
    }
    if needs_health_check(new) && needs_health_check(old) && new.health_check_node_port == 0 {
        new.health_check_node_port = old.health_check_node_port;
    }
}

fn node_ports(new: &mut ServiceSpec, old: &ServiceSpec) {
    let mut used: Vec<i32> = new.ports.iter().map(|port| port.node_port).collect();
    used.sort_unstable();
    for port in new.ports.iter_mut().filter(|port| port.node_port == 0) {
        let before = old.ports.iter().find(|before| before.name == port.name);
        if let Some(before) = before
            && used.binary_search(&before.node_port).is_err()
        {
            port.node_port = before.node_port;
        }
    }
}

/// Clears what only the old type had, on update.
///
/// A field goes only if the author did not change it in the same write: what somebody typed is never lost silently,
/// but is left to be refused.
pub fn drop_type_dependent(new: &mut Service, old: &Service) {
    let (spec, before) = (&mut new.spec, &old.spec);
    if needs_cluster_ip(before) && spec.r#type == EXTERNAL_NAME {
        clear_if_same(&mut spec.cluster_ip, &before.cluster_ip);
        clear_if_same(&mut spec.cluster_ips, &before.cluster_ips);
        clear_if_same(&mut spec.ip_families, &before.ip_families);
        clear_if_same(&mut spec.ip_family_policy, &before.ip_family_policy);
    }
    if needs_node_ports(before) && !has_node_ports(spec) {
        drop_node_ports(spec, before);
    }
    if needs_health_check(before) && !needs_health_check(spec) {
        clear_if_same(&mut spec.health_check_node_port, &before.health_check_node_port);
    }
    if before.r#type == LOAD_BALANCER && spec.r#type != LOAD_BALANCER {
        clear_if_same(
            &mut spec.allocate_load_balancer_node_ports,
            &before.allocate_load_balancer_node_ports,
        );
        clear_if_same(&mut spec.load_balancer_class, &before.load_balancer_class);
        new.status.load_balancer = Default::default();
    }
    if is_externally_reachable(before) && !is_externally_reachable(spec) {
        clear_if_same(&mut spec.external_traffic_policy, &before.external_traffic_policy);
    }
}

fn clear_if_same<T: Default + PartialEq>(field: &mut T, before: &T) {
    if field == before {
        *field = T::default();
    }
}

/// Whether node ports may stand there; a load balancer keeps its numbers even when it gets no new ones.
fn has_node_ports(spec: &ServiceSpec) -> bool {
    needs_node_ports(spec) || spec.r#type == LOAD_BALANCER
}

/// All of them, if every number also stands in the old object.
fn drop_node_ports(spec: &mut ServiceSpec, before: &ServiceSpec) {
    let mut known: Vec<i32> = before.ports.iter().map(|port| port.node_port).collect();
    known.push(0);
    known.sort_unstable();
    if spec.ports.iter().all(|port| known.binary_search(&port.node_port).is_ok()) {
        for port in &mut spec.ports {
            port.node_port = 0;
        }
    }
}

#[cfg(test)]
mod tests;
