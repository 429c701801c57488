//! Pods behind a service port: nginx's upstreams, and tables of addresses when there are too many of those.
//!
//! nginx compares the name of each upstream with all others, once when it reads them and again for each request whose
//! upstream comes from a variable, and each takes it ten kilobytes. So only so many Services have one
//! ([`Config::upstreams`](super::Config::upstreams)). The pods of all others are values of tables, which cost next to
//! nothing:
//!
//! ```text
//! $sk_target  ──▶ $sk_turn    by chance, of as many as the set has
//! $sk_target/$sk_turn ──▶ $sk_pod    the pod that is asked
//!                     └─▶ $sk_next   the one that is asked when it does not answer
//! ```
//!
//! Requests are spread and repeated as with an upstream. What they lack: connections to pods are not kept, and a pod
//! that did not answer is asked again by the next request.

use core::net::SocketAddr;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};

use super::directive::{Arg, Directive, Entry, Ident, Key, Name, Part, Piece, Regex};
use crate::{ingress::Backend, model::ServicePortName};

/// The pods of a service port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    /// Where they listen.
    pub addrs: Vec<SocketAddr>,
    /// A client keeps its pod (session affinity ClientIP).
    pub sticky: bool,
}

/// Finds the pods of a service port; none: requests are answered with 503.
pub type Pods<'a> = &'a dyn Fn(&ServicePortName) -> Servers;

/// Where requests for a service port go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// An upstream of its own.
    Upstream(Ident),
    /// The only pod there is.
    Pod(SocketAddr),
    /// Several pods, which stand in tables.
    Set(Ident),
}

impl Place {
    pub(super) const fn arg(self) -> Arg {
        match self {
            Self::Upstream(name) | Self::Set(name) => Arg::Name(name),
            Self::Pod(addr) => Arg::Addr(addr),
        }
    }
}

/// What a location sends requests to, an upstream's name or that of a set.
pub(super) const TARGET: Ident = Ident::only("sk_target");
/// The pod of that set whose turn it is.
pub(super) const POD: Ident = Ident::only("sk_pod");
/// The one after it; empty: there is none.
pub(super) const NEXT: Ident = Ident::only("sk_next");
/// Which of its pods' turn it is, from 0.
const TURN: Ident = Ident::only("sk_turn");
/// Nobody else may be asked.
pub(super) const LAST: Ident = Ident::only("sk_last");

/// The most pods of a set: `split_clients` counts in hundredths of a percent.
const MOST_PODS: usize = 5_000;

/// Upstreams, numbered as they are met, and sets of pods for the Services after that.
pub(super) struct Upstreams<'a> {
    pods: Pods<'a>,
    /// How many Services may have an upstream of their own.
    most: usize,
    /// By the port, and the variable that tells which pod a client keeps.
    known: BTreeMap<(ServicePortName, Option<Ident>), Option<Place>>,
    written: Vec<Directive>,
    sets: Vec<Vec<SocketAddr>>,
}

impl<'a> Upstreams<'a> {
    pub(super) const fn new(pods: Pods<'a>, most: usize) -> Self {
        Self { pods, most, known: BTreeMap::new(), written: Vec::new(), sets: Vec::new() }
    }

    /// Where requests for a backend go; `None` when there is nobody to take one. Clients keep their pod by the value
    /// of a variable, if there is one.
    pub(super) fn of(&mut self, backend: &Backend, kept: Option<Ident>) -> Option<Place> {
        let Backend::Service(service) = backend else { return None };
        let port = service.port.as_ref().ok()?;
        let key = (port.clone(), kept);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let place = self.place((self.pods)(port), kept);
        self.known.insert(key, place);
        place
    }

    fn place(&mut self, mut servers: Servers, kept: Option<Ident>) -> Option<Place> {
        let first = *servers.addrs.first()?;
        let by_address = servers.sticky.then_some(Ident::only("remote_addr"));
        let kept = kept.or(by_address);
        if kept.is_some() || self.written.len() < self.most {
            let name = Ident::of("_sk_u", self.written.len() as u32);
            self.written.push(upstream(name, &servers.addrs, kept));
            return Some(Place::Upstream(name));
        }
        if servers.addrs.len() == 1 {
            return Some(Place::Pod(first));
        }
        let name = Ident::of("_sk_s", self.sets.len() as u32);
        servers.addrs.truncate(MOST_PODS);
        self.sets.push(servers.addrs);
        Some(Place::Set(name))
    }

    /// The entries of the largest table of pods.
    pub(super) fn largest_table(&self) -> usize {
        self.sets.iter().map(Vec::len).sum::<usize>().max(self.known.len())
    }

    pub(super) fn into_directives(self) -> Vec<Directive> {
        let mut written = self.written;
        if !self.sets.is_empty() {
            written.extend(tables(&self.sets));
        }
        written
    }
}

/// Pods as data: which one of a set's pods takes a request, and which one comes after it.
fn tables(sets: &[Vec<SocketAddr>]) -> Vec<Directive> {
    let counts: BTreeSet<usize> = sets.iter().map(Vec::len).collect();
    let turn = |count: usize| Ident::of("sk_turn", count as u32);
    let mut tables: Vec<_> = counts.iter().map(|count| split(turn(*count), *count)).collect();
    let default = |value| Entry { key: Key::Default, value };
    let none = || default(Arg::Parts(vec![]));
    let numbered = || (0u32..).zip(sets).map(|(number, pods)| (Ident::of("_sk_s", number), pods));
    let turns = numbered()
        .map(|(set, pods)| Entry { key: Key::Name(set, None), value: Arg::Var(turn(pods.len())) });
    let entries = [none()].into_iter().chain(turns).collect();
    tables.push(Directive::table(Name::Map, [Arg::Var(TARGET), Arg::Var(TURN)], entries));
    let place = Arg::Parts(vec![Part::Var(TARGET), Part::Fixed("/"), Part::Var(TURN)]);
    let mut pods = |variable, first, later: usize| {
        let entry = |(set, pods): (Ident, &Vec<SocketAddr>)| {
            let turned = pods.iter().cycle().skip(later).take(pods.len());
            let entries = (0u32..).zip(turned);
            let entries = entries.map(move |(at, pod)| Entry {
                key: Key::Name(set, Some(at)),
                value: Arg::Addr(*pod),
            });
            entries.collect::<Vec<_>>()
        };
        let entries = [first].into_iter().chain(numbered().flat_map(entry)).collect();
        tables.push(Directive::table(Name::Map, [place.clone(), Arg::Var(variable)], entries));
    };
    // Whatever is no set is an upstream or a pod itself, and has nobody beside it.
    pods(POD, default(Arg::Var(TARGET)), 0);
    pods(NEXT, none(), 1);
    tables.push(last());
    tables
}

/// By chance, with equal parts.
fn split(turn: Ident, count: usize) -> Directive {
    let (share, more) = (10_000 / count.max(1), 10_000 % count.max(1));
    let mut entries: Vec<_> = (0..count)
        .map(|at| Entry {
            key: Key::Share((share + usize::from(at < more)) as u32),
            value: Arg::Int(at as u64),
        })
        .collect();
    if let Some(last) = entries.last_mut() {
        last.key = Key::Rest;
    }
    let source = Arg::Parts(vec![Part::Var(Ident::only("request_id"))]);
    Directive::table(Name::SplitClients, [source, Arg::Var(turn)], entries)
}

/// Nobody else may be asked when there is nobody, or when a pod may have begun what can't be done twice.
fn last() -> Directive {
    let source = Arg::Parts(vec![
        Part::Var(NEXT),
        Part::Fixed("|"),
        Part::Var(Ident::only("request_method")),
        Part::Fixed(":"),
        Part::Var(Ident::only("upstream_bytes_sent")),
    ]);
    let regex =
        |text| Key::Regex(Regex { ignore_case: false, pieces: [Piece::Fixed(text)].into() });
    let entries = vec![
        Entry { key: Key::Default, value: Arg::Parts(vec![]) },
        Entry { key: regex("\\|"), value: Arg::Int(1) },
        Entry { key: regex("[^|]+\\|(?:POST|LOCK|PATCH):[1-9]"), value: Arg::Int(1) },
    ];
    Directive::table(Name::Map, [source, Arg::Var(LAST)], entries)
}

fn upstream(name: Ident, pods: &[SocketAddr], kept: Option<Ident>) -> Directive {
    let by = |key| Directive::line(Name::Hash, [Arg::Var(key), Arg::Word("consistent")]);
    let mut inside: Vec<_> = kept.map(by).into_iter().collect();
    let server = |addr: &SocketAddr| Directive::line(Name::Server, [Arg::Addr(*addr)]);
    inside.extend(pods.iter().map(server));
    inside.push(Directive::line(Name::Keepalive, [Arg::Int(32)]));
    Directive::block(Name::Upstream, vec![Arg::Name(name)], inside)
}
