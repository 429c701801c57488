//! What names answer.

use crate::{
    cluster::State,
    guard::{Buffer, Handle, Out, alone, free, give, many, one, opaque, shared, text},
    svckit_cluster, svckit_ip, svckit_status, svckit_text,
};
use std::net::IpAddr;
use svckit::dns::{Name, Outcome, Peer, Record, Snapshot, Transport};

/// Send nothing.
pub const SVCKIT_REPLY_DROP: u8 = 0;
/// Send the octets of the buffer.
pub const SVCKIT_REPLY_SEND: u8 = 1;
/// The name isn't ours. Ask somebody else and send what they say, or send the octets of the buffer, which refuse.
pub const SVCKIT_REPLY_FOREIGN: u8 = 2;
/// The buffer holds an alias that leads to somebody else's name. Resolve what `svckit_zone_target` says and call
/// `svckit_zone_complete`, or send the octets as they are.
pub const SVCKIT_REPLY_UPSTREAM: u8 = 3;

/// The octets of the largest answer of all; 512 are enough for any answer over UDP without EDNS.
pub const SVCKIT_ANSWER_MAX: usize = 65_535;

/// What names answer, in one state of a cluster. It never changes.
///
/// May move between threads; all calls but `_free` may run side by side. Take a new one when the cluster has changed.
#[derive(Debug)]
pub struct svckit_zone(Handle<Snapshot>);
opaque!(svckit_zone, Snapshot);

/// Who asks, and how.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_peer {
    /// The client's address; `::` when it is not known.
    pub address: svckit_ip,
    /// Any number, another one each time: it turns the order of addresses, so that clients spread.
    pub entropy: u64,
    /// The reply goes over TCP, and may be as long as it likes.
    pub tcp: bool,
}

/// What is to be done about a message.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct svckit_reply {
    /// Octets of the buffer to send when nobody else is asked.
    pub len: usize,
    /// With `SVCKIT_REPLY_UPSTREAM`, the type to ask for.
    pub qtype: u16,
    /// One of `SVCKIT_REPLY_*`.
    pub action: u8,
}

/// One of many messages.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_query {
    /// The message as it came.
    pub message: *const u8,
    /// Its length.
    pub message_len: usize,
    /// Who asks.
    pub peer: svckit_peer,
    /// Room for the answer; memory that has been written to before.
    pub buf: *mut u8,
    /// How much room there is.
    pub cap: usize,
    /// What is to be done; written by the call.
    pub reply: svckit_reply,
}

impl From<svckit_peer> for Peer {
    fn from(peer: svckit_peer) -> Self {
        let address = IpAddr::from(peer.address);
        Self {
            transport: if peer.tcp { Transport::Tcp } else { Transport::Udp },
            address: (!address.is_unspecified()).then_some(address),
            entropy: peer.entropy,
        }
    }
}

impl From<&Outcome> for svckit_reply {
    fn from(outcome: &Outcome) -> Self {
        let (action, qtype) = match outcome {
            Outcome::Drop => (SVCKIT_REPLY_DROP, 0),
            Outcome::Reply(_) => (SVCKIT_REPLY_SEND, 0),
            Outcome::Foreign(_) => (SVCKIT_REPLY_FOREIGN, 0),
            Outcome::NeedUpstream(upstream) => (SVCKIT_REPLY_UPSTREAM, upstream.qtype.0),
        };
        Self { len: outcome.length().unwrap_or_default(), qtype, action }
    }
}

/// The same for others that answer messages.
pub(crate) fn reply_to(outcome: &Outcome) -> svckit_reply {
    outcome.into()
}

/// Takes the zone of what the cluster holds now; costs what has changed.
///
/// On `SVCKIT_STATUS_OK` the caller owns `*zone_out` and must give it to `svckit_zone_free`; it lives on when the
/// cluster ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_cluster_zone(
    cluster: *mut svckit_cluster,
    zone_out: *mut *mut svckit_zone,
) -> svckit_status {
    let body = |state: &mut State| {
        // SAFETY: the header asks for room for one pointer.
        let out = unsafe { Out::new(zone_out) }?;
        out.set(give::<svckit_zone>(state.cluster.zone().snapshot()));
        Ok(())
    };
    // SAFETY: NULL, or alive and used by no other call, as the header asks.
    unsafe { alone(cluster, body) }
}

/// Ends a zone. NULL is fine; so is a poisoned one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_zone_free(zone: *mut svckit_zone) {
    // SAFETY: NULL, or given by a call and given up, as the header asks.
    unsafe { free(zone) }
}

/// Answers one DNS message.
///
/// Never fails for what a stranger sent: what can't be read gets FORMERR, what isn't ours REFUSED. `buf` is memory
/// that has been written to before, whatever stands in it; room for less than an answer takes cuts the answer short,
/// as DNS has it. Nothing is allocated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_zone_answer(
    zone: *const svckit_zone,
    message: *const u8,
    message_len: usize,
    peer: *const svckit_peer,
    buf: *mut u8,
    cap: usize,
    reply_out: *mut svckit_reply,
) -> svckit_status {
    let body = |zone: &Snapshot| {
        // SAFETY: the header asks for a readable message and peer, for `cap` octets that nobody else uses, and for
        // room for one reply.
        let (message, peer, buf, out) = unsafe {
            (many(message, message_len)?, one(peer)?, written(buf, cap)?, Out::new(reply_out)?)
        };
        out.set((&zone.answer(message, peer.into(), buf)).into());
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(zone, body) }
}

/// Answers `count` DNS messages: the same as so many calls of `svckit_zone_answer`, for less.
///
/// `SVCKIT_STATUS_NULL_POINTER`: one of the messages or buffers is missing; those before it have been answered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_zone_answer_many(
    zone: *const svckit_zone,
    queries: *mut svckit_query,
    count: usize,
) -> svckit_status {
    let body = |zone: &Snapshot| {
        // SAFETY: the header asks for `count` queries that nobody else uses during the call.
        let queries = unsafe { crate::guard::room(queries, count) }?;
        for place in queries {
            // SAFETY: a query of the caller's, with messages and buffers as the header asks.
            let (query, message, buf) = unsafe {
                let query = place.assume_init_mut();
                let message = many(query.message, query.message_len)?;
                let buf = written(query.buf, query.cap)?;
                (query, message, buf)
            };
            query.reply = (&zone.answer(message, query.peer.into(), buf)).into();
        }
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(zone, body) }
}

/// Writes the name that has to be resolved elsewhere before the reply to a message is whole, without a final dot.
///
/// `SVCKIT_STATUS_NOT_FOUND`: there is none, because the answer is not `SVCKIT_REPLY_UPSTREAM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_zone_target(
    zone: *const svckit_zone,
    message: *const u8,
    message_len: usize,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |zone: &Snapshot| {
        // SAFETY: the header asks for a readable message, and for room for `cap` bytes and one length.
        let (message, buffer) =
            unsafe { (many(message, message_len)?, Buffer::new(buf, cap, len_out)?) };
        match zone.answer(message, Peer::tcp(0), &mut vec![0; SVCKIT_ANSWER_MAX]) {
            Outcome::NeedUpstream(upstream) => {
                buffer.print(upstream.target.to_string().trim_end_matches('.'))
            }
            _ => Err(svckit_status::NotFound),
        }
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(zone, body) }
}

/// Answers a message whose reply was left at `SVCKIT_REPLY_UPSTREAM`, with the message that somebody else sent about
/// the target; NULL with 0 when nobody could be asked. Otherwise as `svckit_zone_answer`, with the same `peer`.
///
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: nobody has to be asked for this message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_zone_complete(
    zone: *const svckit_zone,
    message: *const u8,
    message_len: usize,
    peer: *const svckit_peer,
    upstream: *const u8,
    upstream_len: usize,
    buf: *mut u8,
    cap: usize,
    reply_out: *mut svckit_reply,
) -> svckit_status {
    let body = |zone: &Snapshot| {
        // SAFETY: the header asks for readable messages and a readable peer, for `cap` octets that nobody else uses,
        // and for room for one reply.
        let (message, peer, said, buf, out) = unsafe {
            let said = many(upstream, upstream_len)?;
            let message = many(message, message_len)?;
            (message, Peer::from(one(peer)?), said, written(buf, cap)?, Out::new(reply_out)?)
        };
        let Outcome::NeedUpstream(need) = zone.answer(message, peer, buf) else {
            return Err(svckit_status::InvalidArgument);
        };
        let said = Some(said).filter(|said| !said.is_empty());
        out.set((&zone.complete(message, peer, &need, said, buf)).into());
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(zone, body) }
}

/// Answers a message whose answer may lead through several names that are somebody else's, one after the other, as with
/// `autopath`. `replies` are what was said of those so far, in the order in which they were asked for; NULL with 0 stands
/// for nobody. While `action` is `SVCKIT_REPLY_UPSTREAM`, `target` gets the next name to ask for, without a final dot, and
/// `qtype` is the type; add what is said of it and call again. Else the target is empty. Otherwise as
/// `svckit_zone_answer`, with the same `peer` each time.
///
/// `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*target_len_out` is what the target takes; 255 bytes are always enough.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_zone_continue(
    zone: *const svckit_zone,
    message: *const u8,
    message_len: usize,
    peer: *const svckit_peer,
    replies: *const svckit_text,
    replies_len: usize,
    buf: *mut u8,
    cap: usize,
    reply_out: *mut svckit_reply,
    target: *mut u8,
    target_cap: usize,
    target_len_out: *mut usize,
) -> svckit_status {
    let body = |zone: &Snapshot| {
        // SAFETY: the header asks for readable messages and a readable peer, for `cap` and `target_cap` octets that
        // nobody else uses, and for room for one reply and one length.
        let (message, peer, replies, buf, out, target) = unsafe {
            let message = many(message, message_len)?;
            let target = Buffer::new(target, target_cap, target_len_out)?;
            let replies = many(replies, replies_len)?;
            let peer = Peer::from(one(peer)?);
            (message, peer, replies, written(buf, cap)?, Out::new(reply_out)?, target)
        };
        let mut outcome = zone.answer(message, peer, buf);
        for reply in replies {
            let Outcome::NeedUpstream(need) = &outcome else { break };
            // SAFETY: the header asks for readable replies.
            let said = unsafe { many(reply.data, reply.len) }?;
            let said = Some(said).filter(|said| !said.is_empty());
            outcome = zone.complete(message, peer, need, said, buf);
        }
        let next = match &outcome {
            Outcome::NeedUpstream(need) => need.target.to_string(),
            _ => String::new(),
        };
        target.print(next.trim_end_matches('.'))?;
        out.set((&outcome).into());
        Ok(())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(zone, body) }
}

/// Writes the records that name this server in a zone, those of the Services behind which its addresses stand, as a JSON
/// list of `[owner, type, data]`.
///
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: the zone is no name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_zone_nameservers(
    zone: *const svckit_zone,
    name: *const u8,
    name_len: usize,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |zone: &Snapshot| {
        // SAFETY: the header asks for a readable text, and for room for `cap` bytes and one length.
        let (name, buffer) = unsafe { (text(name, name_len)?, Buffer::new(buf, cap, len_out)?) };
        let name: Name = name.parse().map_err(|_| svckit_status::InvalidArgument)?;
        let line = |record: Record| {
            let rtype = record.data.rtype().to_string();
            serde_json::json!([record.owner.to_string(), rtype, record.data.to_string()])
        };
        let all: Vec<_> = zone.nameservers(&name).into_iter().map(line).collect();
        buffer.print(&serde_json::Value::from(all).to_string())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(zone, body) }
}

/// Answers a message that asks for a whole zone (AXFR, or IXFR with the serial that the client has): writes all
/// messages of the transfer, each behind its length in two octets, as they go over TCP.
///
/// `SVCKIT_STATUS_NOT_FOUND`: the zone isn't served here, or the message asks for something else.
/// `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is how long they are. It is up to the caller who may ask.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_zone_transfer(
    zone: *const svckit_zone,
    message: *const u8,
    message_len: usize,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    let body = |zone: &Snapshot| {
        // SAFETY: the header asks for a readable message, and for room for `cap` bytes and one length.
        let (message, buffer) =
            unsafe { (many(message, message_len)?, Buffer::new(buf, cap, len_out)?) };
        let transfer = zone.transfer_for(message, &mut [0; 512]);
        let mut transfer = transfer.map_err(|_| svckit_status::NotFound)?;
        let mut all = Vec::new();
        while let Some(message) = transfer.next_message(message) {
            let len = u16::try_from(message.len()).map_err(|_| svckit_status::Other)?;
            all.extend(len.to_be_bytes());
            all.extend(message);
        }
        buffer.fill(all.into_iter())
    };
    // SAFETY: NULL, or alive, as the header asks.
    unsafe { shared(zone, body) }
}

/// Memory of the caller that holds something already; no more of it than an answer can take.
///
/// # Safety
///
/// `buf` is NULL, or points to `cap` bytes that have been written to and that nobody else uses during the call.
pub(crate) unsafe fn written<'a>(buf: *mut u8, cap: usize) -> Result<&'a mut [u8], svckit_status> {
    match (buf.is_null(), cap.min(SVCKIT_ANSWER_MAX)) {
        (_, 0) => Ok(&mut []),
        (true, _) => Err(svckit_status::NullPointer),
        // SAFETY: not NULL, not larger than what the caller promises.
        (false, cap) => Ok(unsafe { std::slice::from_raw_parts_mut(buf, cap) }),
    }
}
