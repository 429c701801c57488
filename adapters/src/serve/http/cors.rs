//! What browsers are told about other sites' pages (the Fetch standard's CORS protocol).

use hyper::{
    HeaderMap, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE, HeaderName, HeaderValue, ORIGIN, VARY,
    },
};
use svckit::ingress::Cors;

use super::answer::{Body, empty};

/// The answer to a browser's question what a page may do.
pub(super) fn preflight(cors: &Cors, request: &HeaderMap) -> Response<Body> {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    if allow(headers, cors, request.get(ORIGIN)) {
        set(headers, ACCESS_CONTROL_ALLOW_METHODS, &cors.methods);
        set(headers, ACCESS_CONTROL_ALLOW_HEADERS, &cors.headers);
        headers.insert(ACCESS_CONTROL_MAX_AGE, cors.max_age.into());
    }
    response
}

/// Tells the browser whether the page may see the answer; what the pod says about it does not count.
pub(super) fn allow(headers: &mut HeaderMap, cors: &Cors, origin: Option<&HeaderValue>) -> bool {
    headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
    let allowed = origin.and_then(|origin| cors.allows(origin.to_str().ok()?));
    if allowed != Some("*") {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    let Some(allowed) = allowed else { return false };
    set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    if cors.credentials {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    if !cors.expose.is_empty() {
        set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose);
    }
    true
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // What was read from an Ingress, or came in a header, can stand in one.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
