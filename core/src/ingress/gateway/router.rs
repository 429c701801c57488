//! Gateways, HTTPRoutes and Services in; routes out.

use std_alloc::{collections::BTreeMap, format, string::String, sync::Arc, vec::Vec};

use super::{
    GatewayRoutes, attach,
    table::{ByHost, Candidate, CompiledRule, ListenerTable, PathCandidates, PortTable},
};
use crate::{
    Seed,
    finding::{Finding, Kind},
    ingress::{BackendRef, PathPolicy, Pattern, Settings},
    model::{
        Change, Gateway, HttpBackend, HttpRoute, HttpRule, Listener, NamespacedName,
        ReferenceGrant, Service, ServiceKey, ServicePortRef,
    },
};

/// Compiles HTTPRoutes into [`GatewayRoutes`].
///
/// Setting an object costs nothing; [`GatewayRouter::routes`] costs what all of them cost, when something has changed.
///
/// ```
/// use svckit::{Seed, ingress::{GatewayRouter, GatewayRequest, GatewayAnswer, Settings}};
///
/// let mut router = GatewayRouter::new(Settings::default(), Seed([1, 2, 3, 4]));
/// assert!(router.findings().is_empty());
/// let routes = router.routes();
/// let gateway = svckit::model::NamespacedName::new("infra", "edge");
/// let answer = routes.answer(&gateway, 80, &GatewayRequest::get("shop.example.com", "/"));
/// assert!(matches!(answer, GatewayAnswer::Refuse { status: 404, .. }));
/// ```
#[derive(Debug)]
pub struct GatewayRouter {
    settings: Settings,
    seed: Seed,
    gateways: BTreeMap<NamespacedName, Arc<Gateway>>,
    routes: BTreeMap<NamespacedName, Arc<HttpRoute>>,
    grants: BTreeMap<NamespacedName, Arc<ReferenceGrant>>,
    services: BTreeMap<ServiceKey, Arc<Service>>,
    findings: Vec<Finding>,
    published: Option<Arc<GatewayRoutes>>,
}

/// What routes ask for on one listener, by hostname.
type Wanted = BTreeMap<String, Vec<(Pattern, Candidate)>>;

impl GatewayRouter {
    /// Knows nothing yet. Of the settings, the form of paths and [`Settings::host_fallthrough`] count; slashes are never
    /// merged, as the Gateway API has it.
    #[must_use]
    pub fn new(settings: Settings, seed: Seed) -> Self {
        let paths = PathPolicy { merge_slashes: false, ..settings.paths };
        Self {
            settings: Settings { paths, ..settings },
            seed,
            gateways: BTreeMap::new(),
            routes: BTreeMap::new(),
            grants: BTreeMap::new(),
            services: BTreeMap::new(),
            findings: Vec::new(),
            published: None,
        }
    }

    /// A Gateway exists, or is gone.
    pub fn set_gateway(&mut self, key: &NamespacedName, gateway: Option<Arc<Gateway>>) {
        set(&mut self.gateways, key, gateway);
        self.published = None;
    }

    /// A route exists, or is gone.
    pub fn set_route(&mut self, key: &NamespacedName, route: Option<Arc<HttpRoute>>) {
        set(&mut self.routes, key, route);
        self.published = None;
    }

    /// A grant exists, or is gone.
    pub fn set_grant(&mut self, key: &NamespacedName, grant: Option<Arc<ReferenceGrant>>) {
        set(&mut self.grants, key, grant);
        self.published = None;
    }

    /// A Service exists, or is gone.
    pub fn set_service(&mut self, key: &ServiceKey, service: Option<Arc<Service>>) {
        set(&mut self.services, key, service);
        // Where nobody asks for Services, they change nothing.
        if !self.routes.is_empty() {
            self.published = None;
        }
    }

    /// Takes note of a change; those that routes don't depend on are ignored.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Gateway(gateway) => self.set_gateway(&gateway.key, Some(gateway.clone())),
            Change::GatewayGone(key) => self.set_gateway(key, None),
            Change::HttpRoute(route) => self.set_route(&route.key, Some(route.clone())),
            Change::HttpRouteGone(key) => self.set_route(key, None),
            Change::ReferenceGrant(grant) => self.set_grant(&grant.key, Some(grant.clone())),
            Change::ReferenceGrantGone(key) => self.set_grant(key, None),
            Change::Service(service) => self.set_service(&service.key, Some(service.clone())),
            Change::ServiceGone(key) => self.set_service(key, None),
            _ => {}
        }
    }

    /// All Gateways.
    pub fn gateways(&self) -> impl Iterator<Item = &Arc<Gateway>> {
        self.gateways.values()
    }

    /// The routes as of now; the same ones as before when nothing has changed.
    #[must_use]
    pub fn routes(&mut self) -> Arc<GatewayRoutes> {
        if let Some(published) = &self.published {
            return published.clone();
        }
        let (routes, findings) = self.compile();
        self.findings = findings;
        let routes = Arc::new(routes);
        self.published = Some(routes.clone());
        routes
    }

    /// What is wrong with the routes, as of the last [`GatewayRouter::routes`].
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    fn compile(&self) -> (GatewayRoutes, Vec<Finding>) {
        let mut findings = Vec::new();
        let hasher = self.seed.hasher();
        let mut rules: BTreeMap<&NamespacedName, Vec<Arc<CompiledRule>>> = BTreeMap::new();
        for (key, route) in &self.routes {
            let compiled = route.rules.iter().enumerate();
            let compiled = compiled.map(|at| Arc::new(self.rule(route, at, &mut findings)));
            rules.insert(key, compiled.collect());
            findings.extend(self.unattached(route));
        }
        let mut ports: BTreeMap<(NamespacedName, u16), PortTable> = BTreeMap::new();
        for (key, gateway) in &self.gateways {
            for (number, listener) in gateway.listeners.iter().enumerate() {
                let wanted = self.wanted(gateway, listener, &rules, &mut findings);
                let mut table = ListenerTable { number, hosts: ByHost::default() };
                for (hostname, candidates) in wanted {
                    let paths = PathCandidates::new(candidates, &hasher);
                    table.hosts.set(&hostname, Arc::new(paths), &hasher);
                }
                let port = ports.entry((key.clone(), listener.port.get())).or_default();
                port.tls |= listener.tls;
                let hostname = listener.hostname.as_deref().unwrap_or_default();
                port.listeners.set(hostname, Arc::new(table), &hasher);
            }
        }
        let Settings { paths, host_fallthrough, .. } = self.settings;
        (GatewayRoutes { hasher, paths, host_fallthrough, ports }, findings)
    }

    /// What the routes of a listener ask for.
    fn wanted(
        &self,
        gateway: &Gateway,
        listener: &Listener,
        rules: &BTreeMap<&NamespacedName, Vec<Arc<CompiledRule>>>,
        findings: &mut Vec<Finding>,
    ) -> Wanted {
        let mut wanted = Wanted::new();
        let attached =
            self.routes.values().filter(|route| attach::is_attached(route, gateway, listener));
        for route in attached {
            let compiled = rules.get(&route.key).into_iter().flatten().enumerate();
            let candidates: Vec<_> = compiled
                .flat_map(|rule| candidates(route, rule, &self.settings, findings))
                .collect();
            for hostname in attach::hostnames(route, listener) {
                wanted.entry(hostname).or_default().extend(candidates.iter().cloned());
            }
        }
        wanted
    }

    /// A rule with its backends looked up.
    fn rule(
        &self,
        route: &HttpRoute,
        (number, rule): (usize, &HttpRule),
        findings: &mut Vec<Finding>,
    ) -> CompiledRule {
        let backends = rule.backends.iter().enumerate().map(|(at, backend)| {
            let found = self.backend(route, backend);
            let path = format!("spec.rules[{number}].backendRefs[{at}]");
            let (service, filters) = (found, backend.filters.clone());
            if let Err((kind, why)) = service {
                findings.push(warning(route, kind, path, why));
            }
            (service.ok(), backend.weight, filters)
        });
        let backends = backends.collect();
        CompiledRule { rule: rule.clone(), backends }
    }

    /// The port of a backend; an object of another namespace only with its consent.
    fn backend(
        &self,
        route: &HttpRoute,
        backend: &HttpBackend,
    ) -> Result<BackendRef, (Kind, &'static str)> {
        let Some((service, port)) = &backend.service else {
            return Err((
                Kind::NotSupported,
                "only Services with a port: its part is answered with 500",
            ));
        };
        if service.namespace != route.key.namespace && !self.is_granted(route, service) {
            let why =
                "no ReferenceGrant of that namespace allows it: its part is answered with 500";
            return Err((Kind::Forbidden, why));
        }
        let found = self.services.get(service).map(|service| &**service);
        let asked = ServicePortRef::Number(*port);
        let backend = BackendRef::resolve(service.clone(), asked, found);
        match backend.port {
            Ok(_) => Ok(backend),
            Err(_) => {
                Err((Kind::Unknown, "no such Service and port: its part is answered with 500"))
            }
        }
    }

    fn is_granted(&self, route: &HttpRoute, service: &ServiceKey) -> bool {
        let of_namespace =
            self.grants.values().filter(|grant| grant.key.namespace == service.namespace);
        of_namespace.into_iter().any(|grant| {
            let to = |name: &Option<_>| name.as_ref().is_none_or(|name| *name == service.name);
            grant.from.contains(&route.key.namespace) && grant.to.iter().any(to)
        })
    }

    /// A route that no listener takes.
    fn unattached(&self, route: &HttpRoute) -> Option<Finding> {
        let taken = self.gateways.values().any(|gateway| {
            gateway.listeners.iter().any(|listener| {
                attach::is_attached(route, gateway, listener)
                    && !attach::hostnames(route, listener).is_empty()
            })
        });
        let why = "no listener takes this route: there is no such Gateway, it does not allow the namespace, or they \
                   have no hostname in common";
        (!taken).then(|| warning(route, Kind::Unknown, "spec.parentRefs".into(), why))
    }
}

/// The matches of a rule.
fn candidates(
    route: &HttpRoute,
    (number, compiled): (usize, &Arc<CompiledRule>),
    settings: &Settings,
    findings: &mut Vec<Finding>,
) -> Vec<(Pattern, Candidate)> {
    let mut candidates = Vec::new();
    for (at, matching) in compiled.rule.matches.iter().enumerate() {
        match Pattern::new(&matching.path, matching.path_type, settings) {
            Ok(pattern) => candidates.push((
                pattern,
                Candidate {
                    route: route.key.clone(),
                    created: route.created,
                    place: (number, at),
                    matching: matching.clone(),
                    rule: compiled.clone(),
                },
            )),
            Err(error) => {
                let path = format!("spec.rules[{number}].matches[{at}].path.value");
                let finding =
                    Finding::warning(Kind::Invalid, path, &*matching.path, format!("{error}"));
                findings.push(Finding { object: format!("HTTPRoute {}", route.key), ..finding });
            }
        }
    }
    candidates
}

fn warning(route: &HttpRoute, kind: Kind, path: String, why: &str) -> Finding {
    let finding = Finding::warning(kind, path, "", why);
    Finding { object: format!("HTTPRoute {}", route.key), ..finding }
}

fn set<T>(map: &mut BTreeMap<NamespacedName, T>, key: &NamespacedName, value: Option<T>) {
    match value {
        Some(value) => drop(map.insert(key.clone(), value)),
        None => drop(map.remove(key)),
    }
}
