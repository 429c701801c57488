//! Objects of any kind: defaults, rules and warnings by kind.

use super::{
    Gates, endpoint_slice, endpoints,
    field::Notes,
    ingress, ingress_class, ip_address,
    metadata::{self, Naming},
    pod, service, service_cidr, syntax, workload,
};
use crate::{
    api::{Object, ObjectMeta, PodSpec},
    finding::Finding,
};
use std_alloc::vec::Vec;

/// Metadata that the server writes.
const SERVERS_OWN: [&str; 6] = [
    "metadata.uid",
    "metadata.resourceVersion",
    "metadata.generation",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "metadata.deletionGracePeriodSeconds",
];

/// Fills in what the author left out, whatever the kind. A namespaced object without a namespace is in `default`.
///
/// Doing it twice changes nothing.
pub fn default(object: &mut Object) {
    if object.is_namespaced() && object.metadata().namespace.is_empty() {
        object.metadata_mut().namespace.push_str("default");
    }
    match object {
        Object::Service(it) => service::default(it),
        Object::EndpointSlice(it) => endpoint_slice::default(it),
        Object::Endpoints(it) => endpoints::default(it),
        Object::Pod(it) => pod::default(it),
        Object::Ingress(it) => ingress::default(it),
        Object::IngressClass(it) => ingress_class::default(it),
        Object::ReplicationController(it) => workload::default_controller(it),
        Object::ReplicaSet(it) => workload::default(&it.api_version, &mut it.spec),
        Object::Deployment(it) => workload::default(&it.api_version, &mut it.spec),
        Object::StatefulSet(it) => workload::default(&it.api_version, &mut it.spec),
        Object::Node(_) | Object::Namespace(_) | Object::Secret(_) => {}
        Object::Gateway(_)
        | Object::GatewayClass(_)
        | Object::HttpRoute(_)
        | Object::ReferenceGrant(_) => {}
        Object::IpAddress(_) | Object::ServiceCidr(_) => {}
    }
}

/// Everything that refuses a new object that has its defaults, whatever the kind.
///
/// A Service is judged as [`service::validate`] does, without knowing the cluster; [`super::Registry`] knows more.
///
/// ```
/// use svckit::{admit::{self, Gates}, api::{Namespace, Object}};
///
/// let mut object = Object::Namespace(Box::<Namespace>::default());
/// object.metadata_mut().name = "My Shop".into();
/// assert_eq!(admit::validate(&object, &Gates::default())[0].path, "metadata.name");
/// ```
#[must_use]
pub fn validate(object: &Object, gates: &Gates) -> Vec<Finding> {
    match object {
        Object::Service(it) => service::validate(it, gates),
        Object::EndpointSlice(it) => endpoint_slice::validate(it, gates),
        Object::Endpoints(it) => endpoints::validate(it, gates),
        Object::Pod(it) => pod::validate(it, gates),
        Object::Ingress(it) => ingress::validate(it, gates),
        Object::IngressClass(it) => ingress_class::validate(it),
        Object::IpAddress(it) => ip_address::validate(it),
        Object::ServiceCidr(it) => service_cidr::validate(it),
        Object::ReplicationController(it) => workload::validate_controller(it, gates),
        Object::ReplicaSet(it) => workload::validate(&it.metadata, &it.spec, gates),
        Object::Deployment(it) => workload::validate(&it.metadata, &it.spec, gates),
        Object::StatefulSet(it) => workload::validate(&it.metadata, &it.spec, gates),
        Object::Node(it) => metadata_only(&it.metadata, Naming::CLUSTER),
        Object::Namespace(it) => {
            let label = Naming { name: syntax::rfc1123_label, namespaced: false };
            metadata_only(&it.metadata, label)
        }
        Object::Secret(it) => metadata_only(&it.metadata, Naming::SUBDOMAIN),
        Object::Gateway(it) => metadata_only(&it.metadata, Naming::SUBDOMAIN),
        Object::GatewayClass(it) => metadata_only(&it.metadata, Naming::CLUSTER),
        Object::HttpRoute(it) => metadata_only(&it.metadata, Naming::SUBDOMAIN),
        Object::ReferenceGrant(it) => metadata_only(&it.metadata, Naming::SUBDOMAIN),
    }
}

/// Everything that refuses a change of an object; both have their defaults.
///
/// Kinds without rules for changes are judged as new ones, as is an object that was made anew under its name (its uid
/// differs). What the server itself writes into metadata is not looked at: an object that comes from a server has it,
/// one that comes from a file has not.
#[must_use]
pub fn validate_update(new: &Object, old: &Object, gates: &Gates) -> Vec<Finding> {
    let (uid, old_uid) = (&new.metadata().uid, &old.metadata().uid);
    if !uid.is_empty() && !old_uid.is_empty() && uid != old_uid {
        return validate(new, gates);
    }
    let mut findings = match (new, old) {
        (Object::Service(new), Object::Service(old)) => service::validate_update(new, old, gates),
        (Object::EndpointSlice(new), Object::EndpointSlice(old)) => {
            endpoint_slice::validate_update(new, old, gates)
        }
        (Object::Endpoints(new), Object::Endpoints(old)) => {
            endpoints::validate_update(new, old, gates)
        }
        (Object::Ingress(new), Object::Ingress(old)) => ingress::validate_update(new, old, gates),
        (Object::IngressClass(new), Object::IngressClass(old)) => {
            ingress_class::validate_update(new, old)
        }
        (Object::IpAddress(new), Object::IpAddress(old)) => ip_address::validate_update(new, old),
        (Object::ServiceCidr(new), Object::ServiceCidr(old)) => {
            service_cidr::validate_update(new, old)
        }
        _ => validate(new, gates),
    };
    findings.retain(|finding| !SERVERS_OWN.contains(&finding.path.as_str()));
    findings
}

/// What should be told to the author of an object that is accepted. Takes it as it was written, before defaults.
#[must_use]
pub fn warnings(object: &Object) -> Vec<Finding> {
    let of_template = |spec: &PodSpec| {
        let mut findings = pod::warnings(spec);
        for finding in &mut findings {
            finding.path = finding.path.replacen("spec", "spec.template.spec", 1);
        }
        findings
    };
    match object {
        Object::Service(it) => service::warnings(it),
        Object::Ingress(it) => ingress::warnings(it),
        Object::Pod(it) => pod::warnings(&it.spec),
        Object::ReplicationController(it) => {
            it.spec.template.iter().flat_map(|template| of_template(&template.spec)).collect()
        }
        Object::ReplicaSet(it) => of_template(&it.spec.template.spec),
        Object::Deployment(it) => of_template(&it.spec.template.spec),
        Object::StatefulSet(it) => of_template(&it.spec.template.spec),
        _ => Vec::new(),
    }
}

/// Warnings and errors of an object as it was written: [`warnings`], [`default`] on a copy, [`validate`].
///
/// A health check port that is left open is nothing to tell: it will be allocated.
#[must_use]
pub fn check(object: &Object, gates: &Gates) -> Vec<Finding> {
    let mut findings = warnings(object);
    let mut copy = object.clone();
    default(&mut copy);
    if let Object::Service(service) = &mut copy {
        service::normalize(service, None);
    }
    let open = matches!(&copy, Object::Service(it) if it.spec.health_check_node_port == 0);
    let mut errors = validate(&copy, gates);
    errors.retain(|finding| !(open && finding.path == "spec.healthCheckNodePort"));
    findings.append(&mut errors);
    findings
}

fn metadata_only(meta: &ObjectMeta, naming: Naming) -> Vec<Finding> {
    let mut notes = Notes::default();
    metadata::create(meta, naming, &mut notes);
    notes.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Pod, Service, ServicePort};
    use std::{boxed::Box, string::String};

    #[test]
    fn a_written_object_is_checked_as_it_will_be() {
        let mut balancer = Service::default();
        balancer.metadata.name = "lb".into();
        balancer.spec.r#type = "LoadBalancer".into();
        balancer.spec.cluster_ip = "10.96.0.1".into();
        balancer.spec.external_traffic_policy = "Local".into();
        balancer.spec.ports.push(ServicePort { port: 80, ..Default::default() });
        let mut object = Object::Service(Box::new(balancer));
        assert_eq!(check(&object, &Gates::default()), []);
        object.metadata_mut().labels.insert("a b".into(), String::new());
        assert_eq!(check(&object, &Gates::default())[0].path, "metadata.labels");
        let pod = Object::Pod(Box::<Pod>::default());
        assert_eq!(check(&pod, &Gates::default())[0].path, "metadata.name");
    }
}
