//! Ingress networking.k8s.io/v1, and the backend form of both v1beta1 versions beside it.

use super::{IntOrString, LoadBalancerStatus, ObjectMeta};
use std_alloc::{string::String, vec::Vec};

object! {
    /// Hosts and paths, and the Services behind them.
    pub struct Ingress {
        /// `networking.k8s.io/v1`; older: `networking.k8s.io/v1beta1`, `extensions/v1beta1`.
        pub api_version: String,
        /// `Ingress`.
        pub kind: String,
        /// Name, namespace, annotations.
        pub metadata: ObjectMeta,
        /// What the author wants.
        pub spec: IngressSpec,
        /// Where it can be reached.
        pub status: IngressStatus,
    }

    /// `spec` of an Ingress.
    pub struct IngressSpec {
        /// Who implements it.
        pub ingress_class_name: Option<String>,
        /// Takes what no rule takes.
        pub default_backend: Option<IngressBackend>,
        /// The v1beta1 name of `default_backend`.
        pub backend: Option<IngressBackend>,
        /// Certificates.
        pub tls: Vec<IngressTls>,
        /// Hosts and their paths.
        pub rules: Vec<IngressRule>,
    }

    /// Hosts that share a certificate.
    pub struct IngressTls {
        /// Names in the certificate.
        pub hosts: Vec<String>,
        /// A Secret of type `kubernetes.io/tls` in the same namespace.
        pub secret_name: String,
    }

    /// One host.
    pub struct IngressRule {
        /// Empty: every host. `*.example.com`: one label in place of the star.
        pub host: String,
        /// Its paths.
        pub http: Option<HttpIngressRuleValue>,
    }

    /// Paths of a host.
    pub struct HttpIngressRuleValue {
        /// The longest match wins; `Exact` before `Prefix`.
        pub paths: Vec<HttpIngressPath>,
    }

    /// One path.
    pub struct HttpIngressPath {
        /// Starts with `/`.
        pub path: String,
        /// `Exact`, `Prefix` or `ImplementationSpecific`; v1beta1 may leave it out.
        pub path_type: Option<String>,
        /// Where requests go.
        pub backend: IngressBackend,
    }

    /// A Service's port, or an object that only the implementation knows.
    pub struct IngressBackend {
        /// v1: a Service.
        pub service: Option<IngressServiceBackend>,
        /// Any other object.
        pub resource: Option<TypedLocalObjectReference>,
        /// v1beta1: the Service's name.
        pub service_name: String,
        /// v1beta1: number or name of its port.
        pub service_port: Option<IntOrString>,
    }

    /// A Service and its port.
    pub struct IngressServiceBackend {
        /// The Service's name.
        pub name: String,
        /// One of its ports.
        pub port: ServiceBackendPort,
    }

    /// A Service's port by name or by number.
    pub struct ServiceBackendPort {
        /// Its name.
        pub name: String,
        /// Its number.
        pub number: i32,
    }

    /// An object in the same namespace.
    pub struct TypedLocalObjectReference {
        /// Empty: the core group.
        pub api_group: Option<String>,
        /// Its kind.
        pub kind: String,
        /// Its name.
        pub name: String,
    }

    /// `status` of an Ingress.
    pub struct IngressStatus {
        /// Where it can be reached.
        pub load_balancer: LoadBalancerStatus,
    }
}
