//! Requests that no Ingress takes: those of Gateways.

use serde_json::{Value, json};
use svckit::{
    ingress::{
        Backend, GatewayAnswer, GatewayForward, GatewayRequest, GatewayRoutes, RequestHead,
        Scratch, Target,
    },
    model::NamespacedName,
};

use super::{Asked, named, reached};
use crate::load::Loaded;

/// What becomes of a request that comes to a port of some Gateway; `None`: no Gateway has a route for it.
pub(super) fn answer(loaded: &mut Loaded, asked: &Asked<'_>) -> Option<Value> {
    let port = asked.port();
    let gateways: Vec<NamespacedName> = loaded
        .cluster
        .gateways()
        .gateways()
        .filter(|gateway| gateway.listeners.iter().any(|listener| listener.port.get() == port))
        .map(|gateway| gateway.key.clone())
        .collect();
    let routes = loaded.cluster.gateways().routes();
    let host = asked.header("host").unwrap_or(asked.authority);
    let head = RequestHead {
        method: asked.method.as_bytes(),
        target: asked.target.as_bytes(),
        hosts: &[host.as_bytes()],
        http_1_0: false,
    };
    let mut scratch = Scratch::default();
    let request = head.canonical(routes.path_policy(), &mut scratch).ok()?;
    let Target::Path { path, query } = request.target else { return None };
    let header = |name: &str| asked.header(name);
    let request = GatewayRequest {
        host: request.host.name(),
        path,
        query,
        method: asked.method,
        server_name: None,
        header: &header,
        roll: 0,
    };
    gateways.iter().find_map(|gateway| said(&routes, gateway, port, &request, loaded))
}

/// The answer of one Gateway, unless it has no route.
fn said<'r>(
    routes: &'r GatewayRoutes,
    gateway: &NamespacedName,
    port: u16,
    request: &GatewayRequest<'r>,
    loaded: &Loaded,
) -> Option<Value> {
    let mut why = vec![format!("Gateway {gateway}, port {port}")];
    let (mut backend, mut http_route, mut rewritten, mut to) = (Value::Null, None, None, None);
    let status = match routes.answer(gateway, port, request) {
        GatewayAnswer::Refuse { status: 404, .. } => return None,
        GatewayAnswer::Refuse { status, why: reason } => {
            why.push(reason.into());
            status
        }
        GatewayAnswer::Redirect { status, location, .. } => {
            why.push(format!("redirected to {location}"));
            to = Some(location);
            status
        }
        GatewayAnswer::Forward(GatewayForward { backend: service, route, path, .. }) => {
            let service = Backend::Service(service.clone());
            let (status, trouble) = reached(loaded, &service);
            why.push(format!("rule {} of HTTPRoute {}", route.1, route.0));
            why.extend(trouble);
            backend = named(loaded, &service);
            http_route = Some(route.0.to_string());
            rewritten = Some(path.into_owned());
            status
        }
    };
    Some(json!({
        "status": status,
        "backend": backend,
        "ingress": null,
        "gateway": gateway.to_string(),
        "httpRoute": http_route,
        "host": request.host,
        "path": request.path,
        "why": why,
        "rewritten": rewritten,
        "location": to,
    }))
}
