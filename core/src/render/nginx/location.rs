//! What one location does, in the order in which [`Routes::answer`](crate::ingress::Routes::answer) does it.
//!
//! nginx runs `return` and `if` before its own access rules. So everything that keeps somebody out is an `if` in front
//! of every other answer here, and nothing depends on the order of nginx's phases.

use core::time::Duration;
use std_alloc::{vec, vec::Vec};

use super::{
    directive::{Arg, Directive, Entry, Ident, Key, Name, Part, Piece, Regex, Text},
    frame::{self, PLAIN, PREFLIGHT},
    tables::Tables,
};
use crate::ingress::{Cors, Limits, RouteOptions, SourceAcl};

/// Where a location's requests go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goes {
    /// Nobody is there: 503.
    Nowhere,
    /// To this upstream.
    To(Ident),
    /// To the upstream that a variable names; the second one is set when it names none.
    By(Ident, Option<Ident>),
}

/// What a location does before it asks a pod; ends with `return` when it never asks one.
pub(super) fn before(options: &RouteOptions, tables: &mut Tables) -> (Vec<Directive>, bool) {
    let mut body = sources(&options.sources, tables);
    if options.needs_auth.is_some() {
        body.push(answer(503));
        return (body, true);
    }
    if let Some(status) = options.https {
        let host_and_target = [Part::Fixed("https://"), part("host"), part("request_uri")].to_vec();
        let location = vec![Arg::Int(status.into()), Arg::Parts(host_and_target)];
        let redirect = Directive::line(Name::Return, location);
        body.push(Directive::block(Name::If, [Arg::IsSet(PLAIN)], vec![redirect]));
    }
    if let Some(redirect) = &options.redirect {
        body.extend(redirected(redirect.status, &redirect.location));
        return (body, true);
    }
    if let Some(cors) = &options.cors {
        body.extend(preflight(cors, tables));
    }
    (body, false)
}

/// What `/` of an application with another root does.
pub(super) fn app_root(options: &RouteOptions) -> Vec<Directive> {
    let Some(root) = options.app_root.as_deref().and_then(|root| Text::new(root).ok()) else {
        return vec![answer(404)];
    };
    let to = vec![Part::Text(root), part("is_args"), part("args")];
    vec![Directive::line(Name::Return, [Arg::Int(302), Arg::Parts(to)])]
}

/// How a location asks a pod.
pub(super) fn proxy(
    options: &RouteOptions,
    path: Option<Ident>,
    goes: Goes,
    tables: &mut Tables,
) -> Vec<Directive> {
    let upstream = match goes {
        Goes::Nowhere => return vec![answer(503)],
        Goes::To(upstream) => Part::Name(upstream),
        Goes::By(variable, _) => Part::Var(variable),
    };
    let mut body = limits(&options.limits);
    if let Goes::By(_, Some(nobody)) = goes {
        body.push(Directive::block(Name::If, [Arg::IsSet(nobody)], vec![answer(503)]));
    }
    body.extend(headers(options));
    if let Some(cors) = &options.cors {
        body.extend(cors_headers(cors, tables));
    }
    // What was matched is what is sent: nginx would send the target as it came, whatever it matched.
    let path = path.unwrap_or(Ident::only("uri"));
    let rewrite = [Arg::Word("^"), Arg::Var(path), Arg::Word("break")];
    body.push(Directive::line(Name::Rewrite, rewrite));
    let pass = [Part::Fixed("http://"), upstream].to_vec();
    body.push(Directive::line(Name::ProxyPass, [Arg::Parts(pass)]));
    body
}

/// `return` with a status alone.
pub(super) fn answer(status: u16) -> Directive {
    Directive::line(Name::Return, [Arg::Int(status.into())])
}

fn part(variable: &'static str) -> Part {
    Part::Var(Ident::only(variable))
}

/// Networks that may not ask, then everybody but those who may.
fn sources(sources: &SourceAcl, tables: &mut Tables) -> Vec<Directive> {
    let mut refuse = |nets: &[ipnet::IpNet], inside: u64| {
        let mut nets = nets.to_vec();
        nets.sort_unstable();
        nets.dedup();
        let line = |net| Entry { key: Key::Net(net), value: Arg::Int(inside) };
        let default = Entry { key: Key::Default, value: Arg::Int(1 - inside) };
        let entries = [default].into_iter().chain(nets.into_iter().map(line)).collect();
        let source = Arg::Var(Ident::only("remote_addr"));
        let stranger = tables.variable("sk_stranger", Name::Geo, source, entries);
        Directive::block(Name::If, [Arg::IsSet(stranger)], vec![answer(403)])
    };
    let denied = (!sources.deny.is_empty()).then(|| refuse(&sources.deny, 1));
    let others = sources.allow.as_ref().map(|allow| refuse(allow, 0));
    denied.into_iter().chain(others).collect()
}

/// An answer that names another address.
fn redirected(status: u16, location: &str) -> Vec<Directive> {
    let Ok(location) = Text::new(location) else { return vec![answer(503)] };
    let location = Arg::Parts(vec![Part::Text(location)]);
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        return vec![Directive::line(Name::Return, [Arg::Int(status.into()), location])];
    }
    // For nginx the other codes are answers without a place.
    let header = [Arg::Word("Location"), location, Arg::Word("always")];
    vec![Directive::line(Name::AddHeader, header), answer(status)]
}

/// The answer to a browser's question.
fn preflight(cors: &Cors, tables: &mut Tables) -> Option<Directive> {
    let value = |text: &str| Some(Arg::Parts(vec![Part::Text(Text::new(text).ok()?)]));
    let mut inside = cors_headers(cors, tables);
    inside.push(header("Access-Control-Allow-Methods", value(&cors.methods)?));
    inside.push(header("Access-Control-Allow-Headers", value(&cors.headers)?));
    inside.push(header("Access-Control-Max-Age", Arg::Int(cors.max_age.into())));
    inside.push(answer(204));
    Some(Directive::block(Name::If, [Arg::IsSet(PREFLIGHT)], inside))
}

/// What browsers want to see in every answer.
fn cors_headers(cors: &Cors, tables: &mut Tables) -> Vec<Directive> {
    let all = cors.origins.iter().any(|origin| **origin == *"*");
    let origin = if all {
        Arg::Parts(vec![Part::Fixed("*")])
    } else {
        let keys = cors.origins.iter().filter_map(|origin| origin_key(origin));
        let site = |key| Entry { key, value: Arg::Var(Ident::only("http_origin")) };
        let none = Entry { key: Key::Default, value: Arg::Parts(vec![]) };
        let entries = [none].into_iter().chain(keys.map(site)).collect();
        let source = Arg::Var(Ident::only("http_origin"));
        Arg::Var(tables.variable("sk_origin", Name::Map, source, entries))
    };
    let mut headers = vec![header("Access-Control-Allow-Origin", origin)];
    if !all {
        headers.push(header("Vary", Arg::Word("Origin")));
    }
    if cors.credentials {
        headers.push(header("Access-Control-Allow-Credentials", Arg::Word("true")));
    }
    if let Some(expose) = Text::new(&cors.expose).ok().filter(|_| !cors.expose.is_empty()) {
        let value = Arg::Parts(vec![Part::Text(expose)]);
        headers.push(header("Access-Control-Expose-Headers", value));
    }
    headers
}

/// A site, or the sites below one.
fn origin_key(origin: &str) -> Option<Key> {
    let pieces: Vec<Piece> = match origin.split_once("*.") {
        None => vec![Piece::Literal(Text::new(origin).ok()?), Piece::Fixed("$")],
        Some((scheme, parent)) => vec![
            Piece::Literal(Text::new(scheme).ok()?),
            Piece::Fixed("[A-Za-z0-9-]+\\."),
            Piece::Literal(Text::new(parent).ok()?),
            Piece::Fixed("$"),
        ],
    };
    Some(Key::Regex(Regex { ignore_case: false, pieces: pieces.into() }))
}

fn header(name: &'static str, value: Arg) -> Directive {
    Directive::line(Name::AddHeader, [Arg::Word(name), value, Arg::Word("always")])
}

fn limits(limits: &Limits) -> Vec<Directive> {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let time = |name, time: Option<Duration>| {
        time.map(|time| Directive::line(name, [Arg::Millis(millis(time))]))
    };
    // nginx's own "no limit" is 0, and its numbers are signed.
    let size = limits.max_body.map(|size| i64::try_from(size).unwrap_or(0).unsigned_abs());
    let body = size.map(|size| Directive::line(Name::ClientMaxBodySize, [Arg::Int(size)]));
    let times = [
        time(Name::ProxyConnectTimeout, limits.connect),
        time(Name::ProxyReadTimeout, limits.read),
        time(Name::ProxySendTimeout, limits.send),
    ];
    body.into_iter().chain(times.into_iter().flatten()).collect()
}

/// Headers for pods, when a route wants other ones than all the rest.
fn headers(options: &RouteOptions) -> Vec<Directive> {
    let text = |value: &Option<_>| value.as_deref().and_then(|value: &str| Text::new(value).ok());
    let (host, prefix) = (text(&options.upstream_host), text(&options.forwarded_prefix));
    if host.is_none() && prefix.is_none() {
        return Vec::new();
    }
    let mut headers = frame::headers(host.as_ref());
    headers.extend(prefix.map(|prefix| {
        let value = Arg::Parts(vec![Part::Text(prefix)]);
        Directive::line(Name::ProxySetHeader, [Arg::Word("X-Forwarded-Prefix"), value])
    }));
    headers
}
