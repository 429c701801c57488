//! Names with settings of their own, for DNS servers that no cluster drives.

mod import;
mod options;

use crate::{
    finding::Report,
    guard::{Handle, Out, alone, free, give, make, many, opaque, shared, text},
    objects::complete,
    seed, svckit_findings, svckit_seed, svckit_status, svckit_zone,
};
use import::{Import, SOURCE_CLUSTER};
use std::sync::Arc;
use svckit::{
    admit::model,
    api::{self, Object, ObjectId, Tree, TreeNode, decode},
    dns::{Serials, Zone},
    finding::Finding,
    model::{Change, NamespacedName},
};

/// The names of a cluster, with settings of their own. A `svckit_cluster` has names too; these are for DNS servers
/// that get their objects elsewhere, admitted and with addresses.
///
/// May move between threads; any call needs it for itself. The zones that are taken from it live on.
#[derive(Debug)]
pub struct svckit_names(Handle<Zone>);
opaque!(svckit_names, Zone);

/// How often each kind of zone has changed; a server that restarts gives those that it had.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct svckit_serials {
    /// Of the cluster's zones.
    pub cluster: u32,
    /// Of external zones.
    pub external: u32,
    /// Of multicluster zones.
    pub multicluster: u32,
}

/// Creates names without objects.
///
/// `options` are JSON, all of it optional: `zones` (the cluster's domain first; default `["cluster.local"]`),
/// `multiclusterZones`, `externalZones`, `fallthrough`, `hostSearch` and `namespaces` are lists; `serverAddresses` is a
/// list of addresses; `ttl`, `negativeTTL` and `externalTTL` are seconds; `udpCeiling` octets; `pods` is `disabled`,
/// `insecure` or `verified`, `pointers` `all`, `one` or `hostname`, `mode` `strict` or `coredns`; `endpointPodNames`,
/// `ignoreEmptyService`, `zonal`, `minimal`, `autopath` and `externalHeadless` are true or false; `apexLabel` and
/// `searchZone` are texts.
///
/// On `SVCKIT_STATUS_OK` the caller owns `*names_out` and must give it to `svckit_names_free`.
/// `SVCKIT_STATUS_REFUSED`: an option can't be used. `findings_out` may be NULL; else `*findings_out` is set by every
/// call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_names_new(
    options: *const u8,
    options_len: usize,
    seed: *const svckit_seed,
    findings_out: *mut *mut svckit_findings,
    names_out: *mut *mut svckit_names,
) -> svckit_status {
    // SAFETY: the header asks for NULL or room for one pointer.
    let mut report = unsafe { Report::new(findings_out) };
    let body = || {
        // SAFETY: the header asks for `options_len` readable bytes and a readable seed.
        let (json, seed) = unsafe { (many(options, options_len)?, seed::seed(seed)?) };
        match options::read(json) {
            Ok(options) => Ok(Zone::new(options, seed)),
            Err(findings) => {
                report.note(findings);
                _ = report.tell();
                Err(svckit_status::Refused)
            }
        }
    };
    // SAFETY: the header asks for room for one pointer.
    unsafe { make(names_out, body) }
}

/// Ends names. NULL is fine; so are poisoned ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_names_free(names: *mut svckit_names) {
    // SAFETY: NULL, or made by `_new` and given up, as the header asks.
    unsafe { free(names) }
}

/// Takes in objects that are new or have changed: Services that have their addresses, EndpointSlices, Pods, Namespaces,
/// and ServiceImports of `multicluster.x-k8s.io`, whose slices have the label `multicluster.kubernetes.io/source-cluster`.
/// Others have no names and are passed over.
///
/// `SVCKIT_STATUS_REFUSED`: some objects can't be read and change nothing; the findings say which.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_names_apply(
    names: *mut svckit_names,
    objects: *const u8,
    objects_len: usize,
    findings_out: *mut *mut svckit_findings,
) -> svckit_status {
    // SAFETY: the header asks for NULL or room for one pointer.
    let report = unsafe { Report::new(findings_out) };
    let body = |zone: &mut Zone| {
        // SAFETY: the header asks for `objects_len` readable bytes.
        let json = unsafe { many(objects, objects_len) }?;
        report.each_document(json, |document, report| take_in(zone, document, report))
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(names, body) }
}

/// Takes an object away; the namespace is empty for kinds that have none. What isn't there is no failure.
///
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: nothing of this kind has names.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_names_delete(
    names: *mut svckit_names,
    kind: *const u8,
    kind_len: usize,
    namespace: *const u8,
    namespace_len: usize,
    name: *const u8,
    name_len: usize,
) -> svckit_status {
    let body = |zone: &mut Zone| {
        // SAFETY: the header asks for readable texts of these lengths.
        let (kind, namespace, name) = unsafe {
            (text(kind, kind_len)?, text(namespace, namespace_len)?, text(name, name_len)?)
        };
        let key = NamespacedName::new(namespace, name);
        if kind == "ServiceImport" {
            zone.import_gone(&key);
            return Ok(());
        }
        let id = ObjectId::new(kind, namespace, name).ok_or(svckit_status::InvalidArgument)?;
        zone.apply(&match id.kind {
            "Service" => Change::ServiceGone(key),
            "EndpointSlice" => Change::SliceGone(key),
            "Pod" => Change::PodGone(key),
            "Namespace" => Change::NamespaceGone(name.into()),
            _ => return Err(svckit_status::InvalidArgument),
        });
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(names, body) }
}

/// Says that everything there is has been told once: until then missing names answer SERVFAIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_names_sync(names: *mut svckit_names) -> svckit_status {
    let body = |zone: &mut Zone| {
        zone.apply(&Change::Synced);
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(names, body) }
}

/// Sets the serials that the next change counts on from.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_names_set_serials(
    names: *mut svckit_names,
    serials: *const svckit_serials,
) -> svckit_status {
    let body = |zone: &mut Zone| {
        // SAFETY: the header asks for readable serials.
        let svckit_serials { cluster, external, multicluster } =
            unsafe { crate::guard::one(serials) }?;
        // What has changed until now is counted before.
        drop(zone.snapshot());
        zone.set_serials(Serials { cluster, external, multicluster });
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(names, body) }
}

/// Takes the zone of what the names are now; costs what has changed. The caller owns it as with `svckit_cluster_zone`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_names_zone(
    names: *mut svckit_names,
    zone_out: *mut *mut svckit_zone,
) -> svckit_status {
    let body = |zone: &mut Zone| {
        // SAFETY: the header asks for room for one pointer.
        let out = unsafe { Out::new(zone_out) }?;
        out.set(give::<svckit_zone>(zone.snapshot()));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(names, body) }
}

/// The serials of a zone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_zone_serials(
    zone: *const svckit_zone,
    serials_out: *mut svckit_serials,
) -> svckit_status {
    let body = |zone: &svckit::dns::Snapshot| {
        // SAFETY: the header asks for room for three numbers.
        let out = unsafe { Out::new(serials_out) }?;
        let Serials { cluster, external, multicluster } = zone.serials();
        out.set(svckit_serials { cluster, external, multicluster });
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(zone, body) }
}

/// Takes in one document: an object, or a List of them.
fn take_in(zone: &mut Zone, document: &Tree, report: &mut Report) {
    match (document.text("kind"), document.get("items").map(|items| &items.node)) {
        (Some("List"), Some(TreeNode::List(items))) => {
            items.iter().for_each(|item| take_in(zone, item, report));
        }
        (Some("ServiceImport"), _) => match Import::read(document) {
            Ok(import) => zone.import(&Arc::new(import)),
            Err(findings) => report.note(findings),
        },
        _ => {
            for decoded in decode(document) {
                let refused = decoded.findings.iter().any(Finding::is_error);
                report.note(decoded.findings);
                if let Some(object) = decoded.object.filter(|_| !refused)
                    && let Err(findings) = apply(zone, object)
                {
                    report.note(findings);
                }
            }
        }
    }
}

/// Hands an object on in its checked form.
fn apply(zone: &mut Zone, mut object: Object) -> Result<(), Vec<Finding>> {
    complete(&mut object);
    let id = object.id();
    let named = |findings: Vec<Finding>| {
        let of = |finding| Finding { object: id.to_string(), ..finding };
        findings.into_iter().map(of).collect::<Vec<_>>()
    };
    let change = match object {
        Object::Service(service) => {
            Change::Service(Arc::new(model::service(&service).map_err(named)?))
        }
        Object::EndpointSlice(slice) => return self::slice(zone, *slice).map_err(named),
        Object::Pod(pod) => match model::pod(&pod).map_err(named)? {
            Some(pod) => Change::Pod(Arc::new(pod)),
            None => Change::PodGone(NamespacedName::new(id.namespace.as_str(), id.name.as_str())),
        },
        Object::Namespace(namespace) => Change::Namespace(namespace.metadata.name.as_str().into()),
        _ => return Ok(()),
    };
    zone.apply(&change);
    Ok(())
}

/// A slice of this cluster's, or of another one's.
fn slice(zone: &mut Zone, mut slice: api::EndpointSlice) -> Result<(), Vec<Finding>> {
    let cluster = slice.metadata.labels.get(SOURCE_CLUSTER).map(|name| Arc::from(name.as_str()));
    if cluster.is_some() {
        import::lead_to_import(&mut slice);
    }
    let Some(slice) = model::endpoint_slice(&slice)? else { return Ok(()) };
    match cluster {
        Some(cluster) => zone.import_slice(&Arc::new(slice), &cluster),
        None => zone.apply(&Change::Slice(Arc::new(slice))),
    }
    Ok(())
}
