//! Kernels that read rules as text: what becomes of a packet, without a kernel.
//!
//! ```text
//! rules ─▶ Rules::pass(hook, packet) ─▶ journey: hooks in the kernel's order ─▶ every fate that is possible
//! ```
//!
//! A packet takes every way that chance may lead it: each slot of a random number, each side of a `statistic` match.
//! What the kernel remembers of clients is part of the packet, so that a second connection can be sent after a first.
//! Words that an interpreter doesn't know end the test: it has to learn them when a renderer does.

pub(crate) mod iptables;
pub(crate) mod nft;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};
use svckit::{
    forward::{NodeConfig, Packet},
    model::Protocol,
};

/// A place on a packet's way where rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
}

/// A packet on its way.
#[derive(Clone, Debug)]
pub(crate) struct Traveller<'a> {
    pub(crate) node: &'a NodeConfig,
    pub(crate) source: IpAddr,
    pub(crate) to: SocketAddr,
    pub(crate) protocol: Protocol,
    pub(crate) mark: u32,
    pub(crate) priority: u32,
    /// Whether its destination was rewritten.
    pub(crate) translated: bool,
    /// Whether its source will be.
    pub(crate) masqueraded: bool,
    /// What the kernel remembers of its sender.
    pub(crate) memory: BTreeMap<String, String>,
}

/// What a hook does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    On,
    Dropped,
    Rejected,
}

/// Rules as some back end writes them.
pub(crate) trait Rules {
    /// All that may become of a packet at a hook.
    fn pass<'a>(&self, hook: Hook, packet: Traveller<'a>) -> Vec<(Traveller<'a>, Passed)>;
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    Sent { to: SocketAddr, masqueraded: bool },
    Rejected,
    Dropped,
    Passed,
}

impl<'a> Traveller<'a> {
    /// The first packet of a connection, from somebody of whom the kernel remembers this.
    pub(crate) fn new(
        node: &'a NodeConfig,
        packet: &Packet,
        memory: BTreeMap<String, String>,
    ) -> Self {
        Self {
            node,
            source: packet.source,
            to: SocketAddr::new(packet.destination, packet.port.get()),
            protocol: packet.protocol,
            mark: 0,
            priority: 0,
            translated: false,
            masqueraded: false,
            memory,
        }
    }

    /// Whether it comes from the node itself.
    pub(crate) fn is_own(&self) -> bool {
        self.node.is_own(self.source)
    }

    fn fate(&self) -> Fate {
        match self.translated {
            true => Fate::Sent { to: self.to, masqueraded: self.masqueraded },
            false => Fate::Passed,
        }
    }
}

/// All that may become of a packet, and what the kernel remembers then.
pub(crate) fn journey<'a>(rules: &impl Rules, packet: Traveller<'a>) -> Vec<(Fate, Traveller<'a>)> {
    let mut ends = Vec::new();
    let first = if packet.is_own() { Hook::Output } else { Hook::Prerouting };
    let mut ways = vec![(packet, first)];
    while let Some((packet, hook)) = ways.pop() {
        for (packet, passed) in rules.pass(hook, packet) {
            let here = packet.node.is_own(packet.to.ip());
            let next = match hook {
                Hook::Prerouting if here => Some(Hook::Input),
                Hook::Prerouting => Some(Hook::Forward),
                Hook::Output | Hook::Forward => Some(Hook::Postrouting),
                // What the node sends to itself comes in again.
                Hook::Postrouting if here && packet.is_own() => Some(Hook::Input),
                Hook::Postrouting | Hook::Input => None,
            };
            match (passed, next) {
                (Passed::Dropped, _) => ends.push((Fate::Dropped, packet)),
                (Passed::Rejected, _) => ends.push((Fate::Rejected, packet)),
                (Passed::On, Some(next)) => ways.push((packet, next)),
                (Passed::On, None) => ends.push((packet.fate(), packet)),
            }
        }
    }
    ends
}
