//! Pods to EndpointSlices, for controllers that no cluster drives.

use crate::{
    finding::Report,
    guard::{Buffer, Handle, alone, free, make, many, opaque, shared, text},
    objects::{complete, objects},
    seed, svckit_findings, svckit_seed, svckit_status,
};
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};
use svckit::{
    admit::model,
    api::{self, Object, ObjectId},
    finding::Finding,
    model::{Change, NamespacedName},
    slices::{Config, Controller, Write},
};

/// What an EndpointSlice controller knows: Services, Pods and Nodes, and the slices that follow from them.
///
/// May move between threads. Calls that take it as `const` may run side by side; any other call runs alone.
#[derive(Debug)]
pub struct svckit_slices(Handle<State>);
opaque!(svckit_slices, State);

/// The controller, and Services as they were written, which their slices take labels from.
#[derive(Debug)]
pub(crate) struct State {
    controller: Controller,
    services: BTreeMap<NamespacedName, api::Service>,
    /// The writes that nobody has taken yet, as JSON; they stay until they have been.
    writes: Option<String>,
}

/// How slices are made, as it is written.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Written {
    max_endpoints: Option<usize>,
    require_nodes: bool,
    repack: bool,
}

/// Creates a controller that knows nothing.
///
/// `options` are JSON, all of it optional: `maxEndpoints` (100) is how many endpoints a slice gets, `requireNodes`
/// leaves pods out whose node is unknown, `repack` moves endpoints together whenever they fit into fewer slices. On
/// `SVCKIT_STATUS_OK` the caller owns `*slices_out` and must give it to `svckit_slices_free`.
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: an option can't be used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_slices_new(
    options: *const u8,
    options_len: usize,
    seed: *const svckit_seed,
    slices_out: *mut *mut svckit_slices,
) -> svckit_status {
    let body = || {
        // SAFETY: the header asks for `options_len` readable bytes and a readable seed.
        let (json, seed) = unsafe { (many(options, options_len)?, seed::seed(seed)?) };
        let written: Written = match json {
            [] => Written::default(),
            json => serde_json::from_slice(json).map_err(|_| svckit_status::InvalidArgument)?,
        };
        let mut config = Config::default();
        config.max_endpoints = written.max_endpoints.unwrap_or(config.max_endpoints);
        config.require_nodes = written.require_nodes;
        config.repack = written.repack;
        if config.max_endpoints == 0 {
            return Err(svckit_status::InvalidArgument);
        }
        let controller = Controller::with_config(seed, config);
        Ok(State { controller, services: BTreeMap::new(), writes: None })
    };
    // SAFETY: the header asks for room for one pointer.
    unsafe { make(slices_out, body) }
}

/// Ends a controller. NULL is fine; so is a poisoned one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_slices_free(slices: *mut svckit_slices) {
    // SAFETY: NULL, or made by `_new` and given up, as the header asks.
    unsafe { free(slices) }
}

/// Takes in objects that are new or have changed: Services, Pods and Nodes. An EndpointSlice is one that an earlier run
/// has written: feed those before anything is taken. Other kinds are passed over. Costs what the objects touch.
///
/// `SVCKIT_STATUS_REFUSED`: some objects can't be read and change nothing; the findings say which. `findings_out` may
/// be NULL; else `*findings_out` is set by every call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_slices_apply(
    slices: *mut svckit_slices,
    json: *const u8,
    json_len: usize,
    findings_out: *mut *mut svckit_findings,
) -> svckit_status {
    // SAFETY: the header asks for NULL or room for one pointer.
    let mut report = unsafe { Report::new(findings_out) };
    let body = |state: &mut State| {
        // SAFETY: the header asks for `json_len` readable bytes.
        let objects = match unsafe { objects(json, json_len, &mut report) } {
            Ok(objects) => objects,
            Err(status) => return report.fail(status),
        };
        for object in objects {
            if let Err(findings) = state.apply(object) {
                report.note(findings);
            }
        }
        report.tell()
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(slices, body) }
}

/// Takes an object away; the namespace is empty for a Node. What isn't there is no failure.
///
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: the kind has nothing to do with slices.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_slices_delete(
    slices: *mut svckit_slices,
    kind: *const u8,
    kind_len: usize,
    namespace: *const u8,
    namespace_len: usize,
    name: *const u8,
    name_len: usize,
) -> svckit_status {
    let body = |state: &mut State| {
        // SAFETY: the header asks for readable texts of these lengths.
        let (kind, namespace, name) = unsafe {
            (text(kind, kind_len)?, text(namespace, namespace_len)?, text(name, name_len)?)
        };
        let id = ObjectId::new(kind, namespace, name).ok_or(svckit_status::InvalidArgument)?;
        let key = NamespacedName::new(namespace, name);
        state.controller.apply(&match id.kind {
            "Service" => {
                state.services.remove(&key);
                Change::ServiceGone(key)
            }
            "Pod" => Change::PodGone(key),
            "Node" => Change::NodeGone(name.into()),
            _ => return Err(svckit_status::InvalidArgument),
        });
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(slices, body) }
}

/// Takes the writes that bring all touched Services to what they should have, as a JSON list in their order:
/// `{"write": "create", "slice": {…}}`, `update` likewise, `{"write": "delete", "namespace": …, "name": …}`.
///
/// What was taken is not told again. `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how long the list is, and nothing
/// was taken. Costs O(n log n) in the endpoints of the touched Services.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_slices_take(
    slices: *mut svckit_slices,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |state: &mut State| {
        // SAFETY: the header asks for room for `cap` bytes and one length.
        let buffer = unsafe { Buffer::new(buf, cap, len_out) }?;
        let writes = match state.writes.take() {
            Some(writes) => writes,
            None => state.writes(),
        };
        let printed = buffer.print(&writes);
        // A list without writes need not be kept: by then there may be some.
        if printed.is_err() && writes != "[]" {
            state.writes = Some(writes);
        }
        printed
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(slices, body) }
}

/// Writes all slices as a JSON list, those of writes that nobody has taken yet left out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_slices_list(
    slices: *const svckit_slices,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |state: &State| {
        // SAFETY: the header asks for room for `cap` bytes and one length.
        let buffer = unsafe { Buffer::new(buf, cap, len_out) }?;
        let mut all: Vec<_> = state.controller.slices().collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        let all: Vec<_> = all.into_iter().map(|slice| state.written(slice)).collect();
        buffer.print(&serde_json::to_string(&all).map_err(|_| svckit_status::Other)?)
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { shared(slices, body) }
}

impl State {
    fn apply(&mut self, mut object: Object) -> Result<(), Vec<Finding>> {
        complete(&mut object);
        let id = object.id();
        let named = |findings: Vec<Finding>| {
            let of = |finding| Finding { object: id.to_string(), ..finding };
            findings.into_iter().map(of).collect::<Vec<_>>()
        };
        let change = match object {
            Object::Service(service) => {
                let checked = model::service(&service).map_err(named)?;
                self.services.insert(checked.key.clone(), *service);
                Change::Service(Arc::new(checked))
            }
            Object::Pod(pod) => match model::pod(&pod).map_err(named)? {
                Some(pod) => Change::Pod(Arc::new(pod)),
                None => {
                    Change::PodGone(NamespacedName::new(id.namespace.as_str(), id.name.as_str()))
                }
            },
            Object::Node(node) => Change::Node(Arc::new(model::node(&node).map_err(named)?)),
            Object::EndpointSlice(slice) => {
                if let Some(slice) = model::endpoint_slice(&slice).map_err(named)? {
                    self.controller.adopt(Arc::new(slice));
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.controller.apply(&change);
        Ok(())
    }

    /// A slice with its Service's labels, as it is written to a cluster.
    fn written(&self, slice: &svckit::model::EndpointSlice) -> api::EndpointSlice {
        match self.services.get(&slice.service) {
            Some(service) => model::controller_slice(slice, service),
            None => model::api_slice(slice),
        }
    }

    fn writes(&mut self) -> String {
        let writes = self.controller.take_writes();
        let writes = writes.iter().map(|write| match write {
            Write::Create(slice) => json!({ "write": "create", "slice": self.written(slice) }),
            Write::Update(slice) => json!({ "write": "update", "slice": self.written(slice) }),
            Write::Delete(key) => {
                json!({ "write": "delete", "namespace": &*key.namespace, "name": &*key.name })
            }
        });
        serde_json::Value::from(writes.collect::<Vec<_>>()).to_string()
    }
}
