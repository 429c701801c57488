//! The whole, driven by objects: everything else that a cluster has is taken from it.

mod read;

pub use read::*;

use crate::{
    finding::Report,
    guard::{Handle, alone, free, make, many, opaque, text},
    objects::objects,
    plan::Steps,
    seed, svckit_findings, svckit_seed, svckit_status, tree,
};
use std::{collections::BTreeMap, sync::Arc};
use svckit::{
    Seed, Time,
    api::ObjectId,
    cluster::{Cluster, Settings, Synced},
    finding::{Finding, Kind},
    forward::Changed,
    model::{Change, EndpointSlice, NamespacedName},
    table::Publisher,
};

/// A cluster as one node sees it: Services, EndpointSlices, Pods, Nodes, Ingresses and all that follows from them.
///
/// It is fed with objects, and makes tables, zones, routes and plans of them: handles of their own, which never change
/// and may be used by any number of threads while the cluster is fed on. May move between threads. Calls that take it
/// as `const` may run side by side; any other call runs alone.
#[derive(Debug)]
pub struct svckit_cluster(Handle<State>);
opaque!(svckit_cluster, State);

/// What is behind a cluster: the core's, and what follows it once somebody has asked.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) cluster: Cluster,
    pub(crate) publisher: Option<Publisher>,
    pub(crate) steps: Option<Steps>,
    pub(crate) slices: BTreeMap<NamespacedName, Arc<EndpointSlice>>,
    pub(crate) seed: Seed,
}

impl State {
    /// The publisher of tables, which knows what the cluster knows.
    pub(crate) fn publisher(&mut self) -> &mut Publisher {
        self.settle();
        let proxy = self.cluster.proxy();
        self.publisher.get_or_insert_with(|| {
            let mut publisher = Publisher::new(self.seed);
            publisher.follow(proxy, &Changed { whole: true, ..Changed::default() });
            publisher
        })
    }

    /// Hands changes of the node's forwarding to those who follow it.
    pub(crate) fn settle(&mut self) {
        let changed = self.cluster.proxy_mut().take_changed();
        let proxy = self.cluster.proxy();
        if let Some(publisher) = &mut self.publisher {
            publisher.follow(proxy, &changed);
        }
        if let Some(steps) = &mut self.steps {
            steps.planner.follow_changed(proxy, &changed);
        }
    }

    /// Keeps the slices that controllers write, and those that were fed.
    fn keep_slices(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Slice(slice) => _ = self.slices.insert(slice.key.clone(), slice.clone()),
                Change::SliceGone(key) => _ = self.slices.remove(key),
                _ => {}
            }
        }
    }
}

/// Creates a cluster without objects.
///
/// `settings` are JSON with the keys of a settings file, such as `{"serviceCIDRs": "10.96.0.0/12", "node": "n1"}`;
/// empty for the defaults. On `SVCKIT_STATUS_OK` the caller owns `*cluster_out` and must give it to
/// `svckit_cluster_free`. `SVCKIT_STATUS_REFUSED`: a setting can't be used, and there is no cluster.
///
/// `findings_out` may be NULL. Else `*findings_out` is set by every call: to NULL when there is nothing to tell, or to
/// what must be given to `svckit_findings_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_new(
    settings: *const u8,
    settings_len: usize,
    seed: *const svckit_seed,
    findings_out: *mut *mut svckit_findings,
    cluster_out: *mut *mut svckit_cluster,
) -> svckit_status {
    // SAFETY: the header asks for NULL or room for one pointer.
    let mut report = unsafe { Report::new(findings_out) };
    let body = || {
        // SAFETY: the header asks for `settings_len` readable bytes and a readable seed.
        let (json, seed) = unsafe { (many(settings, settings_len)?, seed::seed(seed)?) };
        let document = match tree::document(json) {
            Ok(document) => document,
            Err(reason) => {
                let status = report.unreadable("settings", reason);
                return report.fail(status).and(Err(status));
            }
        };
        let mut settings = Settings::default();
        report.note(settings.read(&document));
        let made = Cluster::new(settings, seed).map_err(|error| {
            report.note([Finding {
                object: "settings".into(),
                ..Finding::error(Kind::Invalid, "", "", error.to_string())
            }]);
        });
        report.tell()?;
        let cluster = made.map_err(|()| svckit_status::Refused)?;
        Ok(State { cluster, publisher: None, steps: None, slices: BTreeMap::new(), seed })
    };
    // SAFETY: the header asks for room for one pointer.
    unsafe { make(cluster_out, body) }
}

/// Ends a cluster. NULL is fine; so is a poisoned one. Tables, zones, routes and plans that were taken from it live on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_free(cluster: *mut svckit_cluster) {
    // SAFETY: NULL, or made by `_new` and given up, as the header asks.
    unsafe { free(cluster) }
}

/// Takes in objects that are new or have changed; the others stay. Costs what these objects cost.
///
/// `objects` are JSON as the API server sends it: one object, a List, or several documents that follow one another.
/// Kinds: Service, EndpointSlice, Endpoints, Pod, Node, Namespace, Secret, Ingress, IngressClass, Gateway, GatewayClass,
/// HTTPRoute, ReferenceGrant, ServiceCIDR, IPAddress, ReplicationController, ReplicaSet, Deployment, StatefulSet. A
/// namespaced object without a namespace is in `default`.
/// Feed all objects that there are with the first call: after it the cluster counts as complete.
///
/// `SVCKIT_STATUS_REFUSED`: some objects were refused and changed nothing; the others were taken in.
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: the text isn't JSON; nothing happened. Findings as with `svckit_cluster_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_apply(
    cluster: *mut svckit_cluster,
    objects: *const u8,
    objects_len: usize,
    now_ns: u64,
    findings_out: *mut *mut svckit_findings,
) -> svckit_status {
    // SAFETY: as the header asks; the same contract as here.
    unsafe {
        feed(cluster, (objects, objects_len), findings_out, |state, objects| {
            state.cluster.apply(objects, Time::from_nanos(now_ns))
        })
    }
}

/// Makes the cluster hold these objects and no others. Costs a comparison for each object, and the work for those
/// that differ. Otherwise as `svckit_cluster_apply`.
///
/// An object that is refused by its rules keeps its earlier form; one that can't be read counts as not there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_replace(
    cluster: *mut svckit_cluster,
    objects: *const u8,
    objects_len: usize,
    now_ns: u64,
    findings_out: *mut *mut svckit_findings,
) -> svckit_status {
    // SAFETY: as the header asks; the same contract as here.
    unsafe {
        feed(cluster, (objects, objects_len), findings_out, |state, objects| {
            state.cluster.sync(objects, Time::from_nanos(now_ns))
        })
    }
}

/// Takes an object away; the namespace is empty for kinds that have none.
///
/// `SVCKIT_STATUS_NOT_FOUND`: there is no such object. `SVCKIT_STATUS_INVALID_ARGUMENT`: there is no such kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_delete(
    cluster: *mut svckit_cluster,
    kind: *const u8,
    kind_len: usize,
    namespace: *const u8,
    namespace_len: usize,
    name: *const u8,
    name_len: usize,
    now_ns: u64,
) -> svckit_status {
    let body = |state: &mut State| {
        // SAFETY: the header asks for readable texts of these lengths.
        let (kind, namespace, name) = unsafe {
            (text(kind, kind_len)?, text(namespace, namespace_len)?, text(name, name_len)?)
        };
        let id = ObjectId::new(kind, namespace, name).ok_or(svckit_status::InvalidArgument)?;
        if !state.cluster.control().holds(&id) {
            return Err(svckit_status::NotFound);
        }
        let synced = state.cluster.delete([&id], Time::from_nanos(now_ns));
        state.keep_slices(&synced.changes);
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(cluster, body) }
}

/// Reads objects and lets `take` do something with them.
///
/// # Safety
///
/// The cluster is NULL, or alive and used by no other call; the text is readable; `findings_out` is NULL or has room.
unsafe fn feed(
    cluster: *mut svckit_cluster,
    (json, len): (*const u8, usize),
    findings_out: *mut *mut svckit_findings,
    take: impl FnOnce(&mut State, &[svckit::api::Object]) -> Synced,
) -> svckit_status {
    // SAFETY: promised by the caller.
    let mut report = unsafe { Report::new(findings_out) };
    let body = |state: &mut State| {
        // SAFETY: promised by the caller.
        let mut objects = match unsafe { objects(json, len, &mut report) } {
            Ok(objects) => objects,
            Err(status) => return report.fail(status),
        };
        for object in &mut objects {
            if object.is_namespaced() && object.metadata().namespace.is_empty() {
                object.metadata_mut().namespace.push_str("default");
            }
        }
        let synced = take(state, &objects);
        state.keep_slices(&synced.changes);
        report.note(
            synced
                .findings
                .into_iter()
                .map(|(id, finding)| Finding { object: id.to_string(), ..finding }),
        );
        report.tell()
    };
    // SAFETY: promised by the caller.
    unsafe { alone(cluster, body) }
}
