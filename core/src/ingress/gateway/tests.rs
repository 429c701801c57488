use std::{string::ToString, sync::Arc, vec::Vec};

use crate::{Seed, ingress::*, model::*};

fn key(name: &str) -> NamespacedName {
    NamespacedName::new("infra", name)
}

/// A Gateway with one listener for every host at port 80.
fn gateway() -> Arc<Gateway> {
    Arc::new(Gateway {
        key: key("edge"),
        listeners: Vec::from([Listener {
            name: "web".into(),
            hostname: None,
            port: Port::new(80).unwrap(),
            tls: false,
            routes_from: RoutesFrom::Same,
        }]),
    })
}

/// A route of one rule for every path, with backends as `name weight`; a name may have a namespace.
fn route(namespace: &str, backends: &[(&str, u32)]) -> Arc<HttpRoute> {
    let backend = |(name, weight): &(&str, u32)| {
        let (space, name) = name.split_once('/').unwrap_or((namespace, name));
        let service = NamespacedName::new(space, name);
        HttpBackend {
            service: Some((service, Port::new(80).unwrap())),
            weight: *weight,
            filters: HttpFilters::default(),
        }
    };
    let rule = HttpRule {
        matches: Vec::from([HttpMatch {
            path: "/".into(),
            path_type: PathType::Prefix,
            method: None,
            headers: Vec::new(),
            query: Vec::new(),
        }]),
        filters: HttpFilters::default(),
        backends: backends.iter().map(backend).collect(),
        timeout: None,
        backend_timeout: None,
    };
    Arc::new(HttpRoute {
        key: NamespacedName::new(namespace, "route"),
        created: 0,
        hostnames: Vec::new(),
        parents: Vec::from([Parent { gateway: key("edge"), listener: None, port: None }]),
        rules: Vec::from([rule]),
    })
}

/// A router with Services `n/a` and `n/b`; namespaces of routes are as given.
fn router(route: Arc<HttpRoute>) -> GatewayRouter {
    let mut router = GatewayRouter::new(Settings::default(), Seed([1, 2, 3, 4]));
    router.set_gateway(&key("edge"), Some(gateway()));
    for name in ["a", "b"] {
        let service = crate::ingress::tests::service(name, Protocol::Tcp);
        router.set_service(&service.key.clone(), Some(service));
    }
    router.set_route(&route.key.clone(), Some(route));
    router
}

fn ask(router: &mut GatewayRouter, roll: u64) -> std::string::String {
    let request = GatewayRequest { roll, ..GatewayRequest::get("h", "/x") };
    match router.routes().answer(&key("edge"), 80, &request) {
        GatewayAnswer::Forward(forward) => forward.backend.to_string(),
        GatewayAnswer::Redirect { location, .. } => location,
        GatewayAnswer::Refuse { status, .. } => status.to_string(),
    }
}

#[test]
fn other_namespaces_must_agree() {
    let mut closed = router(route("n", &[("a", 1)]));
    assert_eq!(ask(&mut closed, 0), "404", "the listener takes its own namespace only");
    assert_eq!(closed.findings()[0].path, "spec.parentRefs");
    let mut open = router(route("infra", &[("n/a", 1)]));
    assert_eq!(ask(&mut open, 0), "500", "no grant");
    assert_eq!(open.findings()[0].path, "spec.rules[0].backendRefs[0]");
    let grant = |name: Option<&str>| {
        Arc::new(ReferenceGrant {
            key: NamespacedName::new("n", "grant"),
            from: Vec::from(["infra".into()]),
            to: Vec::from([name.map(Arc::from)]),
        })
    };
    let grant_key = NamespacedName::new("n", "grant");
    open.set_grant(&grant_key, Some(grant(Some("b"))));
    assert_eq!(ask(&mut open, 0), "500", "for another Service");
    open.set_grant(&grant_key, Some(grant(None)));
    assert_eq!(ask(&mut open, 0), "n/a:80");
    open.set_grant(&grant_key, None);
    assert_eq!(ask(&mut open, 0), "500", "taken back");
}

#[test]
fn weights_are_parts() {
    let grant = ReferenceGrant {
        key: NamespacedName::new("n", "grant"),
        from: Vec::from(["infra".into()]),
        to: Vec::from([None]),
    };
    /// Backends with weights, and how many of four requests reach a, b and nobody.
    type Case<'a> = (&'a [(&'a str, u32)], [usize; 3]);
    let cases: [Case<'_>; 5] = [
        (&[("n/a", 3), ("n/b", 1)], [3, 1, 0]),
        (&[("n/a", 0), ("n/b", 1)], [0, 4, 0]),
        (&[("n/a", 1), ("n/gone", 1)], [2, 0, 2]),
        (&[("n/a", 0)], [0, 0, 4]),
        (&[], [0, 0, 4]),
    ];
    for (backends, want) in cases {
        let mut router = router(route("infra", backends));
        router.set_grant(&grant.key, Some(Arc::new(grant.clone())));
        let came: Vec<_> = (0..4).map(|roll| ask(&mut router, roll)).collect();
        let count = |wanted: &str| came.iter().filter(|came| *came == wanted).count();
        assert_eq!([count("n/a:80"), count("n/b:80"), count("500")], want, "{backends:?}");
    }
}
