//! Follows the cluster, and hands out snapshots that answer.
//!
//! ```text
//! Change ──▶ apply ──▶ Zone ──▶ snapshot ──▶ Snapshot ──▶ answer (any thread, any number)
//! ```
//!
//! A change only marks its Service; [`Zone::snapshot`] builds the entries of the marked ones anew. All slices of a
//! Service change together that way, so an endpoint that moves between two of them never disappears in between.
//! Snapshots share everything that did not change, and are given out in constant time.

use hashbrown::HashMap;
use std_alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

use super::{
    Mode, Options, PodRecords, ServiceImport,
    endpoints::Endpoints,
    entry::{Body, Entry},
    key::{self, Key},
    served::ServedZones,
    snapshot::{Serials, Snapshot},
    table::{Config, Table},
};
use crate::{
    Seed,
    model::{Change, EndpointSlice, NamespacedName, Pod, Service, ServiceKey},
};

/// Names of a cluster that changes.
///
/// ```
/// use svckit::{Seed, dns::{Options, Peer, Message, Rcode, Type, Zone}, model::Change};
///
/// let mut zone = Zone::new(Options::new("cluster.local".parse()?), Seed([1; 4]));
/// zone.apply(&Change::Namespace("shop".into()));
/// zone.apply(&Change::Synced);
/// let snapshot = zone.snapshot();
///
/// let question = Message::question(1, &"cart.shop.svc.cluster.local".parse()?, Type(1));
/// let mut out = [0; 512];
/// let length = snapshot.answer(&question, Peer::udp(0), &mut out).length().unwrap();
/// assert_eq!(Message::decode(&out[..length])?.rcode, Rcode::NXDOMAIN);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Zone {
    current: Snapshot,
    services: HashMap<ServiceKey, Known, ahash::RandomState>,
    imports: HashMap<ServiceKey, Known, ahash::RandomState>,
    /// Whose each slice is.
    slices: HashMap<NamespacedName, (Origin, ServiceKey), ahash::RandomState>,
    pods: HashMap<NamespacedName, Arc<Pod>, ahash::RandomState>,
    /// How many objects speak for a namespace's existence.
    namespaces: HashMap<Arc<str>, usize, ahash::RandomState>,
    /// Namespaces with an object of their own.
    declared: BTreeSet<Arc<str>>,
    dirty: BTreeSet<(Origin, ServiceKey)>,
    /// Something besides Services changed since the last snapshot.
    touched: bool,
}

/// Where a Service or a slice comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Here,
    Elsewhere,
}

/// What has been told about one Service.
#[derive(Debug, Default)]
struct Known {
    subject: Option<Subject>,
    slices: Vec<(Arc<EndpointSlice>, Option<Arc<str>>)>,
    /// What the current snapshot has.
    entry: Option<Arc<Entry>>,
}

#[derive(Debug, PartialEq)]
enum Subject {
    Service(Arc<Service>),
    Import(Arc<ServiceImport>),
}

impl Zone {
    /// A zone that knows nothing yet. The seed keys its tables.
    #[must_use]
    pub fn new(options: Options, seed: Seed) -> Self {
        let hasher = || seed.derive(0xd45).hasher();
        let served = ServedZones::new(&options);
        let searches = options.autopath || options.search_zone.is_some();
        let config = Arc::new(Config { options, served, hasher: hasher(), searches });
        Self {
            current: Snapshot::new(config),
            services: HashMap::with_hasher(hasher()),
            imports: HashMap::with_hasher(hasher()),
            slices: HashMap::with_hasher(hasher()),
            pods: HashMap::with_hasher(hasher()),
            namespaces: HashMap::with_hasher(hasher()),
            declared: BTreeSet::new(),
            dirty: BTreeSet::new(),
            touched: false,
        }
    }

    /// Takes note of a change. Changes of what has no names are passed over.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Service(service) => {
                self.subject(&service.key, Some(Subject::Service(service.clone())));
            }
            Change::ServiceGone(key) => self.subject(key, None),
            Change::Slice(slice) => self.slice(slice, None),
            Change::SliceGone(key) => self.slice_gone(key),
            Change::Pod(pod) => self.pod(&pod.key, Some(pod)),
            Change::PodGone(key) => self.pod(key, None),
            Change::Namespace(name) => self.namespace(name, true),
            Change::NamespaceGone(name) => self.namespace(name, false),
            Change::Synced => self.current.synced = true,
            _ => {}
        }
    }

    /// Takes note of a Service of several clusters, for the multicluster zones.
    pub fn import(&mut self, import: &Arc<ServiceImport>) {
        let key = &import.key;
        if self.exposes(key) {
            let known = self.imports.entry(key.clone()).or_default();
            let subject = Subject::Import(import.clone());
            if known.subject.as_ref() != Some(&subject) {
                let first = known.subject.replace(subject).is_none();
                self.dirty.insert((Origin::Elsewhere, key.clone()));
                if first {
                    self.refer(&key.namespace.clone());
                }
            }
        }
    }

    /// Forgets it.
    pub fn import_gone(&mut self, key: &ServiceKey) {
        let Some(known) = self.imports.get_mut(key) else { return };
        if known.subject.take().is_some() {
            self.dirty.insert((Origin::Elsewhere, key.clone()));
            self.unrefer(&key.namespace);
        }
    }

    /// Takes note of a slice of such a Service, and of the cluster it came from. It goes with
    /// [`Change::SliceGone`].
    pub fn import_slice(&mut self, slice: &Arc<EndpointSlice>, cluster: &Arc<str>) {
        self.slice(slice, Some(cluster));
    }

    /// What answers now. Costs what changed since the last call; nothing when nothing did.
    #[must_use]
    pub fn snapshot(&mut self) -> Snapshot {
        let (mut inside, mut outside, mut elsewhere) =
            (core::mem::take(&mut self.touched), false, false);
        for (origin, key) in core::mem::take(&mut self.dirty) {
            let (known, table) = match origin {
                Origin::Here => (&mut self.services, &mut self.current.services),
                Origin::Elsewhere => (&mut self.imports, &mut self.current.imports),
            };
            let Some(state) = known.get_mut(&key) else { continue };
            let differs = state.settle(&key, &self.current.config, table);
            if state.subject.is_none() && state.slices.is_empty() {
                known.remove(&key);
            }
            match origin {
                Origin::Here => (inside, outside) = (inside | differs.0, outside | differs.1),
                Origin::Elsewhere => elsewhere |= differs.0,
            }
        }
        let serials = &mut self.current.serials;
        serials.cluster = serials.cluster.wrapping_add(inside.into());
        serials.external = serials.external.wrapping_add(outside.into());
        serials.multicluster = serials.multicluster.wrapping_add(elsewhere.into());
        self.current.clone()
    }

    /// The serials that the next change counts on from. A server that restarts gives those it had, or the time in
    /// seconds, so that they never go back.
    pub fn set_serials(&mut self, serials: Serials) {
        self.current.serials = serials;
    }

    fn exposes(&self, key: &ServiceKey) -> bool {
        self.current.config.options.exposes(&key.namespace)
    }

    fn subject(&mut self, key: &ServiceKey, subject: Option<Subject>) {
        if !self.exposes(key) {
            return;
        }
        let known = self.services.entry(key.clone()).or_default();
        if known.subject == subject {
            return;
        }
        let (had, has) = (known.subject.is_some(), subject.is_some());
        known.subject = subject;
        self.dirty.insert((Origin::Here, key.clone()));
        match (had, has) {
            (false, true) => self.refer(&key.namespace.clone()),
            (true, false) => self.unrefer(&key.namespace),
            _ => {}
        }
    }

    fn slice(&mut self, slice: &Arc<EndpointSlice>, cluster: Option<&Arc<str>>) {
        if !self.exposes(&slice.service) {
            return;
        }
        let (origin, all) = match cluster {
            None => (Origin::Here, &mut self.services),
            Some(_) => (Origin::Elsewhere, &mut self.imports),
        };
        let owner = (origin, slice.service.clone());
        if self.slices.get(&slice.key).is_some_and(|before| *before != owner) {
            self.slice_gone(&slice.key);
            return self.slice(slice, cluster);
        }
        let known = all.entry(slice.service.clone()).or_default();
        let value = (slice.clone(), cluster.cloned());
        match known.slices.iter_mut().find(|(known, _)| known.key == slice.key) {
            Some(known) if *known == value => return,
            Some(known) => *known = value,
            None => known.slices.push(value),
        }
        self.slices.insert(slice.key.clone(), owner.clone());
        self.dirty.insert(owner);
    }

    fn slice_gone(&mut self, key: &NamespacedName) {
        let Some((origin, service)) = self.slices.remove(key) else { return };
        let all = match origin {
            Origin::Here => &mut self.services,
            Origin::Elsewhere => &mut self.imports,
        };
        if let Some(known) = all.get_mut(&service) {
            known.slices.retain(|(slice, _)| slice.key != *key);
            self.dirty.insert((origin, service));
        }
    }

    fn pod(&mut self, key: &NamespacedName, pod: Option<&Arc<Pod>>) {
        let options = &self.current.config.options;
        if options.pods != PodRecords::Verified && !options.autopath || !self.exposes(key) {
            return;
        }
        let pod = pod.filter(|pod| !pod.terminating);
        let before = match pod {
            Some(pod) => self.pods.insert(key.clone(), pod.clone()),
            None => self.pods.remove(key),
        };
        let addresses =
            |pod: Option<&Arc<Pod>>| pod.map(|pod| pod.addresses.clone()).unwrap_or_default();
        let (old, new) = (addresses(before.as_ref()), addresses(pod));
        let same = |value: &NamespacedName| value == key;
        for address in old.iter().filter(|address| !new.contains(address)) {
            self.current.pods.remove(*address, same);
        }
        for address in new.iter().filter(|address| !old.contains(address)) {
            self.current.pods.insert(*address, key.clone(), same);
        }
        self.touched |= old != new;
        match (before.is_some(), pod.is_some()) {
            (false, true) => self.refer(&key.namespace),
            (true, false) => self.unrefer(&key.namespace),
            _ => {}
        }
    }

    fn namespace(&mut self, name: &Arc<str>, exists: bool) {
        if exists && self.declared.insert(name.clone()) {
            self.refer(name);
        } else if !exists && self.declared.remove(name) {
            self.unrefer(name);
        }
    }

    /// One more object of a namespace; the first makes it exist.
    fn refer(&mut self, namespace: &Arc<str>) {
        let config = &self.current.config;
        if !config.options.exposes(namespace) {
            return;
        }
        let count = self.namespaces.entry(namespace.clone()).or_default();
        *count += 1;
        if *count == 1 {
            let hash = key::hash(&config.hasher, namespace.to_ascii_lowercase().as_bytes());
            self.current.namespaces.insert(hash, namespace.clone(), |known| known == namespace);
            self.touched = true;
        }
    }

    fn unrefer(&mut self, namespace: &Arc<str>) {
        let Some(count) = self.namespaces.get_mut(namespace) else { return };
        *count -= 1;
        if *count == 0 {
            self.namespaces.remove(namespace);
            let lower = namespace.to_ascii_lowercase();
            let hash = key::hash(&self.current.config.hasher, lower.as_bytes());
            self.current.namespaces.remove(hash, |known| known == namespace);
            self.touched = true;
        }
    }
}

impl Known {
    /// Brings the table up to date; tells whether the cluster's zones, and whether external ones, answer otherwise.
    fn settle(&mut self, key: &ServiceKey, config: &Config, table: &mut Table) -> (bool, bool) {
        let new = self.entry(key, &config.options).map(Arc::new);
        let old = self.entry.take();
        let headless = config.options.external.as_ref().is_some_and(|external| external.headless);
        let differs = match (&old, &new) {
            (None, None) => (false, false),
            (Some(old), Some(new)) => (
                !old.same_inside(new),
                (old.shows_outside(headless) || new.shows_outside(headless))
                    && !old.same_outside(new),
            ),
            (Some(only), None) | (None, Some(only)) => (true, only.shows_outside(headless)),
        };
        if differs != (false, false) {
            table.replace(config, old.as_ref(), new.as_ref());
            self.entry = new;
        } else {
            self.entry = old;
        }
        differs
    }

    fn entry(&self, key: &ServiceKey, options: &Options) -> Option<Entry> {
        let sources: Vec<_> =
            self.slices.iter().map(|(slice, cluster)| (&**slice, cluster.as_ref())).collect();
        let endpoints = || Endpoints::new(&sources, options.endpoint_pod_names);
        let key = Key::new(key)?;
        let entry = match &self.subject {
            Some(Subject::Service(service)) => Entry::new(key, Some(service), endpoints()),
            Some(Subject::Import(import)) => import.entry(key, endpoints()),
            None if self.slices.is_empty() => return None,
            None => Entry::new(key, None, endpoints()),
        };
        let orphan = matches!(entry.body, Body::Orphan);
        (!orphan || options.mode == Mode::CoreDns).then_some(entry)
    }
}
