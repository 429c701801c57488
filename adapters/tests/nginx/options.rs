//! Route options: nginx does what the core's own answer is.

use super::world::{World, ingress};

/// Annotations, request, status, and the header or what the pod sees.
type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a str, u16, &'a str);

/// Rules with annotations, and what becomes of a request.
fn cases() -> [(&'static str, Case<'static>); 16] {
    let regex = "/web(/|$)(.*) ImplementationSpecific a";
    let prefix = "/web Prefix a";
    let root = "/ Prefix a";
    [
        (prefix, (&["rewrite-target=/new"], &[], "/web/x", 200, "/new")),
        (regex, (&["rewrite-target=/$2"], &[], "/web/x/y?q=1", 200, "/x/y?q=1")),
        (regex, (&["rewrite-target=/app/$2"], &[], "/web", 200, "/app/")),
        (prefix, (&["force-ssl-redirect=true"], &[], "/web?q", 308, "https://h{}.example/web?q")),
        (
            prefix,
            (
                &["permanent-redirect=https://x.example/$host"],
                &[],
                "/web",
                301,
                "https://x.example/$host",
            ),
        ),
        (
            prefix,
            (&["permanent-redirect=/y", "permanent-redirect-code=300"], &[], "/web", 300, "/y"),
        ),
        (root, (&["app-root=/app"], &[], "/?q=1", 302, "/app?q=1")),
        (root, (&["app-root=/app"], &[], "/x", 200, "/x")),
        (prefix, (&["whitelist-source-range=10.0.0.0/8"], &[], "/web", 403, "")),
        (prefix, (&["whitelist-source-range=127.0.0.0/8"], &[], "/web", 200, "/web")),
        (
            prefix,
            (&["denylist-source-range=127.0.0.1", "permanent-redirect=/z"], &[], "/web", 403, ""),
        ),
        (prefix, (&["auth-url=http://x/"], &[], "/web", 503, "")),
        (prefix, (&["proxy-body-size=1k"], &["--data", "@/etc/services"], "/web", 413, "")),
        (
            prefix,
            (
                &["enable-cors=true"],
                &[
                    "-X",
                    "OPTIONS",
                    "-H",
                    "Origin: https://x",
                    "-H",
                    "Access-Control-Request-Method: PUT",
                ],
                "/web",
                204,
                "",
            ),
        ),
        (prefix, (&["upstream-vhost=other.example"], &[], "/web", 200, "/web")),
        (prefix, (&["proxy-read-timeout=30"], &["-H", "Proxy: evil"], "/web", 200, "/web")),
    ]
}

#[test]
fn annotations_do_what_they_say() {
    let cases = cases();
    let mut world = World::new();
    world.service("a", 1);
    for (number, (rule, (annotations, ..))) in cases.iter().enumerate() {
        let rule = format!("h{number}.example{rule}");
        world.router.apply(&ingress(&format!("i{number}"), 1, &[&rule], annotations));
    }
    world.apply().unwrap();
    for (number, (_, (annotations, words, target, status, want))) in cases.iter().enumerate() {
        let answer = world.curl(words, &format!("http://h{number}.example{target}"));
        assert_eq!(answer.status, *status, "{annotations:?}: {answer:?}");
        let came = answer.header("location").unwrap_or_else(|| answer.target());
        assert_eq!(came, want.replace("{}", &number.to_string()), "{annotations:?}");
        assert_eq!(answer.seen("proxy"), None, "{annotations:?}");
    }
    let vhost = world.curl(&[], "http://h14.example/web");
    assert_eq!(vhost.seen("host"), Some("other.example"));
    assert_eq!(vhost.seen("x-forwarded-host"), Some("h14.example"));
}

#[test]
fn canaries_take_their_part() {
    let mut world = World::new();
    for name in ["main", "new"] {
        world.service(name, 1);
    }
    let rule = |service: &str| format!("a.example/ Prefix {service}");
    let by =
        ["canary=true", "canary-by-header=X-Canary", "canary-by-cookie=lane", "canary-weight=30"];
    world.router.apply(&ingress("main", 1, &[&rule("main")], &[]));
    world.router.apply(&ingress("new", 2, &[&rule("new")], &by));
    world.apply().unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["-H", "X-Canary: always"], "new"),
        (&["-H", "X-Canary: never"], "main"),
        (&["-b", "lane=always"], "new"),
        (&["-b", "x=1; lane=never"], "main"),
        (&["-b", "lane=always", "-H", "X-Canary: never"], "main"),
        (&["-H", "X-Canary: always", "-b", "lane=never"], "new"),
    ];
    for (words, want) in cases {
        for _ in 0..3 {
            assert_eq!(world.curl(words, "http://a.example/").service(), want, "{words:?}");
        }
    }
    let new = (0..100).filter(|_| world.curl(&[], "http://a.example/").service() == "new").count();
    assert!((10..=50).contains(&new), "{new} of 100 at 30 %");
}
