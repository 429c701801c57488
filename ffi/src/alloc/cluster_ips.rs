//! The addresses of Services.

use crate::{
    guard::{Buffer, Handle, Out, alone, free, make, many, one, opaque, shared, text},
    seed, svckit_ip, svckit_seed, svckit_status,
};
use ipnet::IpNet;
use std::{net::IpAddr, time::Duration};
use svckit::{Time, alloc::ClusterIpRanges, model::Family};

/// The service ranges of a cluster, and which of their addresses are held.
///
/// May move between threads. Calls that take it as `const` may run side by side; any other call runs alone.
#[derive(Debug)]
pub struct svckit_cluster_ips(Handle<ClusterIpRanges>);
opaque!(svckit_cluster_ips, ClusterIpRanges);

/// Creates an allocator without a range.
///
/// An address that is released rests for `quarantine_ns` before it is drawn again, unless nothing else is free; see
/// `SVCKIT_QUARANTINE_NS`. On `SVCKIT_STATUS_OK` the caller owns `*ips_out` and must give it to
/// `svckit_cluster_ips_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_ips_new(
    seed: *const svckit_seed,
    quarantine_ns: u64,
    ips_out: *mut *mut svckit_cluster_ips,
) -> svckit_status {
    let body = || {
        // SAFETY: the header asks for a readable seed.
        let seed = unsafe { seed::seed(seed) }?;
        Ok(ClusterIpRanges::new(&[], seed)?.with_quarantine(Duration::from_nanos(quarantine_ns)))
    };
    // SAFETY: the header asks for room for one pointer.
    unsafe { make(ips_out, body) }
}

/// Ends an allocator. NULL is fine; so is a poisoned one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_ips_free(ips: *mut svckit_cluster_ips) {
    // SAFETY: NULL, or made by `_new` and given up, as the header asks.
    unsafe { free(ips) }
}

/// Adds a range such as `10.96.0.0/12` or `fd00::/112`, behind the others of its family. The first range's family
/// is the cluster's default one. A range that is draining stops draining.
///
/// `SVCKIT_STATUS_TOO_LARGE`: an IPv6 range may be a /64 at most. `SVCKIT_STATUS_EXISTS`: it is there already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_ips_add(
    ips: *mut svckit_cluster_ips,
    cidr: *const u8,
    cidr_len: usize,
) -> svckit_status {
    let body = |ips: &mut ClusterIpRanges| {
        // SAFETY: the header asks for `cidr_len` readable bytes.
        Ok(ips.add(unsafe { parse(cidr, cidr_len) }?)?)
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ips, body) }
}

/// Draws nothing from a range any more. What is held stays held.
///
/// `SVCKIT_STATUS_NOT_FOUND`: there is no such range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_ips_drain(
    ips: *mut svckit_cluster_ips,
    cidr: *const u8,
    cidr_len: usize,
) -> svckit_status {
    let body = |ips: &mut ClusterIpRanges| {
        // SAFETY: the header asks for `cidr_len` readable bytes.
        Ok(ips.drain(unsafe { parse(cidr, cidr_len) }?)?)
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ips, body) }
}

/// Takes a draining range away.
///
/// `SVCKIT_STATUS_NOT_FOUND`: there is no such range. `SVCKIT_STATUS_IN_USE`: it isn't draining, or addresses are held
/// that no other range has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_ips_remove(
    ips: *mut svckit_cluster_ips,
    cidr: *const u8,
    cidr_len: usize,
) -> svckit_status {
    let body = |ips: &mut ClusterIpRanges| {
        // SAFETY: the header asks for `cidr_len` readable bytes.
        Ok(ips.remove(unsafe { parse(cidr, cidr_len) }?)?)
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ips, body) }
}

/// Takes this very address.
///
/// `SVCKIT_STATUS_TAKEN`: somebody holds it. `SVCKIT_STATUS_OUT_OF_RANGE`: it is no service address of any range.
/// `SVCKIT_STATUS_NOT_FOUND`: there is no range of its family.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_ips_reserve(
    ips: *mut svckit_cluster_ips,
    ip: *const svckit_ip,
) -> svckit_status {
    let body = |ips: &mut ClusterIpRanges| {
        // SAFETY: the header asks for a readable address.
        Ok(ips.reserve(unsafe { one(ip) }?.into())?)
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ips, body) }
}

/// Takes any free address of a family, 4 or 6: of the first range that has one, and there of the dynamic band first.
///
/// `SVCKIT_STATUS_EXHAUSTED`: all are held. `SVCKIT_STATUS_NOT_FOUND`: there is no range to draw from.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_ips_allocate(
    ips: *mut svckit_cluster_ips,
    family: u8,
    now_ns: u64,
    ip_out: *mut svckit_ip,
) -> svckit_status {
    let body = |ips: &mut ClusterIpRanges| {
        // SAFETY: the header asks for room for one address.
        let out = unsafe { Out::new(ip_out) }?;
        let family = match family {
            4 => Family::V4,
            6 => Family::V6,
            _ => return Err(svckit_status::InvalidArgument),
        };
        out.set(ips.allocate(family, Time::from_nanos(now_ns))?.into());
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ips, body) }
}

/// Gives an address back, to rest. `*held_out` is whether it was held; releasing twice is harmless.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_ips_release(
    ips: *mut svckit_cluster_ips,
    ip: *const svckit_ip,
    now_ns: u64,
    held_out: *mut bool,
) -> svckit_status {
    let body = |ips: &mut ClusterIpRanges| {
        // SAFETY: the header asks for a readable address and room for one answer.
        let (ip, out) = unsafe { (one(ip)?, Out::new(held_out)?) };
        out.set(ips.release(ip.into(), Time::from_nanos(now_ns)));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ips, body) }
}

/// Gives an address back that nobody has seen, as after a write that failed: it need not rest. `*held_out` is whether
/// it was held.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_ips_cancel(
    ips: *mut svckit_cluster_ips,
    ip: *const svckit_ip,
    held_out: *mut bool,
) -> svckit_status {
    let body = |ips: &mut ClusterIpRanges| {
        // SAFETY: the header asks for a readable address and room for one answer.
        let (ip, out) = unsafe { (one(ip)?, Out::new(held_out)?) };
        out.set(ips.cancel(ip.into()));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ips, body) }
}

/// Whether somebody holds this address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_ips_is_held(
    ips: *const svckit_cluster_ips,
    ip: *const svckit_ip,
    held_out: *mut bool,
) -> svckit_status {
    let body = |ips: &ClusterIpRanges| {
        // SAFETY: the header asks for a readable address and room for one answer.
        let (ip, out) = unsafe { (one(ip)?, Out::new(held_out)?) };
        out.set(ips.is_held(ip.into()));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { shared(ips, body) }
}

/// Writes all addresses that are held, each once: what `svckit_cluster_ips_restore` takes.
///
/// `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how many there are. NULL with 0 asks for that number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_ips_held(
    ips: *const svckit_cluster_ips,
    buf: *mut svckit_ip,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |ips: &ClusterIpRanges| {
        // SAFETY: the header asks for room for `cap` addresses and one length.
        let buffer = unsafe { Buffer::new(buf, cap, len_out) }?;
        buffer.fill(ips.held().map(svckit_ip::from).collect::<Vec<_>>().into_iter())
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { shared(ips, body) }
}

/// Takes all of these addresses. `*refused_out` is how many of them could not be taken, because somebody holds them
/// or no range has them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_ips_restore(
    ips: *mut svckit_cluster_ips,
    held: *const svckit_ip,
    held_len: usize,
    refused_out: *mut usize,
) -> svckit_status {
    let body = |ips: &mut ClusterIpRanges| {
        // SAFETY: the header asks for `held_len` readable addresses and room for one number.
        let (held, out) = unsafe { (many(held, held_len)?, Out::new(refused_out)?) };
        out.set(ips.restore(held.iter().map(|ip| IpAddr::from(*ip))).len());
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ips, body) }
}

/// # Safety
///
/// `cidr` is NULL, or points to `len` readable bytes that nobody writes during the call.
pub(super) unsafe fn parse(cidr: *const u8, len: usize) -> Result<IpNet, svckit_status> {
    // SAFETY: promised by the caller.
    let cidr = unsafe { text(cidr, len) }?;
    cidr.parse().map_err(|_| svckit_status::InvalidArgument)
}
