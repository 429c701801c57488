//! The stream that drives everything below admission.

use std_alloc::sync::Arc;

use super::{
    EndpointSlice, Gateway, HttpRoute, Ingress, IngressClass, NamespacedName, Node, Pod,
    ReferenceGrant, Service, ServiceKey, TlsSecret,
};

/// One thing that happened in the cluster, in checked form.
///
/// Setting what is already so is allowed, and costs consumers no more than the comparison.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// The Service exists and looks like this now.
    Service(Arc<Service>),
    /// The Service is gone.
    ServiceGone(ServiceKey),
    /// The slice exists and looks like this now; its Service and family never change.
    Slice(Arc<EndpointSlice>),
    /// The slice of this key is gone.
    SliceGone(NamespacedName),
    /// The pod exists and looks like this now.
    Pod(Arc<Pod>),
    /// The pod is gone, or has finished.
    PodGone(NamespacedName),
    /// The node exists and looks like this now.
    Node(Arc<Node>),
    /// The node of this name is gone.
    NodeGone(Arc<str>),
    /// The namespace exists.
    Namespace(Arc<str>),
    /// The namespace is gone.
    NamespaceGone(Arc<str>),
    /// The Ingress exists and looks like this now.
    Ingress(Arc<Ingress>),
    /// The Ingress is gone.
    IngressGone(NamespacedName),
    /// The class exists and looks like this now.
    IngressClass(Arc<IngressClass>),
    /// The class of this name is gone.
    IngressClassGone(Arc<str>),
    /// The Gateway exists and looks like this now.
    Gateway(Arc<Gateway>),
    /// The Gateway is gone.
    GatewayGone(NamespacedName),
    /// The HTTPRoute exists and looks like this now.
    HttpRoute(Arc<HttpRoute>),
    /// The HTTPRoute is gone.
    HttpRouteGone(NamespacedName),
    /// The ReferenceGrant exists and looks like this now.
    ReferenceGrant(Arc<ReferenceGrant>),
    /// The ReferenceGrant is gone.
    ReferenceGrantGone(NamespacedName),
    /// The certificate exists and looks like this now.
    Secret(Arc<TlsSecret>),
    /// The certificate is gone.
    SecretGone(NamespacedName),
    /// The source has told everything it knows at least once.
    Synced,
}
