//! Which hostnames a route has on a listener.

use std_alloc::{string::String, vec, vec::Vec};

use crate::model::{Gateway, HttpRoute, Listener, RoutesFrom};

/// The hostnames under which a route takes requests of a listener; an empty one is every host. None: the two have
/// nothing in common.
pub(super) fn hostnames(route: &HttpRoute, listener: &Listener) -> Vec<String> {
    let theirs = listener.hostname.as_deref().unwrap_or_default();
    if route.hostnames.is_empty() {
        return vec![theirs.into()];
    }
    let common = |name| intersection(name, theirs).map(String::from);
    route.hostnames.iter().filter_map(|name| common(name)).collect()
}

/// Whether a route attaches itself to a listener, and may.
pub(super) fn is_attached(route: &HttpRoute, gateway: &Gateway, listener: &Listener) -> bool {
    let own = route.key.namespace == gateway.key.namespace;
    let asks = route.parents.iter().any(|parent| {
        parent.gateway == gateway.key
            && parent.listener.as_ref().is_none_or(|name| *name == listener.name)
            && parent.port.is_none_or(|port| port == listener.port)
    });
    let may = match listener.routes_from {
        RoutesFrom::Same => own,
        RoutesFrom::All => true,
        RoutesFrom::None => false,
    };
    asks && may
}

/// The more specific of two hostnames that have a host in common.
fn intersection<'n>(one: &'n str, other: &'n str) -> Option<&'n str> {
    if covers(other, one) {
        Some(one)
    } else if covers(one, other) {
        Some(other)
    } else {
        None
    }
}

/// Whether every host of `inner` is one of `outer`.
fn covers(outer: &str, inner: &str) -> bool {
    match outer.strip_prefix('*') {
        _ if outer.is_empty() || outer == inner => true,
        Some(suffix) => {
            let inner = inner.strip_prefix('*').unwrap_or(inner);
            inner.len() > suffix.len() && inner.ends_with(suffix)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostnames_have_common_hosts() {
        let cases = [
            ("a.example.com", "", Some("a.example.com")),
            ("a.example.com", "a.example.com", Some("a.example.com")),
            ("a.example.com", "*.example.com", Some("a.example.com")),
            ("a.b.example.com", "*.example.com", Some("a.b.example.com")),
            ("example.com", "*.example.com", None),
            ("*.example.com", "a.example.com", Some("a.example.com")),
            ("*.b.example.com", "*.example.com", Some("*.b.example.com")),
            ("*.example.com", "*.b.example.com", Some("*.b.example.com")),
            ("*.example.com", "*.example.com", Some("*.example.com")),
            ("*.example.com", "*.example.org", None),
            ("xexample.com", "*.example.com", None),
        ];
        for (one, other, want) in cases {
            assert_eq!(intersection(one, other), want, "{one} {other}");
        }
    }
}
