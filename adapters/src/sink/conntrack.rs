//! Removes UDP flows that lead nowhere.
//!
//! A flow goes where its first datagram went for as long as somebody sends, so a client that never stops would talk
//! to a pod that is gone for ever. TCP and SCTP notice by themselves.

use std::io;
use svckit::{forward::Proxy, model::Family, render::nft::netlink::Flow};

use crate::netlink::Socket;

/// Removes the flows of one network namespace that [`Proxy::is_stale`], and tells how many they were.
///
/// Costs a list of all flows of the namespace. Flows that have ended in the meantime are no error.
///
/// # Errors
///
/// Connection tracking can't be asked.
pub fn sweep(socket: &mut Socket, proxy: &Proxy) -> io::Result<usize> {
    let mut stale = Vec::new();
    for family in [Family::V4, Family::V6] {
        let list = Flow::list(family, socket.next_sequence());
        socket.ask(&list, |answer| {
            stale.extend(Flow::of(answer).filter(|flow| proxy.is_stale(flow.to, flow.server)));
        })?;
    }
    for flow in &stale {
        let removal = flow.removal(socket.next_sequence());
        socket.ask(&removal, |_| ())?;
    }
    Ok(stale.len())
}
