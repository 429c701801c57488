//! Answers that name another address.

use super::values::is_visible;
use std_alloc::{format, string::String, sync::Arc};

/// Requests are answered with another address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// 300 to 308.
    pub status: u16,
    /// A URL or a path, in characters that are safe in a header.
    pub location: Arc<str>,
}

impl Redirect {
    /// A redirect to an `http` or `https` URL, or to a path of the same host; `None` for anything else.
    ///
    /// ```
    /// use svckit::ingress::Redirect;
    ///
    /// assert!(Redirect::new(301, "https://example.com/new").is_some());
    /// assert!(Redirect::new(301, "javascript:alert(1)").is_none());
    /// assert!(Redirect::new(301, "https://example.com/\r\nSet-Cookie: x").is_none());
    /// ```
    #[must_use]
    pub fn new(status: u16, location: &str) -> Option<Self> {
        let schemes = ["http://", "https://"];
        let absolute = schemes.iter().any(|scheme| location.starts_with(scheme));
        let path = location.starts_with('/') && !location.starts_with("//");
        let good = (300..=308).contains(&status) && is_visible(location) && (absolute || path);
        good.then(|| Self { status, location: location.into() })
    }
}

/// The same request over https; `None` for ACME challenges, which certificate authorities ask in plain.
pub(in crate::ingress) fn to_https(host: &str, path: &str, query: Option<&str>) -> Option<String> {
    if path.starts_with("/.well-known/acme-challenge/") || host.is_empty() {
        return None;
    }
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    Some(format!("https://{host}{path}{query}"))
}
