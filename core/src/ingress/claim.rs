//! What one Ingress asks for, host by host.

use core::cmp::Reverse;
use std_alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use super::{
    Backend, BackendRef, BadPath, DefaultRoute, Pattern, Rewrite, Route, RouteOptions, Settings,
    options::{self, Reading},
};
use crate::{
    finding::{Finding, Kind},
    model::{
        Ingress, IngressBackend, IngressPath, IngressRule, NamespacedName, Service, ServiceKey,
    },
};

/// The annotation that named a class before there was a field for it.
const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";

/// What one Ingress asks of one host.
#[derive(Debug)]
pub(super) struct Claim {
    /// Who asks.
    pub(super) ingress: Arc<Ingress>,
    /// As in the rule; empty: every host.
    pub(super) host: Arc<str>,
    /// Its paths; of two that match the same, the one that shall win comes first.
    pub(super) routes: Arc<[Route]>,
    /// Takes what no path of the host takes.
    pub(super) default: Option<Arc<DefaultRoute>>,
    /// Its routes take requests of other routes, or none.
    pub(super) is_canary: bool,
}

/// Everything one Ingress asks for.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// By host.
    pub(super) hosts: Vec<Arc<Claim>>,
    /// Takes what nobody takes: only of an Ingress without rules.
    pub(super) default: Option<Arc<DefaultRoute>>,
    /// What is wrong with the Ingress by itself.
    pub(super) findings: Vec<Finding>,
}

/// Finds a Service.
pub(super) type Services<'s> = &'s dyn Fn(&ServiceKey) -> Option<Arc<Service>>;

impl Claims {
    /// Reads an Ingress of ours; `plain` are the options of one without annotations.
    pub(super) fn new(
        ingress: &Arc<Ingress>,
        settings: &Settings,
        plain: &Arc<RouteOptions>,
        services: Services<'_>,
    ) -> Self {
        let (options, mut findings) = options::read(ingress, plain);
        for finding in &mut findings {
            finding.object = format!("Ingress {}", ingress.key);
        }
        let is_canary = options.canary.is_some();
        let mut reader = Reader { ingress, settings, services, last: None, options, findings };
        let default = reader.default();
        // Rules of one host stand beside each other, in the order of the manifest.
        let mut order: Vec<(usize, &IngressRule)> = ingress.rules.iter().enumerate().collect();
        order.sort_by(|(_, one), (_, other)| one.host.cmp(&other.host));
        let rules = order.chunk_by(|(_, one), (_, other)| one.host == other.host);
        let mut hosts = Vec::with_capacity(rules.clone().count());
        for rules in rules {
            let routes = reader.routes(rules).into();
            let host = rules.first().and_then(|(_, rule)| rule.host.clone()).unwrap_or_default();
            let (ingress, default) = (ingress.clone(), default.clone());
            hosts.push(Arc::new(Claim { ingress, host, routes, default, is_canary }));
        }
        reader.check_class();
        let findings = reader.findings;
        let default = default.filter(|_| ingress.rules.is_empty());
        Self { hosts, default, findings }
    }

    /// The Services that an Ingress names; the same one rarely twice.
    pub(super) fn services(ingress: &Ingress) -> impl Iterator<Item = ServiceKey> {
        let paths = ingress.rules.iter().flat_map(|rule| &rule.paths);
        let backends = paths.map(|path| &path.backend).chain(&ingress.default_backend);
        let names = backends.filter_map(|backend| match backend {
            IngressBackend::Service { name, .. } => Some(name),
            IngressBackend::Resource { .. } => None,
        });
        let mut before: Option<&Arc<str>> = None;
        names.filter_map(move |name| {
            let same = before.replace(name).is_some_and(|before| before == name);
            (!same).then(|| NamespacedName::new(ingress.key.namespace.clone(), name.clone()))
        })
    }
}

/// Reads one Ingress.
struct Reader<'a> {
    ingress: &'a Arc<Ingress>,
    settings: &'a Settings,
    services: Services<'a>,
    /// The backend that was read last: most paths of an Ingress lead to the same one.
    last: Option<(&'a IngressBackend, Arc<Backend>)>,
    options: Arc<RouteOptions>,
    findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    fn default(&mut self) -> Option<Arc<DefaultRoute>> {
        let backend =
            self.ingress.default_backend.as_ref().filter(|_| self.options.canary.is_none())?;
        let backend = self.backend(backend, || "spec.defaultBackend".into());
        let (ingress, options) = (Some(self.ingress.key.clone()), self.options.clone());
        Some(Arc::new(DefaultRoute { ingress, backend, options }))
    }

    /// The routes of one host's rules; of two that match the same, the one that shall win comes first.
    fn routes(&mut self, rules: &[(usize, &'a IngressRule)]) -> Vec<Route> {
        let numbered = |(number, rule): &(usize, &'a IngressRule)| {
            let (number, host) = (*number, &rule.host);
            let paths = rule.paths.iter().enumerate();
            paths.map(move |(at, path)| ((number, at), host, path))
        };
        let mut asked: Vec<_> = rules.iter().flat_map(numbered).collect();
        asked.sort_by_key(|(.., path)| (Reverse(path.path.len()), path.path_type));
        let mut routes = Vec::with_capacity(asked.len());
        for (place, host, path) in asked {
            self.add(host.as_ref(), place, path, &mut routes);
        }
        routes
    }

    /// Adds the routes of one path: one, unless it is an expression that stands for several.
    fn add(
        &mut self,
        host: Option<&Arc<str>>,
        place: (usize, usize),
        given: &'a IngressPath,
        routes: &mut Vec<Route>,
    ) {
        let start = routes.len();
        let field = |last: &str| format!("spec.rules[{}].http.paths[{}].{last}", place.0, place.1);
        let backend = self.backend(&given.backend, || field("backend"));
        let mut add = |(pattern, rewrite)| {
            routes.push(Route {
                ingress: self.ingress.key.clone(),
                place,
                host: host.cloned(),
                path: given.path.clone(),
                path_type: given.path_type,
                backend: backend.clone(),
                pattern,
                rewrite,
                options: self.options.clone(),
            });
        };
        let read = if self.is_expression(given) {
            self.expression(given, &mut add)
        } else {
            let pattern = Pattern::of(&given.path, given.path_type, self.settings);
            self.rewritten(pattern, &Reading::plain()).map(add)
        };
        if let Err((kind, message)) = read {
            routes.truncate(start);
            self.warn(kind, field("path"), &*given.path, message);
        }
    }

    fn is_expression(&self, given: &IngressPath) -> bool {
        let regex = self.options.use_regex || self.options.rewrite_target.is_some();
        regex && options::is_special(&given.path)
    }

    /// How the paths are matched and rewritten that an expression stands for.
    fn expression(
        &self,
        given: &IngressPath,
        add: &mut impl FnMut((Pattern, Option<Rewrite>)),
    ) -> Result<(), (Kind, String)> {
        let hint = "of regular expressions only those are understood that stand for a few paths and the rest of \
                    them: /(one|other)(/|$)(.*)";
        let readings =
            Reading::all(&given.path).ok_or_else(|| (Kind::NotSupported, hint.to_string()))?;
        readings.iter().try_for_each(|reading| {
            let path = if reading.path.is_empty() { "/" } else { &reading.path };
            let pattern = Pattern::new(path, reading.path_type(), self.settings);
            self.rewritten(pattern, reading).map(&mut *add)
        })
    }

    /// A pattern, and what becomes of the paths that match it.
    fn rewritten(
        &self,
        pattern: Result<Pattern, BadPath>,
        reading: &Reading,
    ) -> Result<(Pattern, Option<Rewrite>), (Kind, String)> {
        let invalid = |error: BadPath| (Kind::Invalid, error.to_string());
        let pattern = pattern.map_err(invalid)?;
        let Some(target) = &self.options.rewrite_target else { return Ok((pattern, None)) };
        let hint = "rewrite-target may name groups of the path, and the one that is the rest of it only at the end";
        let rewrite =
            Rewrite::read(target, reading).ok_or_else(|| (Kind::NotSupported, hint.to_string()))?;
        let rewrite = rewrite.canonical(&self.settings.paths).map_err(invalid)?;
        Ok((pattern, Some(rewrite)))
    }

    fn backend(&mut self, given: &'a IngressBackend, field: impl Fn() -> String) -> Arc<Backend> {
        let backend = match &self.last {
            Some((same, backend)) if *same == given => backend.clone(),
            _ => Arc::new(self.read_backend(given)),
        };
        if let Backend::Service(service) = &*backend
            && let Err(error) = &service.port
        {
            let message = format!("{error}: requests get 503");
            self.warn(Kind::Unknown, field(), backend.to_string(), message);
        }
        self.last = Some((given, backend.clone()));
        backend
    }

    fn read_backend(&self, given: &IngressBackend) -> Backend {
        match given {
            IngressBackend::Service { name, port } => {
                let key = NamespacedName::new(self.ingress.key.namespace.clone(), name.clone());
                let service = (self.services)(&key);
                Backend::Service(BackendRef::resolve(key, port.clone(), service.as_deref()))
            }
            IngressBackend::Resource { group, kind, name } => {
                Backend::Resource { group: group.clone(), kind: kind.clone(), name: name.clone() }
            }
        }
    }

    /// The field wins over the annotation; when they disagree somebody should know.
    fn check_class(&mut self) {
        let annotations = &self.ingress.annotations;
        let Some((_, annotation)) = annotations.iter().find(|(key, _)| &**key == CLASS_ANNOTATION)
        else {
            return;
        };
        if self.ingress.class.as_ref() != Some(annotation) {
            let field = format!("metadata.annotations[{CLASS_ANNOTATION}]");
            let message = "spec.ingressClassName says otherwise, and counts";
            self.warn(Kind::Conflict, field, &**annotation, message);
        }
    }

    fn warn(
        &mut self,
        kind: Kind,
        field: impl Into<String>,
        value: impl Into<String>,
        message: impl Into<String>,
    ) {
        let finding = Finding::warning(kind, field, value, message);
        let object = format!("Ingress {}", self.ingress.key);
        self.findings.push(Finding { object, ..finding });
    }
}
