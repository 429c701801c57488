//! What becomes of a packet, and why.

use crate::{
    cluster::State,
    guard::{Buffer, Handle, Out, free, give, one, opaque, shared},
    svckit_cluster, svckit_endpoint, svckit_flow, svckit_status, svckit_text,
    table::protocol_of,
};
use std::net::SocketAddr;
use svckit::{
    forward::{Decision, Packet, Snat, Verdict},
    model::Port,
};

/// It is none of a proxy's business.
pub const SVCKIT_VERDICT_PASS: u8 = 0;
/// It goes to any one of the endpoints.
pub const SVCKIT_VERDICT_DNAT: u8 = 1;
/// It is refused: ICMP port unreachable.
pub const SVCKIT_VERDICT_REJECT: u8 = 2;
/// It vanishes.
pub const SVCKIT_VERDICT_DROP: u8 = 3;

/// The source stays.
pub const SVCKIT_SNAT_NEVER: u8 = 0;
/// The source becomes the node's if the packet goes back to its own sender.
pub const SVCKIT_SNAT_HAIRPIN: u8 = 1;
/// The source becomes the node's.
pub const SVCKIT_SNAT_ALWAYS: u8 = 2;

/// What becomes of one packet, and why. Nothing in it changes.
///
/// May move between threads; all calls but `_free` may run side by side.
#[derive(Debug)]
pub struct svckit_trace(Handle<Traced>);
opaque!(svckit_trace, Traced);

/// A decision whose steps are texts.
#[derive(Debug)]
pub(crate) struct Traced {
    verdict: u8,
    snat: u8,
    masquerades: bool,
    endpoints: Vec<SocketAddr>,
    service: Option<(String, String, String)>,
    steps: Vec<String>,
}

/// What becomes of a packet. The texts live as long as the `svckit_trace`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_decision {
    /// The namespace of the Service it was for; empty when it was for none.
    pub service_namespace: svckit_text,
    /// The Service's name.
    pub service_name: svckit_text,
    /// The port's name; empty for a Service's only port.
    pub port_name: svckit_text,
    /// How many endpoints it may go to.
    pub endpoints: usize,
    /// How many steps led there.
    pub steps: usize,
    /// One of `SVCKIT_VERDICT_*`.
    pub verdict: u8,
    /// One of `SVCKIT_SNAT_*`.
    pub snat: u8,
    /// Whether the source is rewritten wherever it goes.
    pub masquerades: bool,
}

impl Traced {
    fn new(packet: &Packet, decision: &Decision) -> Self {
        let service = decision.service.as_ref().map(|key| {
            let name = &key.name;
            let service = &name.service;
            (service.namespace.to_string(), service.name.to_string(), name.port.to_string())
        });
        Self {
            verdict: match decision.verdict {
                Verdict::Pass => SVCKIT_VERDICT_PASS,
                Verdict::Dnat(_) => SVCKIT_VERDICT_DNAT,
                Verdict::Reject => SVCKIT_VERDICT_REJECT,
                Verdict::Drop => SVCKIT_VERDICT_DROP,
            },
            snat: match decision.snat {
                Snat::Never => SVCKIT_SNAT_NEVER,
                Snat::Hairpin => SVCKIT_SNAT_HAIRPIN,
                Snat::Always => SVCKIT_SNAT_ALWAYS,
            },
            masquerades: decision.masquerades(packet),
            endpoints: decision.verdict.endpoints().to_vec(),
            service,
            steps: decision.steps.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What the node does with the first packet of a connection, and why. The port of who connects doesn't matter.
///
/// On `SVCKIT_STATUS_OK` the caller owns `*trace_out` and must give it to `svckit_trace_free`.
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: port 0, or no protocol.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_trace(
    cluster: *const svckit_cluster,
    flow: *const svckit_flow,
    trace_out: *mut *mut svckit_trace,
) -> svckit_status {
    let body = |state: &State| {
        // SAFETY: the header asks for a readable flow and for room for one pointer.
        let (flow, out) = unsafe { (one(flow)?, Out::new(trace_out)?) };
        let port = Port::new(flow.port).zip(protocol_of(flow.protocol));
        let (port, protocol) = port.ok_or(svckit_status::InvalidArgument)?;
        let (source, destination) = (flow.source.into(), flow.address.into());
        let packet = Packet { source, destination, protocol, port };
        let decision = state.cluster.proxy().decide(&packet);
        out.set(give::<svckit_trace>(Traced::new(&packet, &decision)));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no call that changes it, as the header asks.
    unsafe { shared(cluster, body) }
}

/// Ends a trace. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_trace_free(trace: *mut svckit_trace) {
    // SAFETY: NULL, or given by a call and given up, as the header asks.
    unsafe { free(trace) }
}

/// What becomes of the packet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_trace_decision(
    trace: *const svckit_trace,
    decision_out: *mut svckit_decision,
) -> svckit_status {
    let body = |trace: &Traced| {
        // SAFETY: the header asks for room for one decision.
        let out = unsafe { Out::new(decision_out) }?;
        let (namespace, name, port) = match &trace.service {
            Some((namespace, name, port)) => (&**namespace, &**name, &**port),
            None => ("", "", ""),
        };
        out.set(svckit_decision {
            service_namespace: namespace.into(),
            service_name: name.into(),
            port_name: port.into(),
            endpoints: trace.endpoints.len(),
            steps: trace.steps.len(),
            verdict: trace.verdict,
            snat: trace.snat,
            masquerades: trace.masquerades,
        });
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(trace, body) }
}

/// Writes where it may go.
///
/// `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how many endpoints there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_trace_endpoints(
    trace: *const svckit_trace,
    buf: *mut svckit_endpoint,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |trace: &Traced| {
        // SAFETY: the header asks for room for `cap` endpoints and one length.
        let buffer = unsafe { Buffer::new(buf, cap, len_out) }?;
        buffer.fill(trace.endpoints.iter().copied().map(svckit_endpoint::from))
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(trace, body) }
}

/// One of the steps that led there, from 0, for people: `cluster IP of shop/cart:http`.
///
/// `SVCKIT_STATUS_OUT_OF_RANGE`: there are not so many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_trace_step(
    trace: *const svckit_trace,
    number: usize,
    step_out: *mut svckit_text,
) -> svckit_status {
    let body = |trace: &Traced| {
        // SAFETY: the header asks for room for one text.
        let out = unsafe { Out::new(step_out) }?;
        out.set(trace.steps.get(number).ok_or(svckit_status::OutOfRange)?.as_str().into());
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(trace, body) }
}
