//! Answers of the proxy itself.

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, LOCATION, SERVER},
};

use super::download::Download;

/// A pod's body, or one of our own.
pub(super) type Body = Either<Download, Full<Bytes>>;

/// Our name, as clients see it.
pub(super) const NAME: HeaderValue = HeaderValue::from_static("svckit");

/// An answer of our own: a line of text that says why.
pub(super) fn answer(status: StatusCode, why: impl std::fmt::Display) -> Response<Body> {
    let text = match why.to_string() {
        why if why.is_empty() => format!("{status}\n"),
        why => format!("{status}: {why}\n"),
    };
    let mut response = with(status, Full::from(text));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// Another address to ask.
pub(super) fn redirect(status: StatusCode, location: &str) -> Response<Body> {
    let Ok(to) = HeaderValue::from_str(location) else {
        return answer(StatusCode::BAD_REQUEST, "the new address can't stand in a header");
    };
    let mut response = answer(status, location);
    response.headers_mut().insert(LOCATION, to);
    response
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    with(status, Full::default())
}

/// The status of this number, which core or a route has chosen.
pub(super) fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn with(status: StatusCode, body: Full<Bytes>) -> Response<Body> {
    let mut response = Response::new(Either::Right(body));
    *response.status_mut() = status;
    response.headers_mut().insert(SERVER, NAME);
    response
}
