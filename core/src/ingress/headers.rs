//! Which headers a proxy passes on.
//!
//! Hop-by-hop headers (RFC 9110 7.6.1) belong to one connection: passing them on lets a client speak to the server
//! behind the proxy, over the proxy's head.

/// Whether a header belongs to one connection; `name` in lower case.
///
/// `Connection` may name more of them: see [`is_listed`].
///
/// ```
/// use svckit::ingress::is_hop_by_hop;
///
/// assert!(is_hop_by_hop("transfer-encoding"));
/// assert!(!is_hop_by_hop("content-length"));
/// ```
#[must_use]
pub fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "http2-settings"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Whether a header must never reach a server behind a proxy, though it is not hop-by-hop: `Proxy` turns into an
/// environment variable that programs take for their proxy's address ("httpoxy").
#[must_use]
pub fn is_dangerous(name: &str) -> bool {
    name == "proxy"
}

/// Whether the value of a `Connection` header lists this header; `name` in lower case.
///
/// Framing and routing headers can't be listed away.
///
/// ```
/// use svckit::ingress::is_listed;
///
/// assert!(is_listed(b"close, X-Secret", "x-secret"));
/// assert!(!is_listed(b"Host", "host"), "nobody takes the host away");
/// ```
#[must_use]
pub fn is_listed(connection: &[u8], name: &str) -> bool {
    let kept = matches!(name, "host" | "content-length");
    let mut listed = connection.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    !kept && listed.any(|item| item.eq_ignore_ascii_case(name.as_bytes()))
}

/// Whether an `Upgrade` may be passed on: only WebSocket, only with GET (RFC 6455).
///
/// A blindly copied `Upgrade: h2c` would open a tunnel past every rule.
///
/// ```
/// use svckit::ingress::may_upgrade;
///
/// assert!(may_upgrade(b"GET", b"WebSocket"));
/// assert!(!may_upgrade(b"GET", b"h2c"));
/// assert!(!may_upgrade(b"POST", b"websocket"));
/// ```
#[must_use]
pub fn may_upgrade(method: &[u8], upgrade: &[u8]) -> bool {
    method == b"GET" && upgrade.eq_ignore_ascii_case(b"websocket")
}
