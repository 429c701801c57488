//! Ingresses, Services and classes in; routes out.

use ahash::RandomState;
use hashbrown::HashMap;
use std_alloc::{format, string::ToString, sync::Arc, vec::Vec};

use super::{
    Backend, BackendRef, ClassSelection, Classes, DefaultRoute, NotOurs, RouteOptions, Routes,
    Settings,
    claim::{Claim, Claims},
    host_routes::HostRoutes,
    sni::Certificates,
};
use crate::{
    Seed,
    finding::{Finding, Kind},
    model::{Change, Exposure, Ingress, NamespacedName, Service, ServiceKey, TlsSecret},
};

/// Compiles Ingresses into [`Routes`].
///
/// A change costs what the hosts cost that it touches, not what all hosts cost.
///
/// ```
/// use svckit::{Seed, ingress::*, model::*};
/// use std::sync::Arc;
///
/// let web = Ingress {
///     key: NamespacedName::new("shop", "web"),
///     created: 0,
///     uid: "".into(),
///     class: None,
///     default_backend: None,
///     rules: vec![IngressRule {
///         host: Some("shop.example.com".into()),
///         paths: vec![IngressPath {
///             path: "/cart".into(),
///             path_type: PathType::Prefix,
///             backend: IngressBackend::Service {
///                 name: "cart".into(),
///                 port: ServicePortRef::Number(Port::new(80).unwrap()),
///             },
///         }],
///     }],
///     tls: vec![],
///     annotations: vec![],
/// };
/// let mut router = Router::new(Settings::default(), ClassSelection::default(), Seed([1, 2, 3, 4]));
/// router.apply(&Change::Ingress(Arc::new(web)));
///
/// let routes = router.routes();
/// let Outcome::Route(found) = routes.lookup("shop.example.com", "/cart/items") else { panic!() };
/// assert_eq!(found.route.backend.to_string(), "shop/cart:80");
/// assert_eq!(found.matched, "/cart".len());
/// assert_eq!(routes.lookup("shop.example.com", "/cartoon"), Outcome::NotFound);
/// // There is no Service shop/cart, so the backend leads nowhere for now.
/// assert_eq!(router.findings().len(), 1);
/// ```
#[derive(Debug)]
pub struct Router {
    settings: Settings,
    classes: Classes,
    ingresses: HashMap<NamespacedName, Known, RandomState>,
    /// Services that exist, and those that Ingresses name.
    services: HashMap<ServiceKey, Named, RandomState>,
    /// By host as in the rules; empty: every host.
    hosts: HashMap<Arc<str>, HostState, RandomState>,
    /// Default backends of Ingresses without rules, oldest first.
    defaults: Vec<(Arc<Ingress>, Arc<DefaultRoute>)>,
    certificates: Certificates,
    /// Hosts whose routes have to be made again, each once.
    dirty: Vec<Arc<str>>,
    /// What an Ingress without annotations asks for.
    plain: Arc<RouteOptions>,
    routes: Routes,
    published: Option<Arc<Routes>>,
}

/// An Ingress and what came of it.
#[derive(Debug)]
struct Known {
    ingress: Arc<Ingress>,
    verdict: Result<(), NotOurs>,
    claims: Claims,
}

/// A Service, if it exists, and the Ingresses that name it.
#[derive(Debug, Default)]
struct Named {
    service: Option<Arc<Service>>,
    users: Vec<NamespacedName>,
}

/// Who asks for a host, oldest first, and the conflicts between them.
#[derive(Debug, Default)]
struct HostState {
    claims: Vec<Arc<Claim>>,
    findings: Vec<Finding>,
    /// It is among those whose routes have to be made again.
    dirty: bool,
}

impl Router {
    /// Knows nothing yet. Hash tables are keyed with `seed`: hosts and paths are chosen by strangers.
    #[must_use]
    pub fn new(settings: Settings, classes: ClassSelection, seed: Seed) -> Self {
        let hasher = seed.hasher();
        let routes = Routes::new(seed.derive(1).hasher(), &settings);
        let mut router = Self {
            settings,
            classes: Classes::new(classes),
            ingresses: HashMap::with_hasher(hasher.clone()),
            services: HashMap::with_hasher(hasher.clone()),
            hosts: HashMap::with_hasher(hasher),
            defaults: Vec::new(),
            certificates: Certificates::new(seed.derive(2)),
            dirty: Vec::new(),
            plain: Arc::default(),
            routes,
            published: None,
        };
        router.choose_default();
        router
    }

    /// Takes note of a change; those that routes don't depend on are ignored.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Ingress(ingress) => self.set_ingress(ingress),
            Change::IngressGone(key) => self.remove_ingress(key),
            Change::Service(service) => {
                let named = self.services.entry(service.key.clone()).or_default();
                let before = named.service.replace(service.clone());
                if before.is_none_or(|before| !same_ports(&before, service)) {
                    self.reread(&service.key);
                }
            }
            Change::IngressClass(class) if self.classes.set(class.clone()) => self.judge_again(),
            Change::IngressClassGone(name) if self.classes.remove(name) => self.judge_again(),
            Change::Secret(secret) => self.set_secret(&secret.key, Some(secret.clone())),
            Change::SecretGone(key) => self.set_secret(key, None),
            Change::ServiceGone(key) => {
                let Some(named) = self.services.get_mut(key) else { return };
                if named.service.take().is_some() {
                    self.reread(key);
                    self.tidy(key);
                }
            }
            _ => {}
        }
    }

    /// The routes as of now; the same ones as before when nothing has changed.
    #[must_use]
    pub fn routes(&mut self) -> Arc<Routes> {
        self.build_dirty();
        self.published.get_or_insert_with(|| Arc::new(self.routes.clone())).clone()
    }

    /// What is wrong with the Ingresses: each by itself, and between them. Costs the number of Ingresses and hosts.
    #[must_use]
    pub fn findings(&mut self) -> Vec<Finding> {
        self.build_dirty();
        let own = self.ingresses.values().flat_map(|known| &known.claims.findings);
        let between = self.hosts.values().flat_map(|host| &host.findings);
        let mut findings: Vec<_> = own.chain(between).cloned().collect();
        findings.extend(self.certificates.findings());
        findings.sort_by(|one, other| (&one.object, &one.path).cmp(&(&other.object, &other.path)));
        findings
    }

    /// Whether the Ingress is ours: only then it gets routes, and an address in its status.
    ///
    /// # Errors
    ///
    /// Why it is not; `None` when there is no such Ingress.
    pub fn takes(&self, ingress: &NamespacedName) -> Result<(), Option<&NotOurs>> {
        match self.ingresses.get(ingress) {
            Some(Known { verdict: Ok(()), .. }) => Ok(()),
            Some(Known { verdict: Err(why), .. }) => Err(Some(why)),
            None => Err(None),
        }
    }

    fn build_dirty(&mut self) {
        self.routes.exact.reserve(self.dirty.len().saturating_sub(self.routes.exact.len()));
        for host in core::mem::take(&mut self.dirty) {
            self.build(host);
        }
    }

    fn set_ingress(&mut self, ingress: &Arc<Ingress>) {
        match self.ingresses.get(&ingress.key) {
            Some(known) if known.ingress == *ingress => return,
            Some(_) => self.remove_ingress(&ingress.key),
            None => {}
        }
        for service in Claims::services(ingress) {
            let users = &mut self.services.entry(service).or_default().users;
            if users.is_empty() {
                // Few Services have more than one.
                users.reserve_exact(1);
            }
            if users.last() != Some(&ingress.key) {
                users.push(ingress.key.clone());
            }
        }
        self.read(ingress.clone());
    }

    fn remove_ingress(&mut self, key: &NamespacedName) {
        let Some(known) = self.forget(key) else { return };
        for service in Claims::services(&known.ingress) {
            if let Some(named) = self.services.get_mut(&service) {
                named.users.retain(|user| user != key);
                self.tidy(&service);
            }
        }
    }

    fn set_secret(&mut self, key: &NamespacedName, secret: Option<Arc<TlsSecret>>) {
        let Routes { sni, hasher, .. } = &mut self.routes;
        if self.certificates.set(key, secret, sni, hasher) {
            self.published = None;
        }
    }

    /// Reads again every Ingress that names the Service.
    fn reread(&mut self, service: &ServiceKey) {
        let users = self.services.get(service).map(|named| named.users.clone());
        for key in users.unwrap_or_default() {
            if let Some(known) = self.forget(&key) {
                self.read(known.ingress);
            }
        }
        if self.settings.default_backend.as_ref().is_some_and(|(key, _)| key == service) {
            self.choose_default();
        }
    }

    /// Forgets a Service that neither exists nor is named.
    fn tidy(&mut self, service: &ServiceKey) {
        let idle = |named: &Named| named.service.is_none() && named.users.is_empty();
        if self.services.get(service).is_some_and(idle) {
            self.services.remove(service);
        }
    }

    fn judge_again(&mut self) {
        let ingresses: Vec<_> =
            self.ingresses.values().map(|known| known.ingress.clone()).collect();
        for ingress in ingresses {
            self.forget(&ingress.key);
            self.read(ingress);
        }
    }

    /// Enters what an Ingress asks for.
    fn read(&mut self, ingress: Arc<Ingress>) {
        let verdict = self.classes.takes(ingress.class.as_deref());
        let claims = match &verdict {
            Ok(()) => {
                let services = |key: &ServiceKey| self.services.get(key)?.service.clone();
                Claims::new(&ingress, &self.settings, &self.plain, &services)
            }
            Err(why) => Claims { findings: not_ours(&ingress, why), ..Claims::default() },
        };
        let order = self.settings.order;
        for claim in &claims.hosts {
            let state = self.hosts.entry(claim.host.clone()).or_default();
            let older = |other: &Arc<Claim>| order.compare(&other.ingress, &ingress).is_lt();
            let at = state.claims.partition_point(older);
            if state.claims.is_empty() {
                // Few hosts have more than one.
                state.claims.reserve_exact(1);
            }
            state.claims.insert(at, claim.clone());
            if !state.dirty {
                state.dirty = true;
                self.dirty.push(claim.host.clone());
            }
            self.published = None;
        }
        if let Some(default) = &claims.default {
            let older = |other: &(Arc<Ingress>, _)| order.compare(&other.0, &ingress).is_lt();
            let at = self.defaults.partition_point(older);
            self.defaults.insert(at, (ingress.clone(), default.clone()));
            self.choose_default();
        }
        let Routes { sni, hasher, .. } = &mut self.routes;
        if verdict.is_ok() && self.certificates.claim(&ingress, order, sni, hasher) {
            self.published = None;
        }
        self.ingresses.insert(ingress.key.clone(), Known { ingress, verdict, claims });
    }

    /// Takes back what an Ingress asked for.
    fn forget(&mut self, key: &NamespacedName) -> Option<Known> {
        let known = self.ingresses.remove(key)?;
        for claim in &known.claims.hosts {
            if let Some(state) = self.hosts.get_mut(&claim.host) {
                state.claims.retain(|other| !Arc::ptr_eq(other, claim));
            }
            self.touch(&claim.host);
        }
        let Routes { sni, hasher, .. } = &mut self.routes;
        if known.verdict.is_ok() && self.certificates.release(&known.ingress, sni, hasher) {
            self.published = None;
        }
        if known.claims.default.is_some() {
            self.defaults.retain(|(ingress, _)| ingress.key != *key);
            self.choose_default();
        }
        Some(known)
    }

    fn touch(&mut self, host: &Arc<str>) {
        self.published = None;
        let Some(state) = self.hosts.get_mut(host) else { return };
        if !state.dirty {
            state.dirty = true;
            self.dirty.push(host.clone());
        }
    }

    /// The default backend of everything.
    fn choose_default(&mut self) {
        let oldest = self.defaults.first().map(|(_, default)| default.clone());
        self.routes.default = oldest.or_else(|| {
            let (key, port) = self.settings.default_backend.clone()?;
            let service = self.services.get(&key).and_then(|named| named.service.as_deref());
            let backend = Backend::Service(BackendRef::resolve(key.clone(), port, service));
            let backend = Arc::new(backend);
            Some(Arc::new(DefaultRoute { ingress: None, backend, options: Arc::default() }))
        });
        self.published = None;
    }

    /// Makes the routes of one host.
    fn build(&mut self, host: Arc<str>) {
        let hasher = self.routes.hasher.clone();
        let state = self.hosts.get_mut(&host).filter(|state| !state.claims.is_empty());
        let built = state.map(|state| {
            let (routes, findings) = HostRoutes::new(&state.claims, &self.settings, &hasher);
            state.findings = findings;
            state.dirty = false;
            routes
        });
        if built.is_none() {
            self.hosts.remove(&host);
        }
        let parent = host.strip_prefix("*.");
        let index = match (&*host, parent) {
            ("", _) => {
                self.routes.every = built;
                return;
            }
            (_, Some(_)) => &mut self.routes.wildcard,
            (_, None) => &mut self.routes.exact,
        };
        let name = parent.unwrap_or(&host);
        match built {
            Some(routes) => index.insert(name, routes, &hasher),
            None => index.remove(name, &hasher),
        }
    }
}

/// Whether backends resolve to the same ports.
fn same_ports(one: &Service, other: &Service) -> bool {
    let alias = |service: &Service| matches!(service.exposure, Exposure::ExternalName(_));
    one.ports == other.ports && alias(one) == alias(other)
}

/// An Ingress that nobody serves is worth a word; another implementation's is not.
fn not_ours(ingress: &Ingress, why: &NotOurs) -> Vec<Finding> {
    let class = match why {
        NotOurs::Unknown(class) => &**class,
        NotOurs::Unclassed => "",
        NotOurs::Other(_) => return Vec::new(),
    };
    let finding = Finding::warning(Kind::Unknown, "spec.ingressClassName", class, why.to_string());
    Vec::from([Finding { object: format!("Ingress {}", ingress.key), ..finding }])
}
