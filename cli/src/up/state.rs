//! Allocations across restarts.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
    path::{Path, PathBuf},
};
use svckit::{
    cluster::ControlPlane,
    model::{Change, NamespacedName},
};
use svckit_adapters::{
    clock,
    store::{Kept, Store, StoreError},
};

use crate::exit::Stop;

/// Where allocations are kept; nowhere, when no directory was asked for and there is none of our own.
pub(super) struct State {
    store: Option<Store>,
}

impl State {
    /// Opens the directory that was asked for, or one that belongs to these manifests.
    ///
    /// A directory that was asked for must work; our own may be in use by another `up` of the same manifests, or the
    /// home directory may be read-only: then addresses are not kept, and that is said.
    pub(super) fn open(asked: Option<&Path>, manifests: &[PathBuf]) -> Result<Self, Stop> {
        if let Some(directory) = asked {
            let store = Store::open(directory).map_err(|error| Stop::system(error.to_string()))?;
            return Ok(Self { store: Some(store) });
        }
        let store = own_directory(manifests).and_then(|directory| match Store::open(&directory) {
            Ok(store) => Some(store),
            Err(error) => {
                eprintln!("addresses are not kept across restarts: {error}");
                None
            }
        });
        Ok(Self { store })
    }

    /// Gives back what was held in an earlier life.
    pub(super) fn restore(&self, cluster: &mut ControlPlane) -> Result<(), Stop> {
        let Some(store) = &self.store else { return Ok(()) };
        let refused = |error: StoreError| Stop::system(error.to_string());
        for (key, text) in store.load(Kept::Services).map_err(refused)? {
            if let (Some(key), Ok(allocation)) = (name(&key), text.parse()) {
                cluster.remember(key, allocation);
            }
        }
        for (key, text) in store.load(Kept::Pods).map_err(refused)? {
            let addresses: Vec<IpAddr> =
                text.split(',').filter_map(|addr| addr.parse().ok()).collect();
            if let Some(key) = name(&key) {
                cluster.remember_pod(key, &addresses);
            }
        }
        Ok(())
    }

    /// Writes down what the changed Services and pods hold now; on the disk when this returns.
    pub(super) fn save(&self, cluster: &ControlPlane, changes: &[Change]) -> Result<(), Stop> {
        let Some(store) = &self.store else { return Ok(()) };
        let service = |key: &NamespacedName| {
            let held = cluster.allocation(key).map(|allocation| allocation.to_string());
            (Kept::Services, key.to_string(), held)
        };
        let pod = |key: &NamespacedName| {
            let held: Vec<String> =
                cluster.pod_addresses(key).iter().map(IpAddr::to_string).collect();
            (Kept::Pods, key.to_string(), (!held.is_empty()).then(|| held.join(",")))
        };
        let entries = changes.iter().filter_map(|change| match change {
            Change::Service(changed) => Some(service(&changed.key)),
            Change::ServiceGone(key) => Some(service(key)),
            Change::Pod(changed) => Some(pod(&changed.key)),
            Change::PodGone(key) => Some(pod(key)),
            _ => None,
        });
        let entries: Vec<_> = entries.collect();
        store.save(&entries).map_err(|error| Stop::system(error.to_string()))
    }
}

/// `$XDG_STATE_HOME/svckit/<a word for the manifests' paths>`.
fn own_directory(manifests: &[PathBuf]) -> Option<PathBuf> {
    let home = || clock::environment("HOME").map(|home| Path::new(&home).join(".local/state"));
    let base = clock::environment("XDG_STATE_HOME").map(PathBuf::from).or_else(home)?;
    let mut hasher = DefaultHasher::new();
    for path in manifests {
        path.canonicalize().unwrap_or_else(|_| path.clone()).hash(&mut hasher);
    }
    Some(base.join("svckit").join(format!("{:016x}", hasher.finish())))
}

fn name(text: &str) -> Option<NamespacedName> {
    text.split_once('/').map(|(namespace, name)| NamespacedName::new(namespace, name))
}
