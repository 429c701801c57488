//! What one Ingress asks for, host by host.

use std_alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use super::{
    Backend, BackendRef, BadPath, DefaultRoute, Pattern, Rewrite, Route, RouteOptions, Settings,
    options,
};
use crate::{
    finding::{Finding, Kind},
    model::{
        Ingress, IngressBackend, IngressPath, IngressRule, NamespacedName, PathType, Service,
        ServiceKey,
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
    pub(super) routes: Vec<Arc<Route>>,
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
        let mut reader = Reader { ingress, settings, services, known: None, options, findings };
        let default = reader.default();
        // Rules of one host stand beside each other, in the order of the manifest.
        let mut order: Vec<(usize, &IngressRule)> = ingress.rules.iter().enumerate().collect();
        order.sort_by(|(_, one), (_, other)| one.host.cmp(&other.host));
        let rules = order.chunk_by(|(_, one), (_, other)| one.host == other.host);
        let claim = |rules: &[(usize, &IngressRule)]| {
            let mut routes =
                Vec::with_capacity(rules.iter().map(|(_, rule)| rule.paths.len()).sum());
            for (number, rule) in rules {
                for (path_number, path) in rule.paths.iter().enumerate() {
                    let place = (*number, path_number);
                    routes.extend(reader.route(rule.host.clone(), place, path));
                }
            }
            routes.sort_by_key(|route: &Arc<Route>| {
                (core::cmp::Reverse(route.path.len()), route.path_type)
            });
            let host = rules.first().and_then(|(_, rule)| rule.host.clone()).unwrap_or_default();
            let default = default.clone();
            Arc::new(Claim { ingress: ingress.clone(), host, routes, default, is_canary })
        };
        let hosts = rules.map(claim).collect();
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
    /// The Service that was looked up last: most paths of an Ingress lead to the same one.
    known: Option<(ServiceKey, Option<Arc<Service>>)>,
    options: Arc<RouteOptions>,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn default(&mut self) -> Option<Arc<DefaultRoute>> {
        let backend =
            self.ingress.default_backend.as_ref().filter(|_| self.options.canary.is_none())?;
        let backend = self.backend(backend, || "spec.defaultBackend".into());
        let (ingress, options) = (Some(self.ingress.key.clone()), self.options.clone());
        Some(Arc::new(DefaultRoute { ingress, backend, options }))
    }

    fn route(
        &mut self,
        host: Option<Arc<str>>,
        place: (usize, usize),
        given: &IngressPath,
    ) -> Option<Arc<Route>> {
        let field = |last: &str| format!("spec.rules[{}].http.paths[{}].{last}", place.0, place.1);
        let (pattern, rewrite) = match self.pattern(given) {
            Ok(read) => read,
            Err((kind, message)) => {
                self.warn(kind, field("path"), &*given.path, message);
                return None;
            }
        };
        let backend = self.backend(&given.backend, || field("backend"));
        Some(Arc::new(Route {
            ingress: self.ingress.key.clone(),
            place,
            host,
            path: given.path.clone(),
            path_type: given.path_type,
            backend,
            pattern,
            rewrite,
            options: self.options.clone(),
        }))
    }

    /// How a path is matched and rewritten.
    fn pattern(&self, given: &IngressPath) -> Result<(Pattern, Option<Rewrite>), (Kind, String)> {
        let invalid = |error: BadPath| (Kind::Invalid, error.to_string());
        let target = self.options.rewrite_target.as_deref();
        let regex = self.options.use_regex || target.is_some();
        let (path, path_type, group) = if regex && options::is_special(&given.path) {
            let hint =
                "of regular expressions only a prefix and the rest is understood: /path(/|$)(.*)";
            let read = options::regex(&given.path)
                .ok_or_else(|| (Kind::NotSupported, hint.to_string()))?;
            (if read.0.is_empty() { "/" } else { read.0 }, PathType::Prefix, read.1)
        } else {
            (&*given.path, given.path_type, None)
        };
        let pattern = Pattern::new(path, path_type, self.settings).map_err(invalid)?;
        let Some(target) = target else { return Ok((pattern, None)) };
        let hint =
            "rewrite-target may name only the group that is the rest of the path, at its end";
        let rewrite =
            Rewrite::read(target, group).ok_or_else(|| (Kind::NotSupported, hint.to_string()))?;
        let rewrite = rewrite.canonical(&self.settings.paths).map_err(invalid)?;
        Ok((pattern, Some(rewrite)))
    }

    fn backend(&mut self, given: &IngressBackend, field: impl Fn() -> String) -> Backend {
        match given {
            IngressBackend::Service { name, port } => {
                if self.known.as_ref().is_some_and(|(key, _)| key.name != *name) {
                    self.known = None;
                }
                let (key, service) = self.known.get_or_insert_with(|| {
                    let key = NamespacedName::new(self.ingress.key.namespace.clone(), name.clone());
                    let service = (self.services)(&key);
                    (key, service)
                });
                let backend = BackendRef::resolve(key.clone(), port.clone(), service.as_deref());
                if let Err(error) = &backend.port {
                    let message = format!("{error}: requests get 503");
                    self.warn(Kind::Unknown, field(), backend.to_string(), message);
                }
                Backend::Service(backend)
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
