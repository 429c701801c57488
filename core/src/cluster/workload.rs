//! The pods that controllers make of their templates.
//!
//! A cluster's controllers would create them; here they are derived, so that a manifest of a Deployment is enough to
//! see its Service work. Names are the ones a cluster would give (`web-5d4f7c9b8-x2x9z`, `web-0`), made from the
//! workload's name and the pod's number instead of by chance, so that they stay from run to run.

use crate::api::{Object, ObjectMeta, Pod, PodTemplateSpec};
use crate::name::word;
use std_alloc::format;

/// At most this many pods are made of one workload; a larger number is a slip of the pen here.
pub const MAX_REPLICAS: usize = 10_000;

/// The pods of a workload; none for any other object.
///
/// They are without addresses and conditions. Costs O(replicas).
///
/// ```
/// use svckit::{api::{Object, StatefulSet}, cluster::pods_of};
///
/// let mut cache = StatefulSet::default();
/// cache.metadata.name = "cache".into();
/// cache.spec.replicas = Some(2);
/// let names: Vec<_> = pods_of(&Object::StatefulSet(cache.into())).map(|pod| pod.metadata.name).collect();
/// assert_eq!(names, ["cache-0", "cache-1"]);
/// ```
pub fn pods_of(object: &Object) -> impl Iterator<Item = Pod> {
    let workload = Workload::of(object);
    workload
        .into_iter()
        .flat_map(|workload| (0..workload.replicas).map(move |number| workload.pod(number)))
}

/// Puts the pods of a workload that names no node on this one, before they are made: so they still share one spec.
pub(super) fn place_on(object: &mut Object, node: &str) {
    let template = match object {
        Object::ReplicationController(rc) => rc.spec.template.as_mut(),
        Object::ReplicaSet(rs) => Some(&mut rs.spec.template),
        Object::Deployment(d) => Some(&mut d.spec.template),
        Object::StatefulSet(s) => Some(&mut s.spec.template),
        _ => None,
    };
    if let Some(template) = template.filter(|template| template.spec.node_name.is_empty()) {
        template.spec.node_name = node.into();
    }
}

/// What the kinds of controllers have in common.
#[derive(Clone, Copy)]
struct Workload<'a> {
    metadata: &'a ObjectMeta,
    template: &'a PodTemplateSpec,
    replicas: usize,
    naming: Naming<'a>,
}

/// How a controller names its pods.
#[derive(Clone, Copy)]
enum Naming<'a> {
    /// `name-xxxxx`.
    Random,
    /// `name-hash-xxxxx`: the pods are a ReplicaSet's that belongs to a Deployment.
    Rollout,
    /// `name-0`, under this Service's name in DNS.
    Ordinal(&'a str),
}

impl<'a> Workload<'a> {
    fn of(object: &'a Object) -> Option<Self> {
        let (metadata, template, replicas, naming) = match object {
            Object::ReplicationController(rc) => {
                (&rc.metadata, rc.spec.template.as_ref()?, rc.spec.replicas, Naming::Random)
            }
            Object::ReplicaSet(rs) => {
                (&rs.metadata, &rs.spec.template, rs.spec.replicas, Naming::Random)
            }
            Object::Deployment(d) => {
                (&d.metadata, &d.spec.template, d.spec.replicas, Naming::Rollout)
            }
            Object::StatefulSet(s) => (
                &s.metadata,
                &s.spec.template,
                s.spec.replicas,
                Naming::Ordinal(&s.spec.service_name),
            ),
            _ => return None,
        };
        let replicas = usize::try_from(replicas.unwrap_or(1)).unwrap_or_default().min(MAX_REPLICAS);
        Some(Self { metadata, template, replicas, naming })
    }

    fn pod(self, number: usize) -> Pod {
        let mut pod = Pod {
            api_version: "v1".into(),
            kind: "Pod".into(),
            metadata: self.template.metadata.clone(),
            spec: self.template.spec.clone(),
            ..Pod::default()
        };
        let owner = &self.metadata.name;
        pod.metadata.namespace.clone_from(&self.metadata.namespace);
        pod.metadata.name = match self.naming {
            Naming::Random => format!("{owner}-{}", word(&[owner, &format!("{number}")], 5)),
            Naming::Rollout => {
                let rollout = word(&[owner], 9);
                format!("{owner}-{rollout}-{}", word(&[owner, &rollout, &format!("{number}")], 5))
            }
            Naming::Ordinal(service) => {
                pod.spec.hostname = format!("{owner}-{number}");
                pod.spec.subdomain = service.into();
                format!("{owner}-{number}")
            }
        };
        pod
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Deployment, ReplicationController};
    use std_alloc::{collections::BTreeSet, vec::Vec};

    #[test]
    fn names_are_unique_and_stay() {
        let mut rc = ReplicationController::default();
        rc.metadata.name = "webapp".into();
        rc.metadata.namespace = "shop".into();
        rc.spec.replicas = Some(500);
        rc.spec.template = Some(PodTemplateSpec::default());
        let object = Object::ReplicationController(rc.into());
        let names: BTreeSet<_> = pods_of(&object).map(|pod| pod.metadata.name).collect();
        assert_eq!(names.len(), 500);
        assert!(pods_of(&object).map(|pod| pod.metadata.name).all(|name| names.contains(&name)));
        assert!(pods_of(&object).all(|pod| pod.metadata.namespace == "shop"));
    }

    #[test]
    fn a_deployment_names_its_rollout() {
        let mut web = Deployment::default();
        web.metadata.name = "web".into();
        let pods: Vec<_> = pods_of(&Object::Deployment(web.into())).collect();
        let parts: Vec<_> = pods[0].metadata.name.split('-').map(str::len).collect();
        assert_eq!((pods.len(), parts), (1, [3, 9, 5].into()));
    }
}
