use std::{format, string::String, sync::Arc, vec::Vec};

use super::*;
use crate::{
    Seed,
    ingress::{tests as routes, *},
    model::*,
};

/// An Ingress from a line, with annotations as `name=value`.
fn ingress(line: &str, annotations: &[&str]) -> Change {
    let mut ingress = Ingress::clone(&routes::ingress(line));
    let annotation = |given: &&str| {
        let (name, value) = given.split_once('=').unwrap();
        (format!("nginx.ingress.kubernetes.io/{name}").into(), value.into())
    };
    ingress.annotations = annotations.iter().map(annotation).collect();
    Change::Ingress(Arc::new(ingress))
}

/// All of it; services whose name starts with `none` have no pods.
fn rendered(changes: &[Change], config: &Config) -> Rendered {
    let mut router =
        Router::new(Settings::default(), ClassSelection::default(), Seed([1, 2, 3, 4]));
    for change in changes {
        if let Change::Ingress(ingress) = change {
            let paths = ingress.rules.iter().flat_map(|rule| &rule.paths);
            for backend in paths.map(|path| &path.backend).chain(&ingress.default_backend) {
                let IngressBackend::Service { name, .. } = backend else { continue };
                router.apply(&Change::Service(routes::service(name, Protocol::Tcp)));
            }
        }
        router.apply(change);
    }
    let pods = |port: &ServicePortName| {
        let name = &port.service.name;
        let pod = ([10, 0, 0, name.len() as u8], 8080).into();
        let addrs = if name.starts_with("none") { Vec::new() } else { Vec::from([pod]) };
        Servers { addrs, sticky: false }
    };
    render(&router.routes(), &pods, config)
}

fn text(rendered: &Rendered) -> String {
    let mut text = String::new();
    rendered.write(&mut text).unwrap();
    text
}

/// The servers, without what is before them.
fn servers(lines: &[&str]) -> String {
    let changes: Vec<_> = lines.iter().map(|line| ingress(line, &[])).collect();
    let all = text(&rendered(&changes, &Config::default()));
    let start = all.find("  upstream ").or_else(|| all.find("  server {")).unwrap();
    all[start..].into()
}

#[test]
fn hosts_of_one_shape_share_a_server() {
    let came = servers(&[
        "n/one@1 a.example/=Prefix:a b.example/=Prefix:bb",
        "n/two@2 c.example/x=Exact:a *.d.example/=Prefix:none",
    ]);
    assert_eq!(came, include_str!("tests/shared.conf"));
}

#[test]
fn what_users_write_stays_where_it_belongs() {
    let cases = [
        r#"/x { return 200; } location /evil {"#,
        r#"/";} evil "{"#,
        r"/\",
        "/$host${sk_dollar}",
        "/# comment",
        "/include",
        "/%20%22",
        "/}}}}",
    ];
    let shape = |text: &str| text.matches(['{', '}']).count();
    for path in cases {
        let mut object = Ingress::clone(&routes::ingress("n/a@1 a.example/p=Prefix:s"));
        let plain =
            text(&rendered(&[Change::Ingress(Arc::new(object.clone()))], &Config::default()));
        object.rules[0].paths[0].path = path.into();
        let hostile = rendered(&[Change::Ingress(Arc::new(object))], &Config::default());
        let told = hostile.findings().len();
        let braces = path.matches(['{', '}']).count() * 2;
        let came = text(&hostile);
        if told == 0 {
            assert_eq!(shape(&came), shape(&plain) + braces, "{path}: {came}");
        }
        assert!(!came.contains("\n      evil"), "{path}");
    }
}

#[test]
fn what_nginx_cannot_be_told_is_a_finding() {
    let long = "x".repeat(5000);
    let cases = [
        ("line break", "/a\r\nX-Evil: 1".into(), 1),
        ("too long", format!("/{long}"), 1),
        ("escaped slash", "/a%2Fb".into(), 1),
        ("no UTF-8", "/%ff".into(), 1),
        ("a space", "/a%20b".into(), 0),
    ];
    for (name, path, want) in cases {
        let mut object = Ingress::clone(&routes::ingress("n/a@1 a.example/p=Prefix:s"));
        object.rules[0].paths[0].path = path.as_str().into();
        let came = rendered(&[Change::Ingress(Arc::new(object))], &Config::default());
        assert_eq!(came.findings().len(), want, "{name}: {:?}", came.findings());
        assert!(!text(&came).contains("X-Evil: 1"), "{name}");
    }
    let mut object = Ingress::clone(&routes::ingress("n/a@1 a.example/p=Prefix:s"));
    for host in ["~^.*$", "$hostname", ".example", "a\";", "*", "include default"] {
        object.rules[0].host = Some(host.into());
        let came = rendered(&[Change::Ingress(Arc::new(object.clone()))], &Config::default());
        assert_eq!(came.findings().len(), 1, "{host}");
        assert_eq!(
            text(&came).matches("server_name").count(),
            3,
            "{host}: two sizes and the default"
        );
    }
}

#[test]
fn changes_have_classes() {
    let one = || ingress("n/one@1 a.example/=Prefix:a b.example/=Prefix:bb", &[]);
    let before = rendered(&[one()], &Config::default());
    let cases = [
        ("nothing", one(), Class::Nothing),
        (
            "pods",
            ingress("n/one@1 a.example/=Prefix:ccc b.example/=Prefix:bb", &[]),
            Class::EndpointsOnly,
        ),
        (
            "a host",
            ingress("n/one@1 a.example/=Prefix:a b.example/=Prefix:bb c.example/=Prefix:a", &[]),
            Class::TableData,
        ),
        (
            "a path",
            ingress("n/one@1 a.example/p=Prefix:a b.example/=Prefix:bb", &[]),
            Class::Structure,
        ),
    ];
    for (name, change, want) in cases {
        let after = rendered(&[change], &Config::default());
        assert_eq!(after.difference(&before).class(), want, "{name}");
    }
}
