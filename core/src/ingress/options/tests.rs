//! What annotations do to requests.

use crate::{Seed, finding::Finding, ingress::*, model::*};
use std::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

/// An Ingress for `h` with one path, and annotations as `name=value`.
fn ingress(
    name: &str,
    path: (&str, PathType),
    service: &str,
    annotations: &[&str],
) -> Arc<Ingress> {
    let annotation = |given: &&str| {
        let (name, value) = given.split_once('=').unwrap();
        (format!("nginx.ingress.kubernetes.io/{name}").into(), value.into())
    };
    let backend = IngressBackend::Service {
        name: service.into(),
        port: ServicePortRef::Number(Port::new(80).unwrap()),
    };
    Arc::new(Ingress {
        key: NamespacedName::new("n", name),
        created: 1,
        uid: "".into(),
        class: None,
        default_backend: None,
        rules: Vec::from([IngressRule {
            host: Some("h".into()),
            paths: Vec::from([IngressPath { path: path.0.into(), path_type: path.1, backend }]),
        }]),
        tls: Vec::from([IngressTls { hosts: Vec::from(["h".into()]), secret: None }]),
        annotations: annotations.iter().map(annotation).collect(),
    })
}

/// The answer in a line, and what is wrong with the annotations.
fn ask(
    ingresses: &[Arc<Ingress>],
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> (String, Vec<Finding>) {
    let mut router = Router::new(Settings::default(), ClassSelection::default(), Seed([1; 4]));
    for ingress in ingresses {
        router.apply(&Change::Ingress(ingress.clone()));
    }
    let routes = router.routes();
    let mut scratch = Scratch::default();
    let head = RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        hosts: &[b"h"],
        http_1_0: false,
    };
    let request = head.canonical(routes.path_policy(), &mut scratch).unwrap();
    let header =
        |name: &str| headers.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
    let with = Circumstances {
        client: [10, 0, 0, 1].into(),
        method: method.as_bytes(),
        https: header("x-https").is_some(),
        body: header("content-length").and_then(|length| length.parse().ok()),
        header: &header,
        roll: 250_000,
    };
    let answer = match routes.answer(&request, &with) {
        Answer::Forward(Forward { backend, path, .. }) => {
            format!("{backend} {path}").replace(":80", "")
        }
        Answer::Redirect { status, location } => format!("{status} {location}"),
        Answer::Preflight(cors) => format!("204 {}", cors.methods),
        Answer::Refuse { status, .. } => status.to_string(),
    };
    let mut findings = router.findings();
    findings.retain(|finding| !finding.message.contains("no such Service"));
    (answer, findings)
}

const PREFIX: (&str, PathType) = ("/web", PathType::Prefix);
const REGEX: (&str, PathType) = ("/web(/|$)(.*)", PathType::ImplementationSpecific);

#[test]
fn annotations_do_what_they_say() {
    let cases = [
        ("none", PREFIX, &[][..], "/web/x", "n/s /web/x"),
        ("full rewrite", PREFIX, &["rewrite-target=/new"], "/web/x", "n/s /new"),
        ("rest", REGEX, &["rewrite-target=/$2"], "/web/x/y", "n/s /x/y"),
        ("rest of nothing", REGEX, &["rewrite-target=/$2"], "/web", "n/s /"),
        ("elements, not characters", REGEX, &["rewrite-target=/$2"], "/webby", "404"),
        (
            "rest under another",
            REGEX,
            &["use-regex=true", "rewrite-target=/app/$2"],
            "/web/x",
            "n/s /app/x",
        ),
        ("expressions without rewriting", REGEX, &["use-regex=true"], "/web/x", "n/s /web/x"),
        ("not an expression", REGEX, &[], "/web/x", "404"),
        ("https", PREFIX, &["ssl-redirect=true"], "/web?q=1", "308 https://h/web?q=1"),
        ("https, forced", PREFIX, &["force-ssl-redirect=true"], "/web", "308 https://h/web"),
        ("no https", PREFIX, &["ssl-redirect=false"], "/web", "n/s /web"),
        (
            "permanent",
            PREFIX,
            &["permanent-redirect=https://x.example/"],
            "/web",
            "301 https://x.example/",
        ),
        (
            "with a code",
            PREFIX,
            &["permanent-redirect=/y", "permanent-redirect-code=308"],
            "/web",
            "308 /y",
        ),
        ("temporal", PREFIX, &["temporal-redirect=/y"], "/web", "302 /y"),
        (
            "permanent first",
            PREFIX,
            &["temporal-redirect=/y", "permanent-redirect=/z"],
            "/web",
            "301 /z",
        ),
        ("app root", ("/", PathType::Prefix), &["app-root=/app"], "/?q", "302 /app?q"),
        ("app root, elsewhere", ("/", PathType::Prefix), &["app-root=/app"], "/x", "n/s /x"),
        ("allowed", PREFIX, &["whitelist-source-range=10.0.0.0/8, 192.0.2.1"], "/web", "n/s /web"),
        ("not allowed", PREFIX, &["allowlist-source-range=192.0.2.1"], "/web", "403"),
        ("denied", PREFIX, &["denylist-source-range=10.0.0.1"], "/web", "403"),
        (
            "asked before redirected",
            PREFIX,
            &["denylist-source-range=10.0.0.1", "permanent-redirect=/z"],
            "/web",
            "403",
        ),
        ("tuning", PREFIX, &["proxy-buffering=on", "backend-protocol=GRPC"], "/web", "n/s /web"),
        ("sticky", PREFIX, &["affinity=cookie", "limit-rps=5"], "/web", "n/s /web"),
    ];
    for (name, path, annotations, target, want) in cases {
        let (answer, findings) = ask(&[ingress("a", path, "s", annotations)], "GET", target, &[]);
        assert_eq!(answer, want, "{name}");
        assert_eq!(findings, [], "{name}");
    }
}

#[test]
fn expressions_stand_for_a_few_paths() {
    let (several, to) = ("/(web|api)(/|$)(.*)", "rewrite-target=/old/$1/$3");
    for (path, annotation, target, want) in [
        (several, to, "/web/x", "n/s /old/web/x"),
        (several, to, "/api", "n/s /old/api/"),
        (several, to, "/other", "404"),
        ("^/web/?$", "use-regex=true", "/web/", "n/s /web/"),
        ("^/web/?$", "use-regex=true", "/web", "n/s /web"),
        ("^/web/?$", "use-regex=true", "/web/x", "404"),
    ] {
        let one = ingress("a", (path, PathType::ImplementationSpecific), "s", &[annotation]);
        let (answer, findings) = ask(&[one], "GET", target, &[]);
        assert_eq!((answer.as_str(), findings), (want, Vec::new()), "{path} {target}");
    }
}

#[test]
fn what_is_not_understood_is_told_and_never_opens_a_route() {
    let cases = [
        ("authentication", PREFIX, "auth-url=http://x/", "503"),
        ("bad network", PREFIX, "whitelist-source-range=everybody", "403"),
        ("bad network to deny", PREFIX, "denylist-source-range=everybody", "403"),
        ("snippet", PREFIX, "configuration-snippet=return 200;", "n/s /web/x"),
        ("unknown", PREFIX, "magic=1", "n/s /web/x"),
        ("bad redirect", PREFIX, "permanent-redirect=javascript:x", "n/s /web/x"),
        ("line break", PREFIX, "permanent-redirect=/\r\nX: y", "n/s /web/x"),
        ("bad code", PREFIX, "permanent-redirect-code=200", "n/s /web/x"),
        ("bad size", PREFIX, "proxy-body-size=large", "n/s /web/x"),
        ("bad time", PREFIX, "proxy-read-timeout=0", "n/s /web/x"),
        ("other protocol", PREFIX, "backend-protocol=FCGI", "n/s /web/x"),
        ("no rate", PREFIX, "limit-rps=0", "n/s /web/x"),
        ("other affinity", PREFIX, "affinity=ip", "n/s /web/x"),
        ("another group", REGEX, "rewrite-target=/$1", "404"),
        (
            "another expression",
            ("/a[0-9]", PathType::ImplementationSpecific),
            "use-regex=true",
            "404",
        ),
    ];
    for (name, path, annotation, want) in cases {
        let (answer, findings) =
            ask(&[ingress("a", path, "s", &[annotation])], "GET", "/web/x", &[]);
        assert_eq!(answer, want, "{name}");
        assert_eq!(findings.len(), usize::from(name != "bad code"), "{name}: {findings:?}");
    }
}

#[test]
fn headers_count() {
    let cors = &["enable-cors=true", "cors-allow-methods=GET, PUT"][..];
    let preflight = &[("origin", "https://x"), ("access-control-request-method", "PUT")][..];
    let cases = [
        ("preflight", "OPTIONS", cors, preflight, "204 GET, PUT"),
        ("options", "OPTIONS", cors, &[][..], "n/s /web"),
        (
            "small body",
            "POST",
            &["proxy-body-size=1k"][..],
            &[("content-length", "1024")][..],
            "n/s /web",
        ),
        ("large body", "POST", &["proxy-body-size=1k"], &[("content-length", "1025")], "413"),
        ("no limit", "POST", &["proxy-body-size=0"], &[("content-length", "1025")], "n/s /web"),
        ("https already", "GET", &["ssl-redirect=true"], &[("x-https", "")], "n/s /web"),
    ];
    for (name, method, annotations, headers, want) in cases {
        let (answer, _) = ask(&[ingress("a", PREFIX, "s", annotations)], method, "/web", headers);
        assert_eq!(answer, want, "{name}");
    }
}

#[test]
fn canaries_take_their_part() {
    let main = ingress("main", PREFIX, "main", &["denylist-source-range=192.0.2.1"]);
    let canary = |rule: &str| ingress("canary", PREFIX, "new", &["canary=true", rule]);
    let (weight, header) = ("canary-weight=30", "canary-by-header=X-Canary");
    let cases = [
        ("its weight", weight, &[][..], "n/new /web"),
        ("less weight", "canary-weight=20", &[], "n/main /web"),
        ("its header", header, &[("x-canary", "always")], "n/new /web"),
        ("no header", header, &[], "n/main /web"),
    ];
    for (name, rule, headers, want) in cases {
        // The canary is the older one by name, and still only takes its part.
        let (answer, findings) = ask(&[canary(rule), main.clone()], "GET", "/web", headers);
        assert_eq!((answer.as_str(), findings.len()), (want, 0), "{name}");
    }
    // Two of them have a part each: the roll of 250,000 is beyond the first one's.
    let second = ingress("second", PREFIX, "second", &["canary=true", "canary-weight=20"]);
    let (answer, _) = ask(&[canary("canary-weight=10"), second, main], "GET", "/web", &[]);
    assert_eq!(answer, "n/second /web");
    let (answer, findings) = ask(&[canary(weight)], "GET", "/web", &[]);
    assert_eq!((answer.as_str(), findings.len()), ("404", 1), "a canary of nothing");
}

#[test]
fn the_other_host_redirects() {
    let mut router = Router::new(Settings::default(), ClassSelection::default(), Seed([1; 4]));
    let mut www = Ingress::clone(&ingress("a", PREFIX, "s", &["from-to-www-redirect=true"]));
    www.rules[0].host = Some("www.shop.example".into());
    router.apply(&Change::Ingress(Arc::new(www)));
    let routes = router.routes();
    let cases =
        [("shop.example", true), ("www.shop.example", false), ("www.www.shop.example", false)];
    for (host, redirects) in cases {
        let target = Target::Path { path: "/web/x", query: Some("q") };
        let request = Request { host: Host::Name(host), target };
        let with = Circumstances {
            client: [10, 0, 0, 1].into(),
            method: b"GET",
            https: true,
            body: None,
            header: &|_| None,
            roll: 0,
        };
        let location = "https://www.shop.example/web/x?q".into();
        let answer = routes.answer(&request, &with);
        assert_eq!(answer == Answer::Redirect { status: 308, location }, redirects, "{host}");
    }
}
