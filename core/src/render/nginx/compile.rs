//! Routes to servers: hosts of one shape share one `server`.
//!
//! Two hosts have one shape when their paths, types and options are the same; most hosts of a cluster are "one prefix
//! `/`". What tells them apart, their backends, is in a `map` from the host. nginx then reads one server instead of
//! thousands, and finds the host in a hash table as it does anyway.
//!
//! ```text
//! a.example  /  → shop     server { server_name a.example b.example;
//! b.example  /  → blog       location / { proxy_pass http://$sk_backend_0; } }
//!                          map $host $sk_backend_0 { a.example sk_u_0; b.example sk_u_1; }
//! ```

use std_alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    sync::Arc,
    vec,
    vec::Vec,
};

use super::{
    BadHostName, Config, File, Pods, Rendered, client,
    directive::{Arg, Directive, Entry, Ident, Key, Name, Piece, Regex, Text},
    frame::{self, PARENT, Sizes},
    location::{self, Goes, How},
    rendered,
    slot::{self, Filled, OptionSets, Slot, Slots, Task},
    tables::Tables,
    target::Feature,
    upstream::{Place, Upstreams},
};
use crate::{
    finding::{Finding, Kind},
    ingress::{Certificate, Host, HostView, Routes},
    model::TlsSecret,
};

/// The longest expression for several wildcards: nginx reads words of at most 4096 octets.
const LONGEST_NAMES: usize = 3_000;

/// Writes all routes for nginx.
///
/// What nginx can't be told is left out and is a finding; nothing that nginx would refuse is ever written.
#[must_use]
pub fn render(routes: &Routes, pods: Pods<'_>, config: &Config) -> Rendered {
    let mut compiler = Compiler {
        config,
        options: OptionSets::default(),
        tables: Tables::new(routes.hasher().clone()),
        upstreams: Upstreams::new(pods, config.upstreams),
        findings: Vec::new(),
        files: Files::default(),
        sizes: Sizes { names: 0, longest_name: 0, variables: 0, largest_table: 0, grpc: false },
    };
    let groups = compiler.groups(routes);
    let mut servers = compiler.default_server(routes);
    for (shape, hosts) in groups {
        servers.push(compiler.server(&shape, &hosts));
    }
    servers.retain(rendered::has_address);
    let Compiler { tables, upstreams, findings, files, mut sizes, .. } = compiler;
    let tables = tables.into_directives();
    sizes.variables = tables.len();
    sizes.largest_table = sizes.largest_table.max(upstreams.largest_table());
    let mut rendered = Rendered {
        frame: Vec::new(),
        http: frame::http(config, routes.path_policy(), sizes),
        tables,
        upstreams: upstreams.into_directives(),
        servers,
        marker: None,
        files: files.0,
        findings,
    };
    rendered.frame = frame::main(config, Vec::new());
    rendered
}

struct Compiler<'a> {
    config: &'a Config,
    options: OptionSets,
    tables: Tables,
    upstreams: Upstreams<'a>,
    findings: Vec<Finding>,
    files: Files,
    sizes: Sizes,
}

/// What hosts have in common that share a server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    wildcard: bool,
    /// Which of the files is their certificate.
    certificate: Option<u32>,
    slots: Vec<Slot>,
}

/// What is said about a name.
#[derive(Clone, Copy)]
enum Tenant<'r> {
    /// Rules; `None`: nobody has any.
    Rules(Option<HostView<'r>>),
    /// All requests are sent to the host with `www.`, or to the one without.
    OtherHost { add: bool },
}

impl<'r> Tenant<'r> {
    const fn view(&self) -> Option<HostView<'r>> {
        match self {
            Self::Rules(view) => *view,
            Self::OtherHost { .. } => None,
        }
    }
}

/// A host of a shape; a wildcard without its `*.`.
struct Member {
    name: Text,
    /// Where each slot's versions go, one after the other.
    goes: Vec<Option<Place>>,
}

impl Compiler<'_> {
    /// Hosts by their shape, names in order.
    fn groups(&mut self, routes: &Routes) -> BTreeMap<Shape, Vec<Member>> {
        let secrets: BTreeMap<String, &Arc<TlsSecret>> = match self.tls() {
            true => routes.certificates().collect(),
            false => BTreeMap::new(),
        };
        let mut groups: BTreeMap<Shape, Vec<Member>> = BTreeMap::new();
        for (host, tenant) in self.tenants(routes, &secrets) {
            let parent = host.strip_prefix("*.");
            let Some(name) = known_form(parent.unwrap_or(&host)) else {
                self.findings.extend(tenant.view().iter().flat_map(|view| bad_host(&host, *view)));
                continue;
            };
            let secret = match (parent, routes.certificate(host.as_bytes())) {
                (None, Certificate::Secret(secret)) if self.tls() => Some(secret),
                (None, _) => None,
                (Some(_), _) => secrets.get(&host).copied(),
            };
            let certificate = secret.map(|secret| self.files.number(secret));
            let filled = match tenant {
                Tenant::Rules(view) => {
                    if certificate.is_none() && !self.config.target.has(Feature::Http2Directive) {
                        self.findings.extend(view.iter().flat_map(|view| plain_grpc(*view)));
                    }
                    self.slots(view, routes)
                }
                Tenant::OtherHost { add } => vec![slot::other_host(add)],
            };
            let goes = self.goes(&filled);
            let slots = filled.into_iter().map(|(slot, _)| slot).collect();
            let shape = Shape { wildcard: parent.is_some(), certificate, slots };
            self.sizes.names += 1;
            self.sizes.longest_name = self.sizes.longest_name.max(name.as_str().len());
            groups.entry(shape).or_default().push(Member { name, goes });
        }
        groups
    }

    /// Names that somebody has something to say about.
    fn tenants<'r>(
        &mut self,
        routes: &'r Routes,
        secrets: &BTreeMap<String, &Arc<TlsSecret>>,
    ) -> BTreeMap<String, Tenant<'r>> {
        let mut hosts: BTreeMap<String, Tenant<'r>> =
            routes.hosts().map(|(name, host)| (name, Tenant::Rules(Some(host)))).collect();
        let mut others = Vec::new();
        for (name, tenant) in &hosts {
            let Some((other, add)) = with_or_without_www(name) else { continue };
            let view = tenant.view();
            let asks = view.iter().flat_map(HostView::routes);
            let asks: Vec<_> = asks.map(|(route, _)| (route, route.options.www)).collect();
            if hosts.contains_key(&other) || !asks.iter().any(|(_, asks)| *asks) {
                continue;
            }
            if asks.iter().all(|(_, asks)| *asks) {
                others.push((other, add));
                continue;
            }
            let silent = asks.iter().filter(|(_, asks)| !asks);
            self.findings.extend(silent.map(|(route, _)| {
                let why = "nginx sends www to the other host, or back, only where all rules of a host ask for it";
                slot::left_out(route, why)
            }));
        }
        hosts.extend(others.into_iter().map(|(other, add)| (other, Tenant::OtherHost { add })));
        // A name with a certificate and no rules gets the rules for every host, over TLS.
        for name in secrets.keys() {
            hosts.entry(name.clone()).or_insert_with(|| Tenant::Rules(routes.every()));
        }
        hosts
    }

    fn tls(&self) -> bool {
        self.config.certificates.is_some() && !self.config.listen_tls.is_empty()
    }

    fn slots<'r>(&mut self, host: Option<HostView<'r>>, routes: &'r Routes) -> Vec<Filled<'r>> {
        let Self { options, tables, findings, .. } = self;
        Slots { options, tables, findings }.of(host, routes.default_route())
    }

    fn goes(&mut self, filled: &[Filled<'_>]) -> Vec<Option<Place>> {
        let mut goes = Vec::new();
        for (slot, backends) in filled {
            let options = slot.task.options().map(|number| self.options.get(number));
            let affinity = options.as_ref().and_then(|options| options.affinity.as_ref());
            // A name that can't be told has kept the route out before.
            let kept = affinity.and_then(|affinity| client::kept(affinity, &mut self.tables).ok());
            let key = kept.map(|kept| kept.key);
            goes.extend(backends.iter().map(|backend| self.upstreams.of(backend, key)));
        }
        goes
    }

    /// The server of a group.
    fn server(&mut self, shape: &Shape, members: &[Member]) -> Directive {
        self.sizes.largest_table = self.sizes.largest_table.max(members.len());
        let mut inside = self.listens(shape.certificate.is_some(), false);
        if shape.wildcard {
            inside.extend(wildcards(members));
        } else {
            inside.extend(members.chunks(50).map(|members| {
                let names = members.iter().map(|member| Arg::Text(member.name.clone()));
                Directive::line(Name::ServerName, names.collect::<Vec<_>>())
            }));
        }
        inside.extend(shape.certificate.iter().flat_map(|number| self.certificate(*number)));
        inside.push(frame::guard());
        let columns = self.columns(shape.wildcard, members);
        inside.extend(self.locations(&shape.slots, &columns));
        Directive::block(Name::Server, [], inside)
    }

    /// What takes requests for hosts that nobody has named.
    fn default_server(&mut self, routes: &Routes) -> Vec<Directive> {
        let filled = self.slots(routes.every(), routes);
        let goes = self.goes(&filled);
        let columns: Vec<_> =
            goes.into_iter().map(|to| to.map_or(Goes::Nowhere, Goes::To)).collect();
        let slots: Vec<_> = filled.into_iter().map(|(slot, _)| slot).collect();
        let mut inside = self.listens(self.tls(), true);
        inside.push(Directive::line(Name::ServerName, [Arg::Word("\"\"")]));
        if self.tls() {
            inside.push(Directive::line(Name::SslRejectHandshake, [Arg::Word("on")]));
        }
        inside.push(frame::guard());
        inside.extend(self.locations(&slots, &columns));
        vec![Directive::block(Name::Server, [], inside)]
    }

    fn listens(&self, tls: bool, default: bool) -> Vec<Directive> {
        let default = default.then_some(Arg::Word("default_server"));
        let plain = self.config.listen.iter().map(|addr| {
            let args: Vec<_> = [Arg::Addr(*addr)].into_iter().chain(default.clone()).collect();
            Directive::line(Name::Listen, args)
        });
        let mut listens: Vec<_> = plain.collect();
        if tls {
            let http2 = self.config.target.has(Feature::Http2Directive);
            for addr in &self.config.listen_tls {
                let mut args = vec![Arg::Addr(*addr), Arg::Word("ssl")];
                args.extend((!http2).then_some(Arg::Word("http2")));
                args.extend(default.clone());
                listens.push(Directive::line(Name::Listen, args));
            }
        }
        let http2 = self.config.target.has(Feature::Http2Directive);
        listens.extend(http2.then(|| Directive::line(Name::Http2, [Arg::Word("on")])));
        listens
    }

    fn certificate(&self, number: u32) -> Vec<Directive> {
        let Some(directory) = &self.config.certificates else { return Vec::new() };
        let file = |stem| [Arg::File(directory.clone(), Ident::of(stem, number))];
        vec![
            Directive::line(Name::SslCertificate, file(File::CERTIFICATE)),
            Directive::line(Name::SslCertificateKey, file(File::PRIVATE_KEY)),
        ]
    }

    /// Where each slot's versions go: the same for all members, or by host.
    fn columns(&mut self, wildcard: bool, members: &[Member]) -> Vec<Goes> {
        let width = members.first().map_or(0, |member| member.goes.len());
        let column = |at: usize| members.iter().map(move |member| *member.goes.get(at)?);
        (0..width)
            .map(|at| {
                let first = column(at).next().flatten();
                if column(at).all(|to| to == first) {
                    return first.map_or(Goes::Nowhere, Goes::To);
                }
                let line = |(member, to): (&Member, Option<Place>)| {
                    Some(Entry { key: Key::Text(member.name.clone()), value: to?.arg() })
                };
                let none = Entry { key: Key::Default, value: Arg::Parts(vec![]) };
                let lines = members.iter().zip(column(at)).filter_map(line);
                let entries = [none].into_iter().chain(lines).collect();
                let source = Arg::Var(if wildcard { PARENT } else { Ident::only("host") });
                let variable = self.tables.variable("sk_backend", Name::Map, source, entries);
                let some_nowhere = column(at).any(|to| to.is_none());
                let nobody = some_nowhere.then(|| self.nobody(variable));
                let sets = column(at).any(|to| matches!(to, Some(Place::Set(_))));
                Goes::By { variable, nobody, sets }
            })
            .collect()
    }

    /// A variable that is set when another one is empty.
    fn nobody(&mut self, backend: Ident) -> Ident {
        let entries = vec![
            Entry { key: Key::Default, value: Arg::Parts(vec![]) },
            Entry { key: Key::Empty, value: Arg::Int(1) },
        ];
        self.tables.variable("sk_nobody", Name::Map, Arg::Var(backend), entries)
    }

    fn locations(&mut self, slots: &[Slot], columns: &[Goes]) -> Vec<Directive> {
        let mut columns = columns.iter().copied();
        let mut locations = Vec::with_capacity(slots.len());
        for Slot { text, exact, task } in slots {
            let body = match task {
                Task::NotFound => vec![location::answer(404)],
                Task::OtherHost { add } => vec![location::other_host(*add)],
                Task::AppRoot { options } => {
                    let options = self.options.get(*options);
                    let (mut body, ends) = location::before(&options, &mut self.tables);
                    body.extend(
                        (!ends).then(|| location::app_root(&options)).into_iter().flatten(),
                    );
                    body
                }
                Task::Proxy { options, protocol, path, version } => {
                    let options = self.options.get(*options);
                    self.sizes.grpc |= protocol.is_http2();
                    let (mut body, ends) = location::before(&options, &mut self.tables);
                    let own = columns.next().unwrap_or(Goes::Nowhere);
                    let goes = match version {
                        None => own,
                        Some((version, count)) => {
                            let others = columns.by_ref().take(*count).collect::<Vec<_>>();
                            self.versions(*version, own, &others)
                        }
                    };
                    if !ends {
                        let again = Ident::of("sk_again", locations.len() as u32);
                        let how = How { options: &options, protocol: *protocol, path: *path };
                        let (asking, next) = how.proxy(goes, again, &mut self.tables);
                        body.extend(asking);
                        locations.extend(next);
                    }
                    body
                }
            };
            let exact = exact.then_some(Arg::Word("="));
            let args: Vec<_> = exact.into_iter().chain([Arg::Text(text.clone())]).collect();
            locations.push(Directive::block(Name::Location, args, body));
        }
        locations
    }

    /// The upstream of the version that takes a request.
    fn versions(&mut self, version: Ident, own: Goes, others: &[Goes]) -> Goes {
        let value = |goes: &Goes| match goes {
            Goes::Nowhere => Arg::Parts(vec![]),
            Goes::To(place) => place.arg(),
            Goes::By { variable, .. } => Arg::Var(*variable),
        };
        let mut entries = vec![Entry { key: Key::Default, value: value(&own) }];
        entries.extend((1u64..).zip(others).map(|(number, goes)| {
            let pieces = [Piece::Number(number), Piece::Fixed("$")].into();
            let key = Key::Regex(Regex { ignore_case: false, pieces });
            Entry { key, value: value(goes) }
        }));
        let source = Arg::Var(version);
        let variable = self.tables.variable("sk_backend", Name::Map, source, entries);
        let sets = own.has_sets() || others.iter().any(|goes| goes.has_sets());
        Goes::By { variable, nobody: Some(self.nobody(variable)), sets }
    }
}

/// Certificates, each once.
#[derive(Default)]
struct Files(Vec<File>);

impl Files {
    fn number(&mut self, secret: &Arc<TlsSecret>) -> u32 {
        let known = self.0.iter().position(|file| file.secret == *secret);
        let number = known.unwrap_or_else(|| {
            self.0.push(File { secret: secret.clone(), number: self.0.len() as u32 });
            self.0.len() - 1
        });
        number as u32
    }
}

/// Wildcards of a group, as few expressions as fit: `*.a.example` has exactly one label in place of its star, while
/// nginx's own `*.` has any number.
fn wildcards(members: &[Member]) -> Vec<Directive> {
    let mut names = Vec::new();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut length = 0;
    for member in members {
        let own = member.name.as_str().len() * 2;
        if length > 0 && length + own > LONGEST_NAMES {
            names.push(alternatives(core::mem::take(&mut pieces)));
            length = 0;
        }
        pieces.push(Piece::Fixed(if pieces.is_empty() { "[^.]+\\.(?:" } else { "|" }));
        pieces.push(Piece::Literal(member.name.clone()));
        length += own;
    }
    names.push(alternatives(pieces));
    names
}

fn alternatives(mut pieces: Vec<Piece>) -> Directive {
    pieces.push(Piece::Fixed(")$"));
    let regex = Regex { ignore_case: false, pieces: pieces.into() };
    Directive::line(Name::ServerName, [Arg::Regex(regex)])
}

/// A host in the form that requests are brought into, or nothing: no other text is ever a server's name.
fn known_form(host: &str) -> Option<Text> {
    let mut out = Vec::new();
    match Host::read(host.as_bytes(), &mut out) {
        Ok(Host::Name(name)) if name == host => Text::new(host).ok(),
        _ => None,
    }
}

/// The same host with `www.` in front, or without it; whether it was added.
fn with_or_without_www(host: &str) -> Option<(String, bool)> {
    match host.strip_prefix("www.") {
        _ if host.starts_with("*.") => None,
        Some(bare) if bare.starts_with("www.") => None,
        // Who names that host without its `www.` is sent to it.
        Some(bare) => Some((bare.into(), true)),
        None => Some((format!("www.{host}"), false)),
    }
}

/// Routes to pods that speak gRPC, on a host without TLS.
fn plain_grpc(view: HostView<'_>) -> Vec<Finding> {
    let routes = view.routes().filter(|(route, _)| {
        let protocol = route.options.protocol_of(&route.backend);
        protocol.is_http2()
    });
    let why =
        "nginx before 1.25.1 speaks HTTP/2, and so gRPC, only with clients that come over TLS";
    routes.map(|(route, _)| slot::left_out(route, why)).collect()
}

fn bad_host(host: &str, view: HostView<'_>) -> Vec<Finding> {
    let finding = |route: &crate::ingress::Route| {
        let path = format!("spec.rules[{}].host", route.place.0);
        let message = BadHostName.to_string();
        let finding = Finding::warning(Kind::NotSupported, path, host, message);
        Finding { object: format!("Ingress {}", route.ingress), ..finding }
    };
    let mut findings: Vec<_> = view.routes().map(|(route, _)| finding(route)).collect();
    findings.dedup();
    findings
}
