use super::*;
use crate::{Seed, model::*};
use std::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

/// An Ingress from a line: `shop/web@7 class=x default=d a.example/x=Prefix:svc a.example=`.
///
/// `@7` is its age; each further word is a rule with a path, its type and its Service; a host without a path has no
/// `http`. `*` stands for every host.
pub(crate) fn ingress(line: &str) -> Arc<Ingress> {
    let mut words = line.split_whitespace();
    let (name, created) = words.next().unwrap().split_once('@').unwrap();
    let (namespace, name) = name.split_once('/').unwrap();
    let mut ingress = Ingress {
        key: NamespacedName::new(namespace, name),
        created: created.parse().unwrap(),
        uid: "".into(),
        class: None,
        default_backend: None,
        rules: Vec::new(),
        tls: Vec::new(),
        annotations: Vec::new(),
    };
    for word in words {
        let (left, right) = word.split_once('=').unwrap();
        match left {
            "class" => ingress.class = Some(right.into()),
            "default" => ingress.default_backend = Some(backend(right)),
            _ => ingress.rules.push(rule(left, right)),
        }
    }
    Arc::new(ingress)
}

fn rule(left: &str, right: &str) -> IngressRule {
    let at = left.find('/').unwrap_or(left.len());
    let (host, path) = left.split_at(at);
    let path = right.split_once(':').map(|(path_type, service)| IngressPath {
        path: path.into(),
        path_type: match path_type {
            "Exact" => PathType::Exact,
            "Prefix" => PathType::Prefix,
            _ => PathType::ImplementationSpecific,
        },
        backend: backend(service),
    });
    let host = (host != "*").then(|| host.into());
    IngressRule { host, paths: path.into_iter().collect() }
}

fn backend(service: &str) -> IngressBackend {
    let port = ServicePortRef::Number(Port::new(80).unwrap());
    IngressBackend::Service { name: service.into(), port }
}

fn router(settings: Settings, lines: &[&str]) -> Router {
    let mut router = Router::new(settings, ClassSelection::default(), Seed([1, 2, 3, 4]));
    for line in lines {
        router.apply(&Change::Ingress(ingress(line)));
    }
    router
}

/// `service matched`, `default service` or `404`; [`decide`] must say the same.
fn ask(router: &mut Router, settings: &Settings, lines: &[&str], host: &str, path: &str) -> String {
    let routes = router.routes();
    let ingresses: Vec<_> = lines.iter().map(|line| ingress(line)).collect();
    let ingresses: Vec<_> = ingresses.iter().map(|ingress| &**ingress).collect();
    let decision = decide::decide(&ingresses, settings, host, path);
    let service = |backend: &Backend| backend.to_string().replace(":80", "");
    match routes.lookup(host, path) {
        Outcome::Route(Match { route, matched, .. }) => {
            let decide::Decision::Path { ingress, place, matched: theirs } = decision else {
                panic!("{host}{path}: {decision:?}");
            };
            assert_eq!((&ingress.key, place, theirs), (&route.ingress, route.place, matched));
            format!("{} {matched}", service(&route.backend))
        }
        Outcome::Default(default) => {
            let theirs = match decision {
                decide::Decision::Default(ingress) => Some(&ingress.key),
                _ => None,
            };
            assert_eq!(theirs, default.ingress.as_ref(), "{host}{path}");
            format!("default {}", service(&default.backend))
        }
        Outcome::NotFound => {
            assert_eq!(decision, decide::Decision::Nobody, "{host}{path}");
            "404".to_string()
        }
    }
}

#[track_caller]
fn check(name: &str, settings: &Settings, lines: &[&str], host: &str, path: &str, want: &str) {
    let mut router = router(settings.clone(), lines);
    assert_eq!(ask(&mut router, settings, lines, host, path), want, "{name}");
}

#[test]
fn paths_and_hosts_choose() {
    let settings = Settings::default();
    let hosts: &[&str] = &["n/a@1 foo.example/=Prefix:foo *.example/=Prefix:wild */=Prefix:every"];
    let deep: &[&str] = &["n/a@1 h/a/b/c=Prefix:abc h/a=Prefix:a h/=Prefix:root h/a/b=Exact:ab"];
    let own: &[&str] = &["n/a@1 default=d h/x=Prefix:x i=", "n/b@2 h/y=Prefix:y"];
    let all: &[&str] = &["n/a@1 h/x=Prefix:x", "n/b@2 default=all", "n/c@1 default=older"];
    let cases = [
        ("exact host", hosts, "foo.example", "/", "n/foo 0"),
        ("wildcard host", hosts, "bar.example", "/", "n/wild 0"),
        ("wildcard is one label", hosts, "a.bar.example", "/", "n/every 0"),
        ("wildcard is not none", hosts, "example", "/", "n/every 0"),
        ("no host", hosts, "", "/x", "n/every 0"),
        ("longest", deep, "h", "/a/b/c/d", "n/abc 6"),
        ("exact before longer texts", deep, "h", "/a/b", "n/ab 4"),
        ("exact is exact", deep, "h", "/a/b/", "n/a 2"),
        ("root", deep, "h", "/ab", "n/root 0"),
        ("its own default", own, "h", "/z", "default n/d"),
        ("a host without paths", own, "i", "/z", "default n/d"),
        ("another host has no default", own, "j", "/z", "404"),
        ("the oldest default of all", all, "h", "/z", "default n/older"),
        ("for any host", all, "", "/z", "default n/older"),
        (
            "a claimed host does not fall through",
            &[hosts[0], "n/b@2 foo.example/x=Exact:x"],
            "foo.example",
            "",
            "404",
        ),
    ];
    for (name, lines, host, path, want) in cases {
        check(name, &settings, lines, host, path, want);
    }
}

#[test]
fn the_oldest_wins_and_losers_are_told() {
    let settings = Settings::default();
    let cases: &[(&str, &[&str], &str, &[&str])] = &[
        ("age", &["n/a@2 h/x=Prefix:a", "n/b@1 h/x=Prefix:b"], "n/b 2", &["Ingress n/a: n/b"]),
        ("name", &["n/b@1 h/x=Prefix:b", "n/a@1 h/x=Prefix:a"], "n/a 2", &["Ingress n/b: n/a"]),
        (
            "whole name",
            &["a/x@1 h/x=Prefix:a", "a-b/x@1 h/x=Prefix:b"],
            "a-b/b 2",
            &["Ingress a/x: a-b/x"],
        ),
        (
            "final slash, older wins",
            &["n/a@1 h/x=Prefix:a", "n/b@2 h/x/=Prefix:b"],
            "n/a 2",
            &["Ingress n/b: n/a"],
        ),
        (
            "final slash, longer wins",
            &["n/a@1 h/x=Prefix:a h/x/=Prefix:b"],
            "n/b 2",
            &["Ingress n/a: n/a"],
        ),
        ("type", &["n/a@1 h/x=Any:a h/x=Prefix:b"], "n/b 2", &["Ingress n/a: n/a"]),
        ("list", &["n/a@1 h/x=Prefix:a h/x=Prefix:b"], "n/a 2", &["Ingress n/a: n/a"]),
        ("exact and prefix are two", &["n/a@1 h/x=Prefix:a", "n/b@2 h/x=Exact:b"], "n/b 2", &[]),
    ];
    for (name, lines, want, losers) in cases {
        let mut router = router(settings.clone(), lines);
        assert_eq!(ask(&mut router, &settings, lines, "h", "/x"), *want, "{name}");
        let conflicts = router
            .findings()
            .into_iter()
            .filter(|found| found.kind == crate::finding::Kind::Conflict);
        let told: Vec<_> = conflicts
            .map(|found| {
                let winner = found.message.split("Ingress ").nth(1).unwrap();
                format!("{}: {}", found.object, winner.split(',').next().unwrap())
            })
            .collect();
        assert_eq!(told, *losers, "{name}");
    }
}

#[test]
fn settings_change_what_they_say() {
    let base = Settings::default;
    let specific = |implementation_specific| Settings { implementation_specific, ..base() };
    let [text, exact, globbing] = [
        ImplementationSpecific::StringPrefix,
        ImplementationSpecific::Exact,
        ImplementationSpecific::Glob,
    ]
    .map(specific);
    let default = base();
    let backwards = Settings { order: Order::NameBackwards, ..base() };
    let owned = Settings { host_ownership: HostOwnership::FirstNamespace, ..base() };
    let through = Settings { host_fallthrough: true, ..base() };
    let configured = Settings {
        default_backend: Some((
            NamespacedName::new("ops", "fallback"),
            ServicePortRef::Number(Port::new(80).unwrap()),
        )),
        ..base()
    };
    let two: &[&str] = &["n/a@1 h/x=Prefix:a", "n/b@1 h/x=Prefix:b"];
    let tenants: &[&str] = &["n/a@1 h/x=Prefix:a", "m/b@2 h/x/y=Prefix:b"];
    let hosts: &[&str] = &["n/a@1 h.example/a=Prefix:a *.example/=Prefix:w"];
    let loose: &[&str] = &["n/a@1 h/foo=Any:any h/foo/bar=Prefix:bar h/=Prefix:root"];
    let glob: &[&str] = &["n/a@1 h/foo/*=Any:any"];
    let cases = [
        ("names backwards", &backwards, two, "h", "/x", "n/b 2"),
        ("hosts are owned", &owned, tenants, "h", "/x/y", "n/a 2"),
        ("hosts are open", &default, tenants, "h", "/x/y", "m/b 4"),
        ("fall through", &through, hosts, "h.example", "/b", "n/w 0"),
        ("as prefix", &default, loose, "h", "/foobar", "n/root 0"),
        ("as text", &text, loose, "h", "/foobar", "n/any 4"),
        ("text is shorter", &text, loose, "h", "/foo/bar", "n/bar 8"),
        ("as exact", &exact, loose, "h", "/foo/x", "n/root 0"),
        ("glob", &globbing, glob, "h", "/foo/x", "n/any 5"),
        ("glob needs its slash", &globbing, glob, "h", "/foo", "404"),
    ];
    for (name, settings, lines, host, path, want) in cases {
        check(name, settings, lines, host, path, want);
    }
    let mut router = router(configured, two);
    let routes = router.routes();
    let Outcome::Default(default) = routes.lookup("other", "/") else { panic!() };
    assert_eq!(
        (default.backend.to_string().as_str(), &default.ingress),
        ("ops/fallback:80", &None)
    );
}

#[test]
fn changes_arrive_in_any_order() {
    let settings = Settings::default();
    let mut router = router(settings, &["n/a@1 h/x=Prefix:a", "n/b@2 h/x=Prefix:b"]);
    let port = |router: &mut Router| {
        let routes = router.routes();
        let Outcome::Route(found) = routes.lookup("h", "/x") else { return "404".to_string() };
        match &*found.route.backend {
            Backend::Service(BackendRef { port: Ok(port), .. }) => port.to_string(),
            Backend::Service(BackendRef { port: Err(error), .. }) => format!("{error:?}"),
            Backend::Resource { .. } => "resource".into(),
        }
    };
    assert_eq!(port(&mut router), "NoService");
    let before = router.routes();
    assert!(Arc::ptr_eq(&before, &router.routes()), "nothing has changed");

    router.apply(&Change::Service(service("a", Protocol::Udp)));
    assert_eq!(port(&mut router), "NoPort");
    router.apply(&Change::Service(service("a", Protocol::Tcp)));
    assert_eq!(port(&mut router), "n/a:web");
    router.apply(&Change::ServiceGone(NamespacedName::new("n", "a")));
    assert_eq!(port(&mut router), "NoService");

    router.apply(&Change::IngressGone(NamespacedName::new("n", "a")));
    router.apply(&Change::Service(service("b", Protocol::Tcp)));
    assert_eq!(port(&mut router), "n/b:web", "the loser has the path now");
    router.apply(&Change::IngressGone(NamespacedName::new("n", "b")));
    assert_eq!(port(&mut router), "404");
    let Outcome::Route(old) = before.lookup("h", "/x") else { panic!("snapshots stay") };
    assert_eq!(*old.route.ingress.name, *"a");
}

pub(crate) fn service(name: &str, protocol: Protocol) -> Arc<Service> {
    Arc::new(Service::new(
        NamespacedName::new("n", name),
        Exposure::ClusterIp(ClusterIps::single([10, 0, 0, 1].into())),
        Vec::from([ServicePort {
            name: "web".into(),
            protocol,
            port: Port::new(80).unwrap(),
            target: TargetPort::Number(Port::new(8080).unwrap()),
            node_port: None,
            app_protocol: None,
        }]),
    ))
}

#[test]
fn classes_are_asked() {
    let lines = ["n/a@1 class=public h/x=Prefix:a", "n/b@2 h/y=Prefix:b"];
    let mut router = router(Settings::default(), &lines);
    let served = |router: &mut Router| {
        let routes = router.routes();
        ["/x", "/y"].map(|path| routes.lookup("h", path) != Outcome::NotFound)
    };
    assert_eq!(served(&mut router), [false, true]);
    assert_eq!(router.findings()[0].path, "spec.ingressClassName");
    let class = |is_default| IngressClass {
        name: "public".into(),
        controller: "example.com/x".into(),
        created: 0,
        is_default,
    };
    router.apply(&Change::IngressClass(class(true).into()));
    assert_eq!(served(&mut router), [true, true]);
    router.apply(&Change::IngressClassGone("public".into()));
    assert_eq!(served(&mut router), [false, true]);
    assert!(router.takes(&NamespacedName::new("n", "b")).is_ok());
    assert!(router.takes(&NamespacedName::new("n", "a")).is_err());
}

#[test]
fn explanations_name_the_losers() {
    let lines = [
        "n/a@1 h.example/x=Prefix:a h.example/x/y=Prefix:b h.example/z=Exact:z *.example/x=Prefix:w",
        "n/b@2 h.example/x/y=Prefix:c",
    ];
    let mut router = router(Settings::default(), &lines);
    let routes = router.routes();
    let why = routes.explain("h.example", "/x/y/z");
    let lines: Vec<_> = why.candidates.iter().map(|candidate| candidate.to_string()).collect();
    assert_eq!(
        lines,
        [
            "h.example/x/y (Prefix) of Ingress n/a: takes it",
            "h.example/x (Prefix) of Ingress n/a: matches less of the path",
            "h.example/x/y (Prefix) of Ingress n/b: h.example/x/y (Prefix) of Ingress n/a takes the same requests",
            "*.example/x (Prefix) of Ingress n/a: another host is more specific",
            "h.example/z (Exact) of Ingress n/a: the path does not match",
        ]
    );
}

#[test]
fn thousands_of_hosts_are_found() {
    let names: Vec<_> =
        (0..3_000).map(|n| format!("n/i{n}@1 h{n}.example/x=Prefix:s{n}")).collect();
    let lines: Vec<_> = names.iter().map(String::as_str).collect();
    let mut router = router(Settings::default(), &lines);
    let routes = router.routes();
    for n in 0..3_000 {
        let Outcome::Route(found) = routes.lookup(&format!("h{n}.example"), "/x/y") else {
            panic!()
        };
        assert_eq!(found.route.backend.to_string(), format!("n/s{n}:80"));
    }
    assert_eq!(routes.iter().count(), 3_000);
    for n in 0..3_000 {
        router.apply(&Change::IngressGone(NamespacedName::new("n", format!("i{n}"))));
    }
    assert_eq!(router.routes().iter().count(), 0);
    assert_eq!(routes.iter().count(), 3_000, "an old snapshot stays as it was");
}
