//! Records by key: a tree with a branch for each label, from right to left.
//!
//! Cloning costs two counters. A change copies the branches on its way, each with its list of children, unless
//! nobody else holds them.

use std_alloc::{boxed::Box, collections::BTreeMap, sync::Arc};

use super::{SkyOptions, SkyRecord};
use crate::dns::{Options, served::ServedZones};

/// The records of SkyDNS's layout as zones that answer.
///
/// ```
/// use svckit::dns::{Message, Peer, Rcode, SkyDns, SkyOptions, SkyRecord, Type};
///
/// let mut zone = SkyDns::new(SkyOptions::new(vec!["cluster.local".parse()?]));
/// let record = SkyRecord { host: "10.0.0.1".into(), ..SkyRecord::default() };
/// zone.put("/skydns/local/cluster/svc/shop/cart/f488b1a2", record, None);
/// zone.set_synced();
///
/// let question = Message::question(1, &"cart.shop.svc.cluster.local".parse()?, Type(1));
/// let mut out = [0; 512];
/// let length = zone.answer(&question, Peer::udp(0), &mut out).length().unwrap();
/// assert_eq!(Message::decode(&out[..length])?.answer[0].to_string(),
///     "cart.shop.svc.cluster.local. 300 IN A 10.0.0.1");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SkyDns {
    pub(super) config: Arc<Config>,
    pub(super) root: Arc<Branch>,
    pub(super) serial: u32,
    pub(super) synced: bool,
}

/// What never changes.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) options: SkyOptions,
    pub(super) served: ServedZones,
}

/// Everything at and below one key.
#[derive(Clone, Debug, Default)]
pub(super) struct Branch {
    pub(super) leaf: Option<Arc<Leaf>>,
    pub(super) below: BTreeMap<Box<str>, Arc<Self>>,
}

/// One record.
#[derive(Debug, PartialEq)]
pub(super) struct Leaf {
    pub(super) record: SkyRecord,
    /// Seconds it may be kept.
    pub(super) ttl: u32,
}

/// What a lease's time is brought between, so that records are neither asked for all the time nor kept for ever.
const LEASES: core::ops::RangeInclusive<u32> = 30..=86_400;

impl SkyDns {
    /// Zones without records.
    #[must_use]
    pub fn new(options: SkyOptions) -> Self {
        let mut zones = Options::new(crate::dns::Name::root());
        zones.zones.clone_from(&options.zones);
        zones.fallthrough.clone_from(&options.fallthrough);
        let served = ServedZones::new(&zones);
        Self {
            config: Arc::new(Config { options, served }),
            root: Arc::default(),
            serial: 0,
            synced: false,
        }
    }

    /// Everything there is has been told: missing names are denied from now on.
    pub fn set_synced(&mut self) {
        self.synced = true;
    }

    /// Whether everything has been told.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    /// Moves the serial on from here; see [`Zone::set_serials`](crate::dns::Zone::set_serials).
    pub fn set_serial(&mut self, serial: u32) {
        self.serial = serial;
    }

    /// Takes in what a key says now; `lease` is the time, in seconds, that its lease lasts. Keys outside the prefix
    /// are passed over. Returns whether anything is different.
    pub fn put(&mut self, key: &str, record: SkyRecord, lease: Option<u32>) -> bool {
        let options = &self.config.options;
        let lease = lease.map(|lease| lease.clamp(*LEASES.start(), *LEASES.end()));
        let own = (record.ttl > 0).then_some(record.ttl);
        let ttl = own.into_iter().chain(lease).min().unwrap_or(options.ttl);
        let Some(path) = below(&options.prefix, key) else { return false };
        let mut branch = Arc::make_mut(&mut self.root);
        for label in path.split('/') {
            branch = Arc::make_mut(branch.below.entry(label.into()).or_default());
        }
        let leaf = Leaf { record, ttl };
        if branch.leaf.as_deref() == Some(&leaf) {
            return false;
        }
        branch.leaf = Some(Arc::new(leaf));
        self.serial = self.serial.wrapping_add(1);
        true
    }

    /// Forgets a key. Returns whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let Some(path) = below(&self.config.options.prefix, key) else { return false };
        let labels: std_alloc::vec::Vec<_> = path.split('/').collect();
        let gone = remove(&mut self.root, &labels);
        self.serial = self.serial.wrapping_add(gone.into());
        gone
    }

    /// Calls `each` with every key and record.
    pub fn for_each(&self, mut each: impl FnMut(&str, &SkyRecord)) {
        let mut key = self.config.options.prefix.clone();
        visit(&self.root, &mut key, &mut each);
    }
}

/// What stands behind the prefix.
fn below<'k>(prefix: &str, key: &'k str) -> Option<&'k str> {
    let path = key.strip_prefix(prefix)?.strip_prefix('/')?;
    (!path.is_empty() && !path.split('/').any(str::is_empty)).then_some(path)
}

/// Takes a leaf out, and branches that have become empty.
fn remove(branch: &mut Arc<Branch>, labels: &[&str]) -> bool {
    let Some((label, rest)) = labels.split_first() else {
        return branch.leaf.is_some() && Arc::make_mut(branch).leaf.take().is_some();
    };
    if !branch.below.contains_key(*label) {
        return false;
    }
    let branch = Arc::make_mut(branch);
    let Some(child) = branch.below.get_mut(*label) else { return false };
    let gone = remove(child, rest);
    if child.leaf.is_none() && child.below.is_empty() {
        branch.below.remove(*label);
    }
    gone
}

fn visit(
    branch: &Branch,
    key: &mut std_alloc::string::String,
    each: &mut impl FnMut(&str, &SkyRecord),
) {
    if let Some(leaf) = &branch.leaf {
        each(key, &leaf.record);
    }
    let length = key.len();
    for (label, child) in &branch.below {
        key.push('/');
        key.push_str(label);
        visit(child, key, each);
        key.truncate(length);
    }
}
