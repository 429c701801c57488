//! HTTPRoutes on Gateways.

mod answer;

pub use answer::*;

use crate::{
    cluster::State,
    finding::Report,
    guard::{Buffer, Handle, Out, alone, free, give, make, many, one, opaque, shared, text},
    objects::complete,
    seed, svckit_cluster, svckit_findings, svckit_request, svckit_seed, svckit_status, svckit_text,
};
use serde::Deserialize;
use std::sync::Arc;
use svckit::{
    admit::model,
    api::{self, Object, Tree, TreeNode, decode, decode_as},
    finding::Finding,
    ingress::{GatewayRouter, GatewayRoutes, Scratch, Settings},
    model::NamespacedName,
};

/// Gateways, HTTPRoutes, ReferenceGrants and the Services behind them.
///
/// May move between threads; any call needs it for itself. The routes that are taken from it live on.
#[derive(Debug)]
pub struct svckit_gateways(Handle<GatewayRouter>);
opaque!(svckit_gateways, GatewayRouter);

/// Where requests to Gateways go, in one state. It never changes.
///
/// May move between threads; all calls but `_free` may run side by side. Take a new one when something has changed.
#[derive(Debug)]
pub struct svckit_gateway_routes(Handle<Arc<GatewayRoutes>>);
opaque!(svckit_gateway_routes, Arc<GatewayRoutes>);

/// Creates Gateways without objects.
///
/// On `SVCKIT_STATUS_OK` the caller owns `*gateways_out` and must give it to `svckit_gateways_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_gateways_new(
    seed: *const svckit_seed,
    gateways_out: *mut *mut svckit_gateways,
) -> svckit_status {
    // SAFETY: the header asks for a readable seed.
    let body = || Ok(GatewayRouter::new(Settings::default(), unsafe { seed::seed(seed) }?));
    // SAFETY: the header asks for room for one pointer.
    unsafe { make(gateways_out, body) }
}

/// Ends Gateways. NULL is fine; so are poisoned ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_gateways_free(gateways: *mut svckit_gateways) {
    // SAFETY: NULL, or made by `_new` and given up, as the header asks.
    unsafe { free(gateways) }
}

/// Takes in objects that are new or have changed: Gateways, HTTPRoutes, ReferenceGrants, and Services that have their
/// addresses. Other kinds are passed over.
///
/// `SVCKIT_STATUS_REFUSED`: some objects can't be read and change nothing; the findings say which. `findings_out` may
/// be NULL; else `*findings_out` is set by every call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_gateways_apply(
    gateways: *mut svckit_gateways,
    objects: *const u8,
    objects_len: usize,
    findings_out: *mut *mut svckit_findings,
) -> svckit_status {
    // SAFETY: the header asks for NULL or room for one pointer.
    let report = unsafe { Report::new(findings_out) };
    let body = |router: &mut GatewayRouter| {
        // SAFETY: the header asks for `objects_len` readable bytes.
        let json = unsafe { many(objects, objects_len) }?;
        report.each_document(json, |document, report| take_in(router, document, report))
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(gateways, body) }
}

/// Takes an object away. What isn't there is no failure.
///
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: the kind has nothing to do with Gateways.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_gateways_delete(
    gateways: *mut svckit_gateways,
    kind: *const u8,
    kind_len: usize,
    namespace: *const u8,
    namespace_len: usize,
    name: *const u8,
    name_len: usize,
) -> svckit_status {
    let body = |router: &mut GatewayRouter| {
        // SAFETY: the header asks for readable texts of these lengths.
        let (kind, namespace, name) = unsafe {
            (text(kind, kind_len)?, text(namespace, namespace_len)?, text(name, name_len)?)
        };
        let key = NamespacedName::new(namespace, name);
        match kind {
            "Gateway" => router.set_gateway(&key, None),
            "HTTPRoute" => router.set_route(&key, None),
            "ReferenceGrant" => router.set_grant(&key, None),
            "Service" => router.set_service(&key, None),
            _ => return Err(svckit_status::InvalidArgument),
        }
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(gateways, body) }
}

/// Takes the routes of what there is now.
///
/// Findings are what is wrong with routes, none of which keeps another one out; `findings_out` may be NULL, else
/// `*findings_out` is set by every call. On `SVCKIT_STATUS_OK` the caller owns `*routes_out` and must give it to
/// `svckit_gateway_routes_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_gateways_routes(
    gateways: *mut svckit_gateways,
    findings_out: *mut *mut svckit_findings,
    routes_out: *mut *mut svckit_gateway_routes,
) -> svckit_status {
    // SAFETY: the header asks for NULL or room for one pointer.
    let mut report = unsafe { Report::new(findings_out) };
    let body = |router: &mut GatewayRouter| {
        // SAFETY: the header asks for room for one pointer.
        let out = unsafe { Out::new(routes_out) }?;
        let routes = router.routes();
        report.note(router.findings().iter().cloned());
        _ = report.tell();
        out.set(give::<svckit_gateway_routes>(routes));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(gateways, body) }
}

/// Takes the routes of the Gateways that a cluster holds; otherwise as `svckit_gateways_routes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_gateway_routes(
    cluster: *mut svckit_cluster,
    findings_out: *mut *mut svckit_findings,
    routes_out: *mut *mut svckit_gateway_routes,
) -> svckit_status {
    // SAFETY: the header asks for NULL or room for one pointer.
    let mut report = unsafe { Report::new(findings_out) };
    let body = |state: &mut State| {
        // SAFETY: the header asks for room for one pointer.
        let out = unsafe { Out::new(routes_out) }?;
        let router = state.cluster.gateways();
        let routes = router.routes();
        report.note(router.findings().iter().cloned());
        _ = report.tell();
        out.set(give::<svckit_gateway_routes>(routes));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(cluster, body) }
}

/// Ends routes. NULL is fine; so are poisoned ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_gateway_routes_free(routes: *mut svckit_gateway_routes) {
    // SAFETY: NULL, or given by a call and given up, as the header asks.
    unsafe { free(routes) }
}

/// What to do with a request that comes to a port of a Gateway.
///
/// `server_name` is the name that the client asked for in its TLS handshake, in lower case; empty without TLS. `changes`
/// gets the changes to headers, in the order in which they are to be made; `buf` a text that depends on the action: the
/// path for the pod, the value of `Location`, or why the request is refused. Both have the capacity that is said, and
/// `SVCKIT_STATUS_BUFFER_TOO_SMALL` tells what both take. The texts of `*answer_out` and of the changes live as long as
/// the routes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_gateway_routes_answer(
    routes: *const svckit_gateway_routes,
    namespace: *const u8,
    namespace_len: usize,
    name: *const u8,
    name_len: usize,
    port: u16,
    request: *const svckit_request,
    server_name: svckit_text,
    answer_out: *mut svckit_gateway_answer,
    changes: *mut svckit_header_change,
    changes_cap: usize,
    changes_len_out: *mut usize,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |routes: &Arc<GatewayRoutes>| {
        // SAFETY: the header asks for readable texts of these lengths, a readable request with readable texts, and for
        // room for one answer, `changes_cap` changes, `cap` bytes and two lengths.
        let (gateway, request, server_name, out, changes, buffer) = unsafe {
            let gateway =
                NamespacedName::new(text(namespace, namespace_len)?, text(name, name_len)?);
            let server_name = text(server_name.data, server_name.len)?;
            let request = one(request)?.read()?;
            let changes = Buffer::new(changes, changes_cap, changes_len_out)?;
            let buffer = Buffer::new(buf, cap, len_out)?;
            (gateway, request, server_name, Out::new(answer_out)?, changes, buffer)
        };
        let mut scratch = Scratch::default();
        let head = request.head();
        let told = match head.canonical(routes.path_policy(), &mut scratch) {
            Ok(canonical) => Told::of(routes, (&gateway, port), &canonical, &request, server_name),
            Err(bad) => Told::refused(bad.status(), bad.to_string()),
        };
        let (changed, printed) = (changes.fill(told.changes.into_iter()), buffer.print(&told.text));
        changed.and(printed)?;
        out.set(told.answer);
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(routes, body) }
}

/// Takes in one document: an object, or a List of them.
fn take_in(router: &mut GatewayRouter, document: &Tree, report: &mut Report) {
    let taken = match (document.text("kind"), document.get("items").map(|items| &items.node)) {
        (Some("List"), Some(TreeNode::List(items))) => {
            items.iter().for_each(|item| take_in(router, item, report));
            return;
        }
        (Some("Gateway"), _) => read(document).and_then(|object: api::Gateway| {
            let gateway = model::gateway(&object)?;
            router.set_gateway(&gateway.key.clone(), Some(Arc::new(gateway)));
            Ok(())
        }),
        (Some("HTTPRoute"), _) => read(document).and_then(|object: api::HttpRoute| {
            let route = model::http_route(&object)?;
            router.set_route(&route.key.clone(), Some(Arc::new(route)));
            Ok(())
        }),
        (Some("ReferenceGrant"), _) => read(document).map(|object: api::ReferenceGrant| {
            let grant = model::reference_grant(&object);
            router.set_grant(&grant.key.clone(), Some(Arc::new(grant)));
        }),
        _ => services(router, document),
    };
    if let Err(findings) = taken {
        let kind = document.text("kind").unwrap_or("object");
        let named = |finding: Finding| match finding.object.is_empty() {
            true => Finding { object: kind.into(), ..finding },
            false => finding,
        };
        report.note(findings.into_iter().map(named));
    }
}

/// An object of a kind that only Gateways know.
fn read<T: for<'de> Deserialize<'de> + Default>(document: &Tree) -> Result<T, Vec<Finding>> {
    let (object, findings) = decode_as(document);
    if findings.iter().any(Finding::is_error) { Err(findings) } else { Ok(object) }
}

/// The Services among objects.
fn services(router: &mut GatewayRouter, document: &Tree) -> Result<(), Vec<Finding>> {
    let mut wrong = Vec::new();
    for decoded in decode(document) {
        let refused = decoded.findings.iter().any(Finding::is_error);
        wrong.extend(decoded.findings.into_iter().filter(Finding::is_error));
        let Some(mut object) = decoded.object.filter(|_| !refused) else { continue };
        complete(&mut object);
        if let Object::Service(service) = object {
            let service = model::service(&service)?;
            router.set_service(&service.key.clone(), Some(Arc::new(service)));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}
