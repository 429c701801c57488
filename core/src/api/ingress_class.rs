//! IngressClass networking.k8s.io/v1.

use super::ObjectMeta;
use std_alloc::string::String;

/// The annotation that makes a class the default one.
pub const ANNOTATION_DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
/// The older way for an Ingress to name its class.
pub const ANNOTATION_INGRESS_CLASS: &str = "kubernetes.io/ingress.class";

object! {
    /// Names an implementation of Ingresses.
    pub struct IngressClass {
        /// `networking.k8s.io/v1`.
        pub api_version: String,
        /// `IngressClass`.
        pub kind: String,
        /// Name and annotations.
        pub metadata: ObjectMeta,
        /// Who implements it.
        pub spec: IngressClassSpec,
    }

    /// `spec` of an IngressClass.
    pub struct IngressClassSpec {
        /// Such as `example.com/ingress-controller`; immutable.
        pub controller: String,
        /// Further configuration.
        pub parameters: Option<IngressClassParameters>,
    }

    /// An object with an implementation's parameters.
    pub struct IngressClassParameters {
        /// Its API group.
        pub api_group: Option<String>,
        /// Its kind.
        pub kind: String,
        /// Its name.
        pub name: String,
        /// `Cluster` (default) or `Namespace`.
        pub scope: Option<String>,
        /// Its namespace, for scope `Namespace`.
        pub namespace: Option<String>,
    }
}
