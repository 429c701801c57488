//! Rules on what an update may change.

use super::{
    EXTERNAL_NAME, LOAD_BALANCER, SINGLE_STACK, is_headless, load_balancer, needs_health_check,
};
use crate::{
    admit::field::{Notes, SPEC},
    api::{Service, ServiceSpec},
};
use core::cmp::Ordering;

const IMMUTABLE: &str = "may not change once it is set";

pub(super) fn rules(new: &Service, old: &Service, notes: &mut Notes) {
    let (new, old) = (&new.spec, &old.spec);
    let named = new.r#type == EXTERNAL_NAME || old.r#type == EXTERNAL_NAME;
    let headless = is_headless(new) && is_headless(old);
    if !named && !headless {
        cluster_ips(new, old, notes);
        families(new, old, notes);
    }
    class(new, old, notes);
    if needs_health_check(new)
        && needs_health_check(old)
        && new.health_check_node_port != old.health_check_node_port
    {
        notes.forbidden(SPEC.child("healthCheckNodePort"), "may not change while it is needed");
    }
}

/// The first address stays; a second may come, or go together with the policy.
fn cluster_ips(new: &ServiceSpec, old: &ServiceSpec, notes: &mut Notes) {
    let list = SPEC.child("clusterIPs");
    let first = list.index(0);
    match new.cluster_ips.len().cmp(&old.cluster_ips.len()) {
        Ordering::Equal => {
            for (i, (new, old)) in new.cluster_ips.iter().zip(&old.cluster_ips).enumerate() {
                if new != old {
                    notes.invalid(list.index(i), new, IMMUTABLE);
                }
            }
        }
        Ordering::Less => {
            match new.cluster_ips.first() {
                None => notes.invalid(first, "", "the first cluster IP can't be taken away"),
                primary if primary != old.cluster_ips.first() => {
                    notes.invalid(first, &new.cluster_ip, IMMUTABLE);
                }
                _ => {}
            }
            released(new, new.cluster_ips.len(), "cluster IP", notes);
        }
        Ordering::Greater => {
            if old.cluster_ips.first().is_some_and(|old| Some(old) != new.cluster_ips.first()) {
                notes.invalid(first, &new.cluster_ip, IMMUTABLE);
            }
        }
    }
}

/// The same for families; Kubernetes reports all of it at index 0.
fn families(new: &ServiceSpec, old: &ServiceSpec, notes: &mut Notes) {
    let list = SPEC.child("ipFamilies");
    let first = list.index(0);
    let primary = new.ip_families.first();
    let value = primary.map_or("", |family| family);
    match new.ip_families.len().cmp(&old.ip_families.len()) {
        Ordering::Equal => {
            for (new, old) in new.ip_families.iter().zip(&old.ip_families) {
                if new != old {
                    notes.invalid(first, new, IMMUTABLE);
                }
            }
        }
        Ordering::Less => {
            if new.cluster_ips.is_empty() {
                notes.invalid(first, value, "the first family can't be taken away");
            } else if primary != old.ip_families.first() {
                notes.invalid(first, value, IMMUTABLE);
            }
            released(new, new.ip_families.len(), "family", notes);
        }
        Ordering::Greater => {
            if old.ip_families.first().is_some_and(|old| Some(old) != primary) {
                notes.invalid(first, value, IMMUTABLE);
            }
        }
    }
}

/// Whoever gives up the second of two says so in the policy too.
fn released(new: &ServiceSpec, left: usize, what: &str, notes: &mut Notes) {
    let policy = new.ip_family_policy.as_deref();
    if left == 1 && policy != Some(SINGLE_STACK) {
        notes.invalid(
            SPEC.child("ipFamilyPolicy"),
            policy.unwrap_or_default(),
            &std_alloc::format!("must be SingleStack to release the second {what}"),
        );
    }
}

fn class(new: &ServiceSpec, old: &ServiceSpec, notes: &mut Notes) {
    let stays = new.r#type == LOAD_BALANCER && old.r#type == LOAD_BALANCER;
    if stays && new.load_balancer_class != old.load_balancer_class {
        let value = new.load_balancer_class.as_deref().unwrap_or_default();
        notes.invalid(SPEC.child("loadBalancerClass"), value, IMMUTABLE);
    }
    load_balancer::class(new, notes);
}
