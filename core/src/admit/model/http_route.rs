//! Gateways, HTTPRoutes and ReferenceGrants.
//!
//! What is asked for and can't be done (expressions, mirrors) is refused with its path, for the whole object: a rule
//! without one of its conditions would take requests that were not meant for it.

use core::time::Duration;
use std_alloc::{sync::Arc, vec::Vec};

use super::{read, timestamp};
use crate::{
    admit::field::{Field, Notes, SPEC},
    api,
    finding::Finding,
    model::{
        Gateway, HeaderChange, HttpBackend, HttpFilters, HttpMatch, HttpRedirect, HttpRoute,
        HttpRule, Listener, NamespacedName, Parent, PathChange, PathType, ReferenceGrant,
        RoutesFrom,
    },
};

/// A Gateway in checked form; listeners that are not for HTTP are left out.
///
/// # Errors
///
/// What can't be read.
pub fn gateway(object: &api::Gateway) -> Result<Gateway, Vec<Finding>> {
    let mut notes = Notes::default();
    let list = SPEC.child("listeners");
    let mut listeners = Vec::new();
    for (i, given) in object.spec.listeners.iter().enumerate() {
        let at = list.index(i);
        let Some(port) = read::port(given.port, at.child("port"), &mut notes) else { continue };
        if !matches!(&*given.protocol, "HTTP" | "HTTPS") {
            continue;
        }
        let namespaces =
            given.allowed_routes.as_ref().and_then(|routes| routes.namespaces.as_ref());
        let from_at = at.child("allowedRoutes");
        let from_at = from_at.child("namespaces");
        let from = namespaces.map_or("", |namespaces| &namespaces.from);
        listeners.push(Listener {
            name: given.name.as_str().into(),
            hostname: read::text(&given.hostname.to_ascii_lowercase()),
            port,
            tls: given.protocol == "HTTPS",
            routes_from: routes_from(from, from_at.child("from"), &mut notes),
        });
    }
    notes.or(Gateway { key: read::key(&object.metadata), listeners })
}

/// Which routes a listener lets in. To ask for labels of namespaces is refused: they are not known here.
fn routes_from(from: &str, at: Field<'_>, notes: &mut Notes) -> RoutesFrom {
    match from {
        "" | "Same" => RoutesFrom::Same,
        "All" => RoutesFrom::All,
        "None" => RoutesFrom::None,
        other => {
            notes.not_supported(at, other, &["Same", "All", "None"]);
            RoutesFrom::None
        }
    }
}

/// A ReferenceGrant in checked form; grants for other kinds are left out.
#[must_use]
pub fn reference_grant(object: &api::ReferenceGrant) -> ReferenceGrant {
    let route = |from: &&api::ReferenceGrantFrom| {
        from.group == "gateway.networking.k8s.io" && from.kind == "HTTPRoute"
    };
    let service = |to: &&api::ReferenceGrantTo| to.group.is_empty() && to.kind == "Service";
    let name = |to: &api::ReferenceGrantTo| to.name.as_deref().and_then(read::text);
    ReferenceGrant {
        key: read::key(&object.metadata),
        from: object
            .spec
            .from
            .iter()
            .filter(route)
            .map(|from| from.namespace.as_str().into())
            .collect(),
        to: object.spec.to.iter().filter(service).map(name).collect(),
    }
}

/// An HTTPRoute in checked form.
///
/// # Errors
///
/// What can't be read, or can't be done.
pub fn http_route(object: &api::HttpRoute) -> Result<HttpRoute, Vec<Finding>> {
    let mut notes = Notes::default();
    let (meta, spec) = (&object.metadata, &object.spec);
    let namespace = meta.namespace.as_str();
    let created = meta.creation_timestamp.as_deref().and_then(timestamp::seconds);
    let list = SPEC.child("parentRefs");
    let parents = spec.parent_refs.iter().enumerate();
    let parents =
        parents.filter_map(|(i, given)| parent(given, namespace, list.index(i), &mut notes));
    let parents = parents.collect();
    let list = SPEC.child("rules");
    let rules = spec.rules.iter().enumerate();
    let rules = rules.map(|(i, given)| rule(given, namespace, list.index(i), &mut notes)).collect();
    notes.or(HttpRoute {
        key: read::key(meta),
        created: created.unwrap_or_default(),
        hostnames: spec.hostnames.iter().map(|name| name.to_ascii_lowercase().into()).collect(),
        parents,
        rules,
    })
}

/// Parents that are no Gateways are somebody else's.
fn parent(
    given: &api::GatewayReference,
    namespace: &str,
    at: Field<'_>,
    notes: &mut Notes,
) -> Option<Parent> {
    let is_gateway = matches!(&*given.group, "" | "gateway.networking.k8s.io")
        && matches!(&*given.kind, "" | "Gateway");
    let port = given.port.and_then(|port| read::port(port, at.child("port"), notes));
    let gateway = across(&given.namespace, namespace, &given.name);
    is_gateway.then(|| Parent { gateway, listener: read::text(&given.section_name), port })
}

/// An object of another namespace, or of one's own.
fn across(namespace: &str, own: &str, name: &str) -> NamespacedName {
    NamespacedName::new(if namespace.is_empty() { own } else { namespace }, name)
}

fn rule(given: &api::HttpRouteRule, namespace: &str, at: Field<'_>, notes: &mut Notes) -> HttpRule {
    let list = at.child("matches");
    let mut matches: Vec<_> = given
        .matches
        .iter()
        .enumerate()
        .filter_map(|(i, given)| matched(given, list.index(i), notes))
        .collect();
    if given.matches.is_empty() {
        matches.extend(matched(&api::HttpRouteMatch::default(), list, notes));
    }
    let list = at.child("backendRefs");
    let backends = given.backend_refs.iter().enumerate();
    let backends =
        backends.map(|(i, given)| backend(given, namespace, list.index(i), notes)).collect();
    let timeouts = given.timeouts.clone().unwrap_or_default();
    let times = at.child("timeouts");
    HttpRule {
        matches,
        filters: filters(&given.filters, at, notes),
        backends,
        timeout: duration(&timeouts.request, times.child("request"), notes),
        backend_timeout: duration(&timeouts.backend_request, times.child("backendRequest"), notes),
    }
}

fn matched(given: &api::HttpRouteMatch, at: Field<'_>, notes: &mut Notes) -> Option<HttpMatch> {
    let path = given.path.clone().unwrap_or_default();
    let path_at = at.child("path");
    let path_type = match &*path.r#type {
        "" | "PathPrefix" => Some(PathType::Prefix),
        "Exact" => Some(PathType::Exact),
        other => {
            notes.not_supported(path_at.child("type"), other, &["Exact", "PathPrefix"]);
            None
        }
    };
    let text = if path.value.is_empty() { "/" } else { &path.value };
    if !text.starts_with('/') {
        notes.invalid(path_at.child("value"), text, "must start with '/'");
    }
    Some(HttpMatch {
        path: text.into(),
        path_type: path_type?,
        method: read::text(&given.method),
        headers: values(&given.headers, true, at.child("headers"), notes),
        query: values(&given.query_params, false, at.child("queryParams"), notes),
    })
}

/// Names and values; of a name that comes twice the first counts.
fn values(
    given: &[api::HttpValueMatch],
    lower: bool,
    list: Field<'_>,
    notes: &mut Notes,
) -> Vec<(Arc<str>, Arc<str>)> {
    let mut values: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    for (i, value) in given.iter().enumerate() {
        if !matches!(&*value.r#type, "" | "Exact") {
            let at = list.index(i);
            notes.not_supported(at.child("type"), &value.r#type, &["Exact"]);
        }
        let name: Arc<str> =
            if lower { value.name.to_ascii_lowercase().into() } else { value.name.as_str().into() };
        if !values.iter().any(|(known, _)| *known == name) {
            values.push((name, value.value.as_str().into()));
        }
    }
    values
}

fn backend(
    given: &api::HttpBackendRef,
    namespace: &str,
    at: Field<'_>,
    notes: &mut Notes,
) -> HttpBackend {
    let is_service = given.group.is_empty() && matches!(&*given.kind, "" | "Service");
    let service = given.port.filter(|_| is_service).and_then(|port| {
        let port = read::port(port, at.child("port"), notes)?;
        Some((across(&given.namespace, namespace, &given.name), port))
    });
    let weight = given.weight.unwrap_or(1);
    if weight < 0 {
        notes.invalid(at.child("weight"), weight, "must not be negative");
    }
    let weight = u32::try_from(weight).unwrap_or(0);
    HttpBackend { service, weight, filters: filters(&given.filters, at, notes) }
}

fn filters(given: &[api::HttpRouteFilter], at: Field<'_>, notes: &mut Notes) -> HttpFilters {
    let list = at.child("filters");
    let mut filters = HttpFilters::default();
    for (i, filter) in given.iter().enumerate() {
        let at = list.index(i);
        let headers = |given: &Option<_>| given.as_ref().map(header_change).unwrap_or_default();
        match &*filter.r#type {
            "RequestHeaderModifier" => {
                filters.request_headers = headers(&filter.request_header_modifier);
            }
            "ResponseHeaderModifier" => {
                filters.response_headers = headers(&filter.response_header_modifier);
            }
            "RequestRedirect" => {
                let given = filter.request_redirect.clone().unwrap_or_default();
                filters.redirect = Some(redirect(&given, at.child("requestRedirect"), notes));
            }
            "URLRewrite" => {
                let given = filter.url_rewrite.clone().unwrap_or_default();
                filters.host = read::text(&given.hostname);
                filters.path = path_change(given.path.as_ref());
            }
            other => {
                let known = [
                    "RequestHeaderModifier",
                    "RequestRedirect",
                    "ResponseHeaderModifier",
                    "URLRewrite",
                ];
                notes.not_supported(at.child("type"), other, &known);
            }
        }
    }
    filters
}

fn header_change(given: &api::HttpHeaderFilter) -> HeaderChange {
    let pairs = |given: &[api::HttpHeader]| {
        let pair = |header: &api::HttpHeader| {
            (Arc::from(header.name.as_str()), Arc::from(header.value.as_str()))
        };
        given.iter().map(pair).collect()
    };
    HeaderChange {
        set: pairs(&given.set),
        add: pairs(&given.add),
        remove: given.remove.iter().map(|name| name.as_str().into()).collect(),
    }
}

fn redirect(given: &api::HttpRedirectFilter, at: Field<'_>, notes: &mut Notes) -> HttpRedirect {
    let status = given.status_code.unwrap_or(302);
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        notes.invalid(at.child("statusCode"), status, "must be 301, 302, 303, 307 or 308");
    }
    HttpRedirect {
        scheme: read::text(&given.scheme),
        host: read::text(&given.hostname),
        port: given.port.and_then(|port| read::port(port, at.child("port"), notes)),
        path: path_change(given.path.as_ref()),
        status: u16::try_from(status).unwrap_or(302),
    }
}

fn path_change(given: Option<&api::HttpPathModifier>) -> Option<PathChange> {
    let given = given?;
    match (&given.replace_full_path, &given.replace_prefix_match) {
        (Some(full), _) => Some(PathChange::Full(full.as_str().into())),
        (None, Some(prefix)) => Some(PathChange::Prefix(prefix.as_str().into())),
        (None, None) => None,
    }
}

/// The Gateway API's durations: numbers with `h`, `m`, `s` or `ms`, one after the other.
fn duration(text: &str, at: Field<'_>, notes: &mut Notes) -> Option<Duration> {
    if text.is_empty() {
        return None;
    }
    let mut rest = text;
    let mut millis = 0u64;
    while !rest.is_empty() {
        let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let units = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
        let unit =
            units.iter().find_map(|(unit, factor)| Some((after.strip_prefix(unit)?, factor)));
        let read = number.parse::<u64>().ok().zip(unit);
        let Some((number, (after, factor))) = read.filter(|(number, _)| *number < 100_000) else {
            notes.invalid(at, text, "must be a duration such as 10s or 500ms");
            return None;
        };
        millis += number * factor;
        rest = after;
    }
    // Zero: no limit at all.
    (millis > 0).then(|| Duration::from_millis(millis))
}
