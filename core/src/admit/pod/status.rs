//! Rules on a pod's addresses.

use crate::{
    admit::{
        Gates,
        field::{Notes, STATUS},
        service,
        syntax::{self, Level},
    },
    api::{Pod, PodIp},
    model::Family,
};
use std_alloc::vec::Vec;

pub(super) fn rules(pod: &Pod, gates: &Gates, notes: &mut Notes) {
    let status = &pod.status;
    addresses("podIPs", "podIP", &status.pod_ips, &status.pod_ip, gates, notes);
    addresses("hostIPs", "hostIP", &status.host_ips, &status.host_ip, gates, notes);
}

/// At most one of each family, the first of which is the older single field.
fn addresses(
    plural: &str,
    singular: &str,
    list: &[PodIp],
    single: &str,
    gates: &Gates,
    notes: &mut Notes,
) {
    let at = STATUS.child(plural);
    if list.is_empty() && !single.is_empty() {
        service::legacy_ip(single, &[], gates, STATUS.child(singular), notes);
    }
    for (i, addr) in list.iter().enumerate() {
        let item = at.index(i);
        service::legacy_ip(&addr.ip, &[], gates, item.child("ip"), notes);
    }
    if let Some(first) = list.first()
        && !single.is_empty()
        && first.ip != single
    {
        let message = "the first one must be the older single field";
        notes.invalid(at, &first.ip, message);
    }
    let mut families: Vec<Family> = list
        .iter()
        .filter_map(|addr| syntax::ip(&addr.ip, Level::Lenient).ok())
        .map(Family::of)
        .collect();
    let readable = families.len();
    families.sort_unstable();
    families.dedup();
    if families.len() < readable {
        notes.invalid(at, "", "must hold at most one address of each family");
    }
}
