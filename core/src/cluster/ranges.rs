//! Ranges for cluster IPs that manifests ask for: ServiceCIDR objects.
//!
//! A range is used while any object asks for it, or the settings do. When the last one is gone, or is being deleted
//! (`deletionTimestamp`), nothing is handed out of the range any more, and it goes when the last address in it that
//! no other range has is given back.

use ipnet::IpNet;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{ControlPlane, Synced};
use crate::{
    alloc::AllocError,
    api::{ObjectId, ServiceCidr},
    finding::{Finding, Kind},
};

/// Who asks for which range; the settings are nobody in particular.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    asked: BTreeMap<IpNet, BTreeSet<String>>,
}

impl Ranges {
    /// The ranges of the settings, which never go.
    pub(super) fn new(settings: &[IpNet]) -> Self {
        let asked = settings.iter().map(|range| (range.trunc(), BTreeSet::from([String::new()])));
        Self { asked: asked.collect() }
    }
}

impl ControlPlane {
    /// A ServiceCIDR exists, or is being deleted.
    pub(super) fn set_ranges(&mut self, object: &ServiceCidr) -> Result<(), Vec<Finding>> {
        let name = &object.metadata.name;
        let leaving = object.metadata.deletion_timestamp.is_some();
        let cidrs = object.spec.cidrs.iter().filter(|_| !leaving);
        let wanted: BTreeSet<IpNet> =
            cidrs.filter_map(|text| text.parse().ok()).map(|range: IpNet| range.trunc()).collect();
        let mut wrong = Vec::new();
        for range in &wanted {
            let askers = self.ranges.asked.entry(*range).or_default();
            askers.insert(name.clone());
            match self.registry.add_range(*range) {
                Ok(()) | Err(AllocError::RangeKnown { .. }) => {}
                Err(error) => wrong.push(Finding::error(
                    Kind::Invalid,
                    "spec.cidrs",
                    range.to_string(),
                    error.to_string(),
                )),
            }
        }
        self.leave_ranges(name, |range| !wanted.contains(range));
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The ServiceCIDR of this name no longer asks for these ranges.
    pub(super) fn leave_ranges(&mut self, name: &str, these: impl Fn(&IpNet) -> bool) {
        for (range, askers) in self.ranges.asked.iter_mut().filter(|(range, _)| these(range)) {
            if askers.remove(name) && askers.is_empty() {
                // A range that was refused is unknown, and needs no draining.
                let _ = self.registry.drain_range(*range);
            }
        }
        self.ranges.asked.retain(|_, askers| !askers.is_empty());
    }

    /// Lets go the ranges that nobody needs any more, and warns of objects that wait for theirs.
    pub(super) fn drain_ranges(&mut self, synced: &mut Synced) {
        for (range, held) in self.registry.remove_drained() {
            let waits = |(id, object): &(&ObjectId, &crate::api::Object)| match object {
                crate::api::Object::ServiceCidr(it) => {
                    id.kind == "ServiceCIDR" && it.spec.cidrs.contains(&range.to_string())
                }
                _ => false,
            };
            let waiting: Vec<ObjectId> =
                self.given().filter(waits).map(|(id, _)| id.clone()).collect();
            for id in waiting {
                let message = format!("{range} is draining: {held} of its addresses are in use");
                let finding =
                    Finding::warning(Kind::Conflict, "spec.cidrs", range.to_string(), message);
                synced.findings.push((id, finding));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Seed, Time,
        api::{Object, Service, ServicePort},
        cluster::Settings,
    };
    use std::vec;

    fn range(name: &str, cidr: &str, leaving: bool) -> Object {
        let mut range = ServiceCidr::default();
        range.metadata.name = name.into();
        range.metadata.deletion_timestamp = leaving.then(|| "2026-01-01T00:00:00Z".into());
        range.spec.cidrs = vec![cidr.into()];
        Object::ServiceCidr(range.into())
    }

    fn service(name: &str, addr: &str) -> Object {
        let mut service = Service::default();
        service.metadata.name = name.into();
        service.metadata.namespace = "default".into();
        service.spec.cluster_ip = addr.into();
        service.spec.ports.push(ServicePort { port: 80, ..ServicePort::default() });
        Object::Service(service.into())
    }

    /// What is wrong after each step, as `object kind`.
    fn sync(cluster: &mut ControlPlane, objects: &[Object]) -> Vec<String> {
        let synced = cluster.sync(objects, Time::default());
        synced.findings.iter().map(|(id, finding)| format!("{id} {}", finding.kind)).collect()
    }

    #[test]
    fn a_range_comes_is_drained_and_goes() {
        let mut cluster = ControlPlane::new(Settings::default(), Seed([1; 4])).unwrap();
        let (a, b) = (service("a", "10.200.0.7"), service("b", "10.200.0.8"));
        assert_eq!(sync(&mut cluster, core::slice::from_ref(&a)), ["Service default/a Invalid"]);
        let more = range("more", "10.200.0.0/24", false);
        assert_eq!(sync(&mut cluster, &[a.clone(), more]), Vec::<String>::new());
        let leaving = range("more", "10.200.0.0/24", true);
        let objects = [a.clone(), b.clone(), leaving.clone()];
        let came = sync(&mut cluster, &objects);
        assert_eq!(came, ["Service default/b Invalid", "ServiceCIDR more Conflict"]);
        assert!(cluster.service(&crate::model::ServiceKey::new("default", "a")).is_some());
        assert_eq!(sync(&mut cluster, &[leaving]), Vec::<String>::new(), "nothing keeps it");
        assert_eq!(sync(&mut cluster, &[a]), ["Service default/a Invalid"]);
    }

    #[test]
    fn a_range_of_the_settings_stays() {
        let mut cluster = ControlPlane::new(Settings::default(), Seed([1; 4])).unwrap();
        let same = range("kubernetes", "10.96.0.0/12", false);
        assert_eq!(sync(&mut cluster, &[same]), Vec::<String>::new());
        assert_eq!(sync(&mut cluster, &[service("a", "10.96.0.7")]), Vec::<String>::new());
    }
}
