//! Routes: one form of paths, the table against the plain rules, and nginx.conf against a reader of its own.

mod lexer;

use std::{collections::BTreeMap, sync::Arc};

use svckit::{
    Seed,
    ingress::{
        ClassSelection, EscapedSlash, HostOwnership, ImplementationSpecific, Outcome, PathPolicy,
        Router, Settings,
        decide::{Decision, decide},
    },
    model::{Change, Ingress, IngressBackend, IngressPath, IngressRule, NamespacedName, PathType},
    render::nginx::{
        Arg, Body, Config, Directive, Entry, Key, Part, Piece, Regex, Servers, render, write,
    },
};

use lexer::Node;

/// What paths and texts are written with: each byte of the input picks one.
const PIECES: [&str; 32] = [
    "/", "/", "a", "b", "ab", "/a", "/b", "//", ".", "..", "/../", "/./", "%2F", "%2e", "%20",
    "%5c", "\\", "\"", ";", "{", "}", " ", "$", "#", "include", "default", "\n", "é", "%", "~^",
    "'", "/a/b",
];

const HOSTS: [&str; 8] =
    ["", "a.example", "b.example", "*.example", "x.a.example", "*.a.example", "include", "*.b\";"];

fn text(data: &[u8]) -> String {
    data.iter().map(|byte| PIECES[usize::from(byte % 32)]).collect()
}

/// Any bytes have one form or are refused; the form's form is itself; nothing in it can be read in two ways.
pub fn canonical_path(data: &[u8]) {
    let Some((policy, raw)) = data.split_first() else { return };
    let mut paths = PathPolicy::default();
    paths.merge_slashes = policy & 1 == 0;
    paths.escape_non_ascii = policy & 2 == 0;
    paths.escaped_slash = match policy / 4 % 3 {
        0 => EscapedSlash::Keep,
        1 => EscapedSlash::Reject,
        _ => EscapedSlash::Decode,
    };
    let pieces = text(raw);
    for raw in [raw, pieces.as_bytes(), format!("/{pieces}").as_bytes()] {
        let (mut once, mut twice) = (Vec::new(), Vec::new());
        let Ok(form) = paths.canonical(raw, &mut once) else { continue };
        assert_eq!(paths.canonical(form.as_bytes(), &mut twice), Ok(form), "{raw:?}");
        assert!(
            form.starts_with('/') && form.bytes().all(|byte| byte.is_ascii_graphic()),
            "{form}"
        );
        let elements: Vec<&str> = form.split('/').skip(1).collect();
        assert!(!elements.iter().any(|element| matches!(*element, "." | "..")), "{form}");
        let (_, before_last) = elements.split_last().unwrap();
        assert!(!paths.merge_slashes || !before_last.contains(&""), "{form}");
        assert!(!form.contains(['#', '?', '\\', '"', ' ']), "{form}");
    }
}

/// However Ingresses come and go, the table says what the rules say.
pub fn routes(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let mut settings = Settings::default();
    settings.host_fallthrough = first & 1 == 1;
    if first & 2 == 2 {
        settings.host_ownership = HostOwnership::FirstNamespace;
    }
    settings.implementation_specific = match first / 4 % 4 {
        0 => ImplementationSpecific::Prefix,
        1 => ImplementationSpecific::Exact,
        2 => ImplementationSpecific::StringPrefix,
        _ => ImplementationSpecific::Glob,
    };
    let mut router = Router::new(settings.clone(), ClassSelection::default(), Seed([1, 2, 3, 4]));
    let mut all: BTreeMap<NamespacedName, Arc<Ingress>> = BTreeMap::new();
    for step in data.chunks_exact(8) {
        let name = step[0] / 8 % 8;
        let key = NamespacedName::new(if name % 2 == 0 { "a" } else { "b" }, format!("i{name}"));
        if step[0] % 8 == 0 {
            router.apply(&Change::IngressGone(key.clone()));
            all.remove(&key);
        } else {
            let ingress = Arc::new(ingress(key.clone(), step));
            router.apply(&Change::Ingress(ingress.clone()));
            all.insert(key, ingress);
        }
        let ingresses: Vec<&Ingress> = all.values().map(|ingress| &**ingress).collect();
        let routes = router.routes();
        let paths = ["/", "/a", "/a/", "/ab", "/a/b", "/a/b/a", "/b", "/b/ab", "/c", "/ab/b"];
        for host in ["a.example", "x.example", "x.a.example", "example", "", "include"] {
            for path in paths {
                let came = match routes.lookup(host, path) {
                    Outcome::Route(found) => {
                        let route = found.route;
                        Some((&route.ingress, Some((route.place, found.matched))))
                    }
                    Outcome::Default(default) => default.ingress.as_ref().map(|key| (key, None)),
                    Outcome::NotFound => None,
                };
                let want = match decide(&ingresses, &settings, host, path) {
                    Decision::Path { ingress, place, matched } => {
                        Some((&ingress.key, Some((place, matched))))
                    }
                    Decision::Default(ingress) => Some((&ingress.key, None)),
                    Decision::Nobody => None,
                };
                assert_eq!(came, want, "{host}{path} of {ingresses:?}");
            }
        }
    }
}

/// An Ingress from eight bytes: two rules, of which one may have two paths.
fn ingress(key: NamespacedName, step: &[u8]) -> Ingress {
    let backend = |name: &str| IngressBackend::Resource {
        group: "".into(),
        kind: "Bucket".into(),
        name: name.into(),
    };
    let path = |bytes: &[u8], kind: u8| IngressPath {
        path: format!("/{}", text(bytes)).into(),
        path_type: match kind % 3 {
            0 => PathType::Exact,
            1 => PathType::Prefix,
            _ => PathType::ImplementationSpecific,
        },
        backend: backend("x"),
    };
    let host = |byte: u8| {
        let host = HOSTS[usize::from(byte % 8)];
        (!host.is_empty()).then(|| Arc::from(host))
    };
    let paths = vec![path(&step[3..5], step[2] / 8), path(&step[5..6], step[2] / 32)];
    let rules = match step[1] / 64 {
        0 => Vec::new(),
        1 => vec![IngressRule { host: host(step[1]), paths: Vec::new() }],
        2 => vec![IngressRule { host: host(step[1]), paths }],
        _ => vec![
            IngressRule { host: host(step[1]), paths },
            IngressRule { host: host(step[2]), paths: vec![path(&step[6..8], step[2] / 16)] },
        ],
    };
    let default_backend = (step[1] & 8 == 8).then(|| backend("default"));
    Ingress {
        key,
        created: i64::from(step[7] % 4),
        uid: "".into(),
        class: None,
        default_backend,
        rules,
        tls: Vec::new(),
        annotations: Vec::new(),
    }
}

/// Annotations that carry a user's text into nginx.conf.
const ANNOTATIONS: [&str; 8] = [
    "rewrite-target",
    "permanent-redirect",
    "upstream-vhost",
    "x-forwarded-prefix",
    "cors-allow-origin",
    "canary-by-header-value",
    "canary-by-cookie",
    "app-root",
];

/// What is written is read again as it was meant, and its structure is that of the tree, whatever users wrote.
pub fn nginx(data: &[u8]) {
    let mut router =
        Router::new(Settings::default(), ClassSelection::default(), Seed([1, 2, 3, 4]));
    for (number, step) in data.chunks_exact(12).enumerate() {
        let mut object = ingress(NamespacedName::new("n", format!("i{number}")), &step[..8]);
        let flags = [("enable-cors", 1), ("canary", 2), ("canary-by-header", 4)];
        let flag = |(name, bit): (&str, u8)| {
            let value = if name == "canary-by-header" { "X-Canary" } else { "true" };
            (step[8] & bit != 0).then(|| (name.to_owned(), value.to_owned()))
        };
        let mut given: Vec<(String, String)> = flags.into_iter().filter_map(flag).collect();
        let named = ANNOTATIONS[usize::from(step[9] % 8)];
        let slash = if step[9] & 8 == 8 { "/" } else { "https://" };
        given.push((named.into(), format!("{slash}{}", text(&step[10..]))));
        object.annotations = given
            .into_iter()
            .map(|(name, value)| {
                (format!("nginx.ingress.kubernetes.io/{name}").into(), value.into())
            })
            .collect();
        router.apply(&Change::Ingress(Arc::new(object)));
    }
    let nobody = |_: &_| Servers::default();
    let rendered = render(&router.routes(), &nobody, &Config::default());
    let tree = rendered.directives();
    let mut text = String::new();
    write(&tree, &mut text).unwrap();
    let read = lexer::read(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let meant: Vec<Node> = tree.iter().map(meant).collect();
    assert_eq!(read, meant, "{text}");
}

/// A directive as its reader should see it.
fn meant(directive: &Directive) -> Node {
    let mut words = vec![directive.name.as_str().to_owned()];
    words.extend(directive.args.iter().map(word));
    let block = match &directive.body {
        Body::None => None,
        Body::Block(inside) => Some(inside.iter().map(meant).collect()),
        Body::Table(entries) => Some(entries.iter().map(line).collect()),
    };
    Node { words, block }
}

fn line(Entry { key, value }: &Entry) -> Node {
    let key = match key {
        Key::Default => "default".into(),
        Key::Rest => "*".into(),
        Key::Empty => String::new(),
        Key::Text(text) => format!("\\{}", text.as_str()),
        Key::Regex(regex) => expression(regex),
        Key::Net(net) => net.to_string(),
        Key::Share(share) => format!("{}.{:02}%", share / 100, share % 100),
        Key::Name(name, None) => name.to_string(),
        Key::Name(name, Some(part)) => format!("{name}/{part}"),
    };
    Node { words: vec![key, word(value)], block: None }
}

fn word(arg: &Arg) -> String {
    match arg {
        Arg::Word("\"$\"") => "$".into(),
        Arg::Word("\"\"") => String::new(),
        Arg::Text(text) => text.as_str().into(),
        Arg::Parts(parts) => parts.iter().map(part).collect(),
        Arg::Regex(regex) => expression(regex),
        Arg::Joined(directory, rest) => format!("{}{rest}", directory.as_str()),
        Arg::File(directory, name) => format!("{}/{name}.pem", directory.as_str()),
        Arg::Socket(path) => format!("unix:{}", path.as_str()),
        // Words of the renderer's own, of letters, digits and few signs.
        other => other.to_string(),
    }
}

fn part(part: &Part) -> String {
    match part {
        Part::Fixed(text) => (*text).into(),
        Part::Text(text) => text.as_str().replace('$', "${sk_dollar}"),
        Part::Var(name) => format!("${{{name}}}"),
        Part::Name(name) => name.to_string(),
    }
}

fn expression(regex: &Regex) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Fixed(text) => (*text).to_owned(),
        Piece::Number(number) => number.to_string(),
        Piece::Literal(text) => {
            let escaped = |character: char| match character {
                _ if !character.is_ascii() || character.is_ascii_alphanumeric() => {
                    character.to_string()
                }
                _ => format!("\\{character}"),
            };
            text.as_str().chars().map(escaped).collect()
        }
    };
    let start = if regex.ignore_case { "~*^" } else { "~^" };
    [start.to_owned()].into_iter().chain(regex.pieces.iter().map(piece)).collect()
}
