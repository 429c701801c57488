//! Gateway, GatewayClass, HTTPRoute and ReferenceGrant of gateway.networking.k8s.io, as far as HTTP goes.

use super::{Json, ObjectMeta};
use std_alloc::{string::String, vec::Vec};

object! {
    /// Where requests come in.
    pub struct Gateway {
        /// `gateway.networking.k8s.io/v1`.
        pub api_version: String,
        /// `Gateway`.
        pub kind: String,
        /// Name and namespace.
        pub metadata: ObjectMeta,
        /// What the author wants.
        pub spec: GatewaySpec,
        /// What became of it.
        pub status: Json,
    }

    /// A kind of Gateways, and who implements it.
    pub struct GatewayClass {
        /// `gateway.networking.k8s.io/v1`.
        pub api_version: String,
        /// `GatewayClass`.
        pub kind: String,
        /// Its name.
        pub metadata: ObjectMeta,
        /// What the author wants.
        pub spec: GatewayClassSpec,
        /// What became of it.
        pub status: Json,
    }

    /// `spec` of a GatewayClass.
    pub struct GatewayClassSpec {
        /// Such as `example.com/gateway`.
        pub controller_name: String,
        /// For people.
        pub description: String,
        /// An object that only the implementation knows.
        pub parameters_ref: Json,
    }

    /// `spec` of a Gateway.
    pub struct GatewaySpec {
        /// Who implements it.
        pub gateway_class_name: String,
        /// Ports and hosts.
        pub listeners: Vec<GatewayListener>,
        /// Addresses that are asked for.
        pub addresses: Json,
        /// What the implementation's infrastructure shall look like.
        pub infrastructure: Json,
        /// Which sets of listeners may join.
        pub allowed_listeners: Json,
        /// TLS of all listeners.
        pub tls: Json,
    }

    /// A port, and the hosts that it is for.
    pub struct GatewayListener {
        /// Unique in the Gateway.
        pub name: String,
        /// Empty: every host. `*.example.com`: one label or more in place of the star.
        pub hostname: String,
        /// The port.
        pub port: i32,
        /// `HTTP`, `HTTPS`; others are not for routes of HTTP.
        pub protocol: String,
        /// Certificates.
        pub tls: Option<GatewayTls>,
        /// Which routes may attach themselves.
        pub allowed_routes: Option<AllowedRoutes>,
    }

    /// TLS of a listener.
    pub struct GatewayTls {
        /// `Terminate` or `Passthrough`.
        pub mode: String,
        /// Secrets.
        pub certificate_refs: Vec<ObjectReferenceAcross>,
        /// What only the implementation knows.
        pub options: Json,
    }

    /// Which routes may attach themselves.
    pub struct AllowedRoutes {
        /// Of which namespaces.
        pub namespaces: Option<RouteNamespaces>,
        /// Of which kinds.
        pub kinds: Json,
    }

    /// Namespaces of routes.
    pub struct RouteNamespaces {
        /// `Same`, `All`, `Selector` or `None`.
        pub from: String,
        /// For `Selector`.
        pub selector: Json,
    }

    /// An object, perhaps of another namespace.
    pub struct ObjectReferenceAcross {
        /// Empty: the core group.
        pub group: String,
        /// Its kind.
        pub kind: String,
        /// Its namespace; empty: that of the object which refers.
        pub namespace: String,
        /// Its name.
        pub name: String,
    }

    /// Rules for requests.
    pub struct HttpRoute {
        /// `gateway.networking.k8s.io/v1`.
        pub api_version: String,
        /// `HTTPRoute`.
        pub kind: String,
        /// Name and namespace.
        pub metadata: ObjectMeta,
        /// What the author wants.
        pub spec: HttpRouteSpec,
        /// What became of it.
        pub status: Json,
    }

    /// `spec` of an HTTPRoute.
    pub struct HttpRouteSpec {
        /// Gateways.
        pub parent_refs: Vec<GatewayReference>,
        /// Hosts; empty: those of the listeners.
        pub hostnames: Vec<String>,
        /// What becomes of requests.
        pub rules: Vec<HttpRouteRule>,
    }

    /// A Gateway, or a part of it.
    pub struct GatewayReference {
        /// Empty: `gateway.networking.k8s.io`.
        pub group: String,
        /// Empty: `Gateway`.
        pub kind: String,
        /// Its namespace; empty: the route's.
        pub namespace: String,
        /// Its name.
        pub name: String,
        /// Only this listener.
        pub section_name: String,
        /// Only listeners of this port.
        pub port: Option<i32>,
    }

    /// One rule.
    pub struct HttpRouteRule {
        /// Unique in the route.
        pub name: String,
        /// Any of them; none: every path.
        pub matches: Vec<HttpRouteMatch>,
        /// What is done to requests and answers.
        pub filters: Vec<HttpRouteFilter>,
        /// Where requests go, by weight.
        pub backend_refs: Vec<HttpBackendRef>,
        /// How long it may take.
        pub timeouts: Option<HttpRouteTimeouts>,
        /// When to try again.
        pub retry: Json,
        /// Whether clients stick to a backend.
        pub session_persistence: Json,
    }

    /// All of it must hold.
    pub struct HttpRouteMatch {
        /// The path; none: every path.
        pub path: Option<HttpPathMatch>,
        /// Headers.
        pub headers: Vec<HttpValueMatch>,
        /// Parameters of the query.
        pub query_params: Vec<HttpValueMatch>,
        /// The method; empty: any.
        pub method: String,
    }

    /// A path.
    pub struct HttpPathMatch {
        /// `PathPrefix` (default), `Exact`, `RegularExpression`.
        pub r#type: String,
        /// Starts with `/`; default: `/`.
        pub value: String,
    }

    /// A header or a parameter.
    pub struct HttpValueMatch {
        /// `Exact` (default) or `RegularExpression`.
        pub r#type: String,
        /// Its name.
        pub name: String,
        /// Its value.
        pub value: String,
    }

    /// Something that is done to requests or answers.
    pub struct HttpRouteFilter {
        /// Which of the fields below.
        pub r#type: String,
        /// `RequestHeaderModifier`.
        pub request_header_modifier: Option<HttpHeaderFilter>,
        /// `ResponseHeaderModifier`.
        pub response_header_modifier: Option<HttpHeaderFilter>,
        /// `RequestRedirect`.
        pub request_redirect: Option<HttpRedirectFilter>,
        /// `URLRewrite`.
        pub url_rewrite: Option<HttpRewriteFilter>,
        /// `RequestMirror`.
        pub request_mirror: Json,
        /// `CORS`.
        pub cors: Json,
        /// `ExternalAuth`.
        pub external_auth: Json,
        /// `ExtensionRef`.
        pub extension_ref: Json,
    }

    /// Changes to headers.
    pub struct HttpHeaderFilter {
        /// In place of what is there.
        pub set: Vec<HttpHeader>,
        /// Beside what is there.
        pub add: Vec<HttpHeader>,
        /// Names.
        pub remove: Vec<String>,
    }

    /// A header.
    pub struct HttpHeader {
        /// Its name.
        pub name: String,
        /// Its value.
        pub value: String,
    }

    /// An answer that names another address.
    pub struct HttpRedirectFilter {
        /// `http` or `https`; empty: as it came.
        pub scheme: String,
        /// The host; empty: as it came.
        pub hostname: String,
        /// The path.
        pub path: Option<HttpPathModifier>,
        /// The port.
        pub port: Option<i32>,
        /// Default: 302.
        pub status_code: Option<i32>,
    }

    /// Another host or path for the backend.
    pub struct HttpRewriteFilter {
        /// The host; empty: as it came.
        pub hostname: String,
        /// The path.
        pub path: Option<HttpPathModifier>,
    }

    /// Another path.
    pub struct HttpPathModifier {
        /// `ReplaceFullPath` or `ReplacePrefixMatch`.
        pub r#type: String,
        /// The whole path.
        pub replace_full_path: Option<String>,
        /// What stands in place of the prefix that matched.
        pub replace_prefix_match: Option<String>,
    }

    /// A Service and its part of the requests.
    pub struct HttpBackendRef {
        /// Empty: the core group.
        pub group: String,
        /// Empty: `Service`.
        pub kind: String,
        /// Its namespace; empty: the route's.
        pub namespace: String,
        /// Its name.
        pub name: String,
        /// Its port.
        pub port: Option<i32>,
        /// Default: 1.
        pub weight: Option<i32>,
        /// What is done to requests that go there.
        pub filters: Vec<HttpRouteFilter>,
    }

    /// How long it may take.
    pub struct HttpRouteTimeouts {
        /// The whole; `10s`, `500ms`.
        pub request: String,
        /// One attempt.
        pub backend_request: String,
    }

    /// Who may refer to objects of its namespace.
    pub struct ReferenceGrant {
        /// `gateway.networking.k8s.io/v1beta1`, or `v1`.
        pub api_version: String,
        /// `ReferenceGrant`.
        pub kind: String,
        /// Name and namespace.
        pub metadata: ObjectMeta,
        /// Who may refer to what.
        pub spec: ReferenceGrantSpec,
    }

    /// `spec` of a ReferenceGrant.
    pub struct ReferenceGrantSpec {
        /// Who.
        pub from: Vec<ReferenceGrantFrom>,
        /// To what.
        pub to: Vec<ReferenceGrantTo>,
    }

    /// Objects of a kind and a namespace.
    pub struct ReferenceGrantFrom {
        /// Their group.
        pub group: String,
        /// Their kind.
        pub kind: String,
        /// Their namespace.
        pub namespace: String,
    }

    /// Objects of a kind, or one of them.
    pub struct ReferenceGrantTo {
        /// Their group; empty: core.
        pub group: String,
        /// Their kind.
        pub kind: String,
        /// Only this one.
        pub name: Option<String>,
    }
}
