//! What a cluster holds, as JSON.

use crate::{
    cluster::State,
    guard::{Buffer, Out, shared, text},
    svckit_cluster, svckit_status,
};
use serde::Serialize;
use svckit::{admit::model::api_slice, api::ObjectId, model::NamespacedName};

/// How many objects the cluster holds, as they were fed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_len(
    cluster: *const svckit_cluster,
    len_out: *mut usize,
) -> svckit_status {
    let body = |state: &State| {
        // SAFETY: the header asks for room for one number.
        unsafe { Out::new(len_out) }?.set(state.cluster.control().given().count());
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { shared(cluster, body) }
}

/// Writes one object as JSON: a Service as it was admitted, with addresses and node ports; a Pod with its addresses,
/// those of workloads included; an EndpointSlice of a controller or of your own; other kinds as they were fed.
///
/// What was written of a Service may be fed to the cluster of a later run: that is how allocations survive a restart.
/// `SVCKIT_STATUS_NOT_FOUND`: there is no such object. `SVCKIT_STATUS_INVALID_ARGUMENT`: there is no such kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_get(
    cluster: *const svckit_cluster,
    kind: *const u8,
    kind_len: usize,
    namespace: *const u8,
    namespace_len: usize,
    name: *const u8,
    name_len: usize,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |state: &State| {
        // SAFETY: the header asks for readable texts of these lengths, and for room for `cap` bytes and one length.
        let (kind, namespace, name, buffer) = unsafe {
            let buffer = Buffer::new(buf, cap, len_out)?;
            (text(kind, kind_len)?, text(namespace, namespace_len)?, text(name, name_len)?, buffer)
        };
        let id = ObjectId::new(kind, namespace, name).ok_or(svckit_status::InvalidArgument)?;
        buffer.print(&state.print(&id)?)
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { shared(cluster, body) }
}

/// Writes all objects of a kind, in the order of their namespaces and names, as a JSON list of what
/// `svckit_cluster_get` writes.
///
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: there is no such kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_list(
    cluster: *const svckit_cluster,
    kind: *const u8,
    kind_len: usize,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |state: &State| {
        // SAFETY: the header asks for a readable text, and for room for `cap` bytes and one length.
        let (kind, buffer) = unsafe { (text(kind, kind_len)?, Buffer::new(buf, cap, len_out)?) };
        let texts = state.print_all(kind)?;
        buffer.print(&format!("[{}]", texts.join(",")))
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { shared(cluster, body) }
}

impl State {
    /// One object as JSON.
    fn print(&self, id: &ObjectId) -> Result<String, svckit_status> {
        let key = NamespacedName::new(id.namespace.as_str(), id.name.as_str());
        let control = self.cluster.control();
        match id.kind {
            "Service" => json(control.service(&key).map(|service| &**service)),
            "Pod" => json(control.pods().find(|pod| {
                pod.metadata.name == id.name && pod.metadata.namespace == id.namespace
            })),
            "EndpointSlice" => json(self.slices.get(&key).map(|slice| api_slice(slice)).as_ref()),
            _ => json(control.given().find(|(given, _)| *given == id).map(|(_, object)| object)),
        }
    }

    /// All objects of a kind as JSON, in the order of their names.
    fn print_all(&self, kind: &str) -> Result<Vec<String>, svckit_status> {
        let control = self.cluster.control();
        let known = ObjectId::new(kind, "", "").ok_or(svckit_status::InvalidArgument)?;
        match known.kind {
            "Service" => control.services().map(|service| json(Some(&**service))).collect(),
            "Pod" => {
                let mut pods: Vec<_> = control.pods().collect();
                pods.sort_by_key(|pod| (&pod.metadata.namespace, &pod.metadata.name));
                pods.into_iter().map(|pod| json(Some(pod))).collect()
            }
            "EndpointSlice" => {
                self.slices.values().map(|slice| json(Some(&api_slice(slice)))).collect()
            }
            kind => {
                let given = control.given().filter(|(id, _)| id.kind == kind);
                given.map(|(_, object)| json(Some(object))).collect()
            }
        }
    }
}

/// A value as JSON, when there is one.
fn json<T: Serialize>(value: Option<&T>) -> Result<String, svckit_status> {
    let value = value.ok_or(svckit_status::NotFound)?;
    serde_json::to_string(value).map_err(|_| svckit_status::Other)
}
