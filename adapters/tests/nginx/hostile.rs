//! Objects that want to be more than routes.

use std::sync::Arc;

use svckit::model::{Change, Ingress};

use super::world::{World, ingress};

/// Texts that broke out of other configurations, and some that merely look odd.
const TEXTS: [&str; 22] = [
    r#"/x { return 200; } location /evil {"#,
    r#"/x"; return 200 "evil"#,
    r#"/";}}}server{listen 1;server_name "evil"#,
    r"/\",
    r#"/\""#,
    "/'x'",
    "/$uri$args${host}$sk_dollar",
    "/$1$2",
    "/#comment",
    "/include",
    "/default",
    "/~^evil.*$",
    "/=exact",
    "/@named",
    "/%20%22%27%7B%7D%3B",
    "/caf%C3%A9",
    "/*",
    "/(.*)",
    "/a\n/evil",
    "/a\r\nX-Evil: 1",
    "name\r\nX-Evil: 1",
    "a\"; } }",
];

/// Texts that are longer than nginx's words, or become so when they are quoted.
fn long() -> Vec<String> {
    let long = |piece: &str, times: usize| format!("/{}", piece.repeat(times));
    let mut texts = vec![long("x", 4_200), long("$", 900), long("%22", 1_300), long("x", 3_990)];
    // These are names of cookies and headers.
    texts.extend([900, 1_900, 3_900].map(|times| "c".repeat(times)));
    texts.extend([900, 1_900].map(|times| "$".repeat(times)));
    texts
}

/// Annotations that take a text of the user's.
const ANNOTATIONS: [&str; 15] = [
    "rewrite-target",
    "permanent-redirect",
    "temporal-redirect",
    "app-root",
    "upstream-vhost",
    "x-forwarded-prefix",
    "cors-allow-origin",
    "canary-by-header-value",
    "whitelist-source-range",
    "auth-url",
    "canary-by-cookie",
    "canary-by-header",
    "session-cookie-name",
    "session-cookie-path",
    "cors-expose-headers",
];

#[test]
fn nothing_a_user_writes_breaks_out() {
    let mut world = World::new();
    world.service("a", 1);
    world.router.apply(&ingress("good", 1, &["good.example/ Prefix a"], &[]));
    let long = long();
    let texts: Vec<&str> = TEXTS.iter().copied().chain(long.iter().map(String::as_str)).collect();
    for (number, text) in texts.iter().enumerate() {
        // Hosts of words that mean something to nginx, and hosts that are none.
        let hosts = ["include", "default", "volatile", "hostnames", text];
        let host = hosts[number % hosts.len()];
        let Change::Ingress(object) = ingress("x", 2, &["h/p Prefix a"], &[]) else { return };
        let mut object = Ingress::clone(&object);
        object.key.name = format!("hostile-{number}").into();
        object.rules[0].host = Some(host.into());
        object.rules[0].paths[0].path = (*text).into();
        object.annotations = ANNOTATIONS
            .iter()
            .enumerate()
            // One annotation each, so that the first does not hide the others.
            .filter(|(at, _)| at % ANNOTATIONS.len() == number % ANNOTATIONS.len())
            .map(|(_, name)| (format!("nginx.ingress.kubernetes.io/{name}").into(), (*text).into()))
            .collect();
        world.router.apply(&Change::Ingress(Arc::new(object.clone())));
        for name in ANNOTATIONS {
            let mut object = object.clone();
            object.key.name = format!("hostile-{number}-{name}").into();
            object.rules[0].host = Some(format!("h{number}-{name}.example").into());
            object.rules[0].paths[0].path = "/p".into();
            let extra = [("enable-cors", "true"), ("affinity", "cookie"), ("canary", "true")];
            let extra = extra.map(|(flag, value)| {
                (format!("nginx.ingress.kubernetes.io/{flag}").into(), value.into())
            });
            object.annotations =
                vec![(format!("nginx.ingress.kubernetes.io/{name}").into(), (*text).into())];
            // A canary needs a route beside it, or nginx is told nothing of it.
            let canary = name.starts_with("canary");
            if canary {
                let rule = format!("h{number}-{name}.example/p Prefix a");
                let main = format!("main-{number}-{name}");
                world.router.apply(&ingress(&main, 1, &[&rule], &[]));
            }
            object.annotations.extend(extra.into_iter().take(2 + usize::from(canary)));
            world.router.apply(&Change::Ingress(Arc::new(object)));
        }
    }
    world.apply().unwrap();
    assert_eq!(world.curl(&[], "http://good.example/").service(), "a");
    assert_eq!(world.curl(&[], "http://good.example/evil").service(), "a");
    assert_eq!(world.curl(&[], "http://include/evil").status, 404);
    for name in ANNOTATIONS {
        // The others differ from these in nothing that curl could see.
        for number in (0..TEXTS.len()).filter(|number| TEXTS[*number].contains("vil")) {
            let answer = world.curl(&[], &format!("http://h{number}-{name}.example/p"));
            assert!(answer.header("x-evil").is_none(), "{number} {name}");
            assert!(answer.seen("x-evil").is_none(), "{number} {name}: {answer:?}");
        }
    }
}

#[test]
fn one_view_of_each_path() {
    let mut world = World::new();
    for name in ["pub", "raw"] {
        world.service(name, 1);
    }
    let rules = ["a.example/pub Prefix pub", "a.example/raw Prefix raw"];
    world.router.apply(&ingress("a", 1, &rules, &[]));
    world.apply().unwrap();
    let cases = [
        ("/pub/x", 200, "pub", "/pub/x"),
        ("/pub", 200, "pub", "/pub"),
        ("/pub/../raw/z", 200, "raw", "/raw/z"),
        ("/pub//x/./y", 200, "pub", "/pub/x/y"),
        ("/pub/%2e%2e/raw/z", 200, "raw", "/raw/z"),
        ("/%70ub/a%20b?q=%2F", 200, "pub", "/pub/a%20b?q=%2F"),
        ("/pub/%3f%23%25", 200, "pub", "/pub/%3F%23%25"),
        ("/pub/..%2fraw/z", 400, "", ""),
        ("/pub%5c..%5craw", 400, "", ""),
        ("/pub/..;/raw", 400, "", ""),
        ("/pub/%2e%2e;x/raw", 400, "", ""),
        ("/pubx", 404, "", ""),
        ("/../raw", 400, "", ""),
    ];
    for (target, status, service, seen) in cases {
        let answer = world.curl(&[], &format!("http://a.example{target}"));
        assert_eq!((answer.status, answer.service()), (status, service), "{target}: {answer:?}");
        assert_eq!(answer.target(), seen, "{target}");
    }
}
