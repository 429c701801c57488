//! Where connections go.

mod affinity;
mod connection;
mod flow;

pub use affinity::*;
pub use connection::*;
pub use flow::*;

use crate::{
    cluster::State,
    guard::{Buffer, Handle, Out, alone, free, give, many, one, opaque, room, shared, text},
    svckit_cluster, svckit_status,
};
use std::{cell::RefCell, mem::MaybeUninit, net::SocketAddr, sync::Arc};
use svckit::{
    Seed, Time,
    balance::{Affinity, Method},
    model::{NamespacedName, Protocol, ServicePortName},
    table::{PortId, Snapshot},
};

/// Where connections go, in one state of a cluster. It never changes, but for the turns of round robin.
///
/// May move between threads; all calls but `_free` may run side by side. Take a new one when the cluster has changed.
#[derive(Debug)]
pub struct svckit_table(Handle<Arc<Snapshot>>);
opaque!(svckit_table, Arc<Snapshot>);

/// Takes the table of what the cluster holds now.
///
/// Costs what has changed since the last one. On `SVCKIT_STATUS_OK` the caller owns `*table_out` and must give it to
/// `svckit_table_free`; it lives on when the cluster ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_table(
    cluster: *mut svckit_cluster,
    table_out: *mut *mut svckit_table,
) -> svckit_status {
    let body = |state: &mut State| {
        // SAFETY: the header asks for room for one pointer.
        let out = unsafe { Out::new(table_out) }?;
        out.set(give::<svckit_table>(state.publisher().publish()));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(cluster, body) }
}

/// How connections to a Service are balanced, in tables that are taken from now on: `round-robin` (the default),
/// `random`, `least-connections`, `two-choices`, `maglev` or `rendezvous`. Session affinity comes before it.
///
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: there is no such way. The Service need not be there yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_balance(
    cluster: *mut svckit_cluster,
    namespace: *const u8,
    namespace_len: usize,
    name: *const u8,
    name_len: usize,
    method: *const u8,
    method_len: usize,
) -> svckit_status {
    let body = |state: &mut State| {
        // SAFETY: the header asks for readable texts of these lengths.
        let (namespace, name, method) = unsafe {
            (text(namespace, namespace_len)?, text(name, name_len)?, text(method, method_len)?)
        };
        let method = Method::parse(method).ok_or(svckit_status::InvalidArgument)?;
        state.publisher().set_method(&NamespacedName::new(namespace, name), method);
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(cluster, body) }
}

/// Ends a table. NULL is fine; so is a poisoned one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_table_free(table: *mut svckit_table) {
    // SAFETY: NULL, or given by a call and given up, as the header asks.
    unsafe { free(table) }
}

/// Where a connection goes. Session affinity is not asked; see `svckit_affinity_pick`.
///
/// `entropy` is a random number, a new one for each call. O(1), nobody waits, and nothing is allocated unless the
/// service port has session affinity. What `*pick_out` holds tells every outcome; the status is `SVCKIT_STATUS_OK` for
/// each of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_table_pick(
    table: *const svckit_table,
    flow: *const svckit_flow,
    entropy: u64,
    pick_out: *mut svckit_pick,
) -> svckit_status {
    let body = |table: &Arc<Snapshot>| {
        // SAFETY: the header asks for a readable flow, which is not copied, and for room for one pick.
        let (flow, out) =
            unsafe { (flow.as_ref().ok_or(svckit_status::NullPointer)?, Out::new(pick_out)?) };
        // Written by whoever knows it, so that it needn't be moved.
        match flow.pick_at_once(table, entropy) {
            Some(pick) => out.set(pick.into()),
            None => pick_otherwise(table, flow, entropy, out),
        }
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(table, body) }
}

/// Where `count` connections go: as so many calls of `svckit_table_pick`, at a fraction of the price, because their
/// waits for memory run side by side.
///
/// `picks` has room for `count` picks. One random number is enough for all of them. A client that is in the batch
/// several times, at a service port with session affinity, is sent to one endpoint.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_table_pick_many(
    table: *const svckit_table,
    flows: *const svckit_flow,
    count: usize,
    entropy: u64,
    picks: *mut svckit_pick,
) -> svckit_status {
    let body = |table: &Arc<Snapshot>| {
        // SAFETY: the header asks for `count` readable flows, and for room for as many picks.
        let (flows, room) = unsafe { (many(flows, count)?, room(picks, count)?) };
        nobody(|nobody| pick_all(table, nobody, flows, Time::default(), entropy, room));
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(table, body) }
}

/// Writes the endpoints that a connection may reach, in the order in which round robin visits them.
///
/// `*outcome_out` is what the table says of the connection, and written whenever there is a list: no endpoint unless
/// it is `SVCKIT_OUTCOME_BACKEND`. `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how many there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_table_endpoints(
    table: *const svckit_table,
    flow: *const svckit_flow,
    outcome_out: *mut u8,
    buf: *mut svckit_endpoint,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |table: &Arc<Snapshot>| {
        // SAFETY: the header asks for a readable flow, room for one outcome, `cap` endpoints and one length.
        let (flow, outcome, buffer) =
            unsafe { (one(flow)?, Out::new(outcome_out)?, Buffer::new(buf, cap, len_out)?) };
        let (code, endpoints) = match flow.read().map(|flow| table.find(&flow)) {
            Some(Ok(found)) => (SVCKIT_OUTCOME_BACKEND, found.endpoints().collect()),
            Some(Err(other)) => (code(&other), Vec::new()),
            None => (SVCKIT_OUTCOME_NOT_A_SERVICE, Vec::new()),
        };
        buffer.fill(endpoints.into_iter().map(svckit_endpoint::from))?;
        outcome.set(code);
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(table, body) }
}

/// Where a connection to a service port goes, by name: as one to its cluster IP. `port` is empty for a Service's only
/// port; `protocol` is one of `SVCKIT_PROTOCOLS_*`. Otherwise as `svckit_table_pick`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_table_pick_by_name(
    table: *const svckit_table,
    namespace: *const u8,
    namespace_len: usize,
    name: *const u8,
    name_len: usize,
    port: *const u8,
    port_len: usize,
    protocol: u8,
    source: *const svckit_endpoint,
    entropy: u64,
    pick_out: *mut svckit_pick,
) -> svckit_status {
    let body = |table: &Arc<Snapshot>| {
        // SAFETY: the header asks for readable texts of these lengths, a readable source and room for one pick.
        let (namespace, name, port, source, out) = unsafe {
            let texts = (text(namespace, namespace_len)?, text(name, name_len)?);
            (texts.0, texts.1, text(port, port_len)?, one(source)?, Out::new(pick_out)?)
        };
        let Some(protocol) = protocol_of(protocol) else {
            return Err(svckit_status::InvalidArgument);
        };
        let service = NamespacedName::new(namespace, name);
        let port = ServicePortName { service, port: port.into(), protocol };
        let outcome = match table.find_service(&port, SocketAddr::from(source)) {
            Ok(found) => found.pick(entropy),
            Err(outcome) => outcome,
        };
        out.set(outcome.into());
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(table, body) }
}

/// Which service port a number in a pick stands for. The texts live as long as the table.
///
/// `SVCKIT_STATUS_NOT_FOUND`: none of this table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_table_service_port(
    table: *const svckit_table,
    service_port: u32,
    name_out: *mut svckit_service_port,
) -> svckit_status {
    let body = |table: &Arc<Snapshot>| {
        // SAFETY: the header asks for room for one name.
        let out = unsafe { Out::new(name_out) }?;
        let name = table.name(PortId::new(service_port)).ok_or(svckit_status::NotFound)?;
        out.set(svckit_service_port {
            service_namespace: (&*name.service.namespace).into(),
            service_name: (&*name.service.name).into(),
            port_name: (&*name.port).into(),
            protocol: match name.protocol {
                Protocol::Tcp => crate::SVCKIT_PROTOCOLS_TCP,
                Protocol::Udp => crate::SVCKIT_PROTOCOLS_UDP,
                Protocol::Sctp => crate::SVCKIT_PROTOCOLS_SCTP,
            },
        });
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(table, body) }
}

/// Counts the states of a cluster: two tables of one number are the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_table_generation(
    table: *const svckit_table,
    generation_out: *mut u64,
) -> svckit_status {
    let body = |table: &Arc<Snapshot>| {
        // SAFETY: the header asks for room for one number.
        unsafe { Out::new(generation_out) }?.set(table.generation());
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(table, body) }
}

thread_local! {
    /// What [`nobody`] lends; there for each thread, because making one costs as much as a look-up.
    static NOBODY: RefCell<Affinity> = RefCell::new(Affinity::new(0, Seed([0; 4])));
}

/// Lends a memory of clients to calls that are to remember none.
#[inline]
fn nobody<T>(call: impl FnOnce(&mut Affinity) -> T) -> T {
    NOBODY.with_borrow_mut(|nobody| {
        // It takes no room until somebody was remembered, by a call before this one.
        if nobody.bytes() > 0 {
            *nobody = Affinity::new(0, Seed([0; 4]));
        }
        call(nobody)
    })
}

/// What isn't picked at once.
#[cold]
#[inline(never)]
fn pick_otherwise(table: &Snapshot, flow: &svckit_flow, entropy: u64, out: Out<svckit_pick>) {
    let pick = |flow| nobody(|nobody| table.pick(&flow, nobody, Time::default(), entropy));
    out.set(flow.read().map_or_else(svckit_pick::default, |flow| pick(flow).into()));
}

/// Picks for flows of any number, read where they are; the picks are written where they are to be.
fn pick_all(
    table: &Snapshot,
    affinity: &mut Affinity,
    flows: &[svckit_flow],
    now: Time,
    entropy: u64,
    room: &mut [MaybeUninit<svckit_pick>],
) {
    table.pick_each(flows, svckit_flow::read, affinity, now, entropy, |n, outcome| {
        if let Some(place) = room.get_mut(n) {
            place.write(outcome.into());
        }
    });
}
