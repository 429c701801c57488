//! The ports that nodes answer on for Services.

use super::ranges::port_range;
use crate::{
    guard::{Buffer, Handle, Out, alone, free, make, many, opaque, shared},
    seed, svckit_seed, svckit_status,
};
use std::time::Duration;
use svckit::{
    Time,
    alloc::{NodePorts, Protocols},
    model::Port,
};

/// TCP, in a set of protocols.
pub const SVCKIT_PROTOCOLS_TCP: u8 = 1;
/// UDP, in a set of protocols.
pub const SVCKIT_PROTOCOLS_UDP: u8 = 2;
/// SCTP, in a set of protocols.
pub const SVCKIT_PROTOCOLS_SCTP: u8 = 4;

const _: () = assert!(
    SVCKIT_PROTOCOLS_TCP | SVCKIT_PROTOCOLS_UDP | SVCKIT_PROTOCOLS_SCTP == Protocols::ALL.bits()
);

/// The node ports of a cluster, and which of them are held for which protocols.
///
/// A port is free for each protocol by itself. May move between threads. Calls that take it as `const` may run side
/// by side; any other call runs alone.
#[derive(Debug)]
pub struct svckit_node_ports(Handle<NodePorts>);
opaque!(svckit_node_ports, NodePorts);

/// A port, and the protocols it is held for.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_held_port {
    /// The port.
    pub port: u16,
    /// `SVCKIT_PROTOCOLS_*`, added.
    pub protocols: u8,
}

/// Creates an allocator for a range such as `30000-32767`.
///
/// A port that is released rests for `quarantine_ns` before it is drawn again for the same protocol, unless nothing
/// else is free; see `SVCKIT_QUARANTINE_NS`. On `SVCKIT_STATUS_OK` the caller owns `*ports_out` and must give it to
/// `svckit_node_ports_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_node_ports_new(
    range: *const u8,
    range_len: usize,
    seed: *const svckit_seed,
    quarantine_ns: u64,
    ports_out: *mut *mut svckit_node_ports,
) -> svckit_status {
    let body = || {
        // SAFETY: the header asks for `range_len` readable bytes and a readable seed.
        let (range, seed) = unsafe { (port_range(range, range_len)?, seed::seed(seed)?) };
        Ok(NodePorts::new(range, seed).with_quarantine(Duration::from_nanos(quarantine_ns)))
    };
    // SAFETY: the header asks for room for one pointer.
    unsafe { make(ports_out, body) }
}

/// Ends an allocator. NULL is fine; so is a poisoned one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_node_ports_free(ports: *mut svckit_node_ports) {
    // SAFETY: NULL, or made by `_new` and given up, as the header asks.
    unsafe { free(ports) }
}

/// Takes this very port for all of these protocols, or for none.
///
/// `SVCKIT_STATUS_TAKEN`: somebody holds it for one of them. `SVCKIT_STATUS_OUT_OF_RANGE`: it is not in the range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_node_ports_reserve(
    ports: *mut svckit_node_ports,
    port: u16,
    protocols: u8,
) -> svckit_status {
    let body = |ports: &mut NodePorts| {
        let port = Port::new(port).ok_or(svckit_status::OutOfRange)?;
        Ok(ports.reserve(port, set(protocols)?)?)
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ports, body) }
}

/// Takes any port that is free for all of these protocols, of the dynamic band first.
///
/// `SVCKIT_STATUS_EXHAUSTED`: there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_node_ports_allocate(
    ports: *mut svckit_node_ports,
    protocols: u8,
    now_ns: u64,
    port_out: *mut u16,
) -> svckit_status {
    let body = |ports: &mut NodePorts| {
        // SAFETY: the header asks for room for one port.
        let out = unsafe { Out::new(port_out) }?;
        out.set(ports.allocate(set(protocols)?, Time::from_nanos(now_ns))?.get());
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ports, body) }
}

/// Gives a port back, to rest. `*held_out` are those of the protocols that it was held for; releasing twice is
/// harmless.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_node_ports_release(
    ports: *mut svckit_node_ports,
    port: u16,
    protocols: u8,
    now_ns: u64,
    held_out: *mut u8,
) -> svckit_status {
    let body = |ports: &mut NodePorts| {
        // SAFETY: the header asks for room for one set.
        let (out, protocols) = (unsafe { Out::new(held_out) }?, set(protocols)?);
        let now = Time::from_nanos(now_ns);
        let held = Port::new(port).and_then(|port| ports.release(port, protocols, now));
        out.set(held.map_or(0, Protocols::bits));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ports, body) }
}

/// Gives a port back that nobody has seen, as after a write that failed: it need not rest. `*held_out` are those of
/// the protocols that it was held for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_node_ports_cancel(
    ports: *mut svckit_node_ports,
    port: u16,
    protocols: u8,
    held_out: *mut u8,
) -> svckit_status {
    let body = |ports: &mut NodePorts| {
        // SAFETY: the header asks for room for one set.
        let (out, protocols) = (unsafe { Out::new(held_out) }?, set(protocols)?);
        let held = Port::new(port).and_then(|port| ports.cancel(port, protocols));
        out.set(held.map_or(0, Protocols::bits));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ports, body) }
}

/// The protocols that somebody holds a port for; 0 for none and for ports outside the range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_node_ports_holds(
    ports: *const svckit_node_ports,
    port: u16,
    held_out: *mut u8,
) -> svckit_status {
    let body = |ports: &NodePorts| {
        // SAFETY: the header asks for room for one set.
        let out = unsafe { Out::new(held_out) }?;
        let held = Port::new(port).and_then(|port| ports.holds(port));
        out.set(held.map_or(0, Protocols::bits));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { shared(ports, body) }
}

/// Writes all ports that are held, in order: what `svckit_node_ports_restore` takes.
///
/// `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how many there are. NULL with 0 asks for that number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_node_ports_held(
    ports: *const svckit_node_ports,
    buf: *mut svckit_held_port,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |ports: &NodePorts| {
        // SAFETY: the header asks for room for `cap` ports and one length.
        let buffer = unsafe { Buffer::new(buf, cap, len_out) }?;
        let held = ports.held().map(|(port, protocols)| svckit_held_port {
            port: port.get(),
            protocols: protocols.bits(),
        });
        buffer.fill(held.collect::<Vec<_>>().into_iter())
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { shared(ports, body) }
}

/// Takes all of these ports. `*refused_out` is how many of them could not be taken, because somebody holds them or the
/// range doesn't have them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_node_ports_restore(
    ports: *mut svckit_node_ports,
    held: *const svckit_held_port,
    held_len: usize,
    refused_out: *mut usize,
) -> svckit_status {
    let body = |ports: &mut NodePorts| {
        // SAFETY: the header asks for `held_len` readable ports and room for one number.
        let (held, out) = unsafe { (many(held, held_len)?, Out::new(refused_out)?) };
        let known = |held: &svckit_held_port| {
            Some((Port::new(held.port)?, Protocols::from_bits(held.protocols)?))
        };
        let known: Vec<_> = held.iter().filter_map(known).collect();
        out.set(held.len() - known.len() + ports.restore(known).len());
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(ports, body) }
}

/// At least one protocol, and none that we don't know.
fn set(protocols: u8) -> Result<Protocols, svckit_status> {
    Protocols::from_bits(protocols).ok_or(svckit_status::InvalidArgument)
}
