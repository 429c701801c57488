//! What of a request chooses its route: method, target and `Host`, checked together.
//!
//! | target | form | means |
//! |---|---|---|
//! | `/a?b` | origin | the host is that of the `Host` header |
//! | `http://h/a` | absolute | its authority replaces the header (RFC 9112 3.2.2) |
//! | `h:443` | authority | only for CONNECT, which a reverse proxy refuses |
//! | `*` | asterisk | only for OPTIONS; a question to the host, no path matches |
//!
//! One request names one host: two `Host` headers are refused, as is HTTP/1.1 without any.

use core::str;
use std_alloc::vec::Vec;

use super::{BadHost, BadPath, Host, PathPolicy};

/// The parts of a request that choose its route, as they arrived.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// `GET`.
    pub method: &'a [u8],
    /// `/path?query`, or one of the other forms.
    pub target: &'a [u8],
    /// Values of all `Host` headers; for HTTP/2 also `:authority`, when they differ.
    pub hosts: &'a [&'a [u8]],
    /// HTTP/1.0 may leave the host out.
    pub http_1_0: bool,
}

/// Memory for what has to be rewritten; keep one per connection.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    host: Vec<u8>,
    path: Vec<u8>,
}

/// A request that can be routed; forward this path and this query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Whom it is for.
    pub host: Host<'a>,
    /// What it wants there.
    pub target: Target<'a>,
}

/// What a request wants of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A resource.
    Path {
        /// In canonical form.
        path: &'a str,
        /// After the first `?`, as it came.
        query: Option<&'a str>,
    },
    /// `OPTIONS *`: the host itself.
    Host,
}

/// Why a request is refused; see [`BadRequest::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRequest {
    /// The path can't be read in one way only.
    #[error("bad path: {0}")]
    Path(BadPath),
    /// The host can't be one.
    #[error("bad host: {0}")]
    Host(BadHost),
    /// HTTP/1.1 without `Host`.
    #[error("no Host header")]
    NoHost,
    /// Two hosts in one request.
    #[error("more than one Host header")]
    TwoHosts,
    /// Neither a path, nor `http://…` or `https://…`, nor `*` with OPTIONS.
    #[error("the request target has no form that its method allows")]
    Target,
    /// A byte that can't stand in a query.
    #[error("byte {0:#04x} can't stand in a query")]
    Query(u8),
    /// CONNECT asks for a forward proxy.
    #[error("CONNECT is for forward proxies")]
    Connect,
}

impl BadRequest {
    /// The answer to it: 400; 501 for CONNECT.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Connect => 501,
            _ => 400,
        }
    }
}

impl<'a> RequestHead<'a> {
    /// Checks the parts and brings them into their form. Rewrites into `scratch` only what has to change.
    ///
    /// # Errors
    ///
    /// Whatever two servers could read in two ways.
    ///
    /// ```
    /// use svckit::ingress::{Host, PathPolicy, RequestHead, Scratch, Target};
    ///
    /// let head = RequestHead {
    ///     method: b"GET",
    ///     target: b"/shop//cart?item=1",
    ///     hosts: &[b"Shop.example.com:8080"],
    ///     http_1_0: false,
    /// };
    /// let mut scratch = Scratch::default();
    /// let request = head.canonical(&PathPolicy::default(), &mut scratch)?;
    /// assert_eq!(request.host, Host::Name("shop.example.com"));
    /// assert_eq!(request.target, Target::Path { path: "/shop/cart", query: Some("item=1") });
    /// # Ok::<(), svckit::ingress::BadRequest>(())
    /// ```
    pub fn canonical(
        &self,
        policy: &PathPolicy,
        scratch: &'a mut Scratch,
    ) -> Result<Request<'a>, BadRequest> {
        if self.method == b"CONNECT" {
            return Err(BadRequest::Connect);
        }
        let header = match *self.hosts {
            [] if self.http_1_0 => None,
            [] => return Err(BadRequest::NoHost),
            [one] => Some(one),
            _ => return Err(BadRequest::TwoHosts),
        };
        // A header beside an absolute target is not used, yet must be one.
        let (authority, target) = split_absolute(self.target)?;
        if let (Some(header), Some(_)) = (header, authority) {
            Host::read(header, &mut scratch.host).map_err(BadRequest::Host)?;
        }
        let host = match authority.or(header) {
            Some(raw) => Host::read(raw, &mut scratch.host).map_err(BadRequest::Host)?,
            None => Host::Unnamed,
        };
        if target == b"*" {
            let allowed = self.method == b"OPTIONS" && authority.is_none();
            return if allowed {
                Ok(Request { host, target: Target::Host })
            } else {
                Err(BadRequest::Target)
            };
        }
        let (path, query) = split_query(target);
        let path = if path.is_empty() && authority.is_some() { b"/" } else { path };
        let path = policy.canonical(path, &mut scratch.path).map_err(BadRequest::Path)?;
        let query = query.map(|query| check_query(query, policy)).transpose()?;
        Ok(Request { host, target: Target::Path { path, query } })
    }
}

/// `http://host/path` as host and `/path`; other targets as they are.
fn split_absolute(target: &[u8]) -> Result<(Option<&[u8]>, &[u8]), BadRequest> {
    if target.starts_with(b"/") || target == b"*" {
        return Ok((None, target));
    }
    let scheme = |name: &[u8]| {
        let (start, rest) = target.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some(rest)
    };
    let rest = scheme(b"http://").or_else(|| scheme(b"https://")).ok_or(BadRequest::Target)?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, b""));
    Ok((Some(authority), path))
}

/// A target as path and query.
fn split_query(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = target.splitn(2, |&byte| byte == b'?');
    (parts.next().unwrap_or_default(), parts.next())
}

/// The query, untouched, when no byte of it could end a request line.
fn check_query<'q>(query: &'q [u8], policy: &PathPolicy) -> Result<&'q str, BadRequest> {
    let bad = |byte: u8| match byte {
        0..0x21 | b'#' | 0x7f => true,
        0x80.. => !policy.escape_non_ascii,
        _ => false,
    };
    if let Some(&byte) = query.iter().find(|byte| bad(**byte)) {
        return Err(BadRequest::Query(byte));
    }
    str::from_utf8(query).map_err(|error| {
        let at = query.get(error.valid_up_to()).copied();
        BadRequest::Query(at.unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::String};

    /// `host path ?query`, `host *`, or the error.
    fn read(method: &str, target: &str, hosts: &[&str], http_1_0: bool) -> String {
        let hosts: Vec<&[u8]> = hosts.iter().map(|host| host.as_bytes()).collect();
        let (method, target) = (method.as_bytes(), target.as_bytes());
        let head = RequestHead { method, target, hosts: &hosts, http_1_0 };
        let policy = PathPolicy { escape_non_ascii: false, ..PathPolicy::default() };
        match head.canonical(&policy, &mut Scratch::default()) {
            Ok(Request { host, target: Target::Path { path, query } }) => {
                format!("{} {path} {query:?}", host.name())
            }
            Ok(Request { host, target: Target::Host }) => format!("{} *", host.name()),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn requests_name_one_host_and_one_path() {
        let cases = [
            ("origin", "GET", "/a?b", &["h"][..], "h /a Some(\"b\")"),
            ("empty query", "GET", "/a?", &["h"], "h /a Some(\"\")"),
            ("query is untouched", "GET", "/a?x=//..%2f?", &["h"], "h /a Some(\"x=//..%2f?\")"),
            ("absolute", "GET", "http://H/a?b", &["x"], "h /a Some(\"b\")"),
            ("absolute in upper case", "GET", "HTTPS://h/a", &["x"], "h /a None"),
            ("absolute without path", "GET", "http://h", &["x"], "h / None"),
            ("absolute, only a query", "GET", "http://h?q", &["x"], "h / Some(\"q\")"),
            ("absolute with user", "GET", "http://u@h/", &["x"], "Host(Byte(64))"),
            ("absolute with a bad header", "GET", "http://h/", &["a,b"], "Host(Byte(44))"),
            ("another scheme", "GET", "ftp://h/", &["x"], "Target"),
            ("asterisk", "OPTIONS", "*", &["h"], "h *"),
            ("asterisk for GET", "GET", "*", &["h"], "Target"),
            ("authority", "GET", "h:80", &["h"], "Target"),
            ("connect", "CONNECT", "h:80", &["h"], "Connect"),
            ("no slash", "GET", "foo", &["h"], "Target"),
            ("no host", "GET", "/", &[], "NoHost"),
            ("two hosts", "GET", "/", &["h", "h"], "TwoHosts"),
            ("control byte in the query", "GET", "/?a\r\nb", &["h"], "Query(13)"),
            ("fragment in the query", "GET", "/?a#b", &["h"], "Query(35)"),
            ("bad path", "GET", "/..", &["h"], "Path(AboveRoot)"),
        ];
        for (name, method, target, hosts, want) in cases {
            assert_eq!(read(method, target, hosts, false), want, "{name}");
        }
        assert_eq!(read("GET", "/", &[], true), " / None", "HTTP/1.0 without host");
    }
}
