//! Answers of the proxy itself.

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, SERVER},
};

use super::pool::PooledBody;

/// A pod's body, or one of our own.
pub(super) type Body = Either<PooledBody, Full<Bytes>>;

/// An answer of our own: a line of text that says why.
pub(super) fn answer(status: StatusCode, why: impl std::fmt::Display) -> Response<Body> {
    let text = match why.to_string() {
        why if why.is_empty() => format!("{status}\n"),
        why => format!("{status}: {why}\n"),
    };
    let mut response = Response::new(Either::Right(Full::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(SERVER, HeaderValue::from_static("svckit"));
    response
}
