//! What one location does, in the order in which [`Routes::answer`](crate::ingress::Routes::answer) does it.
//!
//! nginx runs `return` and `if` before its own access rules. So everything that keeps somebody out is an `if` in front
//! of every other answer here, and nothing depends on the order of nginx's phases.

use core::time::Duration;
use std_alloc::{vec, vec::Vec};

use super::{
    client,
    directive::{Arg, Directive, Entry, Ident, Key, Name, Part, Piece, Regex, Text},
    frame::{self, PARENT, PLAIN, PREFLIGHT},
    tables::Tables,
    upstream::{LAST, NEXT, POD, Place, TARGET},
};
use crate::ingress::{Cors, Limits, PodProtocol, RouteOptions, SourceAcl};

/// Where a location's requests go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goes {
    /// Nobody is there: 503.
    Nowhere,
    /// There.
    To(Place),
    /// To what a variable names.
    By {
        variable: Ident,
        /// Set when the variable names nothing.
        nobody: Option<Ident>,
        /// Whether it may name a set of pods.
        sets: bool,
    },
}

impl Goes {
    /// Whether tables say which pod is asked.
    pub(super) const fn has_sets(self) -> bool {
        matches!(self, Self::To(Place::Set(_)) | Self::By { sets: true, .. })
    }
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

/// Sends everything to the host with `www.`, or to the one without.
pub(super) fn other_host(add: bool) -> Directive {
    let mut to = vec![part("scheme"), Part::Fixed(if add { "://www." } else { "://" })];
    to.push(if add { part("host") } else { Part::Var(PARENT) });
    to.push(part("request_uri"));
    Directive::line(Name::Return, [Arg::Int(308), Arg::Parts(to)])
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
pub(super) struct How<'a> {
    pub(super) options: &'a RouteOptions,
    pub(super) protocol: PodProtocol,
    /// The variable that holds the path for the pod; `None`: the path as it was matched.
    pub(super) path: Option<Ident>,
}

impl How<'_> {
    /// What the location does; with sets of pods, also the location that asks the next one.
    pub(super) fn proxy(
        &self,
        goes: Goes,
        again: Ident,
        tables: &mut Tables,
    ) -> (Vec<Directive>, Option<Directive>) {
        let target = match goes {
            Goes::Nowhere => return (vec![answer(503)], None),
            Goes::To(place) => place.arg(),
            Goes::By { variable, .. } => Arg::Var(variable),
        };
        let mut body = client::limits(self.options, tables);
        if let Goes::By { nobody: Some(nobody), .. } = goes {
            body.push(Directive::block(Name::If, [Arg::IsSet(nobody)], vec![answer(503)]));
        }
        let asking = self.asking(tables);
        body.extend(asking.iter().cloned());
        let upstream = match goes {
            Goes::To(Place::Upstream(name)) => Part::Name(name),
            Goes::By { variable, sets: false, .. } => Part::Var(variable),
            _ => {
                body.push(Directive::line(Name::Set, [Arg::Var(TARGET), target]));
                Part::Var(if goes.has_sets() { POD } else { TARGET })
            }
        };
        // What was matched is what is sent: nginx would send the target as it came, whatever it matched.
        let path = self.path.unwrap_or(Ident::only("uri"));
        let rewrite = [Arg::Word("^"), Arg::Var(path), Arg::Word("break")];
        body.push(Directive::line(Name::Rewrite, rewrite));
        body.push(self.pass(upstream));
        if !goes.has_sets() {
            return (body, None);
        }
        let to = [Arg::Int(502), Arg::Int(504), Arg::Word("="), Arg::Internal(again)];
        body.push(Directive::line(Name::ErrorPage, to));
        let give_up = Directive::block(Name::If, [Arg::IsSet(LAST)], vec![answer(502)]);
        let next = self.pass(Part::Var(NEXT));
        let ask_next = [give_up].into_iter().chain(asking).chain([next]).collect();
        let again = Directive::block(Name::Location, [Arg::Internal(again)], ask_next);
        (body, Some(again))
    }

    fn pass(&self, upstream: Part) -> Directive {
        let Words { scheme, pass, .. } = words(self.protocol);
        Directive::line(pass, [Arg::Parts([Part::Fixed(scheme), upstream].to_vec())])
    }

    /// Times, sizes and headers of a request to a pod.
    fn asking(&self, tables: &mut Tables) -> Vec<Directive> {
        let mut asking = limits(&self.options.limits, self.protocol);
        asking.extend(headers(self.options, self.protocol));
        asking.extend(client::set_cookie(self.options, tables));
        if let Some(cors) = &self.options.cors {
            asking.extend(cors_headers(cors, tables));
        }
        asking
    }
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

/// nginx's words for what pods speak.
struct Words {
    scheme: &'static str,
    pass: Name,
    /// For a connection, between two reads, between two writes.
    times: [Name; 3],
}

const fn words(protocol: PodProtocol) -> Words {
    let http = [Name::ProxyConnectTimeout, Name::ProxyReadTimeout, Name::ProxySendTimeout];
    let grpc = [Name::GrpcConnectTimeout, Name::GrpcReadTimeout, Name::GrpcSendTimeout];
    let (scheme, pass, times) = match protocol {
        PodProtocol::Http => ("http://", Name::ProxyPass, http),
        PodProtocol::Https => ("https://", Name::ProxyPass, http),
        PodProtocol::H2c => ("grpc://", Name::GrpcPass, grpc),
        PodProtocol::H2 => ("grpcs://", Name::GrpcPass, grpc),
    };
    Words { scheme, pass, times }
}

fn limits(limits: &Limits, protocol: PodProtocol) -> Vec<Directive> {
    let Limits { max_body, connect, read, send } = *limits;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let time = |(name, time): (Name, Option<Duration>)| {
        Some(Directive::line(name, [Arg::Millis(millis(time?))]))
    };
    // nginx's own "no limit" is 0, and its numbers are signed.
    let size = max_body.map(|size| i64::try_from(size).unwrap_or(0).unsigned_abs());
    let body = size.map(|size| Directive::line(Name::ClientMaxBodySize, [Arg::Int(size)]));
    let times = words(protocol).times.into_iter().zip([connect, read, send]);
    body.into_iter().chain(times.filter_map(time)).collect()
}

/// Headers for pods, when a route wants other ones than all the rest.
fn headers(options: &RouteOptions, protocol: PodProtocol) -> Vec<Directive> {
    let text = |value: &Option<_>| value.as_deref().and_then(|value: &str| Text::new(value).ok());
    let (host, prefix) = (text(&options.upstream_host), text(&options.forwarded_prefix));
    if host.is_none() && prefix.is_none() {
        return Vec::new();
    }
    let (set, mut headers) = match protocol.is_http2() {
        true => (Name::GrpcSetHeader, frame::grpc_headers(host.as_ref())),
        false => (Name::ProxySetHeader, frame::headers(host.as_ref())),
    };
    headers.extend(prefix.map(|prefix| {
        let value = Arg::Parts(vec![Part::Text(prefix)]);
        Directive::line(set, [Arg::Word("X-Forwarded-Prefix"), value])
    }));
    headers
}
