//! What stands around the routes: the same in every configuration, but for numbers.

use std_alloc::{vec, vec::Vec};

use super::{
    Config, Target, Text,
    directive::{Arg, Directive, Entry, Ident, Key, Name, Part, Piece, Regex},
    target::Feature,
    write::DOLLAR,
};
use crate::ingress::{EscapedSlash, PathPolicy};

/// `websocket`, or nothing: no other protocol is switched to.
const UPGRADE: Ident = Ident::only("sk_upgrade");
const CONNECTION: Ident = Ident::only("sk_connection");
/// The host as the pod sees it: what was routed on.
const HOST: Ident = Ident::only("sk_host");
/// The request can be read in two ways.
const BAD: Ident = Ident::only("sk_bad");
/// A plain request for anything but an ACME challenge.
pub(super) const PLAIN: Ident = Ident::only("sk_plain");
/// A browser asks what it may do.
pub(super) const PREFLIGHT: Ident = Ident::only("sk_preflight");
/// The host without its first label.
pub(super) const PARENT: Ident = Ident::only("sk_parent");

/// How many names there are of each kind: nginx's tables are made for so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) names: usize,
    pub(super) longest_name: usize,
    pub(super) variables: usize,
    pub(super) largest_table: usize,
    /// Some pods speak HTTP/2.
    pub(super) grpc: bool,
}

/// The directives of the main level, with those of `http` given.
pub(super) fn main(config: &Config, http: Vec<Directive>) -> Vec<Directive> {
    let workers = config.workers.map_or(Arg::Word("auto"), |count| Arg::Int(count.into()));
    let mut main = vec![Directive::line(Name::WorkerProcesses, [workers])];
    if let Some(directory) = &config.directory {
        let file = |name, word| Directive::line(name, [below(directory, word)]);
        main.push(file(Name::Pid, "/nginx.pid"));
        main.push(file(Name::ErrorLog, "/error.log"));
    }
    main.push(Directive::line(Name::WorkerShutdownTimeout, [Arg::Millis(240_000)]));
    let connections = Directive::line(Name::WorkerConnections, [Arg::Int(1024)]);
    main.push(Directive::block(Name::Events, [], vec![connections]));
    main.push(Directive::block(Name::Http, [], http));
    main
}

/// A file in a directory.
fn below(directory: &Text, name: &'static str) -> Arg {
    // Paths of files know no variables here, so a dollar must not become one.
    Arg::Joined(directory.clone(), name)
}

/// What stands at the head of `http`.
pub(super) fn http(config: &Config, policy: &PathPolicy, sizes: Sizes) -> Vec<Directive> {
    let mut http = vec![
        Directive::line(Name::ServerTokens, [Arg::Word("off")]),
        Directive::line(Name::AbsoluteRedirect, [Arg::Word("off")]),
        Directive::line(Name::MergeSlashes, [on(policy.merge_slashes)]),
        Directive::line(Name::ClientMaxBodySize, [Arg::Int(config.max_body)]),
        Directive::line(Name::ServerNamesHashMaxSize, [table_size(sizes.names)]),
        Directive::line(Name::ServerNamesHashBucketSize, [bucket(sizes.longest_name)]),
        Directive::line(Name::MapHashMaxSize, [table_size(sizes.largest_table)]),
        Directive::line(Name::MapHashBucketSize, [bucket(sizes.longest_name)]),
        Directive::line(Name::VariablesHashMaxSize, [table_size(sizes.variables + 512)]),
    ];
    if let Some(directory) = &config.directory {
        let folder = |(name, word)| Directive::line(name, [below(directory, word)]);
        http.push(Directive::line(Name::AccessLog, [Arg::Word("off")]));
        http.extend(
            [
                (Name::ClientBodyTempPath, "/client_body"),
                (Name::ProxyTempPath, "/proxy"),
                (Name::FastcgiTempPath, "/fastcgi"),
                (Name::UwsgiTempPath, "/uwsgi"),
                (Name::ScgiTempPath, "/scgi"),
            ]
            .map(folder),
        );
    }
    for status in [Name::LimitReqStatus, Name::LimitConnStatus] {
        http.push(Directive::line(status, [Arg::Int(429)]));
    }
    http.extend(proxying(config.target));
    if sizes.grpc {
        http.extend(calling());
    }
    http.extend(tables(policy));
    http
}

/// How pods are spoken to, unless a route says otherwise.
fn proxying(target: Target) -> Vec<Directive> {
    let mut proxying = vec![
        Directive::line(Name::ProxyBuffering, [Arg::Word("off")]),
        Directive::line(Name::ProxyConnectTimeout, [Arg::Millis(5_000)]),
        Directive::line(Name::ProxyReadTimeout, [Arg::Millis(60_000)]),
        Directive::line(Name::ProxySendTimeout, [Arg::Millis(60_000)]),
        Directive::line(Name::ProxyNextUpstream, [Arg::Word("error"), Arg::Word("timeout")]),
        Directive::line(Name::ProxyNextUpstreamTries, [Arg::Int(3)]),
    ];
    if !target.has(Feature::KeepaliveByDefault) {
        proxying.push(Directive::line(Name::ProxyHttpVersion, [Arg::Word("1.1")]));
    }
    proxying.extend(headers(None));
    proxying
}

/// The same for pods that speak HTTP/2, which has words of its own; only nginx with that module knows them.
fn calling() -> Vec<Directive> {
    let mut calling = vec![
        Directive::line(Name::GrpcConnectTimeout, [Arg::Millis(5_000)]),
        Directive::line(Name::GrpcReadTimeout, [Arg::Millis(60_000)]),
        Directive::line(Name::GrpcSendTimeout, [Arg::Millis(60_000)]),
        Directive::line(Name::GrpcNextUpstream, [Arg::Word("error"), Arg::Word("timeout")]),
        Directive::line(Name::GrpcNextUpstreamTries, [Arg::Int(3)]),
    ];
    calling.extend(grpc_headers(None));
    calling
}

/// The headers that pods see. A location that sets one must set them all: nginx forgets the others.
pub(super) fn headers(host: Option<&Text>) -> Vec<Directive> {
    let switch = [("Upgrade", Arg::Var(UPGRADE)), ("Connection", Arg::Var(CONNECTION))];
    let set = |(name, value)| Directive::line(Name::ProxySetHeader, [Arg::Word(name), value]);
    said(host).into_iter().chain(switch).map(set).collect()
}

/// The same over HTTP/2, where nothing is switched.
pub(super) fn grpc_headers(host: Option<&Text>) -> Vec<Directive> {
    let set = |(name, value)| Directive::line(Name::GrpcSetHeader, [Arg::Word(name), value]);
    said(host).map(set).into()
}

/// What pods are told about a request.
fn said(host: Option<&Text>) -> [(&'static str, Arg); 8] {
    let var = |stem| Arg::Var(Ident::only(stem));
    let host = host.map_or(Arg::Var(HOST), |host| Arg::Parts(vec![Part::Text(host.clone())]));
    [
        ("Host", host),
        ("X-Request-ID", var("request_id")),
        ("X-Real-IP", var("remote_addr")),
        ("X-Forwarded-For", var("remote_addr")),
        ("X-Forwarded-Proto", var("scheme")),
        ("X-Forwarded-Host", Arg::Var(HOST)),
        ("X-Forwarded-Port", var("server_port")),
        // "httpoxy": programs take it for their own proxy's address.
        ("Proxy", Arg::Parts(Vec::new())),
    ]
}

/// What every server begins with.
pub(super) fn guard() -> Directive {
    let refuse = Directive::line(Name::Return, [Arg::Int(400)]);
    Directive::block(Name::If, [Arg::IsSet(BAD)], vec![refuse])
}

/// Tables that every configuration has.
fn tables(policy: &PathPolicy) -> Vec<Directive> {
    let entry = |key, value| Entry { key, value };
    let default = |value| entry(Key::Default, value);
    let regex = |ignore_case, expression| {
        Key::Regex(Regex { ignore_case, pieces: [Piece::Fixed(expression)].into() })
    };
    let parts = |parts: &[Part]| Arg::Parts(parts.to_vec());
    let var = |stem| Part::Var(Ident::only(stem));
    let none = || Arg::Parts(Vec::new());
    let map = |source, variable, entries| {
        Directive::table(Name::Map, [source, Arg::Var(variable)], entries)
    };
    let dollar = Directive::table(
        Name::Geo,
        [Arg::Var(DOLLAR)],
        // `geo` looks for no variables.
        vec![default(Arg::Word("\"$\""))],
    );
    let asked = parts(&[var("request_method"), Part::Fixed(":"), var("http_upgrade")]);
    let upgrade =
        vec![default(none()), entry(regex(true, "GET:websocket$"), Arg::Word("websocket"))];
    let connection = vec![default(Arg::Word("upgrade")), entry(Key::Empty, none())];
    let hosts = parts(&[var("host"), Part::Fixed("|"), var("http_host")]);
    let host = vec![
        default(Arg::Var(Ident::only("host"))),
        // The header, when it names the host that was routed on: it may have a port.
        entry(
            regex(true, "(?<sk_name>[^|]+)\\|\\k<sk_name>\\.?(?::[0-9]*)?$"),
            Arg::Var(Ident::only("http_host")),
        ),
    ];
    let bad = vec![default(Arg::Int(0)), entry(regex(true, bad(policy)), Arg::Int(1))];
    let plain = vec![
        default(none()),
        entry(regex(false, "http:/\\.well-known/acme-challenge/"), none()),
        entry(regex(false, "http:"), Arg::Int(1)),
    ];
    let scheme = parts(&[var("scheme"), Part::Fixed(":"), var("uri")]);
    let preflight = vec![default(none()), entry(regex(false, "OPTIONS:."), Arg::Int(1))];
    let question = parts(&[
        var("request_method"),
        Part::Fixed(":"),
        var("http_access_control_request_method"),
    ]);
    let parent = vec![
        default(none()),
        entry(regex(false, "[^.]+\\.(?<sk_rest>.+)$"), Arg::Var(Ident::only("sk_rest"))),
    ];
    vec![
        dollar,
        map(asked, UPGRADE, upgrade),
        map(Arg::Var(UPGRADE), CONNECTION, connection),
        map(hosts, HOST, host),
        map(Arg::Var(Ident::only("request_uri")), BAD, bad),
        map(scheme, PLAIN, plain),
        map(question, PREFLIGHT, preflight),
        map(Arg::Var(Ident::only("host")), PARENT, parent),
    ]
}

/// Request targets that nginx and a pod might read in two ways.
fn bad(policy: &PathPolicy) -> &'static str {
    // A slash that is data in one reading and a separator in the other; dots with parameters; bytes that no target has.
    match (policy.escaped_slash, policy.escape_non_ascii) {
        (EscapedSlash::Decode, false) => "[^?]*(?:/(?:\\.|%2e){1,2}(?:;|%3b)|#|[\\x80-\\xff])",
        (EscapedSlash::Decode, true) => "[^?]*(?:/(?:\\.|%2e){1,2}(?:;|%3b)|#)",
        (_, false) => "[^?]*(?:%2f|%5c|\\\\|/(?:\\.|%2e){1,2}(?:;|%3b)|#|[\\x80-\\xff])",
        (_, true) => "[^?]*(?:%2f|%5c|\\\\|/(?:\\.|%2e){1,2}(?:;|%3b)|#)",
    }
}

const fn on(yes: bool) -> Arg {
    Arg::Word(if yes { "on" } else { "off" })
}

/// How large a table of so many names may become: so large that nginx finds a size without trying many.
fn table_size(names: usize) -> Arg {
    Arg::Int((names.max(256) * 2).next_power_of_two() as u64)
}

/// Room for a few names in one bucket.
fn bucket(longest: usize) -> Arg {
    Arg::Int((longest + 32).max(256).next_power_of_two() as u64)
}
