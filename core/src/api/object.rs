//! Any object that svckit knows.

use super::*;
use core::fmt;
use std_alloc::{boxed::Box, string::String};

/// Any object that svckit knows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is the kind it is called")]
pub enum Object {
    Service(Box<Service>),
    EndpointSlice(Box<EndpointSlice>),
    Endpoints(Box<Endpoints>),
    Pod(Box<Pod>),
    Node(Box<Node>),
    Namespace(Box<Namespace>),
    Secret(Box<Secret>),
    Ingress(Box<Ingress>),
    IngressClass(Box<IngressClass>),
    Gateway(Box<Gateway>),
    GatewayClass(Box<GatewayClass>),
    HttpRoute(Box<HttpRoute>),
    ReferenceGrant(Box<ReferenceGrant>),
    IpAddress(Box<IpAddress>),
    ServiceCidr(Box<ServiceCidr>),
    ReplicationController(Box<ReplicationController>),
    ReplicaSet(Box<ReplicaSet>),
    Deployment(Box<Deployment>),
    StatefulSet(Box<StatefulSet>),
}

/// Which object: what no two objects of a cluster have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Its kind; one kind is one thing, whatever version its text was written for.
    pub kind: &'static str,
    /// Its namespace; empty for kinds that have none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// `Service shop/cart`, `Node n1`.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace[..] {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// Runs `$body` with the object, whatever its kind, bound to `$object`.
macro_rules! each {
    ($self:expr, $object:ident => $body:expr) => {
        match $self {
            Self::Service($object) => $body,
            Self::EndpointSlice($object) => $body,
            Self::Endpoints($object) => $body,
            Self::Pod($object) => $body,
            Self::Node($object) => $body,
            Self::Namespace($object) => $body,
            Self::Secret($object) => $body,
            Self::Ingress($object) => $body,
            Self::IngressClass($object) => $body,
            Self::Gateway($object) => $body,
            Self::GatewayClass($object) => $body,
            Self::HttpRoute($object) => $body,
            Self::ReferenceGrant($object) => $body,
            Self::IpAddress($object) => $body,
            Self::ServiceCidr($object) => $body,
            Self::ReplicationController($object) => $body,
            Self::ReplicaSet($object) => $body,
            Self::Deployment($object) => $body,
            Self::StatefulSet($object) => $body,
        }
    };
}

impl Object {
    /// Its name, namespace and labels.
    #[must_use]
    pub fn metadata(&self) -> &ObjectMeta {
        each!(self, object => &object.metadata)
    }

    /// Its name, namespace and labels, to be changed.
    pub fn metadata_mut(&mut self) -> &mut ObjectMeta {
        each!(self, object => &mut object.metadata)
    }

    /// Its kind, as Kubernetes writes it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Service(_) => "Service",
            Self::EndpointSlice(_) => "EndpointSlice",
            Self::Endpoints(_) => "Endpoints",
            Self::Pod(_) => "Pod",
            Self::Node(_) => "Node",
            Self::Namespace(_) => "Namespace",
            Self::Secret(_) => "Secret",
            Self::Ingress(_) => "Ingress",
            Self::IngressClass(_) => "IngressClass",
            Self::Gateway(_) => "Gateway",
            Self::GatewayClass(_) => "GatewayClass",
            Self::HttpRoute(_) => "HTTPRoute",
            Self::ReferenceGrant(_) => "ReferenceGrant",
            Self::IpAddress(_) => "IPAddress",
            Self::ServiceCidr(_) => "ServiceCIDR",
            Self::ReplicationController(_) => "ReplicationController",
            Self::ReplicaSet(_) => "ReplicaSet",
            Self::Deployment(_) => "Deployment",
            Self::StatefulSet(_) => "StatefulSet",
        }
    }

    /// Which object it is.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        let metadata = self.metadata();
        let namespace =
            if self.is_namespaced() { metadata.namespace.clone() } else { String::new() };
        ObjectId { kind: self.kind(), namespace, name: metadata.name.clone() }
    }

    /// Whether objects of this kind live in a namespace.
    #[must_use]
    pub fn is_namespaced(&self) -> bool {
        !matches!(
            self,
            Self::Node(_)
                | Self::Namespace(_)
                | Self::IngressClass(_)
                | Self::GatewayClass(_)
                | Self::IpAddress(_)
                | Self::ServiceCidr(_)
        )
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Object {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        each!(self, object => object.serialize(out))
    }
}

#[cfg(feature = "serde")]
mod wire {
    use super::{super::decode, Box, Object, ObjectId};
    use crate::{
        api::{Decoded, Tree, TreeNode},
        finding::{Finding, Kind},
    };
    use std_alloc::{format, string::String, vec::Vec};

    /// Reads one kind.
    type Read = fn(&Tree, &mut Vec<Finding>) -> Object;

    macro_rules! read {
        ($($variant:ident)*) => {$(
            #[expect(non_snake_case, reason = "called as the variant it makes")]
            fn $variant(tree: &Tree, findings: &mut Vec<Finding>) -> Object {
                Object::$variant(Box::new(decode::object(tree, findings)))
            }
        )*};
    }
    read! {
        Service EndpointSlice Endpoints Pod Node Namespace Secret Ingress IngressClass IpAddress ServiceCidr
        Gateway GatewayClass HttpRoute ReferenceGrant ReplicationController ReplicaSet Deployment StatefulSet
    }

    const GATEWAY_V1: &str = "gateway.networking.k8s.io/v1";
    const GATEWAY_V1BETA1: &str = "gateway.networking.k8s.io/v1beta1";

    /// The kinds we read, and the versions in which they have this shape.
    const KINDS: &[(&str, &[&str], Read)] = &[
        ("Service", &["v1"], Service),
        ("EndpointSlice", &["discovery.k8s.io/v1"], EndpointSlice),
        ("Endpoints", &["v1"], Endpoints),
        ("Pod", &["v1"], Pod),
        ("Node", &["v1"], Node),
        ("Namespace", &["v1"], Namespace),
        ("Secret", &["v1"], Secret),
        (
            "Ingress",
            &["networking.k8s.io/v1", "networking.k8s.io/v1beta1", "extensions/v1beta1"],
            Ingress,
        ),
        ("IngressClass", &["networking.k8s.io/v1", "networking.k8s.io/v1beta1"], IngressClass),
        ("Gateway", &[GATEWAY_V1, GATEWAY_V1BETA1], Gateway),
        ("GatewayClass", &[GATEWAY_V1, GATEWAY_V1BETA1], GatewayClass),
        ("HTTPRoute", &[GATEWAY_V1, GATEWAY_V1BETA1], HttpRoute),
        ("ReferenceGrant", &[GATEWAY_V1, GATEWAY_V1BETA1], ReferenceGrant),
        ("IPAddress", &["networking.k8s.io/v1", "networking.k8s.io/v1beta1"], IpAddress),
        ("ServiceCIDR", &["networking.k8s.io/v1", "networking.k8s.io/v1beta1"], ServiceCidr),
        ("ReplicationController", &["v1"], ReplicationController),
        ("ReplicaSet", &["apps/v1", "apps/v1beta2", "extensions/v1beta1"], ReplicaSet),
        (
            "Deployment",
            &["apps/v1", "apps/v1beta2", "apps/v1beta1", "extensions/v1beta1"],
            Deployment,
        ),
        ("StatefulSet", &["apps/v1", "apps/v1beta2", "apps/v1beta1"], StatefulSet),
    ];

    /// Kinds of Kubernetes that say nothing about Services: left out with a warning.
    const OTHERS: &[&str] = &[
        "APIService",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "ConfigMap",
        "ControllerRevision",
        "CronJob",
        "CSIDriver",
        "CustomResourceDefinition",
        "DaemonSet",
        "Event",
        "HorizontalPodAutoscaler",
        "Job",
        "Lease",
        "LimitRange",
        "MutatingWebhookConfiguration",
        "NetworkPolicy",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "PodTemplate",
        "PriorityClass",
        "ResourceQuota",
        "Role",
        "RoleBinding",
        "RuntimeClass",
        "ServiceAccount",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
    ];

    impl ObjectId {
        /// The object of a kind, as Kubernetes writes it; `None` when svckit does not know the kind.
        pub fn new(
            kind: &str,
            namespace: impl Into<String>,
            name: impl Into<String>,
        ) -> Option<Self> {
            let (kind, ..) = KINDS.iter().find(|(known, ..)| *known == kind)?;
            Some(Self { kind, namespace: namespace.into(), name: name.into() })
        }
    }

    impl Object {
        /// Reads one object.
        pub(in crate::api) fn decode(tree: &Tree) -> Decoded {
            let mut findings = Vec::new();
            let object = reader(tree, &mut findings).map(|read| read(tree, &mut findings));
            let title = title(tree);
            for finding in &mut findings {
                finding.object.clone_from(&title);
            }
            Decoded { object, findings, line: tree.line }
        }
    }

    /// Finds how to read an object, or says why it can't be read.
    fn reader(tree: &Tree, findings: &mut Vec<Finding>) -> Option<Read> {
        let mut note = |finding: Finding, line| findings.push(Finding { line, ..finding });
        if !matches!(tree.node, TreeNode::Map(_)) {
            let message =
                format!("an object is a map with apiVersion and kind, this is {}", tree.shape());
            note(Finding::error(Kind::Invalid, "", "", message), tree.line);
            return None;
        }
        let Some(kind) = tree.text("kind") else {
            let missing = Finding::error(
                Kind::Required,
                "kind",
                "",
                "an object needs a kind, such as Service",
            );
            note(missing, tree.line_of("kind"));
            return None;
        };
        let Some((_, versions, read)) = KINDS.iter().find(|(name, ..)| *name == kind) else {
            note(unknown_kind(kind), tree.line_of("kind"));
            return None;
        };
        let version = tree.text("apiVersion").unwrap_or_default();
        if !versions.contains(&version) {
            let wanted = versions.join(" or ");
            let missing = if version.is_empty() { Kind::Required } else { Kind::NotSupported };
            let wrong = format!("a {kind} has apiVersion {wanted}");
            note(Finding::error(missing, "apiVersion", version, wrong), tree.line_of("apiVersion"));
        }
        Some(*read)
    }

    fn unknown_kind(kind: &str) -> Finding {
        if OTHERS.contains(&kind) {
            return Finding::warning(
                Kind::Unknown,
                "kind",
                kind,
                "svckit has no use for this kind; left out",
            );
        }
        let known: Vec<&str> = KINDS.iter().map(|(name, ..)| *name).collect();
        let message = match decode::closest(kind, &known) {
            Some(name) => format!("there is no such kind; perhaps {name}?"),
            None => format!("svckit does not know this kind; it knows {}", known.join(", ")),
        };
        Finding::error(Kind::Unknown, "kind", kind, message)
    }

    /// `Service shop/cart`, as far as the text says it.
    fn title(tree: &Tree) -> String {
        let metadata = tree.get("metadata");
        let kind = tree.text("kind").unwrap_or("object");
        let name = metadata.and_then(|m| m.text("name")).unwrap_or_default();
        match (metadata.and_then(|m| m.text("namespace")), name) {
            (_, "") => kind.into(),
            (Some(namespace), name) => format!("{kind} {namespace}/{name}"),
            (None, name) => format!("{kind} {name}"),
        }
    }
}
