//! Which locations a host needs: its routes in nginx's words.
//!
//! | rule | locations |
//! |---|---|
//! | Exact `/p` | `= /p` |
//! | Prefix `/p` | `= /p` and `/p/`, so that nginx never adds a slash by itself |
//! | Prefix `/` | `/` |
//! | start of the text `/p` | `/p` |
//!
//! nginx compares with the decoded path, so `%20` of a rule is a space here.

use core::cmp::Reverse;
use std_alloc::{
    boxed::Box, collections::BTreeSet, format, string::String, string::ToString, sync::Arc, vec,
    vec::Vec,
};

use super::{
    directive::{Arg, Entry, Ident, Key, Name, Part, Piece, Regex, Text},
    tables::Tables,
};
use crate::{
    finding::{Finding, Kind},
    ingress::{
        Backend, DefaultRoute, HostView, MatchKind, Pattern, PodProtocol, Rewrite, Route,
        RouteOptions, escape,
    },
};

/// One location, but for its backends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    /// What nginx matches.
    pub(super) text: Text,
    /// The whole path, or its start.
    pub(super) exact: bool,
    pub(super) task: Task,
}

/// What a location does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    NotFound,
    /// Sends everything to the host with `www.`, or to the one without.
    OtherHost {
        add: bool,
    },
    /// Sends `/` to the application's root.
    AppRoot {
        options: u32,
    },
    Proxy {
        options: u32,
        protocol: PodProtocol,
        /// The variable that holds the path for the pod; `None`: the path as it was matched.
        path: Option<Ident>,
        /// The variable that holds the number of the version that takes the request, counted from 1 (empty: the
        /// route's own), and how many others there are.
        version: Option<(Ident, usize)>,
    },
}

impl Task {
    /// The number of its options, if it asks pods.
    pub(super) const fn options(&self) -> Option<u32> {
        match self {
            Self::Proxy { options, .. } => Some(*options),
            _ => None,
        }
    }
}

/// A location and its backends: the route's own first, then those of other versions.
pub(super) type Filled<'r> = (Slot, Vec<&'r Backend>);

/// Options that are equal have one number.
#[derive(Debug, Default)]
pub(super) struct OptionSets(pub(super) Vec<Arc<RouteOptions>>);

impl OptionSets {
    pub(super) fn get(&self, number: u32) -> Arc<RouteOptions> {
        self.0.get(number as usize).cloned().unwrap_or_default()
    }

    fn number(&mut self, options: &Arc<RouteOptions>) -> u32 {
        let same = |known: &Arc<RouteOptions>| Arc::ptr_eq(known, options) || known == options;
        let number = self.0.iter().position(same).unwrap_or_else(|| {
            self.0.push(options.clone());
            self.0.len() - 1
        });
        number as u32
    }
}

/// Reads hosts.
pub(super) struct Slots<'a> {
    pub(super) options: &'a mut OptionSets,
    pub(super) tables: &'a mut Tables,
    pub(super) findings: &'a mut Vec<Finding>,
}

impl Slots<'_> {
    /// The locations of a host, in an order that depends on what they match alone.
    pub(super) fn of<'r>(
        &mut self,
        host: Option<HostView<'r>>,
        default: Option<&'r DefaultRoute>,
    ) -> Vec<Filled<'r>> {
        let mut found = Found::default();
        let mut routes: Vec<_> = host.iter().flat_map(HostView::routes).collect();
        routes.sort_by_key(|(route, _)| {
            let Pattern { kind, text } = &route.pattern;
            (*kind != MatchKind::Exact, Reverse(text.len()), *kind)
        });
        for (route, canaries) in routes {
            match self.route(route, canaries, &mut found) {
                Ok(()) => {}
                Err(why) => self.findings.push(left_out(route, why)),
            }
        }
        let default = host.and_then(|host| host.default()).or(default);
        let default = default.filter(|default| is_tellable(&default.options));
        let fallback = default.map_or((Task::NotFound, vec![]), |default| {
            let protocol = default.options.protocol_of(&default.backend);
            let options = self.options.number(&default.options);
            let task = Task::Proxy { options, protocol, path: None, version: None };
            (task, vec![&*default.backend])
        });
        found.add(false, "/", fallback.0, fallback.1);
        found.slots.sort_by(|(one, _), (other, _)| one.cmp(other));
        found.slots
    }

    fn route<'r>(
        &mut self,
        route: &'r Route,
        canaries: &'r [(u32, Arc<Route>)],
        found: &mut Found<'r>,
    ) -> Result<(), &'static str> {
        let text = decoded(&route.pattern.text)?;
        if !is_tellable(&route.options) {
            return Err("nginx can't be told the text of an annotation: it is too long");
        }
        let others = canaries.iter().map(|(_, canary)| &**canary);
        let unknown = |route: &&Route| matches!(*route.backend, Backend::Resource { .. });
        for route in [route].into_iter().chain(others).filter(unknown) {
            self.findings.push(left_out(route, "nginx has no such backend, so requests get 503"));
        }
        let options = self.options.number(&route.options);
        let takes_root = matches!(&*text, "" | "/");
        if takes_root && route.options.app_root.is_some() {
            found.add(true, "/", Task::AppRoot { options }, vec![]);
        }
        let path = match &route.rewrite {
            Some(rewrite) => Some(self.rewritten(rewrite, &text)?),
            None => None,
        };
        let version = match canaries {
            [] => None,
            _ => Some((super::split::version(canaries, self.tables)?, canaries.len())),
        };
        let mut backends = vec![&*route.backend];
        backends.extend(canaries.iter().map(|(_, canary)| &*canary.backend));
        let protocol = route.options.protocol_of(&route.backend);
        let task = Task::Proxy { options, protocol, path, version };
        match route.pattern.kind {
            MatchKind::Exact => found.add(true, &text, task, backends),
            MatchKind::StringPrefix => found.add(false, &text, task, backends),
            MatchKind::Prefix => {
                if !text.is_empty() {
                    found.add(true, &text, task.clone(), backends.clone());
                }
                found.add(false, &format!("{text}/"), task, backends);
            }
        }
        Ok(())
    }

    /// The variable that holds the path for the pod.
    fn rewritten(&mut self, rewrite: &Rewrite, text: &str) -> Result<Ident, &'static str> {
        let literal = |text: &str| Text::new(text).map_err(|_| UNTELLABLE);
        let (start, whole, joint) = match rewrite {
            Rewrite::Full(target) => (decoded(target)?, decoded(target)?, None),
            Rewrite::Rest(start) => {
                let start = decoded(start)?;
                (start.clone(), start, Some("/?(?<sk_tail>(?s:.*))$"))
            }
            Rewrite::Prefix(start) => {
                let start = decoded(start.trim_end_matches('/'))?;
                (format!("{start}/"), start, Some("/(?<sk_tail>(?s:.*))$"))
            }
        };
        let whole = if whole.is_empty() { "/" } else { &whole };
        let fixed = Arg::Parts(vec![Part::Text(literal(whole)?)]);
        let mut entries = vec![Entry { key: Key::Default, value: fixed }];
        if let Some(rest) = joint {
            let pieces = [Piece::Literal(literal(text)?), Piece::Fixed(rest)].into();
            let tail = Part::Var(Ident::only("sk_tail"));
            let value = Arg::Parts(vec![Part::Text(literal(&start)?), tail]);
            entries.push(Entry { key: Key::Regex(Regex { ignore_case: false, pieces }), value });
        }
        let source = Arg::Var(Ident::only("uri"));
        Ok(self.tables.variable("sk_path", Name::Map, source, entries))
    }
}

/// The locations of one host so far.
#[derive(Default)]
struct Found<'r> {
    slots: Vec<Filled<'r>>,
    taken: BTreeSet<(bool, Box<str>)>,
}

impl<'r> Found<'r> {
    /// Adds a location, unless one that comes first matches the same.
    fn add(&mut self, exact: bool, text: &str, task: Task, backends: Vec<&'r Backend>) {
        if let Ok(text) = Text::new(text)
            && self.taken.insert((exact, text.as_str().into()))
        {
            self.slots.push((Slot { text, exact, task }, backends));
        }
    }
}

/// The location of a host whose requests all go to another one.
pub(super) fn other_host(add: bool) -> Filled<'static> {
    let task = Task::OtherHost { add };
    (Slot { text: Text::slash(), exact: false, task }, vec![])
}

/// Whether all texts of annotations fit into nginx's words.
fn is_tellable(options: &RouteOptions) -> bool {
    let cors = options.cors.iter();
    let cors = cors.flat_map(|cors| {
        let own = [&cors.methods, &cors.headers, &cors.expose];
        own.into_iter().chain(&cors.origins)
    });
    let redirect = options.redirect.as_ref().map(|redirect| &redirect.location);
    let single = [&options.app_root, &options.upstream_host, &options.forwarded_prefix];
    let mut texts = single.into_iter().flatten().chain(redirect).chain(cors);
    let cookie = options.affinity.as_ref();
    texts.all(|text| Text::new(text).is_ok())
        && cookie.is_none_or(|cookie| {
            let all = cookie.attributes(true) + &cookie.name;
            super::split::cookie_name(&cookie.name).is_ok() && Text::new(&all).is_ok()
        })
}

/// nginx can't be told this.
pub(super) const UNTELLABLE: &str =
    "nginx can't be told this text: it is too long, or has control characters";

/// A path in nginx's form: every escape decoded.
fn decoded(path: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let value = match (byte, escape(after)) {
            (b'%', Some((b'/' | b'\\', _))) => {
                return Err(
                    "nginx reads an escaped slash as a slash, so such requests are refused",
                );
            }
            (b'%', Some((value, after))) => {
                rest = after;
                value
            }
            _ => byte,
        };
        bytes.push(value);
    }
    let text = String::from_utf8(bytes).map_err(|_| "nginx is only told paths in UTF-8")?;
    match Text::new(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(UNTELLABLE),
    }
}

/// A route that works elsewhere and not, or not quite so, with nginx.
pub(super) fn left_out(route: &Route, why: &'static str) -> Finding {
    let path = format!("{}.path", route.field());
    let finding = Finding::warning(Kind::NotSupported, path, &*route.path, why.to_string());
    Finding { object: format!("Ingress {}", route.ingress), ..finding }
}
