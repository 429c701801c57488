//! Connections that are counted: what `least-connections` and `peak-ewma` choose by.

use crate::{
    guard::{Handle, Out, free, give, one, opaque, shared},
    svckit_flow, svckit_status, svckit_table,
};
use std::{sync::Arc, time::Duration};
use svckit::{
    Time,
    balance::{Connection, Connections, EndpointId},
    table::Snapshot,
};

/// One open connection to an endpoint, which counts while it is there.
///
/// May move between threads; all calls but `_free` may run side by side.
#[derive(Debug)]
pub struct svckit_connection(Handle<Connection>);
opaque!(svckit_connection, Connection);

/// Counts a connection that a pick has led to; `endpoint` is that of the pick, and `flow` what was picked for.
///
/// On `SVCKIT_STATUS_OK` the caller owns `*connection_out` and must give it to `svckit_connection_free` when the
/// connection ends; later tables count it too, as long as they have the endpoint. `SVCKIT_STATUS_NOT_FOUND`: there is
/// no such endpoint, or the Service's method doesn't count; then nothing has to be done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_table_connect(
    table: *const svckit_table,
    flow: *const svckit_flow,
    endpoint: u32,
    connection_out: *mut *mut svckit_connection,
) -> svckit_status {
    let body = |table: &Arc<Snapshot>| {
        // SAFETY: the header asks for a readable flow and for room for one pointer.
        let (flow, out) = unsafe { (one(flow)?, Out::new(connection_out)?) };
        let counter = counter(table, &flow, endpoint).ok_or(svckit_status::NotFound)?;
        out.set(give::<svckit_connection>(counter.open()));
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(table, body) }
}

/// How many connections are open to an endpoint; otherwise as `svckit_table_connect`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_table_connections(
    table: *const svckit_table,
    flow: *const svckit_flow,
    endpoint: u32,
    count_out: *mut u32,
) -> svckit_status {
    let body = |table: &Arc<Snapshot>| {
        // SAFETY: the header asks for a readable flow and for room for one number.
        let (flow, out) = unsafe { (one(flow)?, Out::new(count_out)?) };
        out.set(counter(table, &flow, endpoint).ok_or(svckit_status::NotFound)?.count());
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(table, body) }
}

/// Notes how long the endpoint took to answer on this connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_connection_observe(
    connection: *const svckit_connection,
    took_ns: u64,
    now_ns: u64,
) -> svckit_status {
    let body = |connection: &Connection| {
        connection.observe(Duration::from_nanos(took_ns), Time::from_nanos(now_ns));
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(connection, body) }
}

/// The connection has ended. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_connection_free(connection: *mut svckit_connection) {
    // SAFETY: NULL, or given by a call and given up, as the header asks.
    unsafe { free(connection) }
}

/// The counter of an endpoint that a flow may reach.
fn counter<'t>(
    table: &'t Snapshot,
    flow: &svckit_flow,
    endpoint: u32,
) -> Option<&'t Arc<Connections>> {
    table.find(&flow.read()?).ok()?.connections(EndpointId::new(endpoint)?)
}
