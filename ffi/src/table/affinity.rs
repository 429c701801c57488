//! Clients that come back to their endpoint.

use super::pick_all;
use crate::{
    guard::{Handle, Opaque, Out, alone, free, make, many, opaque, room},
    seed, svckit_flow, svckit_pick, svckit_seed, svckit_status, svckit_table,
};
use svckit::{Time, balance::Affinity};

/// Remembers where clients went, for service ports with `sessionAffinity: ClientIP`.
///
/// It outlives tables: keep one for all of them. May move between threads. Calls that take it as `const` may run side
/// by side; any other call runs alone. Threads that each take their own connections may each have one.
#[derive(Debug)]
pub struct svckit_affinity(Handle<Affinity>);
opaque!(svckit_affinity, Affinity);

/// Creates a memory for at most `limit` clients; the one idle longest makes room.
///
/// On `SVCKIT_STATUS_OK` the caller owns `*affinity_out` and must give it to `svckit_affinity_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_affinity_new(
    limit: usize,
    seed: *const svckit_seed,
    affinity_out: *mut *mut svckit_affinity,
) -> svckit_status {
    // SAFETY: the header asks for a readable seed.
    let body = || Ok(Affinity::new(limit, unsafe { seed::seed(seed) }?));
    // SAFETY: the header asks for room for one pointer.
    unsafe { make(affinity_out, body) }
}

/// Ends a memory. NULL is fine; so is a poisoned one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_affinity_free(affinity: *mut svckit_affinity) {
    // SAFETY: NULL, or made by `_new` and given up, as the header asks.
    unsafe { free(affinity) }
}

/// How many clients are remembered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_affinity_len(
    affinity: *const svckit_affinity,
    now_ns: u64,
    len_out: *mut usize,
) -> svckit_status {
    let body = |affinity: &Affinity| {
        // SAFETY: the header asks for room for one number.
        unsafe { Out::new(len_out) }?.set(affinity.len(Time::from_nanos(now_ns)));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { crate::guard::shared(affinity, body) }
}

/// Where a connection goes: to the endpoint that its client is remembered with, or else one by the Service's method,
/// which is then remembered. Otherwise as `svckit_table_pick`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_affinity_pick(
    affinity: *mut svckit_affinity,
    table: *const svckit_table,
    flow: *const svckit_flow,
    now_ns: u64,
    entropy: u64,
    pick_out: *mut svckit_pick,
) -> svckit_status {
    let body = |affinity: &mut Affinity| {
        // SAFETY: the header asks for a table that is alive, a readable flow, and room for one pick.
        let (table, flow, out) = unsafe {
            let table = table.as_ref().ok_or(svckit_status::NullPointer)?;
            (
                table.handle().value()?,
                flow.as_ref().ok_or(svckit_status::NullPointer)?,
                Out::new(pick_out)?,
            )
        };
        let now = Time::from_nanos(now_ns);
        let picked = flow.read().map(|flow| table.pick(&flow, affinity, now, entropy));
        out.set(picked.map_or_else(svckit_pick::default, Into::into));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(affinity, body) }
}

/// Where `count` connections go: the same as so many calls of `svckit_affinity_pick`, for less.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_affinity_pick_many(
    affinity: *mut svckit_affinity,
    table: *const svckit_table,
    flows: *const svckit_flow,
    count: usize,
    now_ns: u64,
    entropy: u64,
    picks: *mut svckit_pick,
) -> svckit_status {
    let body = |affinity: &mut Affinity| {
        // SAFETY: the header asks for a table that is alive, `count` readable flows, and room for as many picks.
        let (table, flows, room) = unsafe {
            let table = table.as_ref().ok_or(svckit_status::NullPointer)?;
            (table.handle().value()?, many(flows, count)?, room(picks, count)?)
        };
        pick_all(table, affinity, flows, Time::from_nanos(now_ns), entropy, room);
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(affinity, body) }
}
